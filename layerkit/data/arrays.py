"""Arrays in the files of NumPy."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from layerkit import Array, ArraySamples, DataError, DataRequest, Dataset, Size, SpecPath, Split, split_rows

_UNPACKED = 2**32
"""Most bytes that an archive may unpack to."""


class ArrayDataset(Dataset):
    """Inputs (N, \\*shape), targets, and weights where there are any, N each; split at random."""

    test_size: Size | None = 0.25
    """How many samples are kept for testing, a share of all or a number; null trains on all."""
    stratify: bool = False
    """Keep the shares of the classes alike in all parts."""
    split_seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    """Seed of the split; null takes the run's seed."""

    @abstractmethod
    def arrays(self, folder: Path) -> Mapping[str, Array]:
        """Return what there is: ``inputs``, ``targets``, and ``weights`` where there are any."""

    def load(self, request: DataRequest) -> Split:
        found = self.arrays(request.folder)
        counts = {name: len(array) if array.ndim else 0 for name, array in found.items()}
        if len(set(counts.values())) > 1 or not counts["inputs"]:
            raise DataError(f"{self.type}: expected as many of one as of the other, and one at least, received {counts}")
        inputs, targets, weights = found["inputs"], found["targets"], found.get("weights")
        try:
            parts = split_rows(
                len(inputs),
                seed=request.seed % 2**32 if self.split_seed is None else self.split_seed,
                test_size=self.test_size,
                validation_size=request.validation,
                labels=targets if self.stratify else None,
            )
        except DataError as error:
            raise DataError(f"{self.type} {error}") from None
        train, validation, test = (
            None if rows is None else ArraySamples(inputs[rows], targets[rows], None if weights is None else weights[rows])
            for rows in parts
        )
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

    def arrays(self, folder: Path) -> Mapping[str, Array]:
        paths = {"inputs": self.inputs, "targets": self.targets, "weights": self.weights}
        return {name: _array(folder / Path(path).expanduser()) for name, path in paths.items() if path is not None}


class NPZ(ArrayDataset):
    """Arrays in one .npz file, by their names."""

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
        path = folder / Path(self.path).expanduser()
        names = {"inputs": self.inputs, "targets": self.targets, "weights": self.weights}
        with _Opened(path) as archive:
            if isinstance(archive, np.ndarray):
                raise DataError(f'{path}: this is one array, and no archive of them; write "type": "npy"')
            size = sum(item.file_size for item in archive.zip.infolist())
            if size > _UNPACKED:
                raise DataError(f"{path}: the arrays would unpack to {size} bytes; keep them in .npy files")
            missing = [name for name in names.values() if name is not None and name not in archive.files]
            if missing:
                raise DataError(f'{path}: no array is called "{missing[0]}"; there are {", ".join(archive.files)}')
            found = {}
            for role, name in names.items():
                if name is not None:
                    try:
                        found[role] = _numbers(archive[name], f"{path}, {name}")
                    except DataError:
                        raise
                    except Exception as error:  # of zipfile, of NumPy, of a header that asks for more than there is
                        raise DataError(f"{path}, {name}: {_reason(error)}") from None
            return found


def _array(path: Path) -> Array:
    with _Opened(path) as array:
        if not isinstance(array, np.ndarray):
            raise DataError(f'{path}: this is an archive of arrays; write "type": "npz"')
        return _numbers(array, str(path))


class _Opened:
    """A context with what NumPy reads of a file, and nothing that would have to be unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None

    def __enter__(self) -> Any:
        if not self._path.is_file():
            kind = "this is a folder" if self._path.is_dir() else "there is no such file"
            raise DataError(f"{self._path}: cannot read the file: {kind}")
        try:
            self._file = np.load(self._path, mmap_mode="r", allow_pickle=False)
        except Exception as error:  # of zipfile, of NumPy, of a tokenizer
            raise DataError(f"{self._path}: {_reason(error)}") from None
        return self._file

    def __exit__(self, *error: Any) -> None:
        if not isinstance(self._file, np.ndarray):
            self._file.close()


def _numbers(array: Array, place: str) -> Array:
    if 0 in array.shape[1:]:
        raise DataError(f"{place}: samples of shape {array.shape[1:]} hold no numbers")
    if array.dtype.kind not in "biufUS":
        raise DataError(f"{place}: the array is of {array.dtype}; expected numbers")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _reason(error: Exception) -> str:
    if any(words in str(error) for words in ("allow_pickle", "Object arrays", "Python objects")):
        return "the file holds objects of Python, which are not unpickled; save an array of numbers"
    if isinstance(error, MemoryError):
        return "the array is larger than the memory"
    return f"this is no intact file of NumPy: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
