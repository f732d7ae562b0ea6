"""Stochastic gradient descent against PyTorch: the update rule alone, and in the training of a small network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from layerkit import SGD, Affine, Array, CategoricalCrossEntropy, Optimizer, ReLU, Sequential, Step
from layerkit.errors import SpecError

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "reference.json").read_text())
NETWORK = REFERENCE["network"]


def workplace(optimizer: Optimizer, parameters: Array) -> Step:
    return Step(parameters, np.zeros_like(parameters), (), optimizer.slots())


def update(optimizer: Optimizer, step: Step, gradients: Array, learning_rate: float) -> None:
    """Do one update as a trainer does it."""
    step.gradients[...] = gradients
    step.begin(optimizer.coefficients(learning_rate, step.number + 1), 0.0, None)
    optimizer.update(step)


@pytest.mark.parametrize("case", REFERENCE["sgd"], ids=lambda case: case["name"])
def test_trajectories_are_those_of_pytorch(case: dict[str, Any]) -> None:
    optimizer = SGD(learning_rate=1.0, **case["options"])
    parameters = np.array(case["start"])
    step = workplace(optimizer, parameters)
    for gradients, learning_rate, wanted in zip(case["gradients"], case["learning_rates"], case["trajectory"], strict=True):
        update(optimizer, step, np.array(gradients), learning_rate)
        assert_allclose(parameters, wanted, rtol=1e-13, atol=1e-14)
    assert step.number == len(case["trajectory"])


@pytest.mark.parametrize("run", NETWORK["runs"], ids=lambda run: run["name"])
def test_a_network_trains_as_in_pytorch(run: dict[str, Any]) -> None:
    model = Sequential(
        [Affine(units=7), ReLU(), Affine(units=3), CategoricalCrossEntropy()], input_shape=(5,), dtype="float64", seed=0
    )
    parameters = {f"{node.name}.{name}": array for node in model.nodes for name, array in node.params.items()}
    for name, values in NETWORK["initial"].items():
        parameters[name][...] = values
    history = model.fit(
        NETWORK["inputs"],
        NETWORK["targets"],
        optimizer=SGD(**run["options"]),
        epochs=len(run["losses"]),
        batch_size=run["batch_size"],
        shuffle=False,
    )
    assert_allclose(history.loss, run["losses"], rtol=1e-12)
    assert parameters.keys() == run["final"].keys()
    for name, values in run["final"].items():
        assert_allclose(parameters[name], values, rtol=1e-12, atol=1e-14, err_msg=name)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_update_writes_parameters_in_place_and_leaves_the_gradients(options: dict[str, Any], dtype: str) -> None:
    optimizer = SGD(learning_rate=0.5, **options)
    vector = np.array([1, 2, 3, 4], dtype)
    step = workplace(optimizer, vector[:2])
    update(optimizer, step, np.array([4, -2], dtype), 0.5)
    assert_allclose(vector, np.array([1, 2, 3, 4]) - 0.5 * np.array([4, -2, 0, 0]) * (1.9 if "nesterov" in options else 1))
    assert_array_equal(step.gradients, [4, -2])
    assert all(slot.dtype == dtype for slot in step.slots.values())


def test_only_momentum_keeps_a_velocity() -> None:
    assert list(SGD(learning_rate=0.1).slots()) == []
    assert list(SGD(learning_rate=0.1, momentum=0.5).slots()) == ["velocity"]
    assert list(SGD(learning_rate=0.1, momentum=0.5, nesterov=True).slots()) == ["velocity"]


def test_the_same_description_serves_two_trainings() -> None:
    optimizer = SGD(learning_rate=0.1, momentum=0.9)
    ends = []
    for _ in range(2):
        parameters = np.zeros(2)
        step = workplace(optimizer, parameters)
        for _ in range(2):
            update(optimizer, step, np.ones(2), 0.1)
        ends.append(parameters)
    assert_array_equal(ends[0], ends[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"momentum": 0.0, "nesterov": True}, "nesterov needs a momentum greater than 0"),
        ({"momentum": 1.0}, "less than 1.0"),
        ({"momentum": -0.1}, "0.0 or more"),
        ({"learning_rate": 0.0}, "greater than 0"),
        ({"learning_rate": -1.0}, "greater than 0"),
        ({"learning_rate": float("inf")}, "finite number"),
        ({"learning_rate": float("nan")}, "finite number"),
        ({"weight_decay": -0.1}, "0.0 or more"),
        ({"dampening": 0.1}, "unknown key"),
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        SGD(**{"learning_rate": 0.1, **options})


def test_the_learning_rate_is_required() -> None:
    with pytest.raises(SpecError, match='missing key "learning_rate"'):
        SGD.model_validate({})


def test_a_rule_that_remembers_nothing_has_no_slots() -> None:
    class Signs(Optimizer):
        type: Literal["signs"] = "signs"

        def update(self, step: Step) -> None:
            step.parameters[...] -= step.coefficients.rate * np.sign(step.gradients)

    model = Sequential([Affine(units=2), CategoricalCrossEntropy()], input_shape=(3,), dtype="float64", seed=0)
    before = model.parameters.copy()
    model.fit(np.eye(3), [0, 1, 0], optimizer=Signs(learning_rate=0.25), epochs=1)
    assert_allclose(model.parameters, before - 0.25 * np.sign(model.gradients))
    assert Signs(learning_rate=0.25).slots() == {}
