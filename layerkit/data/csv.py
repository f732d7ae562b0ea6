"""Tables in CSV files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from layerkit import NULLS, CsvSource, Dialect, TableDataset

Character = Annotated[str, Field(min_length=1, max_length=1)]


class CSV(TableDataset):
    """A table in a CSV file, read by Python's own module; how it is written is guessed where there is no doubt.

    References
    ----------
    Y. Shafranovich, "Common format and MIME type for comma-separated values (CSV) files", RFC 4180, 2005.
    """

    type: Literal["csv"] = "csv"
    separator: Character | None = None
    """Between two fields; null finds out whether comma, semicolon, tabulator or bar."""
    decimal: Literal[".", ","] | None = None
    """The mark before the fraction of a number; null finds out."""
    quote: Character | None = '"'
    """Around a field in which separators are no separators; null if no character is."""
    encoding: str | None = None
    """Of the text, such as cp1252; null for UTF-8, or what a byte-order mark says."""
    header: bool | None = None
    """Whether the first row has the names of the columns, which else are column_1, column_2, ...; null finds out."""
    comment: Character | None = None
    """What begins a line that is no row; null if there are none."""
    nulls: Annotated[tuple[str, ...], Field(strict=False)] = NULLS
    """What stands for no value."""

    def source(self, paths: Sequence[Path]) -> CsvSource:
        dialect = Dialect(self.separator, self.decimal, self.quote, self.comment, self.header)
        return CsvSource(paths, dialect, self.encoding, self.nulls)
