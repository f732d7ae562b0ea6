"""The fully connected layer against PyTorch and against central differences."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from layerkit import Affine, Constant, HeNormal, Node, ShapeError
from layerkit.testing import check_layer_gradients

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "reference.json").read_text())["affine"]


@pytest.fixture
def case() -> dict[str, Any]:
    return {name: np.array(values) for name, values in REFERENCE.items()}


@pytest.fixture
def node(make_node: Callable[..., Node], case: dict[str, Any]) -> Node:
    return with_parameters(make_node(Affine(units=3), (4,)), case)


def with_parameters(node: Node, case: dict[str, Any]) -> Node:
    node.params.weight = case["weight"]
    node.params.bias = case["bias"]
    return node


def test_values_and_gradients_are_those_of_pytorch(node: Node, case: dict[str, Any]) -> None:
    assert_allclose(node.stage.forward(node, case["inputs"]), case["outputs"], rtol=1e-13, atol=1e-14)
    assert_allclose(node.stage.backward(node, case["d_out"]), case["d_inputs"], rtol=1e-13, atol=1e-14)
    assert_allclose(node.grads.weight, case["d_weight"], rtol=1e-13, atol=1e-14)
    assert_allclose(node.grads.bias, case["d_bias"], rtol=1e-13, atol=1e-14)


def test_arguments_are_left_as_they_were(node: Node, case: dict[str, Any]) -> None:
    inputs, d_out = case["inputs"].copy(), case["d_out"].copy()
    node.stage.forward(node, inputs)
    node.stage.backward(node, d_out)
    assert_array_equal(inputs, case["inputs"])
    assert_array_equal(d_out, case["d_out"])


def test_a_second_backward_overwrites_the_gradients(node: Node, case: dict[str, Any]) -> None:
    node.stage.forward(node, case["inputs"])
    node.stage.backward(node, 7 * case["d_out"])
    node.stage.backward(node, case["d_out"])
    assert_allclose(node.grads.weight, case["d_weight"], rtol=1e-13, atol=1e-14)
    assert_allclose(node.grads.bias, case["d_bias"], rtol=1e-13, atol=1e-14)


def test_the_first_layer_skips_the_input_gradient(make_node: Callable[..., Node], case: dict[str, Any]) -> None:
    node = with_parameters(make_node(Affine(units=3), (4,), needs_input_gradient=False), case)
    node.stage.forward(node, case["inputs"])
    assert node.stage.backward(node, case["d_out"]) is None
    assert_allclose(node.grads.weight, case["d_weight"], rtol=1e-13, atol=1e-14)


def test_a_warm_step_hands_out_the_same_arrays(node: Node, case: dict[str, Any]) -> None:
    outputs, d_inputs = node.stage.forward(node, case["inputs"]), node.stage.backward(node, case["d_out"])
    assert node.stage.forward(node, case["inputs"]) is outputs
    assert node.stage.backward(node, case["d_out"]) is d_inputs


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_outputs_and_gradients_have_the_dtype_of_the_network(make_node: Callable[..., Node], dtype: str) -> None:
    node = make_node(Affine(units=2), (3,), dtype)
    outputs = node.stage.forward(node, np.ones((4, 3), dtype))
    d_inputs = node.stage.backward(node, np.ones((4, 2), dtype))
    assert (outputs.dtype, d_inputs.dtype, node.grads.weight.dtype) == (dtype, dtype, dtype)


@pytest.mark.parametrize("layer", [Affine(units=1), Affine(units=5, weight_init=HeNormal(), bias_init=Constant(value=0.5))])
@pytest.mark.parametrize("batch", [1, 4])
def test_gradients_agree_with_central_differences(layer: Affine, batch: int) -> None:
    checks = check_layer_gradients(layer, (4,), batch=batch, seed=batch)
    assert [check.array for check in checks] == ["inputs", "affine_1.weight", "affine_1.bias"]
    assert all(check.passed and check.error < 1e-7 for check in checks), "\n".join(map(str, checks))


def test_it_declares_a_weight_that_decays_and_a_bias_that_does_not() -> None:
    declared = Affine(units=3, bias_init=Constant(value=2.0)).parameters((4,))
    assert {name: (item.shape, item.decay) for name, item in declared.items()} == {
        "weight": ((4, 3), True),
        "bias": ((3,), False),
    }
    assert_array_equal(declared["bias"].initializer.draw((3,), np.random.default_rng(0)), [2.0, 2.0, 2.0])


@pytest.mark.parametrize("shape", [(), (2, 3), (8, 8, 1)])
def test_samples_that_are_no_vectors_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"vectors \(D,\), received shape"):
        Affine(units=3).output_shape(shape)


def test_output_shape_is_the_number_of_units() -> None:
    assert Affine(units=3).output_shape((4,)) == (3,)


def test_flops_are_a_multiplication_and_an_addition_for_each_weight_and_an_addition_for_each_bias() -> None:
    assert Affine(units=3).flops((4,)) == 2 * 12 + 3
