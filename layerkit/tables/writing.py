"""How a CSV file is written, as far as somebody says it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from layerkit.description import Description
from layerkit.tables.dialect import Dialect
from layerkit.tables.texts import NULLS

Character = Annotated[str, Field(min_length=1, max_length=1, pattern=r"^[^\r\n]$")]


class Writing(Description):
    """How a CSV file is written; what is null is found out from the file, where there is no doubt."""

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

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        marks = [mark for mark in (self.separator, self.quote, self.comment) if mark is not None]
        if len(set(marks)) < len(marks):
            raise ValueError("has one character for two things; separator, quote and comment must differ")
        return self

    @property
    def dialect(self) -> Dialect:
        """What the reader is told."""
        return Dialect(self.separator, self.decimal, self.quote, self.comment, self.header)
