"""How a CSV file is written: said, or guessed from its first lines where there is no doubt."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

from layerkit.errors import DataError

SEPARATORS = (",", ";", "\t", "|")
SAMPLE = 2**16
"""Characters that are looked at."""
_ROWS = 100
_NUMBER = re.compile(r"\s*[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_POINT = re.compile(r"\s*[+-]?\d*\.\d+([eE][+-]?\d+)?\s*", re.ASCII)
_COMMA = re.compile(r"\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written; None is to be guessed.

    Attributes
    ----------
    separator, quote, comment
        Between fields; around a field that holds one; at the start of a line that is no row.
    decimal
        The mark before the fraction of a number.
    header
        Whether the first row has the names of the columns.
    """

    separator: str | None = None
    decimal: str | None = None
    quote: str | None = '"'
    comment: str | None = None
    header: bool | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A dialect of which nothing is to be guessed."""

    separator: str
    decimal: str
    quote: str | None
    comment: str | None
    header: bool


def rows_of(lines: list[str], separator: str, quote: str | None) -> list[list[str]]:
    """Return the fields of some lines, as far as they can be read."""
    found: list[list[str]] = []
    try:
        for row in csv.reader(lines, delimiter=separator, quotechar=quote, quoting=quoting(quote)):
            found += [row] if row else []
    except csv.Error:
        pass
    return found


def quoting(quote: str | None) -> Literal[0, 3]:
    """Return how the module `csv` is told about quotes."""
    return csv.QUOTE_NONE if quote is None else csv.QUOTE_MINIMAL


def known(dialect: Dialect, sample: str, source: str, *, whole: bool) -> Known:
    """Return how a file is written, given its beginning; ``whole`` says that this is all of it.

    Raises
    ------
    DataError
        If two ways are as likely.
    """
    lines = sample.splitlines(keepends=True)
    if not whole and len(lines) > 1:
        del lines[-1]  # which is cut somewhere
    if dialect.comment:
        lines = [line for line in lines if not line.startswith(dialect.comment)]
    separator = dialect.separator or _separator(lines, dialect.quote, source)
    rows = rows_of(lines, separator, dialect.quote)[:_ROWS]
    decimal = dialect.decimal or _decimal(rows[1:], separator)
    header = _header(rows, source) if dialect.header is None else dialect.header
    return Known(separator, decimal, dialect.quote, dialect.comment, header)


def _separator(lines: list[str], quote: str | None, source: str) -> str:
    """Return what the rows agree about; the comma where none of the separators stands in most of them."""
    shares: dict[str, float] = {}
    for separator in SEPARATORS:
        lengths = Counter(len(row) for row in rows_of(lines, separator, quote)[:_ROWS])
        if lengths:
            length, count = lengths.most_common(1)[0]
            if length > 1:
                shares[separator] = count / lengths.total()
    best = [separator for separator, share in shares.items() if share == max(shares.values())]
    if len(best) > 1:
        written = " or ".join(repr(separator) for separator in best)
        raise DataError(f'{source}: the fields may be separated by {written}; say which: "separator": "{best[0]}"')
    return best[0] if best and shares[best[0]] > 0.5 else ","


def _decimal(rows: list[list[str]], separator: str) -> str:
    fields = [field for row in rows for field in row]
    commas = separator != "," and any(_COMMA.fullmatch(field) for field in fields)
    return "," if commas and not any(_POINT.fullmatch(field) for field in fields) else "."


def _header(rows: list[list[str]], source: str) -> bool:
    """Return whether the first row has names: texts do, where a number stands in none of its fields."""
    if not rows:
        return True
    numbers = [_NUMBER.fullmatch(field) is not None for field in rows[0]]
    if not any(numbers):
        return True
    if all(numbers):
        return False
    below = rows[1:]
    for index, field in enumerate(rows[0]):  # a text above numbers is a name
        column = [row[index] for row in below if index < len(row)]
        if field.strip() and not numbers[index] and column and all(_NUMBER.fullmatch(value) for value in column):
            return True
    first = ", ".join(rows[0][:5])
    raise DataError(f'{source}: the first row, {first}, may be names or values; say which: "header": true or "header": false')


def with_said(dialect: Dialect, found: Known) -> Dialect:
    """Return a dialect in which nothing is left to guess, for other files of the same kind."""
    return replace(dialect, separator=found.separator, decimal=found.decimal, header=found.header)
