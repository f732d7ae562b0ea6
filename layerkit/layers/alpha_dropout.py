"""Dropout that keeps mean and variance, for self-normalizing networks."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from layerkit import Array, Layer, Node, Shape

LEFT_OUT = -1.7580993408473766
"""What an input that is left out becomes: what `selu` tends to for very negative inputs."""


class AlphaDropout(Layer):
    """Dropout for `selu`: inputs of mean 0 and variance 1 keep both; in training alone.

    Shapes: inputs and outputs (N, \\*shape). With a mask m that is 0 with probability ``rate`` q, else 1, drawn anew in each
    step, and the limit of `selu`, l = -1.7580993::

        outputs  = a * (inputs * m + l * (1 - m)) + b
        d_inputs = d_out * a * m
        a = ((1 - q) * (1 + q * l**2)) ** -0.5,   b = -a * q * l

    References
    ----------
    G. Klambauer, T. Unterthiner, A. Mayr and S. Hochreiter, "Self-normalizing neural networks", NeurIPS 2017, section "New
    dropout technique".
    """

    type: Literal["alpha_dropout"] = "alpha_dropout"
    rate: float = Field(default=0.1, ge=0, lt=1)
    """Probability with which an input is left out."""

    def flops(self, input_shape: Shape) -> int:
        return 4 * math.prod(input_shape)

    def work_size(self, input_shape: Shape) -> int:
        return 4 * math.prod(input_shape)  # factors, which inputs stay, outputs, and the gradient of the inputs

    def forward(self, node: Node, inputs: Array) -> Array:
        outputs = node.buffer("outputs", inputs.shape)
        if not node.training:
            np.copyto(outputs, inputs)
            return outputs
        scale = ((1 - self.rate) * (1 + self.rate * LEFT_OUT**2)) ** -0.5
        factors = node.buffer("factors", inputs.shape)
        node.rng.random(out=factors, dtype=factors.dtype.type)
        stays = np.greater_equal(factors, self.rate, out=node.buffer("stays", inputs.shape, bool))
        node.cache = np.multiply(stays, scale, out=factors, dtype=factors.dtype)
        # What stays moves by b, what is left out becomes a * l + b.
        shift = -scale * self.rate * LEFT_OUT
        np.multiply(inputs, factors, out=outputs)
        outputs += shift
        np.copyto(outputs, scale * LEFT_OUT + shift, where=np.logical_not(stays, out=stays))
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        d_inputs = node.buffer("d_inputs", d_out.shape)
        if not node.training:
            np.copyto(d_inputs, d_out)
            return d_inputs
        factors: Array = node.cache
        return np.multiply(d_out, factors, out=d_inputs)
