"""Swish for layerkit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from layerkit import Array, Component, Layer, Node, hookimpl

LAYERKIT_API = 2


class Swish(Layer):
    """Swish activation: ``outputs = inputs * sigmoid(beta * inputs)``, element by element.

    Shapes: inputs and outputs (N, \\*shape). With ``gate = sigmoid(beta * inputs)`` the gradient is::

        d_inputs = d_out * gate * (1 + beta * inputs * (1 - gate))

    With ``beta`` 1 it is also known as SiLU; 0 gives ``inputs / 2``, and a large one approaches ReLU.

    References
    ----------
    P. Ramachandran, B. Zoph and Q. Le, "Searching for activation functions", arXiv:1710.05941, 2017.
    """

    type: Literal["swish"] = "swish"
    beta: float = 1.0
    """Slope of the gate."""

    def forward(self, node: Node, inputs: Array) -> Array:
        gate = 0.5 + 0.5 * np.tanh(0.5 * self.beta * inputs)  # the sigmoid, in a form that cannot overflow
        node.cache = inputs, gate
        return inputs * gate

    def backward(self, node: Node, d_out: Array) -> Array:
        inputs, gate = node.cache
        slope: Array = gate * (1 + self.beta * inputs * (1 - gate))
        return d_out * slope


@hookimpl
def layerkit_components() -> Sequence[type[Component]]:
    return [Swish]
