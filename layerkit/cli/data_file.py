"""The MODEL and DATA arguments, the same for every command that applies a model to data."""

from __future__ import annotations

import functools
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import click

from layerkit.cli.spec_file import STANDARD_INPUT
from layerkit.data.file_array import FileArray
from layerkit.data.numpy_files import npy_array, npz_arrays, npz_names
from layerkit.errors import DataError, InputError
from layerkit.network.sequential import Sequential
from layerkit.tables.files import file_source
from layerkit.tables.table import Source
from layerkit.tables.writing import Writing
from layerkit.training.run_directory import RunDirectory, is_run_directory
from layerkit.typing import Array

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def data_options(command: CommandT) -> CommandT:
    """Add what says how a CSV file is written to a command, as the argument ``writing``: a dict of what was said."""
    options = [
        click.option("--separator", metavar="TEXT", help="Between the fields of CSV."),
        click.option("--decimal", metavar="TEXT", help='The mark before the fraction of a number in CSV, "." or ",".'),
        click.option("--quote", metavar="TEXT", help="Around a field of CSV that holds a separator, ' or \"."),
        click.option("--comment", metavar="TEXT", help="What begins a line of CSV that is no row."),
        click.option("--encoding", metavar="TEXT", help="Of the text of CSV, such as cp1252."),
        click.option("--header/--no-header", default=None, help="Whether the first row of CSV has the names of the columns."),
        click.option("--null", "nulls", metavar="TEXT", multiple=True, help="What stands for no value in CSV. Repeatable."),
    ]
    names = ("separator", "decimal", "quote", "comment", "encoding", "header", "nulls")

    @functools.wraps(command)
    def gathering(*arguments: Any, **values: Any) -> Any:
        said = {name: values.pop(name) for name in names}
        writing = {name: value for name, value in said.items() if value not in (None, ())}
        return command(*arguments, writing=writing, **values)

    wrapped: Any = gathering
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[no-any-return]


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


def array_at(path: Path) -> Array | FileArray:
    """Return the array in a file, which stays there; of an archive the only one, or the one called inputs, unpacked.

    Raises
    ------
    DataError
        If there is none.
    """
    if path.suffix.lower() == ".npy":
        array: Array | FileArray = npy_array(path)
    else:
        names = npz_names(path)
        if len(names) > 1 and "inputs" not in names:
            raise DataError(f"{path}: which of the arrays is meant? There are {', '.join(names)}; call one of them inputs")
        array = npz_arrays(path, {"": "inputs" if "inputs" in names else names[0]})[""]
    if not len(array):
        raise DataError(f"{path}: there are no rows")
    return array


def arrays_at(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """Return the arrays of an archive that have some names.

    Raises
    ------
    DataError
        If one is not there.
    """
    if path.suffix.lower() == ".npy":
        raise DataError(f"{path}: this is one array; save an archive, .npz, with {' and '.join(names)}")
    return npz_arrays(path, dict(zip(names, names, strict=True)))


@contextmanager
def table_at(path: Path, said: Mapping[str, Any], before: Writing | None = None) -> Iterator[Source]:
    """Give the rows of a file, or of standard input, which is put down on disk: it is gone through several times.

    Parameters
    ----------
    path
        The file.
    said
        How it is written, as far as the command line says it.
    before
        How the file was written that the model was trained on; counts where the command line says nothing.

    Raises
    ------
    DataError
        If they cannot be read.
    """
    written = before.model_dump(exclude_defaults=True) if before is not None else {}
    writing = Writing.made_of(written | dict(said), "how the file is written")
    if str(path) != STANDARD_INPUT:
        yield file_source(path, writing)
        return
    if sys.stdin is None:
        raise InputError("standard input is closed; write the data to it, or name a file")
    with TemporaryDirectory(prefix="layerkit-") as folder:
        copy = Path(folder) / "standard input"
        with copy.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield file_source(copy, writing, "standard input")
