"""A sigmoid of straight lines."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from layerkit import Array, Layer, Node, Shape


class HardSigmoid(Layer):
    """Sigmoid of straight lines: ``outputs = min(max(inputs / 6 + 1/2, 0), 1)``, element by element.

    Shapes: inputs and outputs (N, \\*shape). The gradient ``d_inputs = d_out / 6 where -3 < inputs < 3`` is 0 at the kinks. The
    slope is PyTorch's, and Keras' since version 3; before it was 0.2.

    References
    ----------
    A. Howard and others, "Searching for MobileNetV3", ICCV 2019, section 5.2.
    """

    type: Literal["hard_sigmoid"] = "hard_sigmoid"

    def flops(self, input_shape: Shape) -> int:
        return 4 * math.prod(input_shape)

    def work_size(self, input_shape: Shape) -> int:
        return 3 * math.prod(input_shape)  # outputs, which of them are active, and the gradient of the inputs

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs
        outputs = np.multiply(inputs, 1 / 6, out=node.buffer("outputs", inputs.shape))
        outputs += 0.5
        return np.clip(outputs, 0, 1, out=outputs)

    def backward(self, node: Node, d_out: Array) -> Array:
        inputs: Array = node.cache
        d_inputs = np.abs(inputs, out=node.buffer("d_inputs", inputs.shape))
        active = np.less(d_inputs, 3, out=node.buffer("active", inputs.shape, bool))
        np.multiply(d_out, active, out=d_inputs)
        d_inputs *= 1 / 6
        return d_inputs
