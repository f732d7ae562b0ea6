"""The run directory: what a training leaves behind."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from layerkit.errors import RunDirectoryError
from layerkit.history import EpochRecord
from layerkit.network.sequential import Sequential
from layerkit.registry.registry import Registry
from layerkit.spec.canonical import resolved_json
from layerkit.spec.run import RunSpec

_INITIAL_WEIGHTS = "initial_weights.safetensors"


class RunDirectory:
    """A directory that belongs to one run: ``spec.json``, ``history.jsonl`` and ``model.safetensors``.

    It stands on its own: the spec in it is resolved, and a file of initial weights is copied into it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, name: str, out: Path | None = None) -> RunDirectory:
        """Make ``out``, which must be new or empty, or the next free ``runs/NAME-001``, ``-002``, ...

        Raises
        ------
        RunDirectoryError
            If ``out`` holds something already, or the directory cannot be made.
        """
        try:
            if out is None:
                return cls(_next_free(Path("runs"), name))
            out.mkdir(parents=True, exist_ok=True)
            if any(out.iterdir()):
                raise RunDirectoryError(f"{out} is not empty, and no run is ever overwritten; choose a new directory")
            return cls(out)
        except OSError as error:
            raise RunDirectoryError(f"cannot make the run directory {out or 'runs'}: {error.strerror}") from None

    def write_spec(self, spec: RunSpec, folder: Path, registry: Registry | None = None) -> None:
        """Write the spec with every default filled in, and bring its initial weights along from ``folder``.

        ``registry`` says where its components come from; None stands for what is installed.
        """
        if spec.training.initial_weights is not None:
            shutil.copyfile(folder / spec.training.initial_weights, self.path / _INITIAL_WEIGHTS)
            training = spec.training.model_copy(update={"initial_weights": _INITIAL_WEIGHTS})
            spec = spec.model_copy(update={"training": training})
        (self.path / "spec.json").write_text(resolved_json(spec, registry) + "\n", encoding="utf-8")

    def open_history(self) -> TextIO:
        """Open the history, which `append` writes to."""
        return open(self.path / "history.jsonl", "a", encoding="utf-8", buffering=1)

    def save_model(self, model: Sequential, registry: Registry | None = None) -> None:
        """Write the trained network; ``registry`` is as for `write_spec`."""
        model.save(self.path / "model.safetensors", registry)


def append(history: TextIO, record: EpochRecord) -> None:
    """Add one JSON line to a history; a float there reads back as the same float."""
    history.write(json.dumps(asdict(record)) + "\n")


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
