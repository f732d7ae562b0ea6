"""The rectified linear unit."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from layerkit import Array, Layer, Node, Shape


class ReLU(Layer):
    """Rectified linear unit: ``outputs = max(inputs, 0)``, element by element.

    Shapes: inputs and outputs (N, \\*shape). The gradient ``d_inputs = d_out * (inputs > 0)`` takes 0 at the kink.

    References
    ----------
    V. Nair and G. Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML 2010.
    """

    type: Literal["relu"] = "relu"

    def work_size(self, input_shape: Shape) -> int:
        return 3 * math.prod(input_shape)  # outputs, which of them are active, and the gradient of the inputs

    def forward(self, node: Node, inputs: Array) -> Array:
        outputs = np.maximum(inputs, 0, out=node.buffer("outputs", inputs.shape))
        node.cache = outputs
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        outputs: Array = node.cache
        active = np.greater(outputs, 0, out=node.buffer("active", outputs.shape, bool))
        return np.multiply(d_out, active, out=node.buffer("d_inputs", outputs.shape))
