"""Normalization of each channel over the batch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from layerkit import Array, Constant, DataError, Layer, Node, Parameter, Shape, ShapeError, State


class BatchNorm(Layer):
    """Batch normalization by channels, the last axis: ``outputs = normalized * weight + bias``.

    Shapes: inputs and outputs (N, \\*shape, C), with batch N and channels C; weight and bias (C,), which start from 1 and 0 and
    decline weight decay. In training, mean and variance are those of the M = N * prod(shape) numbers of a channel, the variance a
    mean over M::

        normalized = (inputs - mean) / sqrt(variance + epsilon)
        d_inputs   = weight * (d_out - mean of d_out - normalized * mean of (d_out * normalized)) / sqrt(variance + epsilon)

    and running ones, which are saved with the model, move towards them: ``running = (1 - momentum) * running + momentum * new``.
    A prediction uses the running ones. Momentum counts as in PyTorch; that of Keras is 1 minus it. The running variance is that
    of PyTorch too, with a factor of M / (M - 1), which Keras leaves out.

    Raises
    ------
    ShapeError
        If samples have no axis.
    DataError
        If a channel has a single number in a training batch.

    References
    ----------
    S. Ioffe and C. Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate shift", ICML
    2015, algorithms 1 and 2.
    """

    type: Literal["batch_norm"] = "batch_norm"
    momentum: float = Field(default=0.1, gt=0, le=1)
    """Share of a batch in the running mean and variance."""
    epsilon: float = Field(default=1e-5, gt=0)
    """What is added to the variance, so that nothing is divided by 0."""

    def output_shape(self, input_shape: Shape) -> Shape:
        if not input_shape:
            raise ShapeError("batch_norm expects samples with an axis, the channels, received single numbers")
        return input_shape

    def least_batch(self, input_shape: Shape) -> int:
        return 2 if math.prod(input_shape[:-1]) == 1 else 1

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        shape = input_shape[-1:]
        return {"weight": Parameter(shape, Constant(value=1.0), decay=False), "bias": Parameter(shape, decay=False)}

    def state(self, input_shape: Shape) -> Mapping[str, State]:
        return {"mean": State(input_shape[-1:]), "variance": State(input_shape[-1:], Constant(value=1.0))}

    def flops(self, input_shape: Shape) -> int:
        return 8 * math.prod(input_shape)

    def work_size(self, input_shape: Shape) -> int:
        return 4 * math.prod(input_shape)  # outputs, normalized, the gradient of the inputs, and a product

    def forward(self, node: Node, inputs: Array) -> Array:
        channels, normalized = inputs.shape[-1:], node.buffer("normalized", inputs.shape)
        outputs, scale = node.buffer("outputs", inputs.shape), node.buffer("scale", channels)
        if node.training:
            count = inputs.size // channels[0]
            if count < 2:
                raise DataError(
                    "batch_norm needs two numbers of a channel in a batch, and here is one sample; take another batch_size"
                )
            axes = tuple(range(inputs.ndim - 1))
            mean = np.mean(inputs, axis=axes, out=node.buffer("mean", channels))
            np.subtract(inputs, mean, out=normalized)
            np.mean(np.square(normalized, out=outputs), axis=axes, out=scale)
            node.state.mean += self.momentum * (mean - node.state.mean)
            node.state.variance += self.momentum * (scale * (count / (count - 1)) - node.state.variance)
        else:
            np.subtract(inputs, node.state.mean, out=normalized)
            np.copyto(scale, node.state.variance)
        scale += self.epsilon
        np.sqrt(scale, out=scale)
        normalized /= scale
        node.cache = normalized, scale
        np.multiply(normalized, node.params.weight, out=outputs)
        outputs += node.params.bias
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        normalized, scale = node.cache
        axes = tuple(range(d_out.ndim - 1))
        d_inputs, product = node.buffer("d_inputs", d_out.shape), node.buffer("product", d_out.shape)
        np.multiply(d_out, normalized, out=product)
        np.add.reduce(product, axis=axes, out=node.grads.weight)
        np.add.reduce(d_out, axis=axes, out=node.grads.bias)
        if node.training:  # mean and variance depend on the inputs
            count = d_out.size // d_out.shape[-1]
            np.multiply(normalized, node.grads.weight / count, out=product)
            np.subtract(d_out, node.grads.bias / count, out=d_inputs)
            d_inputs -= product
            d_inputs *= node.params.weight / scale
        else:
            np.multiply(d_out, node.params.weight / scale, out=d_inputs)
        return d_inputs
