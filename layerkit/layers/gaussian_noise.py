"""Noise on what passes by, in training."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from layerkit import Array, Layer, Node, Shape


class GaussianNoise(Layer):
    """Noise: in training a normal number of mean 0 and standard deviation ``std`` is added to each input.

    Shapes: inputs and outputs (N, \\*shape). The numbers are drawn anew in each step; the gradient passes as it is, and
    predictions are not disturbed.

    References
    ----------
    C. Bishop, "Training with noise is equivalent to Tikhonov regularization", 1995.
    """

    type: Literal["gaussian_noise"] = "gaussian_noise"
    std: float = Field(default=0.1, ge=0)
    """Standard deviation of the noise."""

    def flops(self, input_shape: Shape) -> int:
        return 2 * math.prod(input_shape)

    def forward(self, node: Node, inputs: Array) -> Array:
        outputs = node.buffer("outputs", inputs.shape)
        if not node.training:
            np.copyto(outputs, inputs)
            return outputs
        node.rng.standard_normal(out=outputs, dtype=outputs.dtype.type)
        outputs *= self.std
        outputs += inputs
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        d_inputs = node.buffer("d_inputs", d_out.shape)
        np.copyto(d_inputs, d_out)
        return d_inputs
