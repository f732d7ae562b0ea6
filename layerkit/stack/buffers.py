"""`Buffers`: work arrays that are kept between steps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from layerkit.typing import Array, Shape

_VIEWS_PER_BUFFER = 16
"""Batches of ever new sizes must not pile up views without end."""


class Buffers:
    """Work arrays by name.

    Parameters
    ----------
    dtype
        Of a work array that is asked for without one.
    """

    __slots__ = ("_memory", "_views", "dtype")

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self._memory: dict[str, Array] = {}
        self._views: dict[tuple[str, Shape, Any], Array] = {}

    @property
    def buffered_bytes(self) -> int:
        """What all the work arrays take."""
        return sum(memory.nbytes for memory in self._memory.values())

    def buffer(self, name: str, shape: Shape, dtype: Any = None) -> Array:
        """Return a C-contiguous work array that is kept between calls; its contents are whatever was left there.

        Memory grows to the largest request under ``name`` and is then reused, so a warm step allocates nothing.
        Two requests under one name share memory.

        Parameters
        ----------
        name
            What the array is for.
        shape
            Axis lengths, the batch axis included.
        dtype
            The owner's where it is left out.
        """
        key = (name, shape, dtype)
        view = self._views.get(key)
        if view is None:
            view = self._views[key] = self._carve(name, shape, np.dtype(self.dtype if dtype is None else dtype))
        return view

    def _carve(self, name: str, shape: Shape, dtype: np.dtype[Any]) -> Array:
        size = math.prod(shape) * dtype.itemsize
        memory = self._memory.get(name)
        outgrown = memory is None or memory.nbytes < size
        if outgrown or sum(key[0] == name for key in self._views) >= _VIEWS_PER_BUFFER:
            self._views = {key: view for key, view in self._views.items() if key[0] != name}
        if memory is None or outgrown:
            memory = self._memory[name] = np.empty(size, np.uint8)
        return memory[:size].view(dtype).reshape(shape)
