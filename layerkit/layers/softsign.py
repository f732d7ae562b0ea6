"""An activation that saturates slowly."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from layerkit import Array, Layer, Node, Shape


class Softsign(Layer):
    """Softsign: ``outputs = inputs / (1 + abs(inputs))``, element by element.

    Shapes: inputs and outputs (N, \\*shape). Gradient: ``d_inputs = d_out / (1 + abs(inputs))**2``.

    References
    ----------
    J. Bergstra, G. Desjardins, P. Lamblin and Y. Bengio, "Quadratic polynomials learn better image features", 2009.
    """

    type: Literal["softsign"] = "softsign"

    def flops(self, input_shape: Shape) -> int:
        return 3 * math.prod(input_shape)

    def work_size(self, input_shape: Shape) -> int:
        return 3 * math.prod(input_shape)  # outputs, the sizes, and the gradient of the inputs

    def forward(self, node: Node, inputs: Array) -> Array:
        sizes = np.abs(inputs, out=node.buffer("sizes", inputs.shape))
        sizes += 1
        node.cache = sizes
        return np.divide(inputs, sizes, out=node.buffer("outputs", inputs.shape))

    def backward(self, node: Node, d_out: Array) -> Array:
        sizes: Array = node.cache
        d_inputs = np.divide(d_out, sizes, out=node.buffer("d_inputs", sizes.shape))  # twice: squares may be too large
        d_inputs /= sizes
        return d_inputs
