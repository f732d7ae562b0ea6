"""The logistic sigmoid."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np

from layerkit import Array, Layer, Node, Shape


class Sigmoid(Layer):
    """Logistic sigmoid: ``outputs = 1 / (1 + exp(-inputs))``, element by element.

    Shapes: inputs and outputs (N, \\*shape). Gradient: ``d_inputs = d_out * outputs * (1 - outputs)``. Right before a loss that
    makes probabilities of logits by itself, such as `binary_crossentropy`, it is refused.

    References
    ----------
    I. Goodfellow, Y. Bengio and A. Courville, "Deep Learning", 2016, equation 3.30.
    """

    gives_probabilities: ClassVar[bool] = True
    type: Literal["sigmoid"] = "sigmoid"

    def flops(self, input_shape: Shape) -> int:
        return 4 * math.prod(input_shape)

    def forward(self, node: Node, inputs: Array) -> Array:
        outputs = np.negative(inputs, out=node.buffer("outputs", inputs.shape))
        with np.errstate(over="ignore"):  # an infinite exponential gives 0
            np.exp(outputs, out=outputs)
        outputs += 1
        node.cache = outputs
        return np.reciprocal(outputs, out=outputs)

    def backward(self, node: Node, d_out: Array) -> Array:
        outputs: Array = node.cache
        d_inputs = np.subtract(1, outputs, out=node.buffer("d_inputs", outputs.shape))
        d_inputs *= outputs
        d_inputs *= d_out
        return d_inputs
