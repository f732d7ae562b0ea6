"""Mean and median of numbers that come block by block: the same whatever the blocks and their order, in constant memory."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from typing import IO

import numpy as np
import numpy.typing as npt

from layerkit.typing import Array

_STEP = 16
"""Bits that are found in one pass."""


class Mean:
    """The mean, as if the sum were exact.

    The sum is kept as floats that do not overlap (J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust
    Geometric Predicates", 1997, section 2.4).
    """

    def __init__(self) -> None:
        self._parts: list[float] = []
        self._count = 0

    def add(self, values: Array) -> None:
        """Take finite numbers in."""
        left = [*self._parts, *values.tolist()]
        self._parts = []
        self._count += len(values)
        try:  # which infinity passes through
            while (total := math.fsum(left)) != 0:
                self._parts.append(total)
                left.append(-total)
        except OverflowError:
            self._parts = [math.inf]

    def value(self) -> float:
        """Return the mean of the numbers so far, of which there is one at least; infinity where the sum is too large."""
        return math.fsum(self._parts) / self._count


class Median:
    """The median.

    Parameters
    ----------
    file
        Where the values are kept; several may share it.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._kept: list[tuple[int, int]] = []  # where blocks begin, and how many bytes they have
        self._count = 0

    def add(self, values: Array) -> None:
        """Take finite numbers in."""
        content = values.astype(np.float64).tobytes()
        self._kept.append((self._file.seek(0, os.SEEK_END), len(content)))
        self._file.write(content)
        self._count += len(values)

    def value(self) -> float:
        """Return the median of the numbers so far, of which there is one at least; the mean of the two in the middle."""
        middle = [selected(self._blocks, place) for place in {(self._count - 1) // 2, self._count // 2}]
        return float(np.mean(middle))

    def _blocks(self) -> Iterator[Array]:
        for start, size in self._kept:
            self._file.seek(start)
            yield np.frombuffer(self._file.read(size))


def selected(blocks: Callable[[], Iterator[Array]], place: int) -> float:
    """Return the number that would stand at a place, counted from 0, if all were sorted; found bits at a time, from the top."""
    known = 0
    for shift in range(64 - _STEP, -1, -_STEP):
        counts = np.zeros(2**_STEP, np.int64)
        for block in blocks():
            ranks = _ranks(block)
            if shift + _STEP < 64:
                ranks = ranks[ranks >> np.uint64(shift + _STEP) == np.uint64(known)]
            counts += np.bincount((ranks >> np.uint64(shift)).astype(np.int64) & (2**_STEP - 1), minlength=2**_STEP)
        below = np.cumsum(counts)
        digit = int(np.searchsorted(below, place, side="right"))
        place -= int(below[digit] - counts[digit])
        known = known << _STEP | digit
    bits = known ^ (_SIGN if known & _SIGN else _ALL)
    return float(np.uint64(bits).view(np.float64))


_SIGN, _ALL = 2**63, 2**64 - 1


def _ranks(values: Array) -> npt.NDArray[np.uint64]:
    """Return whole numbers that are sorted as the floats are."""
    bits = values.view(np.uint64)
    return bits ^ np.where(bits >> np.uint64(63), np.uint64(_ALL), np.uint64(_SIGN))
