"""Normalization of each sample by itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from layerkit import Array, Constant, Layer, Node, Parameter, Shape, ShapeError


class LayerNorm(Layer):
    """Layer normalization over the last axis: ``outputs = normalized * weight + bias``.

    Shapes: inputs and outputs (N, \\*shape, D), with batch N; weight and bias (D,), which start from 1 and 0 and decline weight
    decay. With mean and variance over the D numbers, the variance a mean over D::

        normalized   = (inputs - mean) / sqrt(variance + epsilon)
        d_normalized = d_out * weight
        d_inputs     = (d_normalized - mean of d_normalized - normalized * mean of (d_normalized * normalized)) / sqrt(...)

    Raises
    ------
    ShapeError
        If samples have no axis.

    References
    ----------
    J. Ba, J. Kiros and G. Hinton, "Layer normalization", arXiv:1607.06450, 2016, equation 4. Epsilon is PyTorch's; Keras has
    1e-3.
    """

    type: Literal["layer_norm"] = "layer_norm"
    epsilon: float = Field(default=1e-5, gt=0)
    """What is added to the variance, so that nothing is divided by 0."""

    def output_shape(self, input_shape: Shape) -> Shape:
        if not input_shape:
            raise ShapeError("layer_norm normalizes the numbers of a sample, and here there is one; use batch_norm")
        return input_shape

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        shape = input_shape[-1:]
        return {"weight": Parameter(shape, Constant(value=1.0), decay=False), "bias": Parameter(shape, decay=False)}

    def flops(self, input_shape: Shape) -> int:
        return 8 * math.prod(input_shape)

    def work_size(self, input_shape: Shape) -> int:
        # Outputs, normalized, the gradient of the inputs, and a product; by row the scale and a mean.
        return 4 * math.prod(input_shape) + 2 * math.prod(input_shape[:-1])

    def forward(self, node: Node, inputs: Array) -> Array:
        rows = (*inputs.shape[:-1], 1)
        mean = np.mean(inputs, axis=-1, keepdims=True, out=node.buffer("mean", rows))
        normalized = np.subtract(inputs, mean, out=node.buffer("normalized", inputs.shape))
        outputs = np.square(normalized, out=node.buffer("outputs", inputs.shape))
        scale = np.mean(outputs, axis=-1, keepdims=True, out=node.buffer("scale", rows))
        scale += self.epsilon
        np.sqrt(scale, out=scale)
        normalized /= scale
        node.cache = normalized, scale
        np.multiply(normalized, node.params.weight, out=outputs)
        outputs += node.params.bias
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        normalized, scale = node.cache
        size = normalized.shape[-1]
        product = np.multiply(d_out, normalized, out=node.buffer("product", normalized.shape))
        np.add.reduce(product.reshape(-1, size), axis=0, out=node.grads.weight)
        np.add.reduce(d_out.reshape(-1, size), axis=0, out=node.grads.bias)
        d_inputs = np.multiply(d_out, node.params.weight, out=node.buffer("d_inputs", normalized.shape))
        np.multiply(d_inputs, normalized, out=product)
        mean = np.mean(product, axis=-1, keepdims=True, out=node.buffer("mean", scale.shape))
        np.multiply(normalized, mean, out=product)
        d_inputs -= np.mean(d_inputs, axis=-1, keepdims=True, out=mean)
        d_inputs -= product
        d_inputs /= scale
        return d_inputs
