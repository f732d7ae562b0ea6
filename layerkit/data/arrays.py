"""Arrays in the files of NumPy."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from layerkit import (
    Array,
    ArraySamples,
    DataError,
    DataRequest,
    Dataset,
    FileArray,
    FileSamples,
    Size,
    SpecPath,
    Split,
    found_file,
    most_in_memory,
    npy_array,
    npz_arrays,
    require_finite,
    split_rows,
)


class ArrayDataset(Dataset):
    """Inputs (N, \\*shape), targets, and weights where there are any, N each; split at random."""

    test_size: Size | None = 0.25
    """How many samples are kept for testing, a share of all or a number; null trains on all."""
    stratify: bool = False
    """Keep the shares of the classes alike in all parts."""
    split_seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    """Seed of the split; null takes the run's seed."""

    @abstractmethod
    def arrays(self, folder: Path) -> Mapping[str, Array | FileArray]:
        """Return what there is: ``inputs``, ``targets``, and ``weights`` where there are any; all in memory, or all in files."""

    def load(self, request: DataRequest) -> Split:
        found = self.arrays(request.folder)
        counts = {name: array.shape[0] if array.shape else 0 for name, array in found.items()}
        if len(set(counts.values())) > 1 or not counts["inputs"]:
            raise DataError(f"{self.type}: expected as many of one as of the other, and one at least, received {counts}")
        inputs, targets, weights = found["inputs"], found["targets"], found.get("weights")
        try:
            parts = split_rows(
                counts["inputs"],
                seed=request.seed % 2**32 if self.split_seed is None else self.split_seed,
                test_size=self.test_size,
                validation_size=request.validation,
                labels=_whole(targets) if self.stratify else None,
            )
        except DataError as error:
            raise DataError(f"{self.type} {error}") from None

        def part(rows: Array | None) -> ArraySamples | FileSamples | None:
            if rows is None:
                return None
            if isinstance(inputs, FileArray) and isinstance(targets, FileArray):
                assert not isinstance(weights, np.ndarray)
                return FileSamples(inputs, targets, weights, rows)
            assert isinstance(inputs, np.ndarray)
            assert isinstance(targets, np.ndarray)
            return ArraySamples(inputs[rows], targets[rows], weights[rows] if isinstance(weights, np.ndarray) else None)

        train, validation, test = map(part, parts)
        assert train is not None
        return Split(train=train, validation=validation, test=test)


class NPY(ArrayDataset):
    """Arrays in .npy files, one each."""

    type: Literal["npy"] = "npy"
    inputs: SpecPath = Field(examples=["inputs.npy"])
    """File of the inputs (N, \\*shape), relative to the spec."""
    targets: SpecPath = Field(examples=["targets.npy"])
    """File of the N targets."""
    weights: SpecPath | None = None
    """File of what each sample counts; null weighs all alike."""
    in_memory: bool | None = None
    """Whether all samples stand in memory; null keeps up to 2**23 numbers of inputs there, and leaves more in the files."""

    def arrays(self, folder: Path) -> Mapping[str, Array | FileArray]:
        paths = {"inputs": self.inputs, "targets": self.targets, "weights": self.weights}
        files = {name: npy_array(found_file(path, folder)) for name, path in paths.items() if path is not None}
        for file in files.values():
            require_finite(file, file.what)
        if math.prod(files["inputs"].shape) > most_in_memory(self.in_memory):
            return files
        return {name: _whole(file) for name, file in files.items()}


class NPZ(ArrayDataset):
    """Arrays in one .npz file, by their names; they are unpacked into memory."""

    type: Literal["npz"] = "npz"
    path: SpecPath = Field(examples=["arrays.npz"])
    """The file, relative to the spec."""
    inputs: str = "inputs"
    """Name of the inputs (N, \\*shape)."""
    targets: str = "targets"
    """Name of the N targets."""
    weights: str | None = None
    """Name of what each sample counts; null weighs all alike."""

    def arrays(self, folder: Path) -> Mapping[str, Array]:
        names = {"inputs": self.inputs, "targets": self.targets, "weights": self.weights}
        path = found_file(self.path, folder)
        found = npz_arrays(path, names)
        for role, array in found.items():
            require_finite(array, f"{path}, {names[role]}")
        return found


def _whole(array: Array | FileArray) -> Array:
    return array if isinstance(array, np.ndarray) else array.take(slice(0, len(array)))
