"""Assigning to the public arrays of a network copies into them, or is refused; nothing is lost without a word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import layerkit as lk

Make = Callable[..., lk.Sequential]


def test_the_best_weights_are_restored_by_assigning_them(make_eventful: Make) -> None:
    model = make_eventful(dtype="float32")
    best, vector = model.parameters.copy(), model.parameters
    inputs = np.ones((2, 4))
    wanted = model.predict(inputs)
    model.parameters += 1
    assert np.any(model.predict(inputs) != wanted)
    model.parameters = best
    assert model.parameters is vector
    assert_array_equal(model.predict(inputs), wanted)
    best += 1  # it was copied
    assert_array_equal(model.predict(inputs), wanted)


def test_gradients_are_assigned_in_place(make_eventful: Make) -> None:
    model = make_eventful()
    vector = model.gradients
    model.gradients = np.arange(vector.size)
    assert model.gradients is vector
    assert_array_equal(model["affine_1"].grads.weight.ravel(), np.arange(24))


@pytest.mark.parametrize("value", [np.zeros(3), 0.0, np.zeros((1, 69)), []], ids=["short", "a number", "an axis more", "nothing"])
@pytest.mark.parametrize("name", ["parameters", "gradients"])
def test_another_shape_is_refused_and_nothing_is_written(make_eventful: Make, name: str, value: Any) -> None:
    model = make_eventful()
    before = getattr(model, name).copy()
    with pytest.raises(lk.ShapeError, match=f"array '{name}' has shape"):
        setattr(model, name, value)
    assert_array_equal(getattr(model, name), before)


def test_the_arrays_of_a_training_are_assigned_in_place(make_eventful: Make) -> None:
    """An observer that averages the weights would otherwise set what nobody reads."""
    model = make_eventful()
    model.fit(np.ones((3, 4)), [0, 1, 2], optimizer=lk.SGD(learning_rate=0.1, momentum=0.5), epochs=1)
    training = model.training
    assert training is not None
    training.parameters = np.arange(model.parameters.size)
    training.gradients = -np.arange(model.parameters.size)
    training.slots.velocity = np.full(model.parameters.size, 2.0)
    assert_array_equal(model.parameters, np.arange(model.parameters.size))
    assert_array_equal(model.gradients, -np.arange(model.parameters.size))
    assert_array_equal(training.workplace.slots.velocity, np.full(model.parameters.size, 2.0))
    with pytest.raises(lk.ShapeError):
        training.parameters = np.zeros(2)


def test_an_update_may_assign_the_parameters() -> None:
    class Assigning(lk.SGD):
        type: Any = "assigning"

        def update(self, step: lk.Step) -> None:
            step.parameters = step.parameters - step.coefficients.rate * step.gradients

    layers = [lk.Affine(units=3), lk.CategoricalCrossEntropy()]
    first, second = (lk.Sequential(layers, input_shape=(4,), dtype="float64", seed=0) for _ in range(2))
    samples = np.random.default_rng(0).standard_normal((5, 4)), [0, 1, 2, 0, 1]
    before = first.parameters.copy()
    for model, optimizer in ((first, Assigning), (second, lk.SGD)):
        model.fit(*samples, optimizer=optimizer(learning_rate=0.1), epochs=2)
    assert_array_equal(first.parameters, second.parameters)
    assert np.any(first.parameters != before)


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(2, "datetime64[s]"),
        np.array(["1", "2"]),
        np.array([None, None]),
        np.array([1, 2j]),
        np.ma.masked_array([1.0, 2.0], mask=[True, False]),
    ],
    ids=["dates", "texts", "objects", "complex", "masked"],
)
def test_what_are_no_numbers_is_refused(value: Any) -> None:
    model = lk.Sequential([lk.CategoricalCrossEntropy()], input_shape=(2,), seed=0)
    model = lk.Sequential([lk.Affine(units=1), lk.Affine(units=1), lk.CategoricalCrossEntropy()], input_shape=(1,), seed=0)
    before = model.parameters.copy()
    with pytest.raises((TypeError, ValueError), match=r"array 'weight' (is of float32, received|cannot hold masked)"):
        model["affine_1"].params.weight = value[:1, np.newaxis]
    with pytest.raises((TypeError, ValueError), match="array 'parameters'"):
        model.parameters = np.ma.concatenate([value, value]) if isinstance(value, np.ma.MaskedArray) else np.tile(value, 2)
    np.testing.assert_array_equal(model.parameters, before)


def test_an_array_that_was_declared_stays() -> None:
    model = lk.Sequential([lk.Affine(units=1), lk.CategoricalCrossEntropy()], input_shape=(1,), seed=0)
    with pytest.raises(AttributeError, match="array 'weight' was declared and stays"):
        del model["affine_1"].params.weight
    assert model["affine_1"].params.weight.shape == (1, 1)
