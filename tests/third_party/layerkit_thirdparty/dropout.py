"""Dropout."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from layerkit import Array, Layer, Node


class Dropout(Layer):
    """Sets a share of the inputs to 0 while training, and divides the others by what is left.

    Shapes: inputs and outputs (N, \\*shape). With r = rate and a mask of zeros (with probability r) and 1 / (1 - r)::

        outputs = inputs * mask,  d_inputs = d_out * mask          training
        outputs = inputs,         d_inputs = d_out                 predicting

    References
    ----------
    N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 2014.
    """

    type: Literal["dropout"] = "dropout"
    rate: float = Field(default=0.5, ge=0, lt=1)
    """Share of the inputs that is set to 0."""

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = None
        if not node.training:
            return inputs
        kept = node.rng.random(inputs.shape, node.dtype) >= self.rate
        node.cache = np.multiply(kept, 1 / (1 - self.rate), dtype=node.dtype)
        return np.asarray(inputs * node.cache)

    def backward(self, node: Node, d_out: Array) -> Array:
        return d_out if node.cache is None else np.asarray(d_out * node.cache)
