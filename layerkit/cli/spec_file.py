"""The SPEC argument and the options that go with it, the same for every command that reads a spec."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from layerkit.diagnostics.diagnostic import Diagnostic
from layerkit.errors import InputError, ModelFileError, SpecError
from layerkit.spec.file_kinds import is_model_file
from layerkit.spec.load import MAX_BYTES, decoded, load_spec, parse_spec
from layerkit.spec.model import ModelSpec
from layerkit.spec.run import RunSpec
from layerkit.training.run_data import is_known, run_data
from layerkit.training.run_directory import SPEC, is_run_directory

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

STANDARD_INPUT = "-"
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def memory_size(text: str) -> int:
    """Return the bytes that ``text`` means, such as ``500M`` or ``2GiB``.

    Raises
    ------
    click.BadParameter
        If it means none.
    """
    match = re.fullmatch(r"([0-9]{1,15})\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if match is None:
        raise click.BadParameter(f"{text!r} is no size; expected bytes, or a number with K, M, G or T, such as 2G")
    return int(match[1]) * _UNITS[match[2].upper()]


def spec_options(command: CommandT) -> CommandT:
    """Add ``--set`` and ``--max-memory`` to a command."""
    command = click.option(
        "--max-memory",
        metavar="SIZE",
        type=memory_size,
        help="Refuse a network that takes more, such as 2G; what the machine has free by default.",
    )(command)
    return click.option(
        "--set", "overrides", metavar="PATH=VALUE", multiple=True, help="Override a value: model.layers[0].units=64. Repeatable."
    )(command)


def with_data(overrides: Sequence[str], data: Path | None) -> tuple[str, ...]:
    """Return overrides with what ``--data`` says: another file for the same columns."""
    return (*overrides, f"data.path={json.dumps(str(data))}") if data is not None else tuple(overrides)


def read_spec(path: Path, overrides: Sequence[str] = (), max_memory: int | None = None) -> RunSpec | ModelSpec:
    """Read the spec in a file, on standard input (``-``), of a run directory, or in a model file.

    Raises
    ------
    SpecError
        If it has faults, or there is none; says what there is instead.
    """
    if str(path) == STANDARD_INPUT:
        return parse_spec(_standard_input(), name_of(path), overrides, max_memory)
    if is_run_directory(path):
        path = path / SPEC
    elif is_model_file(path):
        return parse_spec(_saved_with(path), f"{path}, spec in the metadata", overrides, max_memory)
    return load_spec(path, overrides, max_memory)


def settled(spec: RunSpec | ModelSpec, path: Path) -> RunSpec | ModelSpec:
    """Return a spec with what only its data says: of data in files, that is looked at.

    Raises
    ------
    DataError
        If the samples cannot be had.
    SpecError
        If the model does not fit them.
    """
    if isinstance(spec, ModelSpec) or is_known(spec):
        return spec
    return run_data(spec, path if path.is_dir() else path.parent)[0]


def load_run_spec(path: Path, overrides: Sequence[str], max_memory: int | None) -> RunSpec:
    """Read a spec that must describe a whole run, and is no leftover of one.

    Raises
    ------
    InputError
        If ``path`` is a run directory or a model file.
    SpecError
        If the spec has faults, or is a bare model spec.
    """
    if is_run_directory(path):
        raise InputError(f"{path} is a run directory; to train its spec anew: layerkit train {path / SPEC}")
    if is_model_file(path):
        raise InputError(
            f"{path} is a model file, and training needs a spec; one that starts from these weights names the file as "
            "training.initial_weights"
        )
    spec = read_spec(path, overrides, max_memory)
    if not isinstance(spec, RunSpec):
        message = 'this is a bare model spec; a run needs "data", "model" and "training"'
        raise _refusal(name_of(path), "no_run_spec", message)
    return spec


def name_of(path: Path) -> str:
    """Return what messages call the spec at ``path``."""
    return "<stdin>" if str(path) == STANDARD_INPUT else str(path)


def _standard_input() -> str:
    if sys.stdin is None:
        raise _refusal("<stdin>", "unreadable", "standard input is closed; write the spec to it, or name a file")
    return decoded(sys.stdin.buffer.read(MAX_BYTES + 1), "<stdin>")


def _saved_with(path: Path) -> str:
    """Return the text of the spec that a model was saved with."""
    from layerkit.network.model_file import read_arrays

    try:
        _, metadata = read_arrays(path)
    except ModelFileError as error:
        raise _refusal(str(path), "unreadable", str(error).removeprefix(f"{path}: ")) from None
    if "spec" not in metadata:
        raise _refusal(str(path), "unreadable", "these are weights without a spec; name the spec of their network")
    return metadata["spec"]


def _refusal(file: str, code: str, message: str) -> SpecError:
    return SpecError([Diagnostic(file, (), code, message)])
