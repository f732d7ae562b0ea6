"""Splits: which samples are trained on, which are chosen by, and which are for the test alone."""

from __future__ import annotations

import math
from typing import Annotated, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from layerkit.errors import DataError
from layerkit.typing import Array


def _share_or_number(size: float) -> float:
    if size >= 1 and (size == 1 or size % 1):  # 1 may be meant as either
        raise PydanticCustomError("size", "Input should be a share or a number")
    return size


Size: TypeAlias = Annotated[
    float,
    Field(gt=0),
    AfterValidator(_share_or_number),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, {"type": "integer", "minimum": 2}]}
    ),
]
"""How many samples: a share of all, between 0 and 1, or a number of them, 2 or more."""
Numbers: TypeAlias = npt.NDArray[np.intp]


class Parts(NamedTuple):
    """Which samples are in which part, by their numbers; None where there is no such part."""

    train: Numbers
    validation: Numbers | None = None
    test: Numbers | None = None


def size_of(size: float | None, count: int) -> int:
    """Return how many of ``count`` samples a size means; of a share, rounded up, as scikit-learn does."""
    if size is None:
        return 0
    return math.ceil(count * size) if size < 1 else int(size)


def split_rows(
    count: int,
    *,
    seed: int,
    test_size: float | None = None,
    validation_size: float | None = None,
    labels: Array | None = None,
    groups: Array | None = None,
    order: Array | None = None,
) -> Parts:
    """Split samples into parts: first those for the test, then, from the others, those to choose by.

    At random, as ``sklearn.model_selection.train_test_split`` does it; with ``groups`` or ``order``, by them.

    Parameters
    ----------
    count
        How many samples there are.
    seed
        Of the random split.
    test_size
        How many are for the test, see `Size`; None for none.
    validation_size
        How many of the others are to choose by.
    labels
        Shape (N,): the shares of each are kept alike in all parts.
    groups
        Shape (N,): samples of one group stay together, and a part has as many groups as it takes for its size.
    order
        Shape (N,): the last samples in this order are for the test, those before them to choose by.

    Raises
    ------
    DataError
        If that cannot be.
    """
    rest: Numbers = np.arange(count)
    found: list[Numbers | None] = []
    for what, size in (("test_size", test_size), ("validation", validation_size)):
        if size is None:
            found.append(None)
            continue
        wanted = size_of(size, len(rest))
        if wanted >= len(rest):
            raise DataError(f"cannot be split with a {what} of {size:g}: of {len(rest)} samples none is left to train on")
        rest, held_out = _divided(rest, wanted, what, seed, labels, groups, order)
        found.append(held_out)
    test, validation = found
    return Parts(rest, validation, test)


def _divided(
    rows: Numbers, size: int, what: str, seed: int, labels: Array | None, groups: Array | None, order: Array | None
) -> tuple[Numbers, Numbers]:
    """Return the rows that stay, and the ``size`` rows or so that are held out."""
    if order is not None:
        by_time = rows[np.argsort(order[rows], kind="stable")]
        return np.sort(by_time[:-size]), np.sort(by_time[-size:])
    if groups is not None:
        return _by_groups(rows, size, what, seed, groups)
    if labels is None:
        mixed = np.random.RandomState(seed).permutation(rows)  # as scikit-learn does it, with less memory
        return mixed[size:], mixed[:size]
    from sklearn.model_selection import train_test_split

    try:
        stays, held_out = train_test_split(rows, test_size=size, random_state=seed, stratify=labels[rows])
    except ValueError as error:
        raise DataError(f"cannot be split with a {what} of {size}: {error}") from None
    return stays, held_out


def _by_groups(rows: Numbers, size: int, what: str, seed: int, groups: Array) -> tuple[Numbers, Numbers]:
    names, members = np.unique(groups[rows], return_inverse=True)
    if len(names) < 2:
        raise DataError(f"{what} needs at least two groups, and all samples are of one")
    mixed = np.random.default_rng(seed).permutation(len(names))
    taken = np.cumsum(np.bincount(members)[mixed])
    chosen = mixed[: min(int(np.searchsorted(taken, size)) + 1, len(names) - 1)]
    held_out = np.isin(members, chosen)
    return rows[~held_out], rows[held_out]
