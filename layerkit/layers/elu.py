"""The exponential linear unit."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from layerkit import Array, Layer, Node, Shape


class ELU(Layer):
    """Exponential linear unit: ``outputs = inputs if inputs > 0 else alpha * (exp(inputs) - 1)``, element by element.

    Shapes: inputs and outputs (N, \\*shape). The gradient ``d_inputs = d_out * (1 if inputs > 0 else outputs + alpha)`` takes
    ``alpha`` at 0.

    References
    ----------
    D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Fast and accurate deep network learning by exponential linear units", ICLR
    2016, equation 15.
    """

    type: Literal["elu"] = "elu"
    alpha: float = Field(default=1.0, gt=0)
    """Minus what outputs tend to for very negative inputs."""

    def flops(self, input_shape: Shape) -> int:
        return 4 * math.prod(input_shape)

    def work_size(self, input_shape: Shape) -> int:
        return 3 * math.prod(input_shape)  # outputs, which of them are active, and the gradient of the inputs

    def forward(self, node: Node, inputs: Array) -> Array:
        outputs = np.minimum(inputs, 0, out=node.buffer("outputs", inputs.shape))
        np.expm1(outputs, out=outputs)
        outputs *= self.alpha
        active = np.greater(inputs, 0, out=node.buffer("active", inputs.shape, bool))
        np.copyto(outputs, inputs, where=active)
        node.cache = outputs, active
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        outputs, active = node.cache
        d_inputs: Array = np.add(outputs, self.alpha, out=node.buffer("d_inputs", outputs.shape))
        np.copyto(d_inputs, 1, where=active)
        d_inputs *= d_out
        return d_inputs
