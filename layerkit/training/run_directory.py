"""The run directory: what a training leaves behind, and how it is found again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from layerkit.errors import ModelFileError, RunDirectoryError, WorkError, described
from layerkit.files import reason, remedy, write_whole_file
from layerkit.history import EpochRecord, History
from layerkit.network.sequential import Sequential
from layerkit.registry.discovery import installed_registry
from layerkit.registry.registry import Registry
from layerkit.spec.canonical import resolved_json
from layerkit.spec.load import load_spec
from layerkit.spec.paths import change_paths
from layerkit.spec.run import RunSpec

SPEC = "spec.json"
_INITIAL_WEIGHTS = "initial_weights.safetensors"
_STATUS = "status.json"
_HISTORY = "history.jsonl"
_MODEL = "model.safetensors"
_SCORES = "scores.json"


class RunDirectory:
    """A directory that belongs to one run.

    It stands on its own: the spec in it is resolved, and a file of initial weights is copied into it. ``RunDirectory.open(path)``
    finds one again.

    Parameters
    ----------
    path
        Where it is.
    registry
        Says where components come from, and which ones the spec in it may name; None stands for what is installed.
    """

    def __init__(self, path: str | Path, registry: Registry | None = None) -> None:
        self.path = Path(path)
        self._registry = registry

    def __repr__(self) -> str:
        return f"RunDirectory({str(self.path)!r})"

    @classmethod
    def open(cls, path: str | Path, registry: Registry | None = None) -> RunDirectory:
        """Return the run directory at ``path``; what is in it is read when it is asked for.

        Raises
        ------
        RunDirectoryError
            If there is none.
        """
        path = Path(path)
        if is_run_directory(path):
            return cls(path, registry)
        if path.is_dir():
            raise RunDirectoryError(f"{path} is no run directory: it has no {SPEC}")
        if path.exists():
            hint = f"; its directory {path.parent} is one" if is_run_directory(path.parent) else ""
            raise RunDirectoryError(f"{path} is a file, and no run directory{hint}")
        raise RunDirectoryError(f"there is no directory {path}; run directories are in runs/ unless they were put elsewhere")

    @classmethod
    def create(cls, name: str, out: Path | None = None, registry: Registry | None = None) -> RunDirectory:
        """Make ``out``, which must be new or empty, or the next free ``runs/NAME-001``, ``-002``, ...

        Raises
        ------
        RunDirectoryError
            If ``out`` holds something already, or the directory cannot be made.
        """
        try:
            if out is None:
                return cls(_next_free(Path("runs"), name), registry)
            if os.path.lexists(out) and not out.is_dir():
                raise RunDirectoryError(f"cannot make the run directory {out}: there is a file of this name; choose another")
            out.mkdir(parents=True, exist_ok=True)
            if any(out.iterdir()):
                raise RunDirectoryError(f"{out} is not empty, and no run is ever overwritten; choose a new directory")
            return cls(out, registry)
        except OSError as error:
            place = out or "runs"
            raise RunDirectoryError(f"cannot make the run directory {place}: {reason(error)}; choose another place") from None

    # --- writing --------------------------------------------------------------------------------------------------

    def write_status(self, status: Status, why: str | None = None, *, epoch: int = 0, step: int = 0) -> None:
        """Say how the run stands, and why it ended where that is no matter of course, after how many epochs and steps."""
        text = _json_text({"status": status, "reason": why, "epoch": epoch, "step": step})
        path = self.path / _STATUS
        try:
            self._write(_STATUS, text)
        except WorkError:
            if not path.exists():
                raise
            with _writing(path):  # a full disk has no room for a second file, and most often the room that the first one takes
                path.write_text(text, encoding="utf-8")

    def write_spec(self, spec: RunSpec, folder: Path) -> None:
        """Write the spec with every default filled in, and bring its initial weights along from ``folder``.

        The data stays where it is: paths to it begin in the run directory from now on.
        """
        if spec.training.initial_weights is not None:
            copy = self.path / _INITIAL_WEIGHTS
            with _writing(copy):
                shutil.copyfile(folder / spec.training.initial_weights, copy)
            training = spec.training.model_copy(update={"initial_weights": _INITIAL_WEIGHTS})
            spec = spec.model_copy(update={"training": training})
        document = json.loads(resolved_json(spec, self._registry))
        registry = self._registry or installed_registry()
        change_paths(document, [("data",)], RunSpec, registry, lambda path: self._from_here(path, folder))
        self._write(SPEC, f"{json.dumps(document, indent=2, ensure_ascii=False)}\n")

    def _from_here(self, path: str, folder: Path) -> str:
        """Return a path that began in ``folder`` as one that begins in the run directory."""
        if path.startswith("~") or Path(path).is_absolute():
            return path
        try:
            return os.path.relpath(folder / path, self.path)
        except ValueError:  # on another drive of Windows
            return str((folder / path).absolute())

    @contextmanager
    def open_history(self) -> Iterator[Callable[[EpochRecord], None]]:
        """Give a function that adds a line, which is then in the file; floats in it read back as they are."""
        path = self.path / _HISTORY
        with _writing(path):
            file = path.open("ab", buffering=0)  # what is not written at once would be tried again when the file is closed

        def append(record: EpochRecord) -> None:
            rest = (json.dumps(asdict(record)) + "\n").encode()
            with _writing(path):
                while rest:
                    rest = rest[file.write(rest) :]

        with file:
            yield append

    def save_model(self, model: Sequential) -> None:
        """Write the trained network."""
        try:
            model.save(self.path / _MODEL, self._registry)
        except ModelFileError as error:  # of a directory that is gone, say
            raise WorkError(str(error)) from None

    def write_scores(self, scores: Mapping[str, float]) -> None:
        """Write the scores on the test samples; floats read back as they are."""
        self._write(_SCORES, _json_text(dict(scores)))

    def _write(self, name: str, text: str) -> None:
        path = self.path / name
        with _writing(path):
            write_whole_file(path, text.encode())

    # --- reading --------------------------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """Return how the run stood when that was last written down.

        ``status`` is ``running``, ``finished``, ``interrupted``, ``diverged`` or ``failed``; ``reason`` says why it ended, where
        it did so early; ``epoch`` and ``step`` count the epochs and updates that were done.
        """
        return dict(self._read_json(_STATUS))

    def spec(self) -> RunSpec:
        """Return what was asked for, with every default filled in.

        Raises
        ------
        SpecError
            If it is not valid here, for want of a plugin or of memory.
        """
        spec = load_spec(self.path / SPEC, registry=self._registry)
        if not isinstance(spec, RunSpec):
            raise RunDirectoryError(f"{self.path} is no run directory: its {SPEC} is a bare model")
        return spec

    def history(self) -> History:
        """Return the records of the epochs that are done; a line that was cut off in its middle is left out."""
        *lines, _ = self._read(_HISTORY).split("\n")  # what follows the last end of a line is no whole line
        records = []
        for number, line in enumerate(lines, start=1):
            try:
                records.append(EpochRecord(**json.loads(line)))
            except (ValueError, TypeError) as error:
                raise self._damaged(f"{_HISTORY}, line {number}", error) from None
        return History(records)

    def model(self) -> Sequential:
        """Return the trained network.

        Raises
        ------
        RunDirectoryError
            If the run has saved none.
        ModelFileError
            If it cannot be read.
        """
        if not (self.path / _MODEL).exists():
            raise self._missing("trained model")
        return Sequential.load(self.path / _MODEL, self._registry)

    def scores(self) -> dict[str, float]:
        """Return the scores on the test samples, as `Run.scores`; nothing where there are no test samples."""
        return dict(self._read_json(_SCORES))

    def _read_json(self, name: str) -> Mapping[str, Any]:
        text = self._read(name)
        try:
            value = json.loads(text)
        except ValueError as error:
            raise self._damaged(name, error) from None
        if not isinstance(value, dict):
            raise self._damaged(name, TypeError("it is no JSON object"))
        return value

    def _read(self, name: str) -> str:
        try:
            return (self.path / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise self._missing(name) from None
        except OSError as error:
            raise RunDirectoryError(f"cannot read {self.path / name}: {reason(error)}") from None
        except UnicodeDecodeError as error:
            raise self._damaged(name, error) from None

    def _missing(self, what: str) -> RunDirectoryError:
        if not (self.path / _STATUS).exists():
            return RunDirectoryError(f"{self.path} has no {what}: the run was cut off, or made by an earlier layerkit")
        status = self.status()
        why = f" ({status['reason']})" if status.get("reason") else ""
        return RunDirectoryError(f"{self.path} has no {what}: the run is said to be {status.get('status')}{why}")

    def _damaged(self, what: str, error: Exception) -> RunDirectoryError:
        return RunDirectoryError(f"{self.path}: {what} is damaged: {described(error)}")


Status = Literal["running", "finished", "interrupted", "diverged", "failed"]


def is_run_directory(path: Path) -> bool:
    """Return whether a run was begun in the directory ``path``."""
    try:
        return (path / SPEC).is_file()
    except OSError:  # a name that is too long, or a directory that may not be looked into
        return False


def _json_text(value: Any) -> str:
    return f"{json.dumps(value, indent=2)}\n"


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say what could not be written: a full disk does not."""
    try:
        yield
    except OSError as error:
        raise WorkError(f"cannot write {path}: {reason(error)}{remedy(error)}") from None


def _next_free(runs: Path, name: str) -> Path:
    runs.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = runs / f"{name}-{number:03d}"
        try:
            path.mkdir()  # of two runs that start together, one makes it and the other goes on
            return path
        except FileExistsError:
            number += 1
