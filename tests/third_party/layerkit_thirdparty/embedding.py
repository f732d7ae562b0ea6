"""Vectors in the place of whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field, PositiveInt

from layerkit import Array, DataError, Initializer, Layer, Node, Normal, Parameter, Shape, ShapeError


class Embedding(Layer):
    """Looks each number up in a table: ``outputs[n, t] = table[inputs[n, t]]``.

    Shapes: inputs (N, T), whole numbers from 0 to V - 1, table (V, D), outputs (N, T, D). The gradient of the table adds up the
    rows of ``d_out`` that belong to one number; the inputs have none, and 0 is handed back.

    Raises
    ------
    ShapeError
        If one sample is no vector.
    DataError
        If an input is no whole number of that range.
    """

    type: Literal["embedding"] = "embedding"
    vocabulary: PositiveInt = Field(examples=[7])
    """How many numbers V there are."""
    units: PositiveInt = Field(examples=[3])
    """Length D of a vector."""
    table_init: Initializer = Normal(std=1.0)
    """How the table (V, D) starts."""

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ShapeError(f"embedding expects vectors of whole numbers (T,), received shape {input_shape}")
        return (*input_shape, self.units)

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {"table": Parameter((self.vocabulary, self.units), self.table_init, decay=False)}

    def example_inputs(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(self.vocabulary, size=(count, *input_shape))

    def forward(self, node: Node, inputs: Array) -> Array:
        wrong = (inputs != np.floor(inputs)) | (inputs < 0) | (inputs >= self.vocabulary)
        if wrong.any():
            raise DataError(f"{inputs[wrong][0]} is no whole number from 0 to {self.vocabulary - 1}, which {node.name} looks up")
        node.cache = inputs.astype(np.intp)
        rows: Array = node.params.table[node.cache]
        return rows

    def backward(self, node: Node, d_out: Array) -> Array:
        node.grads.table.fill(0)
        np.add.at(node.grads.table, node.cache, d_out)
        return np.zeros(node.cache.shape, node.dtype)
