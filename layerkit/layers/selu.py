"""The exponential linear unit that keeps mean and variance."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from layerkit import Array, Layer, Node, Shape

ALPHA = 1.6732632423543772
SCALE = 1.0507009873554805


class SELU(Layer):
    """Self-normalizing unit: ``outputs = SCALE * (inputs if inputs > 0 else ALPHA * (exp(inputs) - 1))``, element by element.

    Shapes: inputs and outputs (N, \\*shape). With ALPHA = 1.67326... and SCALE = 1.05070..., inputs of mean 0 and variance 1 lead
    to such outputs; weights are to start from `lecun_normal`, and dropout is to be `alpha_dropout`. Gradient::

        d_inputs = d_out * (SCALE if inputs > 0 else outputs + SCALE * ALPHA)

    References
    ----------
    G. Klambauer, T. Unterthiner, A. Mayr and S. Hochreiter, "Self-normalizing neural networks", NeurIPS 2017, equations 2 and 14.
    """

    type: Literal["selu"] = "selu"

    def flops(self, input_shape: Shape) -> int:
        return 5 * math.prod(input_shape)

    def work_size(self, input_shape: Shape) -> int:
        return 3 * math.prod(input_shape)  # outputs, which of them are active, and the gradient of the inputs

    def forward(self, node: Node, inputs: Array) -> Array:
        outputs = np.minimum(inputs, 0, out=node.buffer("outputs", inputs.shape))
        np.expm1(outputs, out=outputs)
        outputs *= ALPHA
        active = np.greater(inputs, 0, out=node.buffer("active", inputs.shape, bool))
        np.copyto(outputs, inputs, where=active)
        with np.errstate(over="ignore"):  # the largest floats have none that is 5 % larger
            outputs *= SCALE
        node.cache = outputs, active
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        outputs, active = node.cache
        d_inputs: Array = np.add(outputs, SCALE * ALPHA, out=node.buffer("d_inputs", outputs.shape))
        np.copyto(d_inputs, SCALE, where=active)
        d_inputs *= d_out
        return d_inputs
