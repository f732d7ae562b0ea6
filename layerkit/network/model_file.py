"""Weights on disk: safetensors files, with the spec in the metadata of a saved model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from layerkit.errors import ModelFileError, WorkError, described
from layerkit.files import is_full, read_regular_file, reason, remedy, write_whole_file
from layerkit.spec.file_kinds import like_it
from layerkit.stack.node import Node
from layerkit.typing import Array

_DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "I64": np.dtype("<i8"),
    "BOOL": np.dtype("?"),
}

_TOLD = 10
"""Most differences between a file and a network that are told."""


def named_arrays(nodes: Iterable[Node]) -> dict[str, Array]:
    """Return every parameter and every array of state of a network as ``node.array``."""
    return {
        f"{node.name}.{name}": array
        for top in nodes
        for node in top.tree()
        for arrays in (node.params, node.state)
        for name, array in arrays.items()
    }


def write_arrays(path: Path, arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file, whole or not at all.

    ``metadata`` should have one key: safetensors writes several in an order that changes from time to time.

    Raises
    ------
    ModelFileError
        If the file cannot be written there, or could not be read back: where a value is not finite.
    WorkError
        If the disk is full.
    """
    from safetensors.numpy import save

    broken = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if broken:
        raise ModelFileError(f"{path}: not written, since it could not be loaded: {', '.join(broken[:5])} not finite")
    try:
        # safetensors writes wrong bytes, without a word, for an array that is not C-contiguous.
        content = save({name: np.asarray(array, order="C") for name, array in arrays.items()}, dict(metadata))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # where memory runs out, safetensors panics, which is no Exception
        raise ModelFileError(f"{path}: cannot make what is to be written: {described(error)}") from None
    try:
        write_whole_file(path, content)
    except OSError as error:
        kind = WorkError if is_full(error) else ModelFileError
        raise kind(f"{path}: cannot write the file: {reason(error)}{remedy(error)}") from None


def read_arrays(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the arrays and the metadata of a safetensors file.

    Raises
    ------
    ModelFileError
        If there is no such file, it is damaged, or holds something else than a network does.
    """
    from safetensors import SafetensorError, deserialize

    try:
        content = read_regular_file(path)
        tensors: dict[str, Any] = dict(deserialize(content))  # type: ignore[no-untyped-call]  # it has no types
    except OSError as error:
        near = like_it(path, ".safetensors") if isinstance(error, FileNotFoundError) else None
        raise ModelFileError(f"{path}: cannot read the file: {reason(error)}{f'; {near}' if near else ''}") from None
    except SafetensorError as error:
        raise ModelFileError(f"{path}: this is not an intact safetensors file: {error}") from None
    arrays = {}
    for name, tensor in tensors.items():
        dtype = _DTYPES.get(tensor["dtype"])
        if dtype is None:
            raise ModelFileError(f"{path}: {name} is of type {tensor['dtype']}; expected {' or '.join(_DTYPES)}")
        arrays[name] = np.frombuffer(tensor["data"], dtype).reshape(tensor["shape"])
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return arrays, header.get("__metadata__") or {}


def assign_arrays(nodes: Iterable[Node], arrays: Mapping[str, Array], path: Path) -> None:
    """Copy ``arrays`` into a network, by name; either all of them or none.

    Raises
    ------
    ModelFileError
        If names or shapes differ, or a value is not finite in the network's dtype; names the first differences.
    """
    wanted = named_arrays(nodes)
    faults = [f"it lacks {name}" for name in sorted(wanted.keys() - arrays.keys())]
    faults += [f"the network has no {name}" for name in sorted(arrays.keys() - wanted.keys())]
    fitting = {}
    for name in sorted(wanted.keys() & arrays.keys()):
        if wanted[name].shape != arrays[name].shape:
            faults.append(f"{name} has shape {arrays[name].shape}, expected {wanted[name].shape}")
            continue
        if (wanted[name].dtype.kind == "f") != (arrays[name].dtype.kind == "f"):
            faults.append(f"{name} is of type {arrays[name].dtype}, expected {wanted[name].dtype}")
            continue
        with np.errstate(over="ignore"):
            fitting[name] = arrays[name].astype(wanted[name].dtype)
        if not np.isfinite(fitting[name]).all():
            faults.append(f"{name} holds values that are not finite in {wanted[name].dtype}")
    if faults:
        told = "; ".join(faults[:_TOLD]) + (f"; and {len(faults) - _TOLD} more" if len(faults) > _TOLD else "")
        raise ModelFileError(f"{path} does not fit the network: {told}")
    for name, array in wanted.items():
        array[...] = fitting[name]
