"""Batch normalization."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from layerkit import Array, Constant, Layer, Node, Parameter, Shape, State


class BatchNorm(Layer):
    """Gives each feature mean 0 and variance 1 over a batch: ``outputs = scale * (inputs - mean) / sqrt(var + epsilon) + shift``.

    Shapes: inputs and outputs (N, \\*axes, D), all else (D,); mean and variance are taken over all axes but the last. Predictions
    use running averages: of all batches so far, or with a ``momentum`` m the sum ``(1 - m) * old + m * new``. Gradient of the
    inputs, with x the normalized inputs and g = scale * d_out: ``(g - mean(g) - x * mean(g * x)) / sqrt(var + epsilon)``.

    Source: S. Ioffe and C. Szegedy, "Batch normalization", ICML 2015.
    """

    type: Literal["batch_norm"] = "batch_norm"
    momentum: float | None = Field(default=0.1, gt=0, le=1)
    """Weight of a batch in the running averages; null weighs all batches alike."""
    epsilon: float = Field(default=1e-5, gt=0)
    """Keeps the division finite."""

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        shape = input_shape[-1:]
        return {"scale": Parameter(shape, Constant(value=1.0), decay=False), "shift": Parameter(shape, decay=False)}

    def state(self, input_shape: Shape) -> Mapping[str, State]:
        shape = input_shape[-1:]
        return {"mean": State(shape), "var": State(shape, Constant(value=1.0)), "batches": State((), dtype="int64")}

    def forward(self, node: Node, inputs: Array) -> Array:
        state, axes = node.state, tuple(range(inputs.ndim - 1)) or (0,)
        mean, var = state.mean, state.var
        if node.training:
            mean, var = inputs.mean(axis=axes), inputs.var(axis=axes)
            state.batches += 1
            count = inputs.size // mean.size
            share = self.momentum or 1 / int(state.batches)
            state.mean += share * (mean - state.mean)
            state.var += share * (var * (count / max(count - 1, 1)) - state.var)
        scale = np.sqrt(var + self.epsilon)
        node.cache = (inputs - mean) / scale, scale
        outputs: Array = node.params.scale * node.cache[0] + node.params.shift
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        (normalized, scale), axes = node.cache, tuple(range(d_out.ndim - 1)) or (0,)
        node.grads.scale, node.grads.shift = (d_out * normalized).sum(axis=axes), d_out.sum(axis=axes)
        d_inputs: Array = d_out * node.params.scale
        if node.training:
            d_inputs = d_inputs - d_inputs.mean(axis=axes) - normalized * (d_inputs * normalized).mean(axis=axes)
        return np.asarray(d_inputs / scale)
