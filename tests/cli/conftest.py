"""What the tests of commands share: running one in this process, and specs that are wrong in every way."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from layerkit.cli.main import main

IRIS = {
    "layerkit": 1,
    "name": "small",
    "seed": 1,
    "data": {"type": "iris"},
    "model": {
        "input_shape": [4],
        "layers": [{"type": "affine", "units": 8}, {"type": "relu"}, {"type": "affine", "units": 3}, {"type": "crossentropy"}],
    },
    "training": {
        "optimizer": {"type": "sgd", "learning_rate": 0.02, "momentum": 0.9},
        "epochs": 7,
        "batch_size": 16,
        "report_every": 3,
    },
}
"""A run spec that trains in no time."""


@pytest.fixture
def spec() -> dict[str, Any]:
    """Give a run spec that trains in no time, to change at will."""
    return copy.deepcopy(IRIS)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty directory, where run directories go, and on no terminal of any width."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.delenv("COLUMNS", raising=False)
    return work


@pytest.fixture
def layerkit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., CompletedProcess[str]]:
    """Give a function that runs a command line in this process."""

    def run(*arguments: object) -> CompletedProcess[str]:
        argv = ["layerkit", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", argv)
        capsys.readouterr()
        code: Any = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        return CompletedProcess(argv, code, *capsys.readouterr())

    return run


def _changed(*place: str | int, value: Any) -> str:
    """Return the text of the spec with another value in one place."""
    document: Any = copy.deepcopy(IRIS)
    block = document
    for key in place[:-1]:
        block = block[key]
    block[place[-1]] = value
    return json.dumps(document, indent=2)


def _without(*place: str) -> str:
    """Return the text of the spec with one key left out."""
    document: Any = copy.deepcopy(IRIS)
    block = document
    for key in place[:-1]:
        block = block[key]
    del block[place[-1]]
    return json.dumps(document, indent=2)


_LAYERS: Any = IRIS["model"]
_AFFINE, _RELU, _OUTPUTS, _LOSS = _LAYERS["layers"]

FAULTS: dict[str, tuple[str, Sequence[str]]] = {
    "no JSON": ('{"layerkit": 1,, }', ["1:16"]),
    "nothing": ("", []),
    "no object": ("[1, 2]", ["expected an object"]),
    "a key twice": ('{"layerkit": 1, "layerkit": 1}', ['"layerkit"']),
    "NaN": (_changed("training", "optimizer", "learning_rate", value=float("nan")), ["NaN"]),
    "no version": (_without("layerkit"), ['missing key "layerkit"']),
    "a later version": (_changed("layerkit", value=2), ["layerkit"]),
    "missing block": (_without("training"), ['missing key "training"']),
    "missing value": (_without("training", "epochs"), ["training", 'missing key "epochs"']),
    "unknown type": (_changed("model", "layers", 1, "type", value="rleu"), ["model.layers[1].type", '"rleu"', '"relu"']),
    "no type": (_changed("model", "layers", 1, value={}), ["model.layers[1]", '"type"']),
    "another family": (_changed("model", "layers", 1, "type", value="zeros"), ["model.layers[1].type", "an initializer"]),
    "unknown key": (_changed("model", "layers", 0, "unit", value=3), ["model.layers[0].unit", "unknown key", '"units"']),
    "unknown key above": (_changed("trainning", value={}), ["trainning", "unknown key", '"training"']),
    "wrong type": (_changed("model", "layers", 0, "units", value="8"), ["model.layers[0].units", "an integer", '"8"']),
    "true is no number": (_changed("training", "epochs", value=True), ["training.epochs", "an integer", "true"]),
    "out of range": (_changed("training", "optimizer", "momentum", value=1), ["training.optimizer.momentum", "less than 1"]),
    "zero units": (_changed("model", "layers", 0, "units", value=0), ["model.layers[0].units", "greater than 0"]),
    "no loss": (_changed("model", "layers", value=[_AFFINE, _RELU]), ["model.layers[1]", "loss"]),
    "loss in the middle": (_changed("model", "layers", value=[_AFFINE, _LOSS, _OUTPUTS, _LOSS]), ["model.layers[1]", "loss"]),
    "a name twice": (_changed("model", "layers", 1, "name", value="affine_1"), ["model.layers[1]", '"affine_1"']),
    "shapes that do not fit": (_changed("model", "input_shape", value=[2, 2]), ["model.layers[0]", "vector", "(2, 2)"]),
    "data of another shape": (_changed("model", "input_shape", value=[5]), ["model.input_shape", "iris", "4"]),
    "too few outputs": (_changed("model", "layers", 2, "units", value=2), ["model.layers[3]", "3 classes", "2 outputs"]),
    "batch beyond the data": (_changed("training", "batch_size", value=1000), ["training.batch_size", "1000", "112"]),
}
"""Texts of specs that are wrong, and what the message about each must say."""


@pytest.fixture(params=FAULTS, name="faulty")
def faulty_spec(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Sequence[str]]:
    """Give a file with a faulty spec, and phrases that the error message must have."""
    text, phrases = FAULTS[request.param]
    path = tmp_path / "faulty.json"
    path.write_text(text)
    return path, phrases
