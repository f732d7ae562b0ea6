"""Dropout: some inputs are left out, at random, in each training step."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from layerkit import Array, Layer, Node, Shape


class Dropout(Layer):
    """Dropout: in training each input is 0 with probability ``rate``, and the others are divided by ``1 - rate``.

    Shapes: inputs and outputs (N, \\*shape). With a mask m of zeros and ones that is drawn anew in each step::

        outputs  = inputs * m / (1 - rate)
        d_inputs = d_out * m / (1 - rate)

    so that outputs are the inputs in the mean. A prediction is not disturbed. It is the inverted form of the reference, which
    multiplies predictions by ``1 - rate`` instead.

    References
    ----------
    N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, "Dropout: a simple way to prevent neural networks
    from overfitting", JMLR 2014, section 4.
    """

    type: Literal["dropout"] = "dropout"
    rate: float = Field(default=0.5, ge=0, lt=1)
    """Probability with which an input is left out."""

    def flops(self, input_shape: Shape) -> int:
        return 3 * math.prod(input_shape)

    def work_size(self, input_shape: Shape) -> int:
        return 4 * math.prod(input_shape)  # factors, which inputs stay, outputs, and the gradient of the inputs

    def forward(self, node: Node, inputs: Array) -> Array:
        outputs = node.buffer("outputs", inputs.shape)
        if not node.training:
            np.copyto(outputs, inputs)
            return outputs
        factors = node.buffer("factors", inputs.shape)
        node.rng.random(out=factors, dtype=factors.dtype.type)
        stays = np.greater_equal(factors, self.rate, out=node.buffer("stays", inputs.shape, bool))
        node.cache = np.multiply(stays, 1 / (1 - self.rate), out=factors, dtype=factors.dtype)
        return np.multiply(inputs, factors, out=outputs)

    def backward(self, node: Node, d_out: Array) -> Array:
        d_inputs = node.buffer("d_inputs", d_out.shape)
        if not node.training:
            np.copyto(d_inputs, d_out)
            return d_inputs
        factors: Array = node.cache
        return np.multiply(d_out, factors, out=d_inputs)
