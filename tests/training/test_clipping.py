"""Gradients that are clipped: by number, by layer, and all together, before weight decay and the optimizer."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import layerkit as lk

INPUTS = 5 * np.random.default_rng(0).standard_normal((12, 3))
LABELS = np.random.default_rng(1).integers(4, size=12)


def network(dtype: Literal["float32", "float64"] = "float64") -> lk.Sequential:
    return lk.Sequential([lk.Affine(units=5), lk.ReLU(), lk.Affine(units=4), "crossentropy"], input_shape=3, dtype=dtype, seed=0)


def step(scale: float = 1.0, dtype: Literal["float32", "float64"] = "float64", **clipping: Any) -> tuple[Any, Any]:
    """Return the gradients of the first batch, and those by which one step of gradient descent moved the parameters."""
    model = network(dtype)
    model.loss_and_gradients(scale * INPUTS, LABELS)
    gradients, before = model.gradients.copy(), model.parameters.copy()
    model.fit(scale * INPUTS, LABELS, optimizer=lk.SGD(learning_rate=1.0), epochs=1, batch_size=None, **clipping)
    return gradients, before - model.parameters


def test_numbers_are_cut() -> None:
    gradients, used = step(clip_value=0.05)
    assert np.abs(gradients).max() > 0.1
    assert_allclose(used, np.clip(gradients, -0.05, 0.05), rtol=1e-9, atol=1e-12)


def test_the_gradient_is_shortened() -> None:
    gradients, used = step(clip_norm=0.3)
    assert np.linalg.norm(gradients) > 1
    assert_allclose(used, gradients * (0.3 / np.linalg.norm(gradients)), rtol=1e-9, atol=1e-12)


def test_the_gradient_of_each_layer_is_shortened() -> None:
    gradients, used = step(clip_layer_norm=2.25)
    layers = slice(0, 20), slice(20, 44)  # 3 x 5 weights and 5 biases, 5 x 4 and 4
    norms = [np.linalg.norm(gradients[layer]) for layer in layers]
    assert min(norms) < 2.25 < max(norms)  # one is shortened, the other is not
    for layer, norm in zip(layers, norms, strict=True):
        assert_allclose(used[layer], gradients[layer] * min(1, 2.25 / norm), rtol=1e-9, atol=1e-12)


def test_all_ways_together_come_in_their_order() -> None:
    gradients, used = step(clip_value=0.2, clip_layer_norm=0.4, clip_norm=0.45)
    wanted = np.clip(gradients, -0.2, 0.2)
    for layer in (slice(0, 20), slice(20, 44)):
        wanted[layer] *= min(1, 0.4 / np.linalg.norm(wanted[layer]))
    assert np.linalg.norm(wanted) > 0.45
    assert_allclose(used, wanted * (0.45 / np.linalg.norm(wanted)), rtol=1e-9, atol=1e-12)


def test_what_is_short_enough_stays_bit_for_bit() -> None:
    wide = {"clip_value": 1e3, "clip_layer_norm": 1e3, "clip_norm": 1e3}
    assert_array_equal(step(**wide)[1], step()[1])


def test_a_gradient_whose_squares_are_too_large_is_shortened_all_the_same() -> None:
    gradients, used = step(scale=1e25, dtype="float32", clip_norm=0.5)
    assert np.abs(gradients).max() > 1e20
    assert np.isfinite(used).all()
    assert np.linalg.norm(used) == pytest.approx(0.5, rel=1e-4)


def test_weight_decay_is_not_clipped() -> None:
    model = network()
    before = model.parameters.copy()
    optimizer = lk.SGD(learning_rate=1.0, weight_decay=0.5)
    model.fit(INPUTS, LABELS, optimizer=optimizer, epochs=1, batch_size=None, clip_norm=1e-12)
    weights = before[:15]
    assert_allclose(before[:15] - model.parameters[:15], 0.5 * weights, rtol=1e-6, atol=1e-11)


class Searching(lk.Optimizer):
    """Asks for the loss again. Formula: none; a stand-in."""

    reevaluates: ClassVar[bool] = True
    type: Literal["searching"] = "searching"

    def update(self, step: lk.Step) -> None:
        step.evaluate()


@pytest.mark.parametrize("name", ["clip_norm", "clip_layer_norm", "clip_value"])
def test_an_optimizer_that_asks_again_takes_no_clipping(name: str) -> None:
    with pytest.raises(
        lk.SpecError, match=f"{name}: searching looks for a step that suits the gradient as it is; leave {name} out"
    ):
        lk.TrainingSpec(optimizer=Searching(learning_rate=1.0), epochs=1, **{name: 1.0})
    with pytest.raises(lk.SpecError, match=f"{name}: .* greater than 0"):
        network().fit(INPUTS, LABELS, **{name: 0})
