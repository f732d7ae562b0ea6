"""From samples of any shape to vectors."""

from __future__ import annotations

import math
from typing import Literal

from layerkit import Array, Layer, Node, Shape


class Flatten(Layer):
    """Flattening: each sample as one vector, the last axis running fastest.

    Shapes: inputs (N, \\*shape), outputs (N, D), with batch N and D the product of ``shape``. The gradient is the incoming one
    in the shape of the inputs. Both are views of what came in where that is contiguous.
    """

    type: Literal["flatten"] = "flatten"

    def output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    def flops(self, input_shape: Shape) -> int:
        return 0

    def work_size(self, input_shape: Shape) -> int:
        return 0

    def forward(self, node: Node, inputs: Array) -> Array:
        return inputs.reshape(len(inputs), *node.output_shape)

    def backward(self, node: Node, d_out: Array) -> Array:
        return d_out.reshape(len(d_out), *node.input_shape)
