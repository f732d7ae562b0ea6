"""Names for the two types that stand in every signature."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
"""A NumPy array; what it holds is said by the docstring of whoever takes it."""

Shape: TypeAlias = tuple[int, ...]
"""Axis lengths. The shape of a sample or of a parameter: the batch axis never stands in it."""
