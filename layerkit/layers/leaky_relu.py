"""A rectifier that lets a little through."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from layerkit import Array, Layer, Node, Shape


class LeakyReLU(Layer):
    """Leaky rectifier: ``outputs = max(inputs, slope * inputs)``, element by element.

    Shapes: inputs and outputs (N, \\*shape). The gradient ``d_inputs = d_out * (1 if inputs > 0 else slope)`` takes ``slope`` at
    the kink. The default is PyTorch's; Keras has 0.3.

    References
    ----------
    A. Maas, A. Hannun and A. Ng, "Rectifier nonlinearities improve neural network acoustic models", ICML 2013, equation 2.
    """

    type: Literal["leaky_relu"] = "leaky_relu"
    slope: float = Field(default=0.01, ge=0, lt=1)
    """What becomes of a negative input, times it."""

    def flops(self, input_shape: Shape) -> int:
        return 2 * math.prod(input_shape)

    def work_size(self, input_shape: Shape) -> int:
        return 3 * math.prod(input_shape)  # outputs, which of them are active, and the gradient of the inputs

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs
        outputs = np.multiply(inputs, self.slope, out=node.buffer("outputs", inputs.shape))
        return np.maximum(inputs, outputs, out=outputs)

    def backward(self, node: Node, d_out: Array) -> Array:
        inputs: Array = node.cache
        active = np.greater(inputs, 0, out=node.buffer("active", inputs.shape, bool))
        d_inputs = np.multiply(d_out, self.slope, out=node.buffer("d_inputs", inputs.shape))
        np.copyto(d_inputs, d_out, where=active)
        return d_inputs
