"""Samples that stay in .npy files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, PositiveInt

from layerkit import Array, Batch, DataError, DataRequest, Dataset, Rows, Samples, Shape, Split


class FileSamples(Samples):
    """The rows from ``start`` to ``stop`` of arrays on disk, of which no more is read than is asked for."""

    def __init__(self, inputs: Array, targets: Array, weights: Array | None, start: int, stop: int) -> None:
        self.inputs, self.targets, self.weights, self.start, self.stop = inputs, targets, weights, start, stop

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def input_shape(self) -> Shape:
        return self.inputs.shape[1:]

    def take(self, rows: Rows, out: Batch | None = None) -> Batch:
        numbers = np.arange(len(self))[rows] + self.start
        weights = None if self.weights is None else self.weights[numbers]
        return Batch(self.inputs[numbers], self.targets[numbers], weights)


class MemoryMapped(Dataset):
    """Inputs (N, \\*shape), targets and weights, N each, in .npy files; the last ``test_count`` rows are for testing."""

    type: Literal["memory_mapped"] = "memory_mapped"
    inputs: str = Field(default="inputs.npy", min_length=1)
    """File of the inputs, relative to the spec."""
    targets: str = Field(default="targets.npy", min_length=1)
    """File of the targets."""
    weights: str | None = None
    """File of the sample weights; null weighs all alike."""
    test_count: PositiveInt | None = None
    """Rows for testing; null trains on all."""

    def load(self, request: DataRequest) -> Split:
        inputs, targets = self._opened(request.folder / self.inputs), self._opened(request.folder / self.targets)
        weights = None if self.weights is None else self._opened(request.folder / self.weights)
        stop = len(inputs) - (self.test_count or 0)
        test = FileSamples(inputs, targets, weights, stop, len(inputs)) if self.test_count else None
        return Split(train=FileSamples(inputs, targets, weights, 0, stop), test=test)

    def _opened(self, path: Path) -> Array:
        try:
            array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read {path}: {error}") from None
        return array
