"""`Run`: a run spec made ready, trained and scored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import layerkit as lk
from layerkit.errors import ModelFileError
from layerkit.training.run import Run, accuracy


class SquaredError(lk.Loss):
    """Mean of squared differences from one float target a sample (N,)."""

    type: Literal["squared_error"] = "squared_error"

    def forward(self, node: lk.Node, logits: lk.Array, targets: lk.Array, sample_weight: lk.Array | None = None) -> float:
        node.cache = (logits[:, 0] - targets) / len(logits)
        return float(((logits[:, 0] - targets) ** 2).mean())

    def backward(self, node: lk.Node, d_out: float = 1.0) -> lk.Array:
        difference: lk.Array = node.cache
        return 2 * d_out * difference[:, None]

    def predict(self, logits: lk.Array) -> lk.Array:
        return logits[:, 0].copy()


def run_spec(**changes: Any) -> lk.RunSpec:
    """Return a run on iris, with changes of its top-level blocks."""
    document = {
        "layerkit": 1,
        "seed": 3,
        "data": {"type": "iris", "standardize": True},
        "model": {
            "input_shape": [4],
            "layers": [
                {"type": "affine", "units": 8},
                {"type": "relu"},
                {"type": "affine", "units": 3},
                {"type": "crossentropy"},
            ],
        },
        "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 3, "batch_size": 16},
    }
    return lk.RunSpec.model_validate_json(json.dumps({**document, **changes}))


def test_prepare_hands_every_setting_to_the_trainer(tmp_path: Path) -> None:
    training = {
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "momentum": 0.5},
        "epochs": 7,
        "batch_size": 16,
        "shuffle": False,
    }
    run = Run.prepare(run_spec(training=training), tmp_path)
    trainer = run.trainer
    assert trainer.model is run.model
    assert trainer.optimizer == lk.SGD(learning_rate=0.1, momentum=0.5)
    assert (trainer.epochs, trainer.batch_size, trainer.shuffle) == (7, 16, False)
    assert run.model.seed == 3
    assert len(run.data.train) == 112
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_what_python_would_do_by_hand(tmp_path: Path) -> None:
    spec = run_spec()
    run = Run.prepare(spec, tmp_path)
    losses = [record.loss for record in run.epochs(tmp_path)]

    split = spec.data.load(3, tmp_path)
    model = lk.build(spec.model, seed=3)
    history = model.fit(split.train.inputs, split.train.targets, optimizer=lk.SGD(learning_rate=0.1), epochs=3, batch_size=16)
    assert history.loss == losses
    assert_array_equal(model.parameters, run.model.parameters)


def test_the_seed_decides_split_weights_and_order(tmp_path: Path) -> None:
    def losses(seed: int) -> list[float]:
        return [record.loss for record in Run.prepare(run_spec(seed=seed), tmp_path).epochs(tmp_path)]

    assert losses(3) == losses(3)
    assert losses(3) != losses(4)


def test_initial_weights_come_from_beside_the_spec(tmp_path: Path) -> None:
    start = lk.build(run_spec().model, seed=99)
    start.save(tmp_path / "start.safetensors")
    training = {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 3, "initial_weights": "start.safetensors"}
    run = Run.prepare(run_spec(training=training), tmp_path)
    assert_array_equal(run.model.parameters, start.parameters)
    with pytest.raises(ModelFileError, match=r"start\.safetensors"):
        Run.prepare(run_spec(training=training), tmp_path / "elsewhere")


@pytest.mark.parametrize("data", [{"type": "iris"}, {"type": "iris", "test_size": 0.5, "stratify": True}])
def test_classes_are_scored_by_accuracy(tmp_path: Path, data: dict[str, Any]) -> None:
    run = Run.prepare(run_spec(data=data), tmp_path)
    for _ in run.epochs(tmp_path):
        pass
    test = run.data.test
    assert test is not None
    right = np.mean(run.model.predict(test.inputs).argmax(axis=1) == test.targets)
    assert accuracy(run.model, test) == right
    assert run.score() == f"test set accuracy = {right:.3f}"


def test_numbers_are_scored_by_the_loss(tmp_path: Path) -> None:
    spec = lk.RunSpec.model_validate(
        {
            "data": lk.Diabetes(standardize=True),
            "model": lk.ModelSpec(input_shape=(10,), layers=(lk.Affine(units=1), SquaredError())),
            "training": {"optimizer": lk.SGD(learning_rate=0.01), "epochs": 20, "batch_size": 32},
        }
    )
    run = Run.prepare(spec, tmp_path)
    losses = [record.loss for record in run.epochs(tmp_path)]
    assert losses[-1] < 0.5 * losses[0]
    test = run.data.test
    assert test is not None
    assert run.score() == f"test set loss = {run.model.loss(test.inputs, test.targets):.4f}"


def test_without_test_samples_there_is_no_score(tmp_path: Path) -> None:
    run = Run.prepare(run_spec(data={"type": "iris", "test_size": None}), tmp_path)
    assert len(run.data.train) == 150
    assert run.score() is None
