"""A swish of straight lines."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from layerkit import Array, Layer, Node, Shape


class HardSwish(Layer):
    """Swish of straight lines: ``outputs = inputs * min(max(inputs / 6 + 1/2, 0), 1)``, element by element.

    Shapes: inputs and outputs (N, \\*shape). The gradient is ``d_out * (inputs / 3 + 1/2)`` between -3 and 3, 0 up to -3 and
    ``d_out`` from 3 on, as in PyTorch.

    References
    ----------
    A. Howard and others, "Searching for MobileNetV3", ICCV 2019, section 5.2.
    """

    type: Literal["hard_swish"] = "hard_swish"

    def flops(self, input_shape: Shape) -> int:
        return 5 * math.prod(input_shape)

    def work_size(self, input_shape: Shape) -> int:
        return 3 * math.prod(input_shape)  # outputs, which of them are at an end, and the gradient of the inputs

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs
        outputs = np.multiply(inputs, 1 / 6, out=node.buffer("outputs", inputs.shape))
        outputs += 0.5
        np.clip(outputs, 0, 1, out=outputs)
        outputs *= inputs
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        inputs: Array = node.cache
        d_inputs = np.multiply(inputs, 1 / 3, out=node.buffer("d_inputs", inputs.shape))
        d_inputs += 0.5
        ends = node.buffer("ends", inputs.shape, bool)
        np.copyto(d_inputs, 0, where=np.less_equal(inputs, -3, out=ends))
        np.copyto(d_inputs, 1, where=np.greater_equal(inputs, 3, out=ends))
        d_inputs *= d_out
        return d_inputs
