"""The sigmoid-weighted linear unit."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from layerkit import Array, Layer, Node, Shape


class SiLU(Layer):
    """Sigmoid-weighted linear unit: ``outputs = inputs * gate`` with ``gate = 1 / (1 + exp(-inputs))``, element by element.

    Shapes: inputs and outputs (N, \\*shape). Gradient: ``d_inputs = d_out * (gate + outputs * (1 - gate))``. It is also known as
    swish with a slope of 1.

    References
    ----------
    S. Elfwing, E. Uchibe and K. Doya, "Sigmoid-weighted linear units for neural network function approximation in reinforcement
    learning", 2018, equations 5 and 6.
    """

    type: Literal["silu"] = "silu"

    def flops(self, input_shape: Shape) -> int:
        return 5 * math.prod(input_shape)

    def work_size(self, input_shape: Shape) -> int:
        return 3 * math.prod(input_shape)  # outputs, the gate, and the gradient of the inputs

    def forward(self, node: Node, inputs: Array) -> Array:
        gate = np.negative(inputs, out=node.buffer("gate", inputs.shape))
        with np.errstate(over="ignore"):  # an infinite exponential gives 0
            np.exp(gate, out=gate)
        gate += 1
        np.reciprocal(gate, out=gate)
        outputs = np.multiply(inputs, gate, out=node.buffer("outputs", inputs.shape))
        node.cache = outputs, gate
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        outputs, gate = node.cache
        d_inputs: Array = np.subtract(1, gate, out=node.buffer("d_inputs", gate.shape))
        d_inputs *= outputs
        d_inputs += gate
        d_inputs *= d_out
        return d_inputs
