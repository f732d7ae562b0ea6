"""The Gaussian error linear unit."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, Self

import numpy as np

from layerkit import Array, Layer, Node, Shape

_LINEAR, _CUBIC = math.sqrt(2 / math.pi), 0.044715 * math.sqrt(2 / math.pi)
_SATURATED = 30.0
"""From here on the hyperbolic tangent is 1 in every dtype, and cubes are still small."""


class GELU(Layer):
    """Gaussian error linear unit: ``outputs = inputs * gate``, element by element.

    Shapes: inputs and outputs (N, \\*shape). The gate is the distribution function of the standard normal distribution,
    ``(1 + erf(inputs / sqrt(2))) / 2``, whose derivative is its density; or, to save time, an approximation::

        gate     = (1 + tanh(sqrt(2 / pi) * (inputs + 0.044715 * inputs**3))) / 2
        d_inputs = d_out * (gate + inputs * d gate / d inputs)

    References
    ----------
    D. Hendrycks and K. Gimpel, "Gaussian error linear units", arXiv:1606.08415, 2016, section 2.
    """

    type: Literal["gelu"] = "gelu"
    approximate: bool = False
    """Whether the gate is the approximation."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls()
        yield cls(approximate=True)

    def flops(self, input_shape: Shape) -> int:
        return 8 * math.prod(input_shape)

    def work_size(self, input_shape: Shape) -> int:
        return 4 * math.prod(input_shape)  # outputs, the gate, its derivative, and the gradient of the inputs

    def forward(self, node: Node, inputs: Array) -> Array:
        gate = self._tangent(node, inputs) if self.approximate else _error_function(node, inputs)
        gate += 1
        gate *= 0.5
        node.cache = inputs, gate
        return np.multiply(inputs, gate, out=node.buffer("outputs", inputs.shape))

    def backward(self, node: Node, d_out: Array) -> Array:
        inputs, gate = node.cache
        slope, d_inputs = node.buffer("slope", gate.shape), node.buffer("d_inputs", gate.shape)
        if self.approximate:  # 2 * gate * (1 - gate) times the derivative of what the tangent is taken of
            near = np.clip(inputs, -_SATURATED, _SATURATED, out=node.buffer("outputs", gate.shape))
            np.square(near, out=slope)
            slope *= 6 * _CUBIC
            slope += 2 * _LINEAR
            slope *= near
            slope *= gate
            slope *= np.subtract(1, gate, out=d_inputs)
        else:
            with np.errstate(over="ignore"):  # the density there is 0
                np.square(inputs, out=slope)
            slope *= -0.5
            np.exp(slope, out=slope)
            slope *= inputs
            slope *= 1 / math.sqrt(2 * math.pi)
        slope += gate
        return np.multiply(d_out, slope, out=d_inputs)

    @staticmethod
    def _tangent(node: Node, inputs: Array) -> Array:
        near = np.clip(inputs, -_SATURATED, _SATURATED, out=node.buffer("outputs", inputs.shape))
        gate = np.square(near, out=node.buffer("gate", inputs.shape))
        gate *= _CUBIC
        gate += _LINEAR
        gate *= near
        return np.tanh(gate, out=gate)


def _error_function(node: Node, inputs: Array) -> Array:
    from scipy.special import erf

    gate = np.multiply(inputs, math.sqrt(0.5), out=node.buffer("gate", inputs.shape))
    erf(gate, out=gate)
    return gate
