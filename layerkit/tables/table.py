"""`Table`: some rows, column by column, as numbers, truth values or texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from layerkit.errors import DataError
from layerkit.typing import Array

Kind: TypeAlias = Literal["number", "boolean", "category"]
"""What a column holds: numbers, truth values, or texts of which the same ones come again."""


@dataclass(frozen=True, slots=True)
class Column:
    """What some rows have in one column.

    Attributes
    ----------
    kind
        What it holds.
    values
        Shape (N,): float64 for numbers and truth values, texts for categories; anything where a value is missing.
    missing
        Shape (N,): where there is no value.
    """

    kind: Kind
    values: Array
    missing: npt.NDArray[np.bool_]

    def take(self, rows: Array) -> Column:
        """Return what some of the rows have."""
        return Column(self.kind, self.values[rows], self.missing[rows])


@dataclass(frozen=True, slots=True)
class Table:
    """Some rows of one source, or of several.

    Attributes
    ----------
    columns
        What the rows have, by the names of the columns.
    places
        Shape (N,): where each row stands in its source, as a person counts.
    sources
        What messages call the sources, such as names of files, each with what is counted there: ``line`` or ``row``.
    origins
        Shape (N,): from which of the sources each row is.
    kept
        Columns that were asked for as they are written, by their names.
    """

    columns: Mapping[str, Column]
    places: npt.NDArray[np.int64]
    sources: tuple[tuple[str, str], ...]
    origins: npt.NDArray[np.int64]
    kept: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.places)

    def place(self, row: int, column: str | None = None) -> str:
        """Say where a row stands, or a value in it."""
        source, counted = self.sources[self.origins[row]]
        return f"{source}, {counted} {self.places[row]}" + ("" if column is None else f', column "{column}"')

    def take(self, rows: Array) -> Table:
        """Return some of the rows."""
        columns = {name: column.take(rows) for name, column in self.columns.items()}
        kept = {name: [texts[row] for row in rows] for name, texts in self.kept.items()}
        return Table(columns, self.places[rows], self.sources, self.origins[rows], kept)


def block(
    source: str, counted: str, columns: Mapping[str, Column], places: Array, kept: Mapping[str, Sequence[str]] | None = None
) -> Table:
    """Return rows of one source."""
    return Table(columns, places, ((source, counted),), np.zeros(len(places), np.int64), kept or {})


def joined(tables: Iterable[Table]) -> Table:
    """Return the rows of several tables with the same columns as one."""
    parts = list(tables)
    first = parts[0]
    if len(parts) == 1:
        return first
    columns = {
        name: Column(
            column.kind,
            np.concatenate([part.columns[name].values for part in parts]),
            np.concatenate([part.columns[name].missing for part in parts]),
        )
        for name, column in first.columns.items()
    }
    sources = tuple(dict.fromkeys(source for part in parts for source in part.sources))
    origins = [np.array([sources.index(source) for source in part.sources])[part.origins] for part in parts]
    kept = {name: [text for part in parts for text in part.kept[name]] for name in first.kept}
    return Table(columns, np.concatenate([part.places for part in parts]), sources, np.concatenate(origins), kept)


@dataclass(slots=True)
class Seen:
    """What was seen of a column in all rows.

    Attributes
    ----------
    kind
        What it holds.
    missing
        In how many rows there is no value.
    count
        In how many rows there is one.
    lowest, highest
        Of numbers, the extremes; None where there is none.
    texts
        How often each text comes, of as many as are counted.
    whole
        Of numbers, whether all are whole.
    problem
        Why nobody can tell what it holds, as a message with its place; None where it is clear.
    """

    kind: Kind
    missing: int = 0
    count: int = 0
    lowest: float | None = None
    highest: float | None = None
    texts: dict[str, int] | None = None
    whole: bool = True
    problem: str | None = None

    @property
    def is_constant(self) -> bool:
        """Whether all rows have the same value."""
        if self.missing:
            return False
        return self.lowest == self.highest if self.kind == "number" else len(self.texts or {}) == 1

    @property
    def range(self) -> str:
        """The extremes of numbers, else the texts that come most often."""
        if self.is_constant:
            return f"always {self.lowest:g}" if self.lowest is not None else f"always {next(iter(self.texts or ()))}"
        if self.kind == "number" and self.lowest is not None:
            return f"{self.lowest:g} to {self.highest:g}"
        often = sorted(self.texts or {}, key=lambda text: -(self.texts or {})[text])
        return f"{len(often)}: {', '.join(often[:5])}" + (", ..." if len(often) > 5 else "")


class Source(Protocol):
    """Where the rows of a table come from: a file, or what a program holds."""

    what: str

    def names(self) -> Sequence[str]:
        """Return the names of the columns, in their order."""
        ...

    def look(self, names: Sequence[str], kinds: Mapping[str, Kind]) -> Mapping[str, Seen]:
        """Return what some columns hold; ``kinds`` says it of those that it is known of."""
        ...

    def blocks(self, kinds: Mapping[str, Kind], keep: Sequence[str] = ()) -> Iterator[Table]:
        """Yield the rows in their order, some at a time, with the columns that ``kinds`` names; those to ``keep`` as written."""
        ...


def require_columns(source: Source, wanted: Iterable[str], what: str) -> None:
    """Refuse names that no column of ``source`` has.

    Raises
    ------
    DataError
        With the names that there are, or the nearest one.
    """
    from difflib import get_close_matches

    there = source.names()
    for name in wanted:
        if name in there:
            continue
        near = get_close_matches(name, there, 1) or [other for other in there if other.strip() == name.strip()]
        listed = ", ".join(f'"{other}"' for other in there[:20]) + (", ..." if len(there) > 20 else "")
        advice = f'did you mean "{near[0]}"?' if near else f"there are {listed}"
        raise DataError(f'{source.what}: {what} "{name}" is no column; {advice}')
