"""Self-attention."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field, PositiveInt

from layerkit import Array, Initializer, Layer, Node, Parameter, Shape, ShapeError, XavierUniform


class SelfAttention(Layer):
    """Lets each step of a sequence look at all: ``outputs = softmax(q @ k.T / sqrt(H)) @ v``, with q, k, v = inputs @ weight.

    Shapes: inputs (N, T, D), weight (3, D, H), outputs (N, T, H). With a the softmax, rows that sum to one, the gradient of what
    enters it is ``a * (d_a - sum(a * d_a))``, with ``d_a = d_out @ v.T``.

    References
    ----------
    A. Vaswani et al., "Attention is all you need", NeurIPS 2017, equation 1.
    """

    type: Literal["self_attention"] = "self_attention"
    units: PositiveInt = Field(examples=[4])
    """Length H of the vectors that come out."""
    weight_init: Initializer = XavierUniform()
    """How the weight (3, D, H) starts."""

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 2:
            raise ShapeError(f"self_attention expects sequences (T, D), received shape {input_shape}")
        return input_shape[0], self.units

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {"weight": Parameter((3, input_shape[1], self.units), self.weight_init)}

    def flops(self, input_shape: Shape) -> int:
        steps, features = input_shape
        return 6 * steps * features * self.units + 4 * steps * steps * self.units + 5 * steps * steps

    def forward(self, node: Node, inputs: Array) -> Array:
        query, key, value = (inputs @ weight for weight in node.params.weight)
        scores = query @ key.swapaxes(1, 2) / math.sqrt(self.units)
        shares = np.exp(scores - scores.max(axis=2, keepdims=True))
        shares /= shares.sum(axis=2, keepdims=True)
        node.cache = inputs, query, key, value, shares
        outputs: Array = shares @ value
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        inputs, query, key, value, shares = node.cache
        d_shares = d_out @ value.swapaxes(1, 2)
        d_scores = shares * (d_shares - (shares * d_shares).sum(axis=2, keepdims=True)) / math.sqrt(self.units)
        parts = d_scores @ key, d_scores.swapaxes(1, 2) @ query, shares.swapaxes(1, 2) @ d_out
        node.grads.weight = np.stack([np.tensordot(inputs, part, axes=([0, 1], [0, 1])) for part in parts])
        return np.asarray(sum(part @ weight.T for part, weight in zip(parts, node.params.weight, strict=True)))
