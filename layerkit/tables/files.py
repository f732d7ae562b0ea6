"""Which source a file is, by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from layerkit.tables.csv_source import CsvSource
from layerkit.tables.frame_source import Frame, FrameSource
from layerkit.tables.parquet_source import parquet_source
from layerkit.tables.table import Source
from layerkit.tables.writing import Writing


def file_source(path: Path, writing: Writing, what: str | None = None) -> Source:
    """Return the rows of a file, which messages call ``what``: of a Parquet file where its name ends so, else of CSV.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    if path.suffix.lower() in (".parquet", ".pq"):
        return parquet_source([path])
    return CsvSource([path], writing.dialect, writing.encoding, writing.nulls, what)


def frame_source(frame: Any, what: str) -> FrameSource:
    """Return the rows of a data frame of pandas or polars.

    Raises
    ------
    DataError
        If two columns have one name.
    """
    names = [str(name) for name in frame.columns]
    columns = {str(name): frame[name].to_list() for name in frame.columns} if len(set(names)) == len(names) else {}
    return FrameSource(what, names, lambda wanted: iter([Frame(what, {name: columns[name] for name in wanted})]))
