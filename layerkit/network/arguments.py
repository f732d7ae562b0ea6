"""What callers hand to a network, as arrays that it takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from layerkit.errors import DataError
from layerkit.typing import Array, Shape


def as_array(values: npt.ArrayLike, what: str) -> Array:
    """Return ``values`` as an array; ``what`` is what an error calls them.

    Raises
    ------
    DataError
        If they make none, or some are masked.
    """
    subclass = isinstance(values, np.ndarray) and type(values) is not np.ndarray
    if subclass and isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise DataError(f"{what} are masked in places, and what a mask hides would be used; fill it in or leave the rows out")
    try:
        return np.asarray(values)
    except ValueError as error:
        raise DataError(f"{what} make no array: {error}") from None


def input_array(inputs: npt.ArrayLike, input_shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Return ``inputs`` as an array of ``dtype``, which cannot be written.

    Raises
    ------
    DataError
        If the shape is not (N, \\*input_shape) with N of at least 1, or the values are no real numbers in the dtype's range.
    """
    given = as_array(inputs, "inputs")
    if given.shape[1:] != input_shape or not len(given):
        expected = "(N, " + ", ".join(map(str, input_shape)) + ") with N of 1 or more"
        raise DataError(f"expected inputs of shape {expected}, received shape {given.shape}")
    if given.dtype == dtype:
        return read_only(given)
    if given.dtype.kind not in "biuf":
        raise DataError(f"inputs must be real numbers, received an array of {given.dtype}")
    with np.errstate(over="ignore"):
        array = given.astype(dtype)
    if (np.isinf(array) & ~np.isinf(given)).any():
        raise DataError(f"inputs hold numbers that are too large for {array.dtype}")
    return read_only(array)


def read_only(array: Array) -> Array:
    """Return a view that cannot be written."""
    view = array.view()
    view.flags.writeable = False
    return view
