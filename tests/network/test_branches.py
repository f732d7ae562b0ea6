"""Branches of a first layer: gradients where what enters them depends on parameters of the layer itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from layerkit import Affine, Array, Branch, CategoricalCrossEntropy, Constant, Layer, Node, Parameter, Sequential, Shape


class ScaledTwice(Layer):
    """Scales its inputs, and sends them through two stacks, one after the other."""

    type: Literal["scaled_twice"] = "scaled_twice"
    first: tuple[Layer, ...]
    second: tuple[Layer, ...]

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {"scale": Parameter((), Constant(value=1.5))}

    def branches(self, input_shape: Shape) -> Mapping[str, Branch]:
        return {"first": Branch(self.first), "second": Branch(self.second)}

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs
        return node.branches["second"].forward(node.branches["first"].forward(inputs * node.params.scale))

    def backward(self, node: Node, d_out: Array) -> Array | None:
        between = node.branches["second"].backward(d_out)
        assert between is not None
        d_scaled = node.branches["first"].backward(between)
        assert d_scaled is not None
        node.grads.scale = np.sum(d_scaled * node.cache)
        return None


def test_a_branch_returns_the_gradient_that_its_own_layer_needs() -> None:
    layer = ScaledTwice(first=(Affine(units=3),), second=(Affine(units=3),))
    model = Sequential([layer, CategoricalCrossEntropy()], input_shape=(3,), dtype="float64", seed=0)
    inputs, labels = np.random.default_rng(0).standard_normal((4, 3)), np.array([0, 1, 2, 0])
    model.loss_and_gradients(inputs, labels)
    start, step = model.parameters.copy(), 1e-6
    for index, gradient in enumerate(model.gradients.copy()):
        model.parameters = start + step * np.eye(len(start))[index]
        above = model.loss(inputs, labels)
        model.parameters = start - step * np.eye(len(start))[index]
        assert abs((above - model.loss(inputs, labels)) / (2 * step) - gradient) < 1e-8
