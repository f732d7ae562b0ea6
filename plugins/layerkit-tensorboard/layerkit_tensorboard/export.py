"""``layerkit tensorboard-export``: events of a run that nobody watched."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import click
from pydantic import BaseModel, Field, ValidationError

from layerkit_tensorboard.events import FOLDER, PREFIX, EventFile


class _Epoch(BaseModel):
    """What an event needs to know of one line of a history."""

    epoch: Annotated[int, Field(ge=0, lt=2**63)]
    loss: float


@click.command("tensorboard-export")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
def command(run: Path) -> None:
    """Write the loss of each epoch in the run directory RUN as events for TensorBoard, into its folder "tensorboard"."""
    epochs = _history(run)
    folder = run / FOLDER
    if any(folder.glob(f"{PREFIX}*")):
        raise click.UsageError(f"{folder} has events already; nothing was written")
    with closing(EventFile(folder)) as events:
        for item in epochs:
            events.add_scalar("loss", item.loss, item.epoch)
    click.echo(f"{len(epochs)} epochs: tensorboard --logdir {folder}")


def _history(run: Path) -> list[_Epoch]:
    """Return the epochs of a run.

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
    epochs = []
    for number, line in enumerate(lines, 1):
        try:
            epochs.append(_Epoch.model_validate_json(line))
        except ValidationError:
            raise click.UsageError(f"{path}, line {number}: this is no record of an epoch") from None
    return epochs
