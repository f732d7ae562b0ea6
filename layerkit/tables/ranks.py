"""Columns by which rows are split: what is equal there, and what comes first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from layerkit.errors import DataError
from layerkit.tables.encoding import is_number
from layerkit.tables.table import Table
from layerkit.typing import Array


def ranks(blocks: Iterable[Table], name: str) -> tuple[Array, Array]:
    """Return for each row the number of the text that it has in a column, and the texts by their numbers, sorted.

    Raises
    ------
    DataError
        If a value is missing.
    """
    found: dict[str, int] = {}
    numbers = []
    for table in blocks:
        column = table.columns[name]
        if column.missing.any():
            row = int(np.argmax(column.missing))
            raise DataError(f"{table.place(row, name)}: there is no value to split by; leave the row out")
        texts = column.values.astype(str).tolist()  # of numbers too: stratified is by what is equal
        numbers.append(np.array([found.setdefault(text, len(found)) for text in texts], np.int32))
    texts = np.array(list(found))
    order = np.argsort(texts)
    places = np.empty(len(order), np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    return places[np.concatenate(numbers)], texts[order]


def in_order(texts: Array, place: str) -> Array:
    """Return what sorts as the texts are meant: whole numbers, numbers, or dates with the year first, and times after them.

    Raises
    ------
    DataError
        If one is neither: other texts have no order that is sure to be meant.
    """
    ranks: dict[str, Any]
    if all(_WHOLE.fullmatch(text) for text in texts):
        ranks = {text: int(text) for text in set(texts)}  # however many digits
    elif all(map(is_number, texts)):
        return texts.astype(np.float64)
    else:
        ranks = {}
        for text in set(texts):
            date = _DATE.fullmatch(text.strip())
            if date is None:
                raise DataError(
                    f'{place}: order is by numbers, or by dates such as 2025-12-31 or 2025-12-31 23:59; received "{text}"'
                )
            year, month, day, hour, minute, second = (float(part or 0) for part in date.groups())
            ranks[text] = (year, month, day, hour, minute, second)
    sorted_ranks = {rank: number for number, rank in enumerate(sorted(set(ranks.values())))}
    return np.array([sorted_ranks[ranks[text]] for text in texts])


_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_DATE = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ](\d\d?):(\d\d)(?::(\d\d(?:\.\d+)?))?)?", re.ASCII)
