"""``layerkit tensorboard-export``: events of a run that nobody watched."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click
from pydantic import TypeAdapter, ValidationError

from layerkit import EpochRecord
from layerkit_tensorboard.events import FOLDER, PREFIX, EventFile


@click.command("tensorboard-export")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
def command(run: Path) -> None:
    """Write the figures of each epoch in the run directory RUN as events for TensorBoard, into its folder "tensorboard"."""
    records = _history(run)
    folder = run / FOLDER
    if any(folder.glob(f"{PREFIX}*")):
        raise click.UsageError(f"{folder} has events already; nothing was written")
    with closing(EventFile(folder)) as events:
        for record in records:
            events.add_record(record)
    click.echo(f"{len(records)} epochs: tensorboard --logdir {folder}")


def _history(run: Path) -> list[EpochRecord]:
    """Return the records of a run.

    Raises
    ------
    click.UsageError
        If ``run`` is no run directory, or its history is damaged.
    """
    path = run / "history.jsonl"
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise click.UsageError(f"{run} is no run directory: {path.name}: {error.strerror}") from None
    reader = TypeAdapter(EpochRecord)
    records = []
    for number, line in enumerate(lines, 1):
        try:
            record = reader.validate_json(line)
        except ValidationError:
            record = None
        if record is None or not 0 <= record.epoch < 2**63:  # what a step of an event can hold
            raise click.UsageError(f"{path}, line {number}: this is no record of an epoch")
        records.append(record)
    return records
