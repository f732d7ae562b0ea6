"""Normalization of each sample by its size alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from layerkit import Array, Constant, Layer, Node, Parameter, Shape, ShapeError


class RMSNorm(Layer):
    """Root mean square normalization over the last axis: ``outputs = inputs / rms * weight``.

    Shapes: inputs and outputs (N, \\*shape, D), with batch N; weight (D,), which starts from 1 and declines weight decay. Over
    the D numbers::

        rms          = sqrt(mean of inputs**2 + epsilon)
        d_normalized = d_out * weight
        d_inputs     = (d_normalized - normalized * mean of (d_normalized * normalized)) / rms

    with ``normalized = inputs / rms``.

    Raises
    ------
    ShapeError
        If samples have no axis.

    References
    ----------
    B. Zhang and R. Sennrich, "Root mean square layer normalization", NeurIPS 2019, equation 4. PyTorch's default epsilon is the
    machine epsilon of the dtype, Keras' is 1e-6.
    """

    type: Literal["rms_norm"] = "rms_norm"
    epsilon: float = Field(default=1e-6, gt=0)
    """What is added to the mean square, so that nothing is divided by 0."""

    def output_shape(self, input_shape: Shape) -> Shape:
        if not input_shape:
            raise ShapeError("rms_norm normalizes the numbers of a sample, and here there is one; use batch_norm")
        return input_shape

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {"weight": Parameter(input_shape[-1:], Constant(value=1.0), decay=False)}

    def flops(self, input_shape: Shape) -> int:
        return 5 * math.prod(input_shape)

    def work_size(self, input_shape: Shape) -> int:
        # Outputs, normalized, the gradient of the inputs, and a product; by row the root and a mean.
        return 4 * math.prod(input_shape) + 2 * math.prod(input_shape[:-1])

    def forward(self, node: Node, inputs: Array) -> Array:
        outputs = np.square(inputs, out=node.buffer("outputs", inputs.shape))
        root = np.mean(outputs, axis=-1, keepdims=True, out=node.buffer("root", (*inputs.shape[:-1], 1)))
        root += self.epsilon
        np.sqrt(root, out=root)
        normalized = np.divide(inputs, root, out=node.buffer("normalized", inputs.shape))
        node.cache = normalized, root
        return np.multiply(normalized, node.params.weight, out=outputs)

    def backward(self, node: Node, d_out: Array) -> Array:
        normalized, root = node.cache
        product = np.multiply(d_out, normalized, out=node.buffer("product", normalized.shape))
        np.add.reduce(product.reshape(-1, normalized.shape[-1]), axis=0, out=node.grads.weight)
        d_inputs: Array = np.multiply(d_out, node.params.weight, out=node.buffer("d_inputs", normalized.shape))
        np.multiply(d_inputs, normalized, out=product)
        mean = np.mean(product, axis=-1, keepdims=True, out=node.buffer("mean", root.shape))
        d_inputs -= np.multiply(normalized, mean, out=product)
        d_inputs /= root
        return d_inputs
