"""The parametric rectified linear unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from layerkit import Array, Constant, Layer, Node, Parameter, Shape


class PReLU(Layer):
    """Rectified linear unit with a trained slope below 0, one a feature: ``outputs = where(inputs > 0, inputs, slope * inputs)``.

    Shapes: inputs and outputs (N, \\*axes, D), slope (D,). Gradients::

        d_slope  = d_out * min(inputs, 0), summed over all axes but the last
        d_inputs = d_out * where(inputs > 0, 1, slope)

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers", ICCV 2015, equation 1.
    """

    type: Literal["prelu"] = "prelu"
    initial: float = 0.25
    """What every slope starts from."""

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {"slope": Parameter(input_shape[-1:], Constant(value=self.initial), decay=False)}

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs
        return np.where(inputs > 0, inputs, node.params.slope * inputs)

    def backward(self, node: Node, d_out: Array) -> Array:
        inputs = node.cache
        node.grads.slope = (d_out * np.minimum(inputs, 0)).sum(axis=tuple(range(inputs.ndim - 1)) or (0,))
        return np.asarray(d_out * np.where(inputs > 0, node.dtype.type(1), node.params.slope))
