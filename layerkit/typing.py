"""Names for the types that stand in every signature, and for one that stands in specs."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import numpy.typing as npt
from pydantic import Field

Array: TypeAlias = npt.NDArray[Any]
"""A NumPy array; what it holds is said by the docstring of whoever takes it."""

Shape: TypeAlias = tuple[int, ...]
"""Axis lengths. The shape of a sample or of a parameter: the batch axis never stands in it."""

IS_PATH = "a path"
"""Marks the fields of a spec that hold the path of a file or a folder."""

SpecPath: TypeAlias = Annotated[str, Field(min_length=1), IS_PATH]
"""The path of a file or a folder in a spec, relative to the folder of the spec; on the command line, to the present one."""
