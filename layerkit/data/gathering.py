"""`Gathering`: samples that come block by block, kept in memory as long as they are few, and in files when they are many."""

from __future__ import annotations

import os
from tempfile import TemporaryFile, gettempdir

import numpy as np

from layerkit.data.file_array import FileArray
from layerkit.data.file_samples import FileSamples
from layerkit.data.samples import ArraySamples, Batch, Samples
from layerkit.data.splits import Numbers
from layerkit.errors import WorkError
from layerkit.files import reason
from layerkit.typing import Array

MOST_IN_MEMORY = 2**23
"""Most numbers that the inputs of samples have which stand in memory, unless it is said otherwise."""


def most_in_memory(said: bool | None) -> float:
    """Return how many numbers may stand in memory: what ``in_memory`` of a data set says."""
    return MOST_IN_MEMORY if said is None else float("inf") if said else -1


class Gathering:
    """Gathers samples.

    Parameters
    ----------
    most
        How many numbers the inputs may have in memory. Once there are more, everything goes to temporary files, which the system
        removes when they are closed, however the process ends.
    """

    def __init__(self, most: float = MOST_IN_MEMORY) -> None:
        self._most = most
        self._kept: list[Batch] = []
        self._size = 0
        self._arrays: list[_TemporaryArray | None] = []

    def add(self, batch: Batch) -> None:
        """Take samples in, after those that came before.

        Raises
        ------
        WorkError
            If a temporary file cannot be written.
        """
        self._size += batch.inputs.size
        self._kept.append(batch)
        if self._size > self._most:
            self._write()

    def samples(self, rows: Numbers | None = None) -> Samples:
        """Return some of the samples, or all of them: in the order of ``rows``, but those in files in the order they came in."""
        if self._arrays:
            in_files = self._arrays
            assert in_files[0] is not None
            assert in_files[1] is not None
            return FileSamples(in_files[0], in_files[1], in_files[2], rows)
        if len(self._kept) > 1:
            parts = zip(*self._kept, strict=True)
            self._kept = [Batch(*(None if part[0] is None else np.concatenate(part) for part in parts))]  # type: ignore[arg-type]
        inputs, targets, weight = self._kept[0]
        if rows is None:
            return ArraySamples(inputs, targets, weight)
        return ArraySamples(inputs[rows], targets[rows], None if weight is None else weight[rows])

    def _write(self) -> None:
        try:
            if not self._arrays:
                self._arrays = [None if part is None else _TemporaryArray(part) for part in self._kept[0]]
            for batch in self._kept:
                for array, part in zip(self._arrays, batch, strict=True):
                    if array is not None and part is not None:
                        array.append(part)
        except OSError as error:
            advice = "say with TMPDIR where there is more room"
            raise WorkError(f"{gettempdir()}: cannot keep the samples there: {reason(error)}; {advice}") from None
        self._kept.clear()


class _TemporaryArray(FileArray):
    """An array in a temporary file, which grows; it has no rows yet, and those of ``like`` are like its own."""

    def __init__(self, like: Array) -> None:
        file = TemporaryFile(buffering=0)  # noqa: SIM115 (closed when nobody has this any more)
        super().__init__(file, "the temporary file of the samples", (0, *like.shape[1:]), like.dtype)

    def append(self, rows: Array) -> None:
        left = np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data
        self._file.seek(0, os.SEEK_END)
        while left:
            left = left[self._file.write(left) :]
        self.shape = (len(self) + len(rows), *self.shape[1:])
        self._state = self._present_state()
