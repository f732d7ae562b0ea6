"""Squared error against PyTorch, and at the edges: large numbers, targets of other shapes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import layerkit as lk

CASES = json.loads((Path(__file__).parents[1] / "reference" / "reference.json").read_text())["mse"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{np.shape(case['logits'])}")
def test_values_and_gradients_are_those_of_pytorch(make_node: Callable[..., lk.Node], case: dict[str, Any]) -> None:
    logits, targets = np.array(case["logits"]), np.array(case["targets"])
    node = make_node(lk.MeanSquaredError(), logits.shape[1:])
    weight = None if case["sample_weight"] is None else lk.sample_weights(np.array(case["sample_weight"]), len(logits))
    loss = node.stage.forward(node, logits, node.stage.prepare(targets, logits.shape, node.dtype), weight)
    assert loss == pytest.approx(case["loss"], rel=1e-14)
    assert_allclose(node.stage.backward(node, case["d_out"]), case["d_logits"], rtol=1e-13, atol=1e-16)


def test_one_number_a_sample_may_come_as_a_vector(make_node: Callable[..., lk.Node]) -> None:
    node = make_node(lk.MeanSquaredError(), (1,))
    logits = np.array([[1.0], [2.0]])
    prepared = node.stage.prepare(np.array([0.0, 4.0]), logits.shape, node.dtype)
    assert node.stage.forward(node, logits, prepared) == 2.5


def test_a_loss_beyond_the_largest_float_is_the_largest_float(make_node: Callable[..., lk.Node]) -> None:
    node = make_node(lk.MeanSquaredError(), (2,))
    logits = np.array([[1e200, 0.0]])
    prepared = node.stage.prepare(np.zeros((1, 2)), logits.shape, node.dtype)
    assert node.stage.forward(node, logits, prepared) == sys.float_info.max
    assert_array_equal(node.stage.backward(node), [[1e200, 0.0]])


def test_it_predicts_the_logits(make_node: Callable[..., lk.Node]) -> None:
    node = make_node(lk.MeanSquaredError(), (2,))
    logits = np.array([[1.0, -2.0]])
    assert_array_equal(node.stage.predict(node, logits), logits)


def test_targets_that_do_not_fit_are_refused(make_node: Callable[..., lk.Node]) -> None:
    node = make_node(lk.MeanSquaredError(), (2,))
    for targets in (np.zeros(3), np.array([["a", "b"]]), np.array([[np.nan, 0.0]])):
        with pytest.raises(lk.TargetError):
            node.stage.prepare(targets, (len(targets), 2), node.dtype)
