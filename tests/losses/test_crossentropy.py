"""Softmax cross-entropy against PyTorch, central differences and decimal arithmetic."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from layerkit import Array, CategoricalCrossEntropy, Node, ShapeError, sample_weights
from layerkit.testing import check_loss_gradients

CASES = json.loads((Path(__file__).parents[1] / "reference" / "reference.json").read_text())["crossentropy"]
LABELS = np.array([1, 1, 2, 0, 1])
TARGETS = {
    "labels": LABELS,
    "uint8 labels": LABELS.astype(np.uint8),
    "one-hot": np.eye(3, dtype=np.int64)[LABELS],
    "soft": np.array([[0.75, 0.25, 0.0], [0.25, 0.5, 0.25], [0.0, 0.0, 1.0], [0.125, 0.125, 0.75], [0.5, 0.25, 0.25]]),
}
WEIGHTS = {"unweighted": None, "weighted": np.array([1.0, 0.5, 3.0, 0.25, 2.0]), "one": np.array([0, 0, 1, 0, 0])}


def run(node: Node, logits: Array, targets: Array, weight: Array | None = None, d_out: float = 1.0) -> tuple[float, Array]:
    """Return value and gradient."""
    prepared = node.stage.prepare(targets, logits.shape, node.dtype)
    weights = None if weight is None else sample_weights(weight, len(logits))
    loss = node.stage.forward(node, logits, prepared, weights)
    return loss, node.stage.backward(node, d_out)


def exactly(logits: Array, targets: Array, weight: Array | None, d_out: float) -> tuple[float, Array]:
    """Return value and gradient from their definitions, with digits enough for differences of the largest floats.

    What a sample loses is a float, so it is the largest one where it would be beyond.
    """
    largest = Decimal(sys.float_info.max)
    count, n_classes = logits.shape
    rows = np.eye(n_classes)[targets] if targets.ndim == 1 else targets
    weights = [Decimal(1)] * count if weight is None else [Decimal(float(value)) for value in weight]
    loss, gradient = Decimal(0), np.empty((count, n_classes))
    with localcontext() as context:
        context.prec = 60 if np.abs(logits).max() < 1e9 else 700
        for n in range(count):
            z, t = [Decimal(float(value)) for value in logits[n]], [Decimal(float(value)) for value in rows[n]]
            shifted = [value - max(z) for value in z]
            total = sum(value.exp() for value in shifted)
            share = weights[n] / sum(weights)
            loss += share * min(largest, -sum(t[k] * (shifted[k] - total.ln()) for k in range(n_classes)))
            gradient[n] = [float(Decimal(d_out) * share * (shifted[k].exp() / total - t[k])) for k in range(n_classes)]
        return float(loss), gradient


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_values_and_gradients_are_those_of_pytorch(make_node: Callable[..., Node], case: dict[str, Any]) -> None:
    weight = None if case["sample_weight"] is None else np.array(case["sample_weight"])
    node = make_node(CategoricalCrossEntropy(), (4,))
    loss, d_logits = run(node, np.array(case["logits"]), np.array(case["targets"]), weight, case["d_out"])
    assert loss == pytest.approx(case["loss"], rel=1e-13)
    assert_allclose(d_logits, case["d_logits"], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("targets", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("size", [1.0, 1e4, 1e8, "largest"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_value_and_gradient_are_right_for_all_finite_logits(
    make_node: Callable[..., Node], dtype: str, size: float | str, targets: Array, weight: Array | None
) -> None:
    scale = np.finfo(dtype).max if size == "largest" else np.dtype(dtype).type(size)
    signs = np.array([[1, -1, 0], [-1, 1, 1], [0, 0, 0], [1, 1, 1], [-1, -1, 1]], dtype)
    node = make_node(CategoricalCrossEntropy(), (3,), dtype)
    loss, d_logits = run(node, signs * scale, targets, weight, -1.5)
    wanted_loss, wanted_gradient = exactly(signs * scale, targets, weight, -1.5)
    precision = 1e-12 if dtype == "float64" else 1e-6
    assert np.isfinite(loss)
    assert loss == pytest.approx(wanted_loss, rel=precision)
    assert d_logits.dtype == dtype
    assert_allclose(d_logits, wanted_gradient, rtol=precision, atol=1e-300)


@pytest.mark.parametrize("targets", [np.array([1, 0, 0, 0]), np.eye(2)[[1, 0, 0, 0]]], ids=["labels", "one-hot"])
def test_a_loss_beyond_the_floats_counts_as_the_largest_of_them(make_node: Callable[..., Node], targets: Array) -> None:
    largest = sys.float_info.max
    logits = np.array([[largest, -largest], [largest, 0], [largest, 0], [largest, 0]])
    loss, _ = run(make_node(CategoricalCrossEntropy(), (2,)), logits, targets)
    assert loss == pytest.approx(largest / 4, rel=1e-12)


def test_a_loss_beyond_the_largest_float_is_the_largest_float(make_node: Callable[..., Node]) -> None:
    largest = sys.float_info.max
    loss, d_logits = run(make_node(CategoricalCrossEntropy(), (2,)), np.array([[largest, -largest]]), np.array([1]))
    assert loss == largest
    assert_array_equal(d_logits, [[1.0, -1.0]])


def test_a_sample_of_weight_0_counts_nothing_however_large_its_loss(make_node: Callable[..., Node]) -> None:
    largest = sys.float_info.max
    logits, targets = np.array([[largest, -largest], [0.0, 0.0]]), np.array([[0.0, 1.00005], [0.0, 1.0]])
    loss, d_logits = run(make_node(CategoricalCrossEntropy(), (2,)), logits, targets, np.array([0.0, 1.0]))
    assert loss == pytest.approx(np.log(2), rel=1e-14)
    assert_array_equal(d_logits, [[0, 0], [0.5, -0.5]])


@pytest.mark.parametrize("logit", [40.0, 750.0])
def test_small_losses_keep_their_digits(make_node: Callable[..., Node], logit: float) -> None:
    loss, d_logits = run(make_node(CategoricalCrossEntropy(), (2,)), np.array([[0.0, logit], [0.0, logit]]), np.array([0, 0]))
    assert loss == pytest.approx(logit, rel=1e-15)
    assert_allclose(d_logits, [[-0.5, 0.5]] * 2, rtol=1e-15)


@pytest.mark.parametrize("targets", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
def test_float32_agrees_with_float64(make_node: Callable[..., Node], targets: Array, weight: Array | None) -> None:
    logits = (5 * np.random.default_rng(3).standard_normal((5, 3))).astype(np.float32)
    loss, d_logits = run(make_node(CategoricalCrossEntropy(), (3,), "float32"), logits, targets, weight)
    wanted_loss, wanted = run(make_node(CategoricalCrossEntropy(), (3,)), logits.astype(np.float64), targets, weight)
    assert loss == pytest.approx(wanted_loss, rel=2e-6)
    assert_allclose(d_logits, wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("targets", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("d_out", [0.0, -1.0, 3.5, np.float64(2.0)])
def test_the_gradient_is_proportional_to_what_comes_from_above(
    make_node: Callable[..., Node], targets: Array, d_out: float
) -> None:
    logits = np.random.default_rng(4).standard_normal((5, 3))
    node = make_node(CategoricalCrossEntropy(), (3,))
    _, once = run(node, logits, targets)
    once = once.copy()
    assert np.abs(once).max() > 0.01
    assert_allclose(node.stage.backward(node, d_out), d_out * once, rtol=1e-13)


@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("targets", TARGETS.values(), ids=TARGETS)
def test_gradients_agree_with_central_differences(targets: Array, weight: Array | None) -> None:
    checks = check_loss_gradients(CategoricalCrossEntropy(), (3,), targets=targets, sample_weight=weight)
    assert [str(check) for check in checks if not check.passed] == []
    assert {check.array for check in checks} == {"inputs"}
    assert max(check.error for check in checks) < 1e-6


def test_gradients_agree_on_its_own_example_targets() -> None:
    checks = check_loss_gradients(CategoricalCrossEntropy(), (6,), batch=8)
    assert [(check.array, check.checked, check.passed) for check in checks] == [("inputs", 48, True)] * len(checks) != []


@pytest.mark.parametrize("weight", [np.array([2, 0, 1]), np.array([2.0, 0.0, 1.0], np.float32), np.array([2e300, 0, 1e300])])
def test_a_weight_counts_a_sample_that_often(make_node: Callable[..., Node], weight: Array) -> None:
    logits, labels = np.random.default_rng(5).standard_normal((3, 4)), np.array([3, 0, 1])
    node = make_node(CategoricalCrossEntropy(), (4,))
    weighted, d_logits = run(node, logits, labels, weight)
    d_logits = d_logits.copy()
    repeated, d_repeated = run(node, logits[[0, 0, 2]], labels[[0, 0, 2]])
    assert weighted == pytest.approx(repeated, rel=1e-14)
    assert_allclose(d_logits, [2 * d_repeated[0], np.zeros(4), d_repeated[2]], rtol=1e-13)


def test_arguments_are_left_as_they_were(make_node: Callable[..., Node]) -> None:
    rng = np.random.default_rng(6)
    logits, targets, weight = rng.standard_normal((4, 3)), rng.dirichlet(np.ones(3), 4), rng.uniform(size=4)
    copies = logits.copy(), targets.copy(), weight.copy()
    run(make_node(CategoricalCrossEntropy(), (3,)), logits, targets, weight)
    for array, copy in zip((logits, targets, weight), copies, strict=True):
        assert_array_equal(array, copy)


def test_a_smaller_batch_after_a_larger_one_is_right(make_node: Callable[..., Node]) -> None:
    rng = np.random.default_rng(7)
    used = make_node(CategoricalCrossEntropy(), (4,))
    for count in (9, 2, 5):
        logits, labels = rng.standard_normal((count, 4)), rng.integers(0, 4, count)
        loss, d_logits = run(used, logits, labels)
        fresh_loss, fresh = run(make_node(CategoricalCrossEntropy(), (4,)), logits, labels)
        assert loss == fresh_loss
        assert_array_equal(d_logits, fresh)


@pytest.mark.parametrize("order", ["F", "strided"])
def test_logits_may_lie_in_any_order(make_node: Callable[..., Node], order: str) -> None:
    logits = np.random.default_rng(8).standard_normal((5, 3))
    other = np.asfortranarray(logits) if order == "F" else np.repeat(logits, 2, axis=0)[::2]
    node = make_node(CategoricalCrossEntropy(), (3,))
    wanted_loss, wanted = run(make_node(CategoricalCrossEntropy(), (3,)), logits, LABELS)
    loss, d_logits = run(node, other, LABELS)
    assert loss == wanted_loss
    assert_array_equal(d_logits, wanted)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictions_are_softmax_probabilities(make_node: Callable[..., Node], dtype: str) -> None:
    largest = np.finfo(dtype).max
    logits = np.array([[0, np.log(3)], [-largest, largest], [largest, largest]], dtype)
    probabilities = CategoricalCrossEntropy().predict(make_node(CategoricalCrossEntropy(), (2,), dtype), logits)
    assert probabilities.dtype == dtype
    assert_allclose(probabilities, [[0.25, 0.75], [0, 1], [0.5, 0.5]], rtol=1e-6)


def test_predictions_are_a_new_array(make_node: Callable[..., Node]) -> None:
    logits = np.array([[0.0, 0.0]])
    node = make_node(CategoricalCrossEntropy(), (2,))
    assert not np.shares_memory(node.stage.predict(node, logits), logits)
    assert_array_equal(logits, [[0, 0]])


def test_the_decision_is_the_most_probable_class() -> None:
    decisions = CategoricalCrossEntropy().decide(np.array([[0.25, 0.5, 0.25], [0.5, 0.25, 0.25]]))
    assert_array_equal(decisions, [1, 0])


def test_shapes() -> None:
    loss = CategoricalCrossEntropy()
    assert loss.output_shape((5,)) == ()
    assert loss.class_count((5,)) == 5
    assert loss.flops((50,)) > loss.flops((5,)) >= 5 * 5
    with pytest.raises(ShapeError, match=r"one logit a class, a vector \(K,\), received shape \(2, 3\)"):
        loss.output_shape((2, 3))
