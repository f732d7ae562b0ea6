"""Predictions as tables: CSV, JSON lines, Parquet or npy, to a file or to standard output, block by block."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import numpy as np

from layerkit.errors import InputError, WorkError
from layerkit.files import reason, remedy, whole_file
from layerkit.tables.encoding import Encoding
from layerkit.typing import Array

FORMATS = ("csv", "jsonl", "parquet", "npy")
_SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet", ".npy": "npy"}


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a network predicts of some rows.

    Attributes
    ----------
    encoding
        How predictions become labels; None where there is none.
    predictions
        What the loss predicts, such as probabilities (N, K).
    decisions
        What it decides from that, such as classes (N,).
    kept
        Columns that pass through, as texts.
    with_probabilities
        Whether the predictions behind the decisions are asked for too.
    """

    encoding: Encoding | None
    predictions: Array
    decisions: Array
    kept: dict[str, list[str]]
    with_probabilities: bool

    @property
    def classes(self) -> bool:
        """Whether classes are decided."""
        return self.decisions.ndim == 1 and self.decisions.dtype.kind in "iu" and self.predictions.ndim == 2

    def columns(self) -> dict[str, list[Any]]:
        """Return the columns to write, by their names.

        Raises
        ------
        InputError
            If probabilities are asked for, and there are none; or a column that is kept has the name of another.
        """
        found: dict[str, list[Any]] = dict(self.kept)
        for name, values in self._own():
            if name in found:
                raise InputError(f"--keep {name}: the predictions have a column of that name; rename the one in the data")
            found[name] = values
        return found

    def _own(self) -> Iterator[tuple[str, list[Any]]]:
        labels = self.encoding.labels if self.encoding is not None else ()
        if self.classes:
            label = self.encoding.label if labels and self.encoding is not None else int
            yield "prediction", [label(number) for number in self.decisions.tolist()]
            if self.with_probabilities:
                names = labels or tuple(map(str, range(self.predictions.shape[1])))
                for number, name in enumerate(names):
                    yield f"probability_{name}", self.predictions[:, number].tolist()
            return
        if self.with_probabilities:
            raise InputError("this model predicts numbers, which have no probabilities; leave --probabilities out")
        flat = self.decisions.reshape(len(self.decisions), -1)
        targets = self.encoding.targets if self.encoding is not None else ()
        for number in range(flat.shape[1]):
            several = targets[number] if flat.shape[1] == len(targets) else str(number)
            yield "prediction" if flat.shape[1] == 1 else f"prediction_{several}", flat[:, number].tolist()


def form_of(form: str | None, out: Path | None) -> str:
    """Return the format to write: the one that is asked for, else by the name of the file, else CSV.

    Raises
    ------
    InputError
        If the name says nothing, or the format is not for a terminal.
    """
    if form is None and out is not None:
        form = _SUFFIXES.get(out.suffix.lower())
        if form is None:
            raise InputError(f"{out}: what is to be written? End the name with {', '.join(_SUFFIXES)}, or say --format")
    form = form or "csv"
    if form in ("parquet", "npy") and out is None:
        raise InputError(f"{form} is not for standard output; name a file with --out")
    return form


def write_predictions(blocks: Iterable[Predicted], form: str, out: Path | None) -> None:
    """Write predictions.

    Raises
    ------
    WorkError
        If the file cannot be written.
    """
    if out is None:
        for text in _texts(blocks, form):
            sys.stdout.write(text)
        return
    with _told(out), whole_file(out) as file:
        if form in ("csv", "jsonl"):
            for text in _texts(blocks, form):
                file.write(text.encode())
        elif form == "npy":
            _write_npy(blocks, file)
        else:
            _write_parquet(blocks, file)


def _texts(blocks: Iterable[Predicted], form: str) -> Iterator[str]:
    for number, block in enumerate(blocks):
        columns = block.columns()
        lines = io.StringIO()
        rows = zip(*columns.values(), strict=True)
        if form == "csv":
            writer = csv.writer(lines, lineterminator="\n")
            writer.writerows(chain([] if number else [columns], rows))
        else:
            lines.writelines(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n" for row in rows)
        yield lines.getvalue()


def _write_npy(blocks: Iterable[Predicted], file: BinaryIO) -> None:
    """Write one array; its header has room for any number of rows, and is written again when that is known."""
    count, header = 0, None
    for block in blocks:
        array = block.predictions if block.with_probabilities else block.decisions
        if header is None:
            header = np.lib.format.header_data_from_array_1_0(np.ascontiguousarray(array))
            np.lib.format.write_array_header_1_0(file, header)
        file.write(np.ascontiguousarray(array).tobytes())
        count += len(array)
    assert header is not None
    file.seek(0)
    np.lib.format.write_array_header_1_0(file, header | {"shape": (count, *header["shape"][1:])})


def _write_parquet(blocks: Iterable[Predicted], file: BinaryIO) -> None:
    """Write one table by way of temporary files, of which polars makes one, some rows at a time."""
    try:
        import polars
    except ImportError:
        raise InputError('Parquet is written by polars, which is not installed; run pip install "layerkit[data]"') from None
    with TemporaryDirectory(prefix="layerkit-") as folder:
        for number, block in enumerate(blocks):
            polars.DataFrame(block.columns()).write_ipc(Path(folder) / f"{number:09}.arrow")
        whole = Path(folder) / "whole.parquet"
        polars.scan_ipc(Path(folder) / "*.arrow").sink_parquet(whole)
        with whole.open("rb") as written:
            shutil.copyfileobj(written, file)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WorkError(f"{path}: cannot write the file: {reason(error)}{remedy(error)}") from None
