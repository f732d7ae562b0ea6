"""Pooling and flattening: against PyTorch, at ties and borders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from layerkit_vision import AveragePool2D, GlobalAveragePool2D, MaxPool2D
from numpy.testing import assert_allclose, assert_array_equal

from layerkit import Flatten, Layer, Node


@pytest.mark.parametrize("index", range(7))
@pytest.mark.parametrize(
    ("kind", "layer_class"), [("max_pool2d", MaxPool2D), ("average_pool2d", AveragePool2D), ("ties", MaxPool2D)]
)
def test_values_and_gradients_are_those_of_pytorch(
    make_node: Callable[..., Node],
    reference: dict[str, list[dict[str, Any]]],
    kind: str,
    layer_class: type[MaxPool2D] | type[AveragePool2D],
    index: int,
) -> None:
    case = reference[kind][index]
    layer = layer_class(**case["options"])
    node = make_node(layer, case["inputs"].shape[1:])
    assert_allclose(layer.forward(node, case["inputs"]), case["outputs"], rtol=1e-14, atol=1e-14)
    assert_allclose(layer.backward(node, case["d_out"]), case["d_inputs"], rtol=1e-14, atol=1e-14)


def test_every_reference_case_is_tested(reference: dict[str, list[dict[str, Any]]]) -> None:
    assert [len(reference[kind]) for kind in ("max_pool2d", "average_pool2d", "ties")] == [7, 7, 7]


def test_the_first_of_equal_pixels_gets_the_whole_gradient(make_node: Callable[..., Node]) -> None:
    layer = MaxPool2D(pool_size=(2, 2), strides=(1, 1))
    node = make_node(layer, (2, 3, 1))
    inputs = np.array([[0.0, 5.0, 5.0], [5.0, 5.0, 1.0]]).reshape(1, 2, 3, 1)
    assert layer.forward(node, inputs).ravel().tolist() == [5.0, 5.0]
    d_inputs = layer.backward(node, np.array([2.0, 3.0]).reshape(1, 1, 2, 1))
    assert d_inputs[0, :, :, 0].tolist() == [[0.0, 5.0, 0.0], [0.0, 0.0, 0.0]]


def test_what_lies_around_the_image_is_never_the_largest(make_node: Callable[..., Node]) -> None:
    layer = MaxPool2D(pool_size=(3, 3), strides=(1, 1), padding="same")
    node = make_node(layer, (2, 2, 1))
    assert layer.forward(node, np.full((1, 2, 2, 1), -7.0)).ravel().tolist() == [-7.0] * 4


def test_the_average_is_over_the_pixels_that_are_there(make_node: Callable[..., Node]) -> None:
    layer = AveragePool2D(pool_size=(2, 2), padding="same")
    node = make_node(layer, (3, 3, 1))
    outputs = layer.forward(node, np.arange(9.0).reshape(1, 3, 3, 1))
    assert outputs[0, :, :, 0].tolist() == [[2.0, 3.5], [6.5, 8.0]]
    d_inputs = layer.backward(node, np.ones((1, 2, 2, 1)))
    assert d_inputs[0, :, :, 0].tolist() == [[0.25, 0.25, 0.5], [0.25, 0.25, 0.5], [0.5, 0.5, 1.0]]


@pytest.mark.parametrize("layer_class", [MaxPool2D, AveragePool2D])
def test_windows_lie_side_by_side_where_no_strides_are_given(layer_class: type[MaxPool2D] | type[AveragePool2D]) -> None:
    assert layer_class(pool_size=(2, 3)).output_shape((6, 9, 5)) == (3, 3, 5)
    assert layer_class(pool_size=(2, 3), strides=(1, 1)).output_shape((6, 9, 5)) == (5, 7, 5)
    assert layer_class().flops((6, 9, 5)) == 3 * 4 * 5 * 4


def test_the_global_average_is_one_number_a_channel(make_node: Callable[..., Node]) -> None:
    layer = GlobalAveragePool2D()
    node = make_node(layer, (2, 3, 2))
    inputs = np.random.default_rng(0).standard_normal((4, 2, 3, 2))
    d_out = np.random.default_rng(1).standard_normal((4, 2))
    assert_allclose(layer.forward(node, inputs), inputs.mean(axis=(1, 2)), rtol=1e-13)
    assert_allclose(layer.backward(node, d_out), np.broadcast_to(d_out[:, None, None] / 6, inputs.shape), rtol=1e-15)
    assert layer.flops((2, 3, 2)) == 14


def test_flattening_moves_nothing(make_node: Callable[..., Node]) -> None:
    layer = Flatten()
    node = make_node(layer, (2, 3, 2))
    inputs = np.arange(24.0).reshape(2, 2, 3, 2)
    outputs = layer.forward(node, inputs)
    assert_array_equal(outputs, [np.arange(12.0), np.arange(12.0, 24.0)])
    assert np.shares_memory(outputs, inputs)
    assert_array_equal(layer.backward(node, outputs), inputs)
    assert (layer.flops((2, 3, 2)), layer.work_size((2, 3, 2))) == (0, 0)


@pytest.mark.parametrize("layer", [MaxPool2D(), AveragePool2D(), GlobalAveragePool2D(), Flatten()], ids=lambda layer: layer.type)
def test_there_is_nothing_to_train(layer: Layer) -> None:
    assert layer.parameters((4, 4, 2)) == {}
    assert layer.state((4, 4, 2)) == {}
