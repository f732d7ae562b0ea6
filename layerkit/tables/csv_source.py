"""CSV files as the source of a table, read block by block and never whole."""

from __future__ import annotations

import csv
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np

from layerkit.diagnostics.diagnostic import shortened
from layerkit.errors import DataError
from layerkit.files import reason
from layerkit.tables.dialect import SAMPLE, Dialect, Known, known, quoting, with_said
from layerkit.tables.table import Kind, Seen, Table, block
from layerkit.tables.texts import Looking, Spelling, read

ROWS = 4096
"""Rows that are read at a time."""
LONGEST_LINE = 2**20
"""Most characters of a line."""
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
"""The first line with which Excel says what separates the fields."""


class CsvSource:
    """The rows of CSV files, one after the other; all have the columns of the first.

    Parameters
    ----------
    paths
        The files.
    dialect
        How they are written.
    encoding
        Of their text; None for UTF-8, or what a byte-order mark says.
    nulls
        What stands for no value.
    what
        What messages call the first file; None for its path.

    Raises
    ------
    DataError
        If a file cannot be read, holds no rows, or columns without names of their own.
    """

    def __init__(
        self, paths: Sequence[Path], dialect: Dialect, encoding: str | None, nulls: Sequence[str], what: str | None = None
    ) -> None:
        first = _CsvFile(paths[0], dialect, encoding, what)
        self.what = first.what
        same = with_said(dialect, first.dialect)
        self._files = [first, *(_CsvFile(path, same, encoding) for path in paths[1:])]
        self.dialect = first.dialect
        self._spelling = Spelling(first.dialect.decimal, frozenset(nulls))
        for other in self._files[1:]:
            if sorted(other.names) != sorted(first.names):
                odd = sorted(set(other.names) ^ set(first.names))
                raise DataError(f'{other.what}: its columns are not those of {first.what}; they differ in "{odd[0]}"')

    def names(self) -> Sequence[str]:
        """Return the names of the columns."""
        return self._files[0].names

    def look(self, names: Sequence[str], kinds: Mapping[str, Kind]) -> Mapping[str, Seen]:
        """Return what some columns hold."""
        looking = {name: Looking(self._spelling, kinds.get(name)) for name in names}
        count = 0
        for file in self._files:
            for rows, lines in file.blocks():
                count += len(rows)
                for name, texts in file.columns(rows):
                    if name in looking:
                        looking[name].look(texts, lines, file.what)
        if not count:
            raise DataError(f"{self.what}: there are no rows{' below the header' if self.dialect.header else ''}")
        return {name: one.seen(self.what, name) for name, one in looking.items()}

    def blocks(self, kinds: Mapping[str, Kind], keep: Sequence[str] = ()) -> Iterator[Table]:
        """Yield the rows in their order."""
        for file in self._files:
            for rows, lines in file.blocks():
                columns, kept = {}, {}
                for name, texts in file.columns(rows):
                    if name in keep:
                        kept[name] = texts
                    if name not in kinds:
                        continue
                    columns[name], wrong = read(texts, kinds[name], self._spelling)
                    if wrong is not None:
                        expected = "a number" if kinds[name] == "number" else "true or false"
                        shown = shortened(texts[wrong], 40)
                        raise DataError(
                            f'{file.what}, line {lines[wrong]}, column "{name}": expected {expected}, received "{shown}"'
                        )
                yield block(file.what, "line", columns, lines, kept)


