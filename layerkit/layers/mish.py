"""A smooth activation that bends below 0."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from layerkit import Array, Layer, Node, Shape


class Mish(Layer):
    """Mish: ``outputs = inputs * gate`` with ``gate = tanh(log(1 + exp(inputs)))``, element by element.

    Shapes: inputs and outputs (N, \\*shape). With the sigmoid s of the inputs the gradient is
    ``d_inputs = d_out * (gate + inputs * (1 - gate**2) * s)``.

    References
    ----------
    D. Misra, "Mish: a self regularized non-monotonic activation function", BMVC 2020, equation 1.
    """

    type: Literal["mish"] = "mish"

    def flops(self, input_shape: Shape) -> int:
        return 7 * math.prod(input_shape)

    def work_size(self, input_shape: Shape) -> int:
        return 4 * math.prod(input_shape)  # outputs, the gate, a factor, and the gradient of the inputs

    def forward(self, node: Node, inputs: Array) -> Array:
        gate = np.abs(inputs, out=node.buffer("gate", inputs.shape))
        np.exp(np.negative(gate, out=gate), out=gate)
        np.log1p(gate, out=gate)
        outputs = np.maximum(inputs, 0, out=node.buffer("outputs", inputs.shape))
        gate += outputs
        np.tanh(gate, out=gate)
        node.cache = inputs, gate
        return np.multiply(inputs, gate, out=outputs)

    def backward(self, node: Node, d_out: Array) -> Array:
        inputs, gate = node.cache
        factor = np.square(gate, out=node.buffer("factor", gate.shape))
        np.subtract(1, factor, out=factor)
        factor *= inputs
        d_inputs: Array = np.negative(inputs, out=node.buffer("d_inputs", gate.shape))
        with np.errstate(over="ignore"):  # an infinite exponential gives 0
            np.exp(d_inputs, out=d_inputs)
        d_inputs += 1
        np.divide(factor, d_inputs, out=d_inputs)
        d_inputs += gate
        d_inputs *= d_out
        return d_inputs
