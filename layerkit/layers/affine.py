"""The fully connected layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Self

import numpy as np
from pydantic import Field, PositiveInt

from layerkit import Array, Initializer, Layer, Node, Parameter, Shape, ShapeError, XavierUniform, Zeros


class Affine(Layer):
    """Fully connected layer: ``outputs = inputs @ weight + bias``.

    Shapes: inputs (N, D), weight (D, H), bias (H,), outputs (N, H), with batch N, input features D, ``units`` H. Gradients::

        d_weight = inputs.T @ d_out         (D, H), a sum over the batch
        d_bias   = d_out summed over N      (H,)
        d_inputs = d_out @ weight.T         (N, D)

    Raises
    ------
    ShapeError
        If one input sample is not a vector.
    """

    type: Literal["affine"] = "affine"
    units: PositiveInt = Field(examples=[32])
    """Number of output features H."""
    weight_init: Initializer = XavierUniform()
    """How the weight (D, H) starts."""
    bias_init: Initializer = Zeros()
    """How the bias (H,) starts; weight decay spares it."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls(units=32)
        yield cls(units=1, bias_init=XavierUniform())

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ShapeError(
                f'affine expects samples that are vectors (D,), received shape {input_shape}; put {{"type": "flatten"}} before it'
            )
        return (self.units,)

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {
            "weight": Parameter((*input_shape, self.units), self.weight_init),
            "bias": Parameter((self.units,), self.bias_init, decay=False),
        }

    def flops(self, input_shape: Shape) -> int:
        return 2 * input_shape[0] * self.units + self.units

    def work_size(self, input_shape: Shape) -> int:
        return self.units + input_shape[0]  # the outputs, and the gradient of the inputs

    def forward(self, node: Node, inputs: Array) -> Array:
        outputs = node.buffer("outputs", (len(inputs), self.units))
        np.matmul(inputs, node.params.weight, out=outputs)
        outputs += node.params.bias
        node.cache = inputs
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array | None:
        inputs: Array = node.cache
        np.matmul(inputs.T, d_out, out=node.grads.weight)
        np.add.reduce(d_out, axis=0, out=node.grads.bias)
        if not node.needs_input_gradient:
            return None
        return np.matmul(d_out, node.params.weight.T, out=node.buffer("d_inputs", inputs.shape))
