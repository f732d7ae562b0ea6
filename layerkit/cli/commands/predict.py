"""``layerkit predict``: a trained model, applied to new rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from layerkit.cli.counting import counted
from layerkit.cli.data_file import array_at, data_options, is_array, model_at, table_at
from layerkit.cli.predictions_file import FORMATS, Predicted, form_of, write_predictions
from layerkit.errors import InputError
from layerkit.network.rows import EncodedRows, array_rows, encoded_rows
from layerkit.network.sequential import Sequential

ROWS = 4096
"""Samples of an array that are taken at a time."""


@click.command()
@click.argument("model_path", metavar="MODEL", type=click.Path(path_type=Path))
@click.argument("data_path", metavar="DATA", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), help="The file to write, whole or not at all; standard output by default."
)
@click.option("--format", "form", type=click.Choice(FORMATS), help="What to write; by the name of the file, or csv.")
@click.option("--probabilities", is_flag=True, help="Write the probability of each class too.")
@click.option("--keep", metavar="COLUMN", multiple=True, help="A column of DATA to pass through. Repeatable.")
@data_options
def command(
    model_path: Path,
    data_path: Path,
    out: Path | None,
    form: str | None,
    probabilities: bool,
    keep: tuple[str, ...],
    writing: dict[str, Any],
) -> None:
    """Predict from the rows of DATA with the model in MODEL.

    MODEL is a model file or a run directory. DATA is a CSV, Parquet, npy or npz file, or "-" for CSV on standard input; the
    columns of a table are found by their names. CSV is read as the file was that the model was trained on,
    unless an option says otherwise.
    """
    model = model_at(model_path)
    form = form_of(form, out)
    with _rows(model, data_path, keep, writing) as rows, counted("samples", shown=out is not None) as count:
        write_predictions(_predicted(model, rows, probabilities, count), form, out)


@contextmanager
def _rows(model: Sequential, path: Path, keep: tuple[str, ...], writing: dict[str, Any]) -> Iterator[Iterator[EncodedRows]]:
    if is_array(path):
        if keep:
            raise InputError("an array has no columns to keep; leave --keep out")
        yield array_rows(array_at(path), ROWS)
        return
    with table_at(path, writing, model.encoding.writing if model.encoding is not None else None) as source:
        yield encoded_rows(model, source, keep)


def _predicted(
    model: Sequential, rows: Iterator[EncodedRows], probabilities: bool, count: Callable[[int], None]
) -> Iterator[Predicted]:
    for some in rows:
        predictions = model.predict(some.inputs)
        yield Predicted(model.encoding, predictions, model.decide(predictions), some.kept, probabilities)
        count(len(predictions))
