"""Convolution against PyTorch, in chunks of a batch, and what it declares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from layerkit_vision import Conv2D
from numpy.testing import assert_allclose

from layerkit import Constant, HeNormal, ModelSpec, Node
from layerkit.errors import SpecError


@pytest.mark.parametrize("index", range(11))
def test_values_and_gradients_are_those_of_pytorch(
    make_node: Callable[..., Node], reference: dict[str, list[dict[str, Any]]], index: int
) -> None:
    case = reference["conv2d"][index]
    layer = Conv2D(**case["options"])
    node = make_node(layer, case["inputs"].shape[1:])
    node.params.weight = case["weight"]
    node.params.bias = case["bias"]
    assert_allclose(layer.forward(node, case["inputs"]), case["outputs"], rtol=1e-12, atol=1e-12)
    assert_allclose(layer.backward(node, case["d_out"]), case["d_inputs"], rtol=1e-12, atol=1e-12)
    assert_allclose(node.grads.weight, case["d_weight"], rtol=1e-12, atol=1e-12)
    assert_allclose(node.grads.bias, case["d_bias"], rtol=1e-12, atol=1e-12)


def test_every_reference_case_is_tested(reference: dict[str, list[dict[str, Any]]]) -> None:
    assert len(reference["conv2d"]) == 11


@pytest.mark.parametrize(("padding", "groups"), [("same", 1), ("valid", 1), ("same", 4), ("valid", 2)])
def test_a_batch_beyond_the_cache_gives_what_its_samples_give(make_node: Callable[..., Node], padding: Any, groups: int) -> None:
    """A sample takes half a megabyte in columns here, so that the batch is worked off in several chunks."""
    layer = Conv2D(filters=8, kernel_size=(3, 3), padding=padding, groups=groups)
    shape = (28, 28, 8)
    node, alone = make_node(layer, shape), make_node(layer, shape)
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((31, *shape))
    d_out = rng.standard_normal((31, *node.output_shape))
    outputs, d_inputs = layer.forward(node, inputs), layer.backward(node, d_out)
    assert d_inputs is not None
    totals = {name: np.zeros_like(array) for name, array in alone.grads.items()}
    for row in range(31):
        assert_allclose(layer.forward(alone, inputs[row : row + 1])[0], outputs[row], rtol=1e-12, atol=1e-12)
        d_row = layer.backward(alone, d_out[row : row + 1])
        assert d_row is not None
        assert_allclose(d_row[0], d_inputs[row], rtol=1e-12, atol=1e-12)
        for name, array in alone.grads.items():
            totals[name] += array
    for name, total in totals.items():
        assert_allclose(node.grads[name], total, rtol=1e-10, atol=1e-10)


def test_the_kernel_is_not_flipped(make_node: Callable[..., Node]) -> None:
    layer = Conv2D(filters=1, kernel_size=(1, 2))
    node = make_node(layer, (1, 3, 1))
    node.params.weight = np.array([1.0, 10.0]).reshape(1, 2, 1, 1)
    inputs = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
    assert layer.forward(node, inputs).ravel().tolist() == [21.0, 32.0]


def test_the_extra_zeros_are_at_the_bottom_and_at_the_right(make_node: Callable[..., Node]) -> None:
    layer = Conv2D(filters=1, kernel_size=(2, 2), padding="same", weight_init=Constant(value=1.0))
    node = make_node(layer, (2, 2, 1))
    outputs = layer.forward(node, np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1))
    assert outputs[0, :, :, 0].tolist() == [[10.0, 6.0], [7.0, 4.0]]


def test_it_declares_a_weight_that_decays_and_a_bias_that_does_not() -> None:
    layer = Conv2D(filters=6, kernel_size=(3, 2), groups=2, weight_init=HeNormal(), bias_init=Constant(value=2.0))
    declared = layer.parameters((8, 8, 4))
    shapes = {name: (item.shape, item.decay, item.initializer) for name, item in declared.items()}
    assert shapes == {
        "weight": ((3, 2, 2, 6), True, HeNormal()),
        "bias": ((6,), False, Constant(value=2.0)),
    }


def test_costs_are_those_of_the_formula() -> None:
    layer = Conv2D(filters=6, kernel_size=(3, 2), groups=2, padding="same", strides=(2, 2))
    assert layer.output_shape((8, 8, 4)) == (4, 4, 6)
    assert layer.flops((8, 8, 4)) == 4 * 4 * 6 * (2 * 3 * 2 * 2 + 1)
    columns, padded = 4 * 4 * 3 * 2 * 4, 9 * 8 * 4
    assert layer.work_size((8, 8, 4)) >= columns + padded + 4 * 4 * 6 + 8 * 8 * 4


@pytest.mark.parametrize(
    "options",
    [
        {"filters": 3, "groups": 2},
        {"filters": 0},
        {"filters": 2, "groups": 0},
        {"filters": 2, "kernel_size": (3, 0)},
        {"filters": 2, "kernel_size": (3,)},
        {"filters": 2, "kernel_size": 3},
        {"filters": 2, "strides": (1, 1, 1)},
        {"filters": 2, "strides": (1.5, 1)},
        {"filters": 2, "padding": "full"},
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        Conv2D(**{"kernel_size": (3, 3), **options})


def test_a_spec_writes_pairs_as_lists() -> None:
    text = (
        '{"layerkit": 1, "input_shape": [5, 5, 1], "layers": [{"type": "conv2d", "filters": 2, "kernel_size": [3, 2], '
        '"strides": [1, 2]}, {"type": "global_average_pool2d"}, {"type": "crossentropy"}]}'
    )
    spec = ModelSpec.model_validate_json(text)
    assert spec.layers[0] == Conv2D(filters=2, kernel_size=(3, 2), strides=(1, 2))
    assert ModelSpec.model_validate_json(spec.model_dump_json()) == spec
