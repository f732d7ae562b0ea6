"""Parquet files as the source of a table, read some rows at a time and never whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from layerkit.errors import DataError
from layerkit.tables.frame_source import Frame, FrameSource

ROWS = 2**14
"""Rows that are read at a time."""
T = TypeVar("T")


def parquet_source(paths: Sequence[Path]) -> FrameSource:
    """Return the rows of Parquet files, which polars reads; all have the columns of the first.

    Raises
    ------
    DataError
        If polars is not installed, or a file cannot be read.
    """
    files = [_ParquetFile(path) for path in paths]
    first = files[0]
    for file in files:
        if sorted(file.names) != sorted(first.names):
            odd = sorted(set(file.names) ^ set(first.names))
            raise DataError(f'{file.path}: its columns are not those of {first.path}; they differ in "{odd[0]}"')

    def frames(names: Sequence[str]) -> Iterator[Frame]:
        for file in files:
            yield from file.frames(names)

    return FrameSource(str(first.path), first.names, frames)


class _ParquetFile:
    """One file: its columns, and its rows."""

    def __init__(self, path: Path) -> None:
        try:
            import polars
        except ImportError:
            raise DataError('Parquet is read by polars, which is not installed; run pip install "layerkit[data]"') from None
        self.path = path
        if not path.is_file():
            raise DataError(f"{path}: cannot read the file: {'this is a folder' if path.is_dir() else 'there is no such file'}")
        self._state = self._present_state()
        self._rows: Any = self._intact(lambda: polars.scan_parquet(path, glob=False))
        self.names: list[str] = self._intact(lambda: self._rows.collect_schema().names())
        self._count: int = self._intact(lambda: self._rows.select(polars.len()).collect().item())

    def frames(self, names: Sequence[str]) -> Iterator[Frame]:
        """Yield the rows in some columns."""
        for start in range(0, self._count, ROWS):
            if self._present_state() != self._state:
                raise DataError(f"{self.path}: the file changed while it was used; begin again")
            yield self._intact(lambda start=start: self._frame(names, start))  # type: ignore[misc]

    def _frame(self, names: Sequence[str], start: int) -> Frame:
        frame = self._rows.select(names).slice(start, ROWS).collect()
        return Frame(str(self.path), {name: frame[name].to_list() for name in names}, start)

    def _intact(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except Exception as error:  # of polars, which has many
            raise DataError(f"{self.path}: this is no intact Parquet file: {str(error).splitlines()[0]}") from None

    def _present_state(self) -> tuple[int, int]:
        try:
            found = self.path.stat()
        except OSError as error:
            raise DataError(f"{self.path}: cannot read the file: {error.strerror}") from None
        return found.st_mtime_ns, found.st_size
