"""The rectifier against PyTorch and against central differences, kinks included."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from layerkit import CategoricalCrossEntropy, Node, ReLU, Sequential
from layerkit.testing import check_layer_gradients, check_network_gradients

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "reference.json").read_text())["relu"]


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    return make_node(ReLU(), (3, 2))


def test_values_and_gradients_are_those_of_pytorch(node: Node) -> None:
    assert_array_equal(node.stage.forward(node, np.array(REFERENCE["inputs"])), REFERENCE["outputs"])
    assert_array_equal(node.stage.backward(node, np.array(REFERENCE["d_out"])), REFERENCE["d_inputs"])


def test_arguments_are_left_as_they_were(node: Node) -> None:
    inputs, d_out = np.array(REFERENCE["inputs"]), np.array(REFERENCE["d_out"])
    node.stage.forward(node, inputs)
    node.stage.backward(node, d_out)
    assert_array_equal(inputs, REFERENCE["inputs"])
    assert_array_equal(d_out, REFERENCE["d_out"])


def test_a_warm_step_hands_out_the_same_arrays(node: Node) -> None:
    inputs, d_out = np.array(REFERENCE["inputs"]), np.array(REFERENCE["d_out"])
    outputs, d_inputs = node.stage.forward(node, inputs), node.stage.backward(node, d_out)
    assert node.stage.forward(node, inputs) is outputs
    assert node.stage.backward(node, d_out) is d_inputs


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_outputs_and_gradients_have_the_dtype_of_the_network(make_node: Callable[..., Node], dtype: str) -> None:
    node = make_node(ReLU(), (3,), dtype)
    outputs = node.stage.forward(node, np.array([[-1, 0, 2]], dtype))
    d_inputs = node.stage.backward(node, np.array([[5, 6, 7]], dtype))
    assert (outputs.dtype, d_inputs.dtype) == (dtype, dtype)
    assert_array_equal(outputs, [[0, 0, 2]])
    assert_array_equal(d_inputs, [[0, 0, 7]])


def test_nan_is_handed_on(node: Node) -> None:
    inputs = np.array(REFERENCE["inputs"])
    inputs[1, 2, 0] = np.nan
    assert np.isnan(node.stage.forward(node, inputs)[1, 2, 0])


@pytest.mark.parametrize("shape", [(7,), (3, 2), (2, 2, 3)])
def test_gradients_agree_with_central_differences(shape: tuple[int, ...]) -> None:
    (check,) = check_layer_gradients(ReLU(), shape)
    assert check.passed, str(check)
    assert check.error < 1e-7


def test_gradients_pass_the_check_at_the_kink() -> None:
    model = Sequential([ReLU(), CategoricalCrossEntropy()], input_shape=(3,), dtype="float64", seed=0)
    inputs = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, -1.0]])
    (check,) = check_network_gradients(model, inputs, np.array([0, 2]))
    assert check.passed, str(check)


@pytest.mark.parametrize("shape", [(7,), (3, 2)])
def test_it_keeps_the_shape_and_has_no_parameters(shape: tuple[int, ...]) -> None:
    assert ReLU().output_shape(shape) == shape
    assert ReLU().flops(shape) == np.prod(shape)
    assert not ReLU().parameters(shape)
