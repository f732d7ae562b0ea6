"""`Arrays`: arrays that belong to somebody, by name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np

from layerkit.errors import ShapeError
from layerkit.typing import Array


class Arrays(Mapping[str, Array]):
    """Arrays by name, as attributes and as a mapping.

    Assigning copies into the array that is there, so that it stays a view of the vector that it was cut from:
    ``node.grads.weight = inputs.T @ d_out`` does what it says.

    Raises
    ------
    AttributeError
        If the name was not declared.
    ShapeError
        If what is assigned has another shape.
    TypeError
        If no real numbers are assigned, or fractions where whole numbers or truth values stand: they would be cut off.
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self.__dict__.update(arrays)

    def __getattr__(self, name: str) -> Array:
        raise AttributeError(f"no array {name!r} was declared; there are {sorted(self) or 'none'}")

    def __setattr__(self, name: str, value: Any) -> None:
        array: Array = self.__dict__[name] if name in self.__dict__ else self.__getattr__(name)
        assign(array, value, name)

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"array {name!r} was declared and stays")

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __getitem__(self, name: str) -> Array:
        array: Array = self.__dict__[name]
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __len__(self) -> int:
        return len(self.__dict__)


@lru_cache  # a spec of many layers declares few names, each many times
def can_be_attribute(name: object) -> bool:
    """Return whether `Arrays` can hold an array of that name, without hiding anything of their own."""
    return isinstance(name, str) and name.isidentifier() and not hasattr(Arrays, name)


def assign(array: Array, value: Any, name: str) -> None:
    """Copy ``value`` into ``array``.

    Raises
    ------
    ShapeError
        If it has another shape; NumPy would broadcast it.
    TypeError
        If it is no array of real numbers, or fractions are assigned where whole numbers or truth values stand.
    ValueError
        If some are masked.
    """
    if value is array:  # as it is after ``+=``
        return
    if np.shape(value) != array.shape:
        raise ShapeError(f"array {name!r} has shape {array.shape}, received one of shape {np.shape(value)}")
    if type(value) is not np.ndarray or value.dtype != array.dtype:
        _require_numbers(value, array.dtype, name)
    array[...] = value


def _require_numbers(value: Any, dtype: np.dtype[Any], name: str) -> None:
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(f"array {name!r} cannot hold masked values; fill them in")
    given = np.asarray(value)
    if given.dtype.kind not in "biuf" or (dtype.kind != "f" and not np.can_cast(given.dtype, dtype, "same_kind")):
        raise TypeError(f"array {name!r} is of {dtype}, received {given.dtype}")


def is_missing(value: object) -> bool:
    """Return whether an object in a column stands for nothing, in whichever table it comes from."""
    nan = isinstance(value, float) and math.isnan(value)
    return value is None or nan or type(value).__name__ in ("NAType", "NaTType")
