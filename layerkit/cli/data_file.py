"""The MODEL and DATA arguments, the same for every command that applies a model to data."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import click
import numpy as np

from layerkit.cli.spec_file import STANDARD_INPUT
from layerkit.errors import DataError, InputError
from layerkit.network.sequential import Sequential
from layerkit.tables.dialect import Dialect
from layerkit.tables.files import file_source
from layerkit.tables.table import Source
from layerkit.training.run_directory import RunDirectory, is_run_directory
from layerkit.typing import Array

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def data_options(command: CommandT) -> CommandT:
    """Add what says how a CSV file is written to a command."""
    for name, helps in (
        ("--separator", "Between the fields of CSV; found out by default."),
        ("--decimal", 'The mark before the fraction of a number in CSV, "." or ","; found out by default.'),
        ("--encoding", "Of the text of CSV, such as cp1252; UTF-8 by default."),
    ):
        command = click.option(name, metavar="TEXT", help=helps)(command)
    return command


def model_at(path: Path) -> Sequential:
    """Return the network in a model file, or of a run directory.

    Raises
    ------
    ModelFileError, RunDirectoryError
        If there is none.
    """
    return RunDirectory.open(path).model() if is_run_directory(path) else Sequential.load(path)


def is_array(path: Path) -> bool:
    """Return whether a file holds arrays of NumPy, by its name."""
    return path.suffix.lower() in (".npy", ".npz")


def array_at(path: Path) -> Array:
    """Return the array in a file, which stays there: of an archive the only one, or the one called inputs.

    Raises
    ------
    DataError
        If there is none.
    """
    if not path.is_file():
        raise DataError(f"{path}: cannot read the file: {'this is a folder' if path.is_dir() else 'there is no such file'}")
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found as archive:
            names = archive.files
            if len(names) > 1 and "inputs" not in names:
                raise DataError(f"{path}: which of the arrays is meant? There are {', '.join(names)}; call one of them inputs")
            array: Array = archive["inputs" if "inputs" in names else names[0]]
            return array
    except (OSError, ValueError, EOFError, IndexError) as error:
        raise DataError(
            f"{path}: this is no intact file of NumPy: {str(error).splitlines()[0] if str(error) else error!r}"
        ) from None


@contextmanager
def table_at(path: Path, separator: str | None, decimal: str | None, encoding: str | None) -> Iterator[Source]:
    """Give the rows of a file, or of standard input, which is put down on disk: it is gone through several times.

    Raises
    ------
    DataError
        If they cannot be read.
    """
    if decimal not in (None, ".", ","):
        raise click.BadParameter(f"{decimal!r} is no decimal mark; expected . or ,")
    if separator is not None and len(separator) != 1:
        raise click.BadParameter(f"{separator!r} is no separator; expected one character")
    dialect = Dialect(separator=separator, decimal=decimal)
    if str(path) != STANDARD_INPUT:
        yield file_source(path, dialect, encoding)
        return
    if sys.stdin is None:
        raise InputError("standard input is closed; write the data to it, or name a file")
    with TemporaryDirectory(prefix="layerkit-") as folder:
        copy = Path(folder) / "standard input"
        with copy.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield file_source(copy, dialect, encoding, "standard input")
