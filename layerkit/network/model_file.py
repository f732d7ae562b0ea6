"""Weights on disk: safetensors files, with the spec in the metadata of a saved model."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from layerkit.errors import ModelFileError
from layerkit.layers.node import Node
from layerkit.typing import Array


def named_arrays(nodes: Iterable[Node]) -> dict[str, Array]:
    """Return every parameter and every array of state of a network as ``node.array``."""
    return {
        f"{node.name}.{name}": array for node in nodes for arrays in (node.params, node.state) for name, array in arrays.items()
    }


def write_arrays(path: Path, arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file, whole or not at all.

    It is written beside its place, flushed to disk, then moved there: a crash leaves the old file or the new one.
    """
    from safetensors.numpy import save

    # safetensors writes wrong bytes, without a word, for an array that is not C-contiguous.
    content = save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, dict(metadata))
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise


def read_arrays(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the arrays and the metadata of a safetensors file.

    Raises
    ------
    ModelFileError
        If there is no such file, or it is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            # The file is mapped into memory; copies outlive it.
            return {name: np.array(file.get_tensor(name)) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except OSError as error:
        raise ModelFileError(f"{path}: cannot read the file: {error.strerror or error}") from None
    except SafetensorError as error:
        raise ModelFileError(f"{path}: this is not an intact safetensors file: {error}") from None


def assign_arrays(nodes: Iterable[Node], arrays: Mapping[str, Array], path: Path) -> None:
    """Copy ``arrays`` into a network, by name; either all of them or none.

    Raises
    ------
    ModelFileError
        If names or shapes differ, or a value is not finite; names each difference.
    """
    wanted = named_arrays(nodes)
    faults = [f"it lacks {name}" for name in sorted(wanted.keys() - arrays.keys())]
    faults += [f"the network has no {name}" for name in sorted(arrays.keys() - wanted.keys())]
    for name in sorted(wanted.keys() & arrays.keys()):
        if wanted[name].shape != arrays[name].shape:
            faults.append(f"{name} has shape {arrays[name].shape}, expected {wanted[name].shape}")
        elif arrays[name].dtype.kind != "f" or not np.isfinite(arrays[name]).all():
            faults.append(f"{name} holds values that are no finite floats")
    if faults:
        raise ModelFileError(f"{path} does not fit the network: {'; '.join(faults)}")
    for name, array in wanted.items():
        array[...] = arrays[name]
