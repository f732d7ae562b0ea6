"""The SPEC argument and the options that go with it, the same for every command that reads a spec."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from layerkit.diagnostics.diagnostic import Diagnostic
from layerkit.errors import SpecError
from layerkit.spec.load import load_spec
from layerkit.spec.run import RunSpec

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

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


def load_run_spec(path: Path, overrides: tuple[str, ...], max_memory: int | None) -> RunSpec:
    """Read a spec that must describe a whole run.

    Raises
    ------
    SpecError
        If it has faults, or is a bare model spec.
    """
    spec = load_spec(path, overrides, max_memory)
    if not isinstance(spec, RunSpec):
        message = 'this is a bare model spec; a run needs "data", "model" and "training"'
        raise SpecError([Diagnostic(str(path), (), "no_run_spec", message)])
    return spec
