"""Probabilities of a vector of logits."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np

from layerkit import Array, Layer, Node, Shape, ShapeError


class Softmax(Layer):
    """Softmax over the last axis: ``outputs = exp(inputs) / sum of exp(inputs)``, positive numbers that sum to one.

    Shapes: inputs and outputs (N, \\*shape, K), with batch N and K numbers that are compared. The largest of the K is subtracted
    before, so that nothing overflows. Gradient: ``d_inputs = outputs * (d_out - sum of d_out * outputs)``. Right before a loss
    that makes probabilities of logits by itself, such as `crossentropy`, it is refused.

    Raises
    ------
    ShapeError
        If samples have no axis.

    References
    ----------
    J. Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990, equation 10.
    """

    gives_probabilities: ClassVar[bool] = True
    type: Literal["softmax"] = "softmax"

    def output_shape(self, input_shape: Shape) -> Shape:
        if not input_shape:
            raise ShapeError("softmax compares the numbers of a sample with each other, and here there is one; use sigmoid")
        return input_shape

    def flops(self, input_shape: Shape) -> int:
        return 5 * math.prod(input_shape)

    def work_size(self, input_shape: Shape) -> int:
        return 2 * math.prod(input_shape) + math.prod(input_shape[:-1])  # outputs, the gradient of the inputs, and a sum

    def forward(self, node: Node, inputs: Array) -> Array:
        one = np.maximum.reduce(inputs, axis=-1, keepdims=True, out=node.buffer("one", (*inputs.shape[:-1], 1)))
        outputs = node.buffer("outputs", inputs.shape)
        with np.errstate(over="ignore"):  # a gap wider than the largest float: its exponential is 0 all the same
            np.subtract(inputs, one, out=outputs)
        np.exp(outputs, out=outputs)
        outputs /= np.add.reduce(outputs, axis=-1, keepdims=True, out=one)
        node.cache = outputs
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        outputs: Array = node.cache
        d_inputs = np.multiply(d_out, outputs, out=node.buffer("d_inputs", outputs.shape))
        total = np.add.reduce(d_inputs, axis=-1, keepdims=True, out=node.buffer("one", (*outputs.shape[:-1], 1)))
        np.subtract(d_out, total, out=d_inputs)
        d_inputs *= outputs
        return d_inputs
