"""Trainings and networks whose numbers leave the floats: an error that says where, and nothing that looks like a result."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

import layerkit as lk
from layerkit.cli.main import main


def spec(std: float = 0.1, learning_rate: float = 0.1, dtype: str = "float64", **training: Any) -> dict[str, Any]:
    layers = [
        {"type": "affine", "units": 8, "weight_init": {"type": "normal", "std": std}},
        {"type": "relu"},
        {"type": "affine", "units": 3},
        {"type": "crossentropy"},
    ]
    return {
        "layerkit": 1,
        "data": {"type": "iris", "standardize": True},
        "model": {"input_shape": [4], "dtype": dtype, "layers": layers},
        "training": {"optimizer": {"type": "sgd", "learning_rate": learning_rate}, "epochs": 1, **training},
    }


def train(
    document: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    """Return exit code, output and errors of ``layerkit train``; the run directory is ``out``."""
    monkeypatch.chdir(folder)
    Path("spec.json").write_text(json.dumps(document))
    monkeypatch.setattr(sys, "argv", ["layerkit", "train", "spec.json", "--out", "out"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert isinstance(stop.value.code, int)
    return stop.value.code, *capsys.readouterr()


def test_the_last_update_is_looked_at_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No loss tells of it any more."""
    code, out, errors = train(spec(std=1.0, learning_rate=1e308, dtype="float32"), tmp_path, monkeypatch, capsys)
    assert code == 1
    assert out == ""
    assert "the update made parameters that are not finite in epoch 0, after 1 steps" in errors
    assert re.search(r"affine_[12]\.(weight|bias) is not finite; try a smaller learning_rate$", errors.strip())
    assert errors.splitlines()[:-1] == ["training in out", "run directory: out"]
    assert not (tmp_path / "out" / "model.safetensors").exists()


@pytest.mark.parametrize(("dtype", "std"), [("float64", 1e300), ("float64", 1e160), ("float32", 1e25)])
def test_initial_values_that_are_too_large_are_named_and_not_the_learning_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], dtype: str, std: float
) -> None:
    code, out, errors = train(spec(std=std, dtype=dtype), tmp_path, monkeypatch, capsys)
    assert code == 1
    assert out == ""
    assert re.match(rf"error: affine_1\.weight starts from values of up to \d.\d*e\+\d+, too large .*{dtype}", errors)
    assert "smaller initial values" in errors
    assert "learning_rate" not in errors
    assert len(errors.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_initial_values_may_be_large() -> None:
    layers = [lk.Affine(units=3, weight_init=lk.Constant(value=1e18)), lk.CategoricalCrossEntropy()]
    model = lk.Sequential(layers, input_shape=(2,), dtype="float32", seed=0)
    assert len(model.fit(np.eye(2), [0, 2], optimizer=lk.SGD(learning_rate=1e-3), epochs=2)) == 2


def test_a_training_that_has_begun_may_go_on_whatever_its_parameters() -> None:
    """What it made of them is no initial value."""
    layers = [lk.Affine(units=2, weight_init=lk.Zeros()), lk.CategoricalCrossEntropy()]
    model = lk.Sequential(layers, input_shape=(1,), dtype="float64", seed=0)
    options: Any = {"epochs": 1, "batch_size": 2, "shuffle": False}
    for _ in range(2):
        model.fit(np.ones((2, 1)), [0, 0], optimizer=lk.SGD(learning_rate=1e200), **options)
    assert np.abs(model.parameters).max() > 1e199


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictions_that_are_not_finite_have_no_score(dtype: Literal["float32", "float64"], either_loss: lk.Loss) -> None:
    model = lk.Sequential([lk.Affine(units=2), lk.Affine(units=2), either_loss], input_shape=(2,), dtype=dtype, seed=0)
    model.parameters[:] = np.finfo(dtype).max / 4
    targets = np.array([0, 1]) if either_loss.type == "crossentropy" else np.zeros((2, 2))
    for metrics in ((), (lk.Accuracy(),)) if either_loss.type == "crossentropy" else ((),):
        with pytest.raises(lk.DivergedError, match=r"not finite|the loss is"):
            model.evaluate(np.eye(2), targets, metrics=metrics)


def test_a_state_that_is_not_finite_ends_the_training() -> None:
    """No model could be read back from it."""

    class Counting(lk.Layer):
        """Adds up what comes by."""

        type: Literal["counting"] = "counting"

        def state(self, input_shape: lk.Shape) -> dict[str, lk.State]:
            return {"steps": lk.State((), dtype="int64"), "total": lk.State(input_shape)}

        def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
            if node.training:
                node.state.steps += 1
                node.state.total += inputs.sum(axis=0) * np.float32(1e30)
            return inputs

        def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
            return d_out

    layers = [lk.Affine(units=2), Counting(name="sum"), lk.CategoricalCrossEntropy()]
    model = lk.Sequential(layers, input_shape=(2,), dtype="float32", seed=0)
    with pytest.raises(lk.DivergedError, match=r"^sum\.total is no longer finite in epoch 0, after 2 steps"):
        model.fit(np.full((4, 2), 1e9), [0, 1, 0, 1], optimizer=lk.SGD(learning_rate=1e-30), epochs=2, batch_size=2)


@pytest.mark.filterwarnings("ignore:overflow")
def test_an_infinite_loss_is_not_taken_for_the_largest_float(squared_error: lk.Loss) -> None:
    model = lk.Sequential([squared_error], input_shape=(2,), dtype="float64", seed=0)
    assert model.loss(np.full((3, 2), 1e200), np.zeros((3, 2))) == np.inf


def test_the_error_of_a_first_step_blames_no_learning_rate(squared_error: lk.Loss) -> None:
    model = lk.Sequential([lk.Affine(units=2), squared_error], input_shape=(2,), dtype="float32", seed=0)
    with pytest.raises(lk.DivergedError, match="after 0 steps; the initial weights or the inputs may be too large") as caught:
        model.fit(np.full((3, 2), 1e30), np.zeros((3, 2)), optimizer=lk.SGD(learning_rate=0.1), epochs=1)
    assert "learning_rate" not in str(caught.value)
