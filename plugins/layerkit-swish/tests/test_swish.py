"""Swish: the conformance kit, values of PyTorch, and inputs of any size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from layerkit_swish import Swish

from layerkit import CategoricalCrossEntropy, Node, Sequential

DISTRIBUTION = "layerkit-swish"


def node_of(layer: Swish) -> Node:
    return Sequential([layer, CategoricalCrossEntropy()], input_shape=(3,)).nodes[0]


def test_conformance(conformance_check: Callable[[], None]) -> None:
    conformance_check()


@pytest.mark.parametrize(
    ("beta", "outputs", "slopes"),
    [
        (1.0, [-0.2384058440442351, 0.0, 1.7615941559557646], [-0.09078424878489547, 0.5, 1.0907842487848955]),
        (1.5, [-0.09485174635513356, 0.0, 1.9051482536448667], [-0.08810410601516963, 0.5, 1.0881041060151693]),
    ],
)
def test_values_of_pytorch(beta: float, outputs: list[float], slopes: list[float]) -> None:
    """``y = x * torch.sigmoid(beta * x)`` and ``torch.autograd.grad(y.sum(), x)``, PyTorch 2.13, float64."""
    inputs = np.array([[-2.0, 0.0, 2.0]])
    layer = Swish(beta=beta)
    node = node_of(layer)
    np.testing.assert_allclose(layer.forward(node, inputs), [outputs], rtol=1e-14, atol=1e-16)
    np.testing.assert_allclose(layer.backward(node, np.ones((1, 3))), [slopes], rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_largest_inputs_pass_as_through_a_relu(dtype: str) -> None:
    largest = float(np.finfo(dtype).max)
    layer = Swish()
    node = node_of(layer)
    inputs = np.array([[-largest, 0, largest]], dtype)
    np.testing.assert_array_equal(layer.forward(node, inputs), [[0, 0, largest]])
    np.testing.assert_array_equal(layer.backward(node, np.ones_like(inputs)), [[0, 0.5, 1]])
