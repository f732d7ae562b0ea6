"""A recurrent cell that reads a sequence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field, PositiveInt

from layerkit import Array, Initializer, Layer, Node, Parameter, Shape, ShapeError, XavierUniform


class Recurrent(Layer):
    """Elman cell: ``h_t = tanh(x_t @ weight + h_t-1 @ recurrent + bias)`` from h_0 = 0; the outputs are the last h.

    Shapes: inputs (N, T, D), weight (D, H), recurrent (H, H), bias (H,), outputs (N, H). Backward goes through time: with
    ``g_t = d_h_t * (1 - h_t^2)``, d_h_t-1 = g_t @ recurrent.T and d_x_t = g_t @ weight.T.

    Source: J. Elman, "Finding structure in time", Cognitive Science 1990.
    """

    type: Literal["recurrent"] = "recurrent"
    units: PositiveInt = Field(examples=[4])
    """Length H of the state."""
    weight_init: Initializer = XavierUniform()
    """How both weights start."""

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 2:
            raise ShapeError(f"recurrent expects sequences (T, D), received shape {input_shape}")
        return (self.units,)

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {
            "weight": Parameter((input_shape[1], self.units), self.weight_init),
            "recurrent": Parameter((self.units, self.units), self.weight_init),
            "bias": Parameter((self.units,), decay=False),
        }

    def forward(self, node: Node, inputs: Array) -> Array:
        states = [np.zeros((len(inputs), self.units), node.dtype)]
        for moment in inputs.swapaxes(0, 1):
            states.append(np.tanh(moment @ node.params.weight + states[-1] @ node.params.recurrent + node.params.bias))
        node.cache = inputs, states
        return states[-1]

    def backward(self, node: Node, d_out: Array) -> Array:
        (inputs, states), grads = node.cache, node.grads
        d_inputs, d_state = np.empty(inputs.shape, node.dtype), d_out
        for array in grads.values():
            array.fill(0)
        for t in reversed(range(inputs.shape[1])):
            slope = d_state * (1 - states[t + 1] ** 2)
            grads.weight += inputs[:, t].T @ slope
            grads.recurrent += states[t].T @ slope
            grads.bias += slope.sum(axis=0)
            d_inputs[:, t], d_state = slope @ node.params.weight.T, slope @ node.params.recurrent.T
        return d_inputs
