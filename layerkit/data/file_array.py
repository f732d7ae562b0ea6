"""`FileArray`: an array that stays in a file, and is read some rows at a time."""

from __future__ import annotations

import math
import os
from functools import cached_property
from typing import IO, Any
from weakref import finalize

import numpy as np

from layerkit.data.samples import Rows
from layerkit.data.splits import Numbers
from layerkit.errors import DataError
from layerkit.typing import Array, Shape

_READ_AT_ONCE = 2**20
"""Bytes that are read together."""


class FileArray:
    """An array (N, \\*shape) in a file; what is read of it is in the byte order of the machine.

    Mapped memory would count as the process's own, so that it is read with plain reads.

    Parameters
    ----------
    file
        Opened for reading bytes, without a buffer; closed when nobody has the array any more.
    what
        What messages call it.
    shape, dtype, offset
        Of the array, and where it begins in the file.
    fortran
        Whether the first axis runs fastest in the file.
    """

    def __init__(
        self, file: IO[bytes], what: str, shape: Shape, dtype: np.dtype[Any], offset: int = 0, *, fortran: bool = False
    ) -> None:
        self._file = file
        self.what = what
        self.shape = shape
        self.dtype = dtype.newbyteorder("=")
        self._stored = dtype
        self._offset = offset
        self._fortran = fortran and len(shape) > 1
        self._state = self._present_state()
        finalize(self, file.close)
        self.block_rows = max(1, _READ_AT_ONCE // (dtype.itemsize * math.prod(shape[1:])))
        """How many rows are read together."""

    def __len__(self) -> int:
        return self.shape[0]

    def take(self, rows: Rows, out: Array | None = None) -> Array:
        """Return some rows as a new array, or in the first rows of ``out``.

        Raises
        ------
        DataError
            If the file changed.
        """
        if isinstance(rows, slice):
            return self._run(rows.start, rows.stop)
        taken = np.empty((len(rows), *self.shape[1:]), self.dtype) if out is None else out[: len(rows)]
        if (rows[1:] >= rows[:-1]).all():
            self._gather(rows, taken)
            return taken
        order = np.argsort(rows)
        sorted_rows = self.take(rows[order])
        taken[order] = sorted_rows
        return taken

    def _gather(self, rows: Numbers, out: Array) -> None:
        """Read rows that are sorted; those between them that are near are read, too."""
        start = 0
        while start < len(rows):
            first = int(rows[start])
            stop = int(np.searchsorted(rows, first + self.block_rows))
            run = self._run(first, int(rows[stop - 1]) + 1, self._scratch)
            run.take(rows[start:stop] - first, axis=0, out=out[start:stop], mode="clip")
            start = stop

    def _run(self, start: int, stop: int, scratch: Array | None = None) -> Array:
        """Return rows that follow one another; in ``scratch``, where there is one and it is of use."""
        if self._present_state() != self._state:
            raise DataError(f"{self.what}: the file changed while it was used; begin again")
        if self._fortran:
            run = np.empty((stop - start, *self.shape[1:]), self._stored, order="F")
            for number, column in enumerate(run.reshape(len(run), -1, order="F").T):
                self._fill(column, (number * len(self) + start) * run.itemsize)
        else:
            run = np.empty((stop - start, *self.shape[1:]), self._stored) if scratch is None else scratch[: stop - start]
            self._fill(run.reshape(-1), start * math.prod(self.shape[1:]) * run.itemsize)
        return run.astype(self.dtype, copy=False)

    @cached_property
    def _scratch(self) -> Array:
        return np.empty((self.block_rows, *self.shape[1:]), self._stored)

    def _fill(self, values: Array, start: int) -> None:
        """Read what begins at a byte of the array."""
        self._file.seek(self._offset + start)
        left = values.view(np.uint8).data
        while left:
            count = self._file.readinto(left)  # type: ignore[attr-defined]  # what is opened without a buffer has it
            if not count:
                raise DataError(f"{self.what}: the file ends within the array")
            left = left[count:]

    def _present_state(self) -> tuple[int, int]:
        found = os.fstat(self._file.fileno())
        return found.st_mtime_ns, found.st_size
