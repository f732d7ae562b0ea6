"""Data frames as the source of a table: what a program holds, or what polars reads of Parquet files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from layerkit.errors import DataError
from layerkit.stack.arrays import is_missing
from layerkit.tables.table import Column, Kind, Seen, Table, block, require_columns
from layerkit.tables.texts import MOST_TEXTS, is_date
from layerkit.typing import Array


@dataclass(frozen=True, slots=True)
class Frame:
    """Columns with values of Python, whatever library they came from.

    Attributes
    ----------
    what
        What messages call it.
    columns
        The values by the names of the columns, None where there is none.
    first
        How many rows stand before its first in the same source.
    """

    what: str
    columns: Mapping[str, Sequence[Any]]
    first: int = 0


class FrameSource:
    """The rows of frames, one after the other; all have the columns of the first.

    Parameters
    ----------
    what
        What messages call it.
    names
        The names of the columns.
    frames
        Given the names of some columns, gives the frames with these, anew each time it is called.
    """

    def __init__(self, what: str, names: Sequence[str], frames: Callable[[Sequence[str]], Iterator[Frame]]) -> None:
        self.what = what
        self._names = list(names)
        self._frames = frames
        for index, name in enumerate(self._names):
            if name in self._names[:index]:
                raise DataError(f'{what}: two columns are called "{name}"; give one of them another name')

    def names(self) -> Sequence[str]:
        """Return the names of the columns."""
        return self._names

    def look(self, names: Sequence[str], kinds: Mapping[str, Kind]) -> Mapping[str, Seen]:
        """Return what some columns hold."""
        found: dict[str, Seen] = {}
        count = 0
        for frame in self._frames(names):
            for name in names:
                values = frame.columns[name]
                there = [value for value in values if not is_missing(value)]
                if there and name not in found:
                    found[name] = Seen(kinds.get(name) or "category", texts={})
                    if name not in kinds:
                        found[name].kind, found[name].problem = _kind(there, frame.what, name)
                if name in found:
                    _count(found[name], there)
            count += len(next(iter(frame.columns.values()), ()))
        if not count:
            raise DataError(f"{self.what}: there are no rows")
        for name in names:
            if name not in found:
                problem = f'{self.what}: column "{name}" has no values at all; leave it out: "drop": ["{name}"]'
                found[name] = Seen(kinds.get(name, "category"), texts={}, problem=None if name in kinds else problem)
            found[name].missing = count - found[name].count
        return found

    def blocks(self, kinds: Mapping[str, Kind], keep: Sequence[str] = ()) -> Iterator[Table]:
        """Yield the rows in their order."""
        require_columns(self, kinds, "what is asked for,")
        for frame in self._frames(list(dict.fromkeys([*kinds, *keep]))):
            kept = {name: ["" if is_missing(value) else _written(value) for value in frame.columns[name]] for name in keep}
            columns = {name: _column(frame, name, kind) for name, kind in kinds.items()}
            count = len(next(iter(frame.columns.values()), ()))
            yield block(frame.what, "row", columns, np.arange(count) + frame.first + 1, kept)


def text_of(value: Any) -> str:
    """Return a value as a text: truth values and whole numbers as CSV has them."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _written(value: Any) -> str:
    return text_of(value) if isinstance(value, bool | np.bool_) else str(value)


def _kind(values: Sequence[Any], what: str, name: str) -> tuple[Kind, str | None]:
    """Return what values of Python are, given those that are there, and why they can be nothing that a network takes."""
    value = values[0]
    if isinstance(value, bool | np.bool_):
        return "boolean", None
    if isinstance(value, int | float | np.integer | np.floating) or type(value).__name__ == "Decimal":
        return "number", None
    dates = isinstance(value, str) and sum(is_date(str(value)) for value in values) * 2 > len(values)
    if isinstance(value, str) and not dates:
        return "category", None
    kinds = {"date": "dates", "datetime": "dates", "Timestamp": "dates", "timedelta": "spans of time", "bytes": "bytes"}
    found = "dates" if dates else kinds.get(type(value).__name__, f"{type(value).__name__}, nested values")
    problem = f'{what}: column "{name}" holds {found}; make numbers of such columns, or leave them out: "drop": ["{name}"]'
    return "category", problem


def _count(seen: Seen, there: Sequence[Any]) -> None:
    """Add what is there to what was seen."""
    seen.count += len(there)
    if seen.kind == "number":
        numbers = np.array([value for value in there if not isinstance(value, str)], np.float64)
        numbers = numbers[np.isfinite(numbers)]
        if len(numbers):
            lowest, highest = float(numbers.min()), float(numbers.max())
            seen.lowest = lowest if seen.lowest is None else min(seen.lowest, lowest)
            seen.highest = highest if seen.highest is None else max(seen.highest, highest)
            seen.whole = seen.whole and bool((numbers % 1 == 0).all())
    assert seen.texts is not None
    for value in there:
        if len(seen.texts) >= MOST_TEXTS:
            break
        text = text_of(value)
        seen.texts[text] = seen.texts.get(text, 0) + 1


def _column(frame: Frame, name: str, kind: Kind) -> Column:
    given = frame.columns[name]
    missing = np.fromiter(map(is_missing, given), np.bool_, len(given))
    if kind == "category":
        values: Array = np.empty(len(given), object)
        values[:] = ["" if gone else text_of(value) for value, gone in zip(given, missing, strict=True)]
        return Column(kind, values, missing)
    if kind == "number" and not {str, bytes} & set(map(type, given)):
        with suppress(TypeError, ValueError, OverflowError):
            numbers = np.array([0.0 if gone else value for value, gone in zip(given, missing, strict=True)], np.float64)
            if np.isfinite(numbers).all():
                return Column(kind, numbers, missing)
    values = np.zeros(len(given))
    for index, value in enumerate(given):
        if missing[index]:
            continue
        try:
            if isinstance(value, str | bytes) or (kind == "boolean" and value not in (0, 1)):
                raise TypeError
            values[index] = float(value)
        except (TypeError, ValueError, OverflowError):
            values[index] = np.nan
        if not np.isfinite(values[index]):
            expected = "a finite number" if kind == "number" else "true or false"
            raise DataError(
                f'{frame.what}, row {index + frame.first + 1}, column "{name}": expected {expected}, received {value!r:.40}'
            )
    return Column(kind, values, missing)
