"""Rows of a table, or of an array in a file, as a network takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from layerkit.data.file_array import FileArray
from layerkit.data.gathering import Gathering
from layerkit.data.samples import Batch, Samples
from layerkit.errors import DataError
from layerkit.network.sequential import Sequential
from layerkit.tables.encoding import Encoding
from layerkit.tables.table import Kind, Source, Table, require_columns
from layerkit.typing import Array


class EncodedRows(NamedTuple):
    """Some rows.

    Attributes
    ----------
    inputs
        Shape (N, \\*input_shape).
    targets
        N of them; None where they were not asked for.
    kept
        What else was asked for, as it is written, by the names of the columns.
    """

    inputs: Array
    targets: Array | None
    kept: dict[str, list[str]]


def encoded_rows(
    model: Sequential, source: Source, keep: Sequence[str] = (), *, with_targets: bool = False
) -> Iterator[EncodedRows]:
    """Yield the rows of a source as the encoding of ``model`` has them, columns found by their names.

    Raises
    ------
    DataError
        If a column is missing or holds something else, or the network was not trained on a table.
    """
    encoding = model.encoding
    if encoding is None:
        raise DataError(
            f"{source.what}: this model was not trained on a table, so it knows no columns; hand it an array, in a file .npy"
        )
    require_columns(source, encoding.kinds, "the feature")
    require_columns(source, keep, "--keep")
    if with_targets:
        require_columns(source, encoding.targets, "the target")
    kinds: dict[str, Kind] = {**(encoding.target_kinds if with_targets else {}), **encoding.kinds}
    count = 0
    for table in source.blocks(kinds, keep):
        count += len(table)
        targets = encoding.target_values(table) if with_targets else None
        kept = {name: list(table.kept[name]) for name in keep}
        yield EncodedRows(_inputs(model, encoding, table), targets, kept)
    if not count:
        raise DataError(f"{source.what}: there are no rows")


def encoded_samples(model: Sequential, source: Source) -> Samples:
    """Return all rows of a source with their targets, in memory or, where they are many, in temporary files.

    Raises
    ------
    DataError
        As for `encoded_rows`.
    WorkError
        If a temporary file cannot be written.
    """
    gathering = Gathering()
    for inputs, targets, _ in encoded_rows(model, source, with_targets=True):
        assert targets is not None
        gathering.add(Batch(inputs, targets))
    return gathering.samples()


def _inputs(model: Sequential, encoding: Encoding, table: Table) -> Array:
    inputs = encoding.inputs(table)
    if inputs.shape[1:] != model.input_shape:
        raise DataError(f"the encoding of this model gives {inputs.shape[1]} inputs, and it takes {model.input_shape}")
    return inputs


def array_rows(array: Array | FileArray, rows: int) -> Iterator[EncodedRows]:
    """Yield the samples of an array, ``rows`` at a time."""
    for start in range(0, len(array), rows):
        some = slice(start, min(start + rows, len(array)))
        yield EncodedRows(array[some] if isinstance(array, np.ndarray) else array.take(some), None, {})
