"""What callers hand to a network to compute with, as arrays that it takes."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np
import numpy.typing as npt

from layerkit.data.samples import Rows
from layerkit.errors import DataError
from layerkit.stack.arrays import is_missing
from layerkit.tables.encoding import Encoding
from layerkit.tables.files import frame_source
from layerkit.tables.table import joined, require_columns
from layerkit.typing import Array, Shape

_FEW = 4096
"""Up to so many numbers it is faster to look at each than to add them up."""


def as_array(values: npt.ArrayLike, what: str) -> Array:
    """Return ``values`` as an array; ``what`` is what an error calls them.

    Objects that are numbers all of them, as columns of several kinds become, are given as floats.

    Raises
    ------
    DataError
        If they make none, or it would hold something else than they say.
    """
    if type(values) is np.ndarray and values.dtype != object:
        return values
    if values is None:
        raise DataError(f"{what} are None; expected an array, a list or a table of numbers")
    if hasattr(values, "toarray"):
        raise DataError(f"{what} are sparse ({type(values).__name__}); write them out, with .toarray()")
    subclass = isinstance(values, np.ndarray) and type(values) is not np.ndarray
    if subclass and isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise DataError(f"{what} are masked in places, and what a mask hides would be used; fill it in or leave the rows out")
    try:
        array = np.asarray(values)
    except Exception as error:  # tables and tensors of any library
        reason = "the rows differ in length" if "inhomogeneous" in str(error) else str(error)
        raise DataError(f"{what} make no array: {reason}") from None
    if array.dtype == object and all(isinstance(item, numbers.Real) for item in array.flat):
        return array.astype(np.float64)
    return array


def input_array(inputs: npt.ArrayLike, input_shape: Shape, dtype: np.dtype[Any], rows: Rows | None = None) -> Array:
    """Return ``inputs`` as an array of ``dtype``, which cannot be written.

    ``rows`` says which samples they are, where they are part of more.

    Raises
    ------
    DataError
        If the shape is not (N, \\*input_shape) with N of at least 1, or the values are no finite numbers in the dtype's range;
        names the first such row, and the column.
    """
    given = as_array(inputs, "inputs")
    if given.dtype.kind not in "biuf":
        raise DataError(f"inputs must be real numbers, received {_no_number(given, _column_names(inputs))}")
    if given.shape[1:] != input_shape or not given.ndim or not len(given):
        raise DataError(_misshapen(given, input_shape))
    array = given
    if given.dtype != dtype:
        with np.errstate(over="ignore"):
            array = given.astype(dtype)
    if not _all_finite(array):
        place = np.argwhere(~np.isfinite(array))[0]
        value = given[tuple(place)]
        fault = f"{value}, which is too large for {dtype}" if np.isfinite(value) else f"{value}; fill it in or leave the row out"
        raise DataError(f"{_place(place, _column_names(inputs), rows)} of the inputs is {fault}")
    return read_only(array)


def frame_inputs(frame: Any, encoding: Encoding) -> Array:
    """Return the rows of a table of pandas or polars as the table was encoded that a network was trained on.

    Raises
    ------
    DataError
        If a column is missing, or holds something else.
    """
    source = frame_source(frame, "the table")
    require_columns(source, encoding.kinds, "the feature")
    return encoding.inputs(joined(source.blocks(encoding.kinds)))


def read_only(array: Array) -> Array:
    """Return a view that cannot be written."""
    view = array.view()
    view.flags.writeable = False
    return view


def _all_finite(array: Array) -> bool:
    if array.size > _FEW:
        with np.errstate(all="ignore"):
            total = float(np.add.reduce(array, axis=None))  # which allocates nothing, and is finite only if all numbers are
        if math.isfinite(total):
            return True
    return int(np.count_nonzero(np.isfinite(array))) == array.size


def _misshapen(given: Array, input_shape: Shape) -> str:
    expected = "(N, " + ", ".join(map(str, input_shape)) + ")"
    if given.shape[1:] == input_shape and given.ndim:
        return f"there are no samples: expected inputs of shape {expected} with N of 1 or more, received shape {given.shape}"
    fault = f"expected inputs of shape {expected}, received shape {given.shape}"
    if given.shape == input_shape:
        return f"{fault}, which is one sample; write inputs[None] for a batch of one"
    if given.ndim and math.prod(given.shape[1:]) == math.prod(input_shape):
        return f"{fault}; write numpy.reshape(inputs, (-1, {', '.join(map(str, input_shape))}))"
    return f"{fault}; the network is made for samples of shape {input_shape}"


def _column_names(inputs: npt.ArrayLike) -> list[str] | None:
    """Return the names of the columns where ``inputs`` are a table, of whichever library."""
    names = getattr(inputs, "columns", None)
    return None if names is None else [str(name) for name in names]


def _no_number(given: Array, names: list[str] | None) -> str:
    """Say what stands there instead of numbers, and where first."""
    if not given.ndim:
        return f"{given.item()!r}"
    if given.dtype != object:
        what = {"U": "texts", "S": "texts", "M": "dates", "m": "spans of time", "c": "complex numbers"}.get(given.dtype.kind)
        return f"{what or 'an array'} ({given.dtype}); make numbers of them first"
    place = next(place for place, item in np.ndenumerate(given) if not isinstance(item, numbers.Real))
    item = given[place]
    missing = is_missing(item)
    fault = "nothing" if missing else f"{item!r:.60}"
    advice = "fill it in or leave the row out" if missing else "make numbers of such columns, or leave them out"
    return f"{fault} in {_place(place, names, None)}; {advice}"


def _place(place: Any, names: list[str] | None, rows: Rows | None) -> str:
    """Say where one number stands; ``place`` counts from 0, within ``rows`` where there are such."""
    row, *inner = (int(step) for step in place)
    if rows is not None:
        row = rows.start + row if isinstance(rows, slice) else int(rows[row])
    if not inner:
        return f"row {row}"
    if len(inner) > 1:
        return f"row {row}, place {tuple(inner)}"
    return f'row {row}, column "{names[inner[0]]}"' if names is not None else f"row {row}, column {inner[0]}"
