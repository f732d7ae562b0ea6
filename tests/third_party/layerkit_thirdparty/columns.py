"""Layers of their own for each block of columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from layerkit import Affine, Array, Branch, Layer, Node, ReLU, Shape, ShapeError, chain_shape


class Block(BaseModel):
    """Some columns, and the layers that they go through."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    columns: PositiveInt
    layers: Annotated[tuple[Layer, ...], Field(strict=False)] = ()


class Columns(Layer):
    """Sends blocks of columns through layers of their own, and puts the results side by side.

    Shapes: inputs (N, D), block b takes D_b columns to vectors (N, H_b), outputs (N, sum H_b); the D_b add up to D. The gradient
    ``d_out`` is cut at the same places, and what comes back is put side by side.
    """

    type: Literal["columns"] = "columns"
    blocks: Annotated[tuple[Block, ...], Field(min_length=1, strict=False)] = Field(
        examples=[(Block(columns=2, layers=(Affine(units=3), ReLU())), Block(columns=3))]
    )
    """The blocks of columns, from the first column on."""

    def output_shape(self, input_shape: Shape) -> Shape:
        if input_shape != (sum(block.columns for block in self.blocks),):
            raise ShapeError(f"the blocks of columns take {sum(block.columns for block in self.blocks)}, received {input_shape}")
        shapes = [chain_shape(block.layers, (block.columns,)) for block in self.blocks]
        if any(len(shape) != 1 for shape in shapes):
            raise ShapeError(f"each block of columns must lead to a vector; they lead to {shapes}")
        return (sum(shape[0] for shape in shapes),)

    def branches(self, input_shape: Shape) -> Mapping[str, Branch]:
        places = enumerate(self.blocks)
        return {f"block_{i}": Branch(block.layers, (block.columns,), ("blocks", i, "layers")) for i, block in places}

    def forward(self, node: Node, inputs: Array) -> Array:
        parts = np.split(inputs, np.cumsum([block.columns for block in self.blocks])[:-1], axis=1)
        outputs = [chain.forward(part) for chain, part in zip(node.branches.values(), parts, strict=True)]
        node.cache = [part.shape[1] for part in outputs]
        return np.concatenate(outputs, axis=1)

    def backward(self, node: Node, d_out: Array) -> Array | None:
        parts = np.split(d_out, np.cumsum(node.cache)[:-1], axis=1)
        d_inputs = [chain.backward(part) for chain, part in zip(node.branches.values(), parts, strict=True)]
        wanted = [part for part in d_inputs if part is not None]
        return np.concatenate(wanted, axis=1) if node.needs_input_gradient else None
