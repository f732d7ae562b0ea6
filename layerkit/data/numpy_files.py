"""Arrays in the files of NumPy, of which nothing is unpickled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from layerkit.data.file_array import FileArray
from layerkit.errors import DataError
from layerkit.typing import Array

MOST_UNPACKED = 2**32
"""Most bytes that an archive may unpack to."""


def npy_array(path: Path) -> FileArray:
    """Return the array in a .npy file, which stays there.

    Raises
    ------
    DataError
        If there is none, or it holds no numbers.
    """
    mapped = _opened(path)
    if not isinstance(mapped, np.memmap):
        mapped.close()
        raise DataError(f'{path}: this is an archive of arrays; write "type": "npz"')
    _require_numbers(mapped, str(path))
    fortran = mapped.flags.f_contiguous and not mapped.flags.c_contiguous
    return FileArray(path.open("rb", buffering=0), str(path), mapped.shape, mapped.dtype, mapped.offset, fortran=fortran)


def npz_arrays(path: Path, names: Mapping[str, str | None]) -> dict[str, Array]:
    """Return arrays of a .npz file, whole, by their roles; ``names`` has their names by role, None for what is not wanted.

    Raises
    ------
    DataError
        If one is not there, or holds no numbers, or they are too large.
    """
    with _archive(path) as archive:
        missing = [name for name in names.values() if name is not None and name not in archive.files]
        if missing:
            raise DataError(f'{path}: no array is called "{missing[0]}"; there are {", ".join(archive.files)}')
        return {role: _unpacked(archive, name, path) for role, name in names.items() if name is not None}


def npz_names(path: Path) -> list[str]:
    """Return the names of the arrays in a .npz file; errors as for `npz_arrays`."""
    with _archive(path) as archive:
        return list(archive.files)


def require_finite(array: Array | FileArray, what: str) -> None:
    """Refuse an array that holds NaN or infinity, which is read some rows at a time.

    Raises
    ------
    DataError
        With the place of the first such number, as NumPy counts.
    """
    if array.dtype.kind != "f":
        return
    rows = max(1, _NUMBERS_AT_ONCE // math.prod(array.shape[1:]))
    for start in range(0, len(array), rows):
        some = slice(start, min(start + rows, len(array)))
        values = array[some] if isinstance(array, np.ndarray) else array.take(some)
        if not np.isfinite(values).all():
            row, *place = np.argwhere(~np.isfinite(values))[0].tolist()
            fault = f"[{', '.join(map(str, [start + row, *place]))}] is {values[row, *place]}"
            raise DataError(f"{what}: {fault}, counted from 0; fill it in or leave the row out")


_NUMBERS_AT_ONCE = 2**20


def _opened(path: Path) -> Any:
    """Return what NumPy reads of a file: mapped memory, or an archive."""
    try:
        if not path.is_file():
            kind = "this is a folder" if path.is_dir() else "there is no such file"
            raise DataError(f"{path}: cannot read the file: {kind}")
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except DataError:
        raise
    except Exception as error:  # of zipfile, of NumPy, of a tokenizer
        raise DataError(f"{path}: {_reason(error)}") from None


def _archive(path: Path) -> Any:
    archive = _opened(path)
    if isinstance(archive, np.ndarray):
        raise DataError(f'{path}: this is one array, and no archive of them; write "type": "npy"')
    size = sum(item.file_size for item in archive.zip.infolist())
    if size > MOST_UNPACKED:
        archive.close()
        raise DataError(f"{path}: the arrays would unpack to {size} bytes; keep them in .npy files")
    return archive


def _unpacked(archive: Any, name: str, path: Path) -> Array:
    place = f"{path}, {name}"
    try:
        array = archive[name]
    except Exception as error:  # of zipfile, of NumPy, of a header that asks for more than there is
        raise DataError(f"{place}: {_reason(error)}") from None
    _require_numbers(array, place)
    return array.astype(array.dtype.newbyteorder("="), copy=False)  # type: ignore[no-any-return]


def _require_numbers(array: Array, place: str) -> None:
    if not array.shape:
        raise DataError(f"{place}: this is one number, and no array of samples")
    if 0 in array.shape[1:]:
        raise DataError(f"{place}: samples of shape {array.shape[1:]} hold no numbers")
    if array.dtype.kind not in "biufUS":
        raise DataError(f"{place}: the array is of {array.dtype}; expected numbers")


def _reason(error: Exception) -> str:
    if any(words in str(error) for words in ("allow_pickle", "Object arrays", "Python objects")):
        return "the file holds objects of Python, which are not unpickled; save an array of numbers"
    if isinstance(error, MemoryError):
        return "the array is larger than the memory"
    return f"this is no intact file of NumPy: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
