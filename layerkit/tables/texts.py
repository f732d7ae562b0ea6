"""Columns of texts, as CSV has them: what they seem to hold, and as what they are read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from layerkit.diagnostics.diagnostic import shortened
from layerkit.tables.table import Column, Kind, Seen
from layerkit.typing import Array

NULLS = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "?")
"""What stands for no value unless it is said otherwise."""
_TRUTH = {"true": 1.0, "false": 0.0}
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WITH_MARKS = re.compile(r"[+-]?\d{1,3}([.,]\d{3})*([.,]\d+)?|[+-]?\d+,\d+", re.ASCII)
_DATE = re.compile(r"\d{4}[-/.]\d\d?[-/.]\d\d?([T ].*)?|\d\d?[-./]\d\d?[-./](\d{2}|\d{4})", re.ASCII)


def is_date(text: str) -> bool:
    """Return whether a text is a date, of the form 2025-12-31 or 31.12.2025."""
    return _DATE.fullmatch(text) is not None


MOST_TEXTS = 10_000
"""Different texts of a column after which no more are counted."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """How values are written.

    Attributes
    ----------
    decimal
        The mark before the fraction of a number.
    nulls
        What stands for no value.
    """

    decimal: str = "."
    nulls: frozenset[str] = frozenset(NULLS)


class Looking:
    """Looks at a column block by block, and says in the end what it holds.

    Parameters
    ----------
    spelling
        How values are written.
    kind
        What it holds, where that is known; None to find out.
    """

    def __init__(self, spelling: Spelling, kind: Kind | None) -> None:
        self._spelling = spelling
        self._known = kind
        self._seen = Seen(kind or "number", texts={})
        self._numbers = 0
        self._truths = 0
        self._dates = 0
        self._endless = 0
        self._commas = 0
        self._first_other: tuple[str, str] | None = None

    def look(self, texts: Sequence[str], lines: Array, source: str) -> None:
        """Look at some rows of a source."""
        seen, nulls = self._seen, self._spelling.nulls
        numbers = _all_numbers(texts, self._spelling)
        if numbers is not None:
            seen.count += len(texts)
            self._count_numbers(numbers)
            self._count_texts(Counter(texts))
            return
        there = [(index, text) for index, text in enumerate(map(str.strip, texts)) if text not in nulls]
        seen.missing += len(texts) - len(there)
        seen.count += len(there)
        values = [text for _, text in there]
        numbers = _numbers(values, self._spelling.decimal)
        sound = np.isfinite(numbers)
        self._count_numbers(numbers[sound])
        if not sound.all():
            others = np.flatnonzero(~sound)
            if self._first_other is None:
                index = int(others[0])
                self._first_other = f"{source}, line {lines[there[index][0]]}", values[index]
            found = [values[index] for index in others]
            self._endless += int(np.count_nonzero(np.isinf(numbers)))
            self._truths += sum(text.casefold() in _TRUTH for text in found)
            self._dates += sum(map(is_date, found))
            if self._spelling.decimal == ".":
                self._commas += sum(_WITH_MARKS.fullmatch(text) is not None for text in found)
        self._count_texts(Counter(values))

    def _count_numbers(self, numbers: Array) -> None:
        seen = self._seen
        self._numbers += len(numbers)
        if len(numbers):
            lowest, highest = float(numbers.min()), float(numbers.max())
            seen.lowest = lowest if seen.lowest is None else min(seen.lowest, lowest)
            seen.highest = highest if seen.highest is None else max(seen.highest, highest)
            seen.whole = seen.whole and bool((numbers % 1 == 0).all())

    def _count_texts(self, counts: Mapping[str, int]) -> None:
        texts = self._seen.texts
        assert texts is not None
        for text, count in counts.items() if len(texts) < MOST_TEXTS else ():
            texts[text] = texts.get(text, 0) + count

    def seen(self, source: str, name: str) -> Seen:
        """Return what the column holds; where nobody can tell, with a problem."""
        seen = self._seen
        if self._known is not None:
            return seen
        if not seen.count:
            seen.problem = f'{source}: column "{name}" has no values at all; leave it out: "drop": ["{name}"]'
        elif seen.count > self._numbers:
            seen.kind = "boolean" if self._truths == seen.count else "category"
            seen.problem = self._doubt(name)
        return seen

    def _doubt(self, name: str) -> str | None:
        """Return why a column that is not of numbers alone can hardly be one of texts; None where it can."""
        assert self._first_other is not None
        line, text = self._first_other
        others, count = self._seen.count - self._numbers, self._seen.count
        place, shown = f'{line}, column "{name}"', f'"{shortened(text, 40)}"'
        texts = f'"kinds": {{"{name}": "category"}} if these are texts'
        if self._dates * 2 > count:
            return f'{place}: {shown} is a date; make numbers of such columns, or leave them out: "drop": ["{name}"]'
        if (self._numbers + self._commas) * 2 > count and self._commas:
            return (
                f'{place}: {shown} seems to be a number with a comma; say "decimal": ",", take marks of thousands out, or {texts}'
            )
        if self._numbers + self._endless >= others - self._endless:
            return (
                f"{place}: {shown} is no finite number, and the other values are numbers; mend it, name it in nulls if it stands "
                f"for no value, or write {texts}"
            )
        return None


def read(texts: Sequence[str], kind: Kind, spelling: Spelling) -> tuple[Column, int | None]:
    """Return texts as what they are, and the number of the first that is nothing of the kind; None where all are."""
    if kind == "number" and (sound := _all_numbers(texts, spelling)) is not None:
        return Column(kind, sound, np.zeros(len(texts), np.bool_)), None
    stripped = [text.strip() for text in texts]
    missing = np.fromiter((text in spelling.nulls for text in stripped), np.bool_, len(texts))
    if kind == "category":
        values = np.empty(len(texts), object)
        values[:] = stripped
        return Column(kind, values, missing), None
    if kind == "boolean":
        numbers = np.fromiter((_TRUTH.get(text.casefold(), np.nan) for text in stripped), np.float64, len(texts))
    else:
        numbers = _numbers(["0" if gone else text for text, gone in zip(stripped, missing, strict=True)], spelling.decimal)
    wrong = np.flatnonzero(~np.isfinite(numbers) & ~missing)
    return Column(kind, numbers, missing), int(wrong[0]) if len(wrong) else None


def _all_numbers(texts: Sequence[str], spelling: Spelling) -> Array | None:
    """Return texts as numbers, as nearly all columns are; None unless each of them is one, and none is missing."""
    if spelling.decimal != "." or any(_PLAIN_NUMBER.fullmatch(text) for text in spelling.nulls):
        return None
    try:
        numbers = np.fromiter(map(float, texts), np.float64, len(texts))
    except ValueError:
        return None
    whole = "".join(texts)
    return numbers if np.isfinite(numbers).all() and whole.isascii() and "_" not in whole else None


def _numbers(texts: Sequence[str], decimal: str) -> Array:
    """Return texts as numbers; NaN where one is none, infinity where it is too large for a float."""
    if decimal != ".":
        marks = str.maketrans(f"{decimal}.", ".!")
        texts = [text.translate(marks) for text in texts]
    whole = "".join(texts)
    if whole.isascii() and "_" not in whole:  # which Python's float would take too
        try:
            return np.fromiter(map(float, texts), np.float64, len(texts))
        except ValueError:
            pass
    return np.fromiter((float(text) if _PLAIN_NUMBER.fullmatch(text) else np.nan for text in texts), np.float64, len(texts))
