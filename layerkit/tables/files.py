"""Which source a file is, by its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from layerkit.errors import DataError
from layerkit.tables.csv_source import CsvSource
from layerkit.tables.frame_source import Frame, FrameSource
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


def parquet_source(paths: Sequence[Path]) -> FrameSource:
    """Return the rows of Parquet files, which polars reads.

    Raises
    ------
    DataError
        If polars is not installed, or a file cannot be read.
    """
    try:
        import polars
    except ImportError:
        raise DataError('Parquet is read by polars, which is not installed; run pip install "layerkit[data]"') from None

    def opened(path: Path) -> Any:
        if not path.is_file():
            raise DataError(f"{path}: cannot read the file: {'this is a folder' if path.is_dir() else 'there is no such file'}")
        try:
            return polars.read_parquet(path, glob=False)
        except Exception as error:
            raise DataError(f"{path}: this is no intact Parquet file: {str(error).splitlines()[0]}") from None

    first = opened(paths[0])

    def frames() -> Iterator[Frame]:
        for path in paths:
            frame = first if path == paths[0] else opened(path)
            if sorted(frame.columns) != sorted(first.columns):
                odd = sorted(set(frame.columns) ^ set(first.columns))
                raise DataError(f'{path}: its columns are not those of {paths[0]}; they differ in "{odd[0]}"')
            yield Frame(str(path), {name: frame[name].to_list() for name in frame.columns})

    return FrameSource(str(paths[0]), first.columns, frames)


def frame_source(frame: Any, what: str) -> FrameSource:
    """Return the rows of a data frame of pandas or polars.

    Raises
    ------
    DataError
        If two columns have one name.
    """
    names = [str(name) for name in frame.columns]
    columns = {str(name): frame[name].to_list() for name in frame.columns} if len(set(names)) == len(names) else {}
    return FrameSource(what, names, lambda: iter([Frame(what, columns)]))
