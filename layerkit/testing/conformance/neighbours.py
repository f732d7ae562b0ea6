"""A small network around a layer: one right layer before it, one after it, and a loss that sends random gradients back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from layerkit.initializers import Normal
from layerkit.losses.targets import number_targets
from layerkit.network.sequential import Sequential
from layerkit.stack.declarations import Parameter
from layerkit.stack.layer import Layer
from layerkit.stack.loss import Loss
from layerkit.stack.node import Node
from layerkit.testing.examples import takes_integers
from layerkit.testing.lone_nodes import adapt_to_examples
from layerkit.typing import Array, Shape


class Neighbour(Layer):
    """``outputs = scale * inputs + sin(inputs) / 2``, element by element; its slope is nowhere 0.

    Like the built-in layers it hands out buffers, which the next pass overwrites. Shapes: (N, \\*shape) all through.
    """

    type: Literal["neighbour"] = "neighbour"

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {"scale": Parameter(input_shape, Normal(mean=1.0))}

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs
        outputs = np.sin(inputs, out=node.buffer("outputs", inputs.shape))
        outputs /= 2
        outputs += node.params.scale * inputs
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        inputs: Array = node.cache
        node.grads.scale = (d_out * inputs).sum(axis=0)
        d_inputs = np.cos(inputs, out=node.buffer("d_inputs", inputs.shape))
        d_inputs /= 2
        d_inputs += node.params.scale
        d_inputs *= d_out
        return d_inputs


class Probe(Loss):
    """``sum(logits * targets)`` of each sample: the targets (N, \\*shape) are the gradients that go back, but for the weights."""

    type: Literal["probe"] = "probe"

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return number_targets(targets, logits_shape, dtype)

    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        node.cache = targets
        losses: Array = (logits * targets).reshape(len(logits), -1).sum(axis=1)
        return losses

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        targets: Array = node.cache
        by_sample = d_losses.reshape(-1, *[1] * (targets.ndim - 1))
        return np.multiply(targets, by_sample, out=node.buffer("d_logits", targets.shape))

    def predict(self, node: Node, logits: Array) -> Array:
        return logits.copy()


def network_around(layer: Layer, input_shape: Shape, rng: np.random.Generator) -> Sequential:
    """Return the float64 network, its parameters moved away from trivial values.

    The layer is its second node; the first, where it takes integers, which no layer before it would give.
    """
    before = [] if takes_integers(layer, input_shape) else [Neighbour()]
    stack = [*before, layer, Neighbour(), Probe()]
    model = Sequential(stack, input_shape=input_shape, dtype="float64", seed=int(rng.integers(2**31)))
    model.parameters += 0.1 * rng.standard_normal(model.parameters.shape)
    adapt_to_examples(model.nodes, rng)
    return model
