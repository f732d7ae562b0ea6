"""A smooth rectifier."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from layerkit import Array, Layer, Node, Shape


class Softplus(Layer):
    """Smooth rectifier: ``outputs = log(1 + exp(beta * inputs)) / beta``, element by element.

    Shapes: inputs and outputs (N, \\*shape). Gradient: ``d_inputs = d_out / (1 + exp(-beta * inputs))``. It is computed as
    ``max(inputs, 0) + log1p(exp(-beta * abs(inputs))) / beta``, which is right everywhere; PyTorch gives the inputs themselves
    where ``beta * inputs`` is above 20, and so differs there by up to 2e-9.

    References
    ----------
    X. Glorot, A. Bordes and Y. Bengio, "Deep sparse rectifier neural networks", AISTATS 2011, section 2.2.
    """

    type: Literal["softplus"] = "softplus"
    beta: float = Field(default=1.0, gt=0)
    """How sharply it bends."""

    def flops(self, input_shape: Shape) -> int:
        return 6 * math.prod(input_shape)

    def work_size(self, input_shape: Shape) -> int:
        return 3 * math.prod(input_shape)  # outputs, what is above 0, and the gradient of the inputs

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs
        outputs = np.abs(inputs, out=node.buffer("outputs", inputs.shape))
        with np.errstate(over="ignore"):
            outputs *= -self.beta
        np.exp(outputs, out=outputs)
        np.log1p(outputs, out=outputs)
        outputs *= 1 / self.beta
        outputs += np.maximum(inputs, 0, out=node.buffer("above", inputs.shape))
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        d_inputs = node.buffer("d_inputs", d_out.shape)
        with np.errstate(over="ignore"):  # an infinite exponential gives 0
            np.exp(np.multiply(node.cache, -self.beta, out=d_inputs), out=d_inputs)
        d_inputs += 1
        return np.divide(d_out, d_inputs, out=d_inputs)
