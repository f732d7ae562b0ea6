"""The hyperbolic tangent."""

from __future__ import annotations

from typing import Literal

import numpy as np

from layerkit import Array, Layer, Node


class Tanh(Layer):
    """Hyperbolic tangent: ``outputs = tanh(inputs)``, element by element.

    Shapes: inputs and outputs (N, \\*shape). Gradient: ``d_inputs = d_out * (1 - outputs**2)``.

    References
    ----------
    Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient BackProp", 1998, section 4.4.
    """

    type: Literal["tanh"] = "tanh"

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = outputs = np.tanh(inputs, out=node.buffer("outputs", inputs.shape))
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        outputs: Array = node.cache
        d_inputs = np.square(outputs, out=node.buffer("d_inputs", outputs.shape))
        np.subtract(1, d_inputs, out=d_inputs)
        d_inputs *= d_out
        return d_inputs