class _CsvFile:
    """One file: its columns, and its rows as texts."""

    def __init__(self, path: Path, dialect: Dialect, encoding: str | None, what: str | None = None) -> None:
        self.path = path
        self.what = what or str(path)
        with self._told():
            self._state = _state(path)
            with path.open("rb") as stream:
                start = stream.read(4)
            marked = next((name for mark, name in _MARKS.items() if start.startswith(mark)), None)
            is_utf8 = encoding is None or encoding.lower().replace("_", "-") in ("utf-8", "utf8")
            self._encoding = marked or "utf-8" if encoding is None or (is_utf8 and marked == "utf-8-sig") else encoding
            with self._opened() as file:
                sample = file.read(SAMPLE)
        if not sample.strip():
            raise DataError(f"{self.what}: the file is empty")
        if "\0" in sample:
            raise DataError(
                f"{self.what}, line {sample[: sample.index(chr(0))].count(chr(10)) + 1}: there is a NUL byte; this is no CSV"
            )
        said = _SEPARATOR_LINE.match(sample)
        self._skipped = 0 if said is None else 1
        if said is not None:
            sample = sample[said.end() :]
            dialect = replace(dialect, separator=dialect.separator or said[1])
        self.dialect = known(dialect, sample, self.what, whole=len(sample) < SAMPLE)
        self.names: list[str] = []
        first, line = next(self._rows(self.dialect), ([], 1))
        self.names = [f"column_{number}" for number in range(1, len(first) + 1)]
        if self.dialect.header:
            self.names = [name or generic for name, generic in zip(first, self.names, strict=True)]
            for index, name in enumerate(self.names):
                if name in self.names[:index]:
                    raise DataError(f'{self.what}, line {line}: two columns are called "{name}"; give one of them another name')

    def blocks(self) -> Iterator[tuple[list[list[str]], np.ndarray[tuple[int], np.dtype[np.int64]]]]:
        """Yield some rows at a time, and the lines that they begin on."""
        self._require_unchanged()
        rows = self._rows(self.dialect)
        if self.dialect.header:
            next(rows, None)
        while True:
            some = list(islice(rows, ROWS))
            if not some:
                break
            yield [row for row, _ in some], np.array([line for _, line in some])
        self._require_unchanged()

    def _require_unchanged(self) -> None:
        with self._told():
            if _state(self.path) != self._state:
                raise DataError(f"{self.what}: the file changed while it was used; begin again")

    def columns(self, rows: list[list[str]]) -> Iterator[tuple[str, Sequence[str]]]:
        """Yield the names of the columns, and what the rows have there."""
        return zip(self.names, zip(*rows, strict=True), strict=True)

    def _rows(self, dialect: Known) -> Iterator[tuple[list[str], int]]:
        """Yield the fields of each row, and the line that it begins on."""
        with self._told(), self._opened() as file:
            lines = _Lines(file, dialect.comment, self.what, self._skipped)
            reader = csv.reader(
                lines, delimiter=dialect.separator, quotechar=dialect.quote, quoting=quoting(dialect.quote), strict=True
            )
            while True:
                lines.begin = 0
                try:
                    row = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    raise DataError(f"{self.what}, line {lines.begin or lines.line}: {_meaning(str(error), dialect)}") from None
                if row:
                    if self.names and len(row) != len(self.names):
                        raise DataError(self._ragged(row, lines.begin))
                    yield row, lines.begin

    def _ragged(self, row: list[str], line: int) -> str:
        wanted = f"{len(self.names)} fields, as the {'header' if self.dialect.header else 'first row'} has"
        return (
            f"{self.what}, line {line}: expected {wanted}, received {len(row)}; mend the row, or say another separator or quote"
        )

    @contextmanager
    def _opened(self) -> Iterator[IO[str]]:
        try:
            file = self.path.open(encoding=self._encoding, newline="")
        except (LookupError, ValueError):
            raise DataError(f"{self.what}: no encoding is called {self._encoding!r}; others are utf-8, cp1252, latin-1") from None
        with file:
            try:
                yield file
            except UnicodeError:
                raise DataError(self._undecoded()) from None

    def _undecoded(self) -> str:
        advice = 'save the file as UTF-8, or say its encoding, such as "encoding": "cp1252"'
        with self.path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                try:
                    line.decode(self._encoding)
                except UnicodeDecodeError as error:
                    return f"{self.what}, line {number}: the byte 0x{line[error.start]:02x} is not {self._encoding}; {advice}"
        return f"{self.what}: the text is not {self._encoding}; {advice}"

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DataError(f"{self.what}: cannot read the file: {reason(error)}") from None


class _Lines:
    """The lines of a file but for the first ``skipped`` and comments, counted.

    ``begin`` is the first that was handed out since it was set to 0.
    """

    def __init__(self, file: IO[str], comment: str | None, what: str, skipped: int) -> None:
        self._file = file
        self._comment = comment
        self._what = what
        self._skipped = skipped
        self.line = 0
        self.begin = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(LONGEST_LINE):
            self.line += 1
            if len(line) == LONGEST_LINE and not line.endswith("\n"):
                raise DataError(
                    f"{self._what}, line {self.line}: the line has more than {LONGEST_LINE} characters; this is no CSV"
                )
            if "\0" in line:
                raise DataError(f"{self._what}, line {self.line}: there is a NUL byte; this is no CSV")
            if self.line <= self._skipped:
                continue
            if self._comment is not None and line.startswith(self._comment):
                continue
            self.begin = self.begin or self.line
            yield line


def _state(path: Path) -> tuple[int, int]:
    """Return what tells whether a file is still the same.

    Raises
    ------
    OSError
        If it is not there, or no regular file: a pipe can be read once, and may never end.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(f"this is {'a folder' if stat.S_ISDIR(found.st_mode) else 'no regular file'}")
    if not os.access(path, os.R_OK):
        raise PermissionError(13, "Permission denied")
    return found.st_mtime_ns, found.st_size


def _meaning(message: str, dialect: Known) -> str:
    """Return what an error of the module `csv` is about."""
    if "field larger" in message:
        return f"a field has more than {csv.field_size_limit()} characters; perhaps the quote that opens it is never closed"
    if "unexpected end of data" in message:
        return (
            f'the quote {dialect.quote} opens a field and nothing closes it; close it, or write "quote": null if it is no quote'
        )
    if "expected after" in message:
        return f"something follows the quote {dialect.quote} that closes a field; double a quote within a field"
    return message
