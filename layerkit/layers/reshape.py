"""Another shape for the same numbers."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from layerkit import Array, Layer, Node, Shape, ShapeError


class Reshape(Layer):
    """Another shape for each sample, the last axis running fastest.

    Shapes: inputs (N, \\*shape), outputs (N, \\*to), with batch N and as many numbers. The gradient is the incoming one in the
    shape of the inputs. Both are views of what came in where that is contiguous.

    Raises
    ------
    ValueError
        If ``to`` leaves more than one length open.
    ShapeError
        If the numbers of a sample do not fill the shape.
    """

    type: Literal["reshape"] = "reshape"
    to: Annotated[tuple[Annotated[int, Field(ge=-1)], ...], Field(strict=False, min_length=1, examples=[(2, -1)])]
    """The shape of a sample; -1 for one length that follows from the others."""

    @model_validator(mode="after")
    def _lengths_are_known(self) -> Self:
        if 0 in self.to:
            raise ValueError("has an axis of length 0, which holds nothing; take it out")
        if self.to.count(-1) > 1:
            raise ValueError("leaves more than one length open with -1; write all but one")
        return self

    def output_shape(self, input_shape: Shape) -> Shape:
        size, known = math.prod(input_shape), math.prod(length for length in self.to if length > 0)
        if size % known or (-1 not in self.to and size != known):
            raise ShapeError(f"samples of shape {input_shape} have {size} numbers, which do not fill the shape {self.to}")
        return tuple(size // known if length == -1 else length for length in self.to)

    def flops(self, input_shape: Shape) -> int:
        return 0

    def work_size(self, input_shape: Shape) -> int:
        return 0

    def forward(self, node: Node, inputs: Array) -> Array:
        return inputs.reshape(len(inputs), *node.output_shape)

    def backward(self, node: Node, d_out: Array) -> Array:
        return d_out.reshape(len(d_out), *node.input_shape)
