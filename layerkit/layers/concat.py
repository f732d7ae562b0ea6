"""Several stacks of layers beside each other, their outputs joined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field

from layerkit import Affine, Array, Branch, Layer, Node, ReLU, Shape, ShapeError, chain_shape


class Concat(Layer):
    """Stacks of layers that all see the inputs, their outputs joined along the last axis.

    Shapes: inputs (N, \\*shape); the stacks lead to shapes that differ in the last axis alone, (N, \\*same, D_1), (N, \\*same,
    D_2) and so on, and the outputs are (N, \\*same, D_1 + D_2 + ...). An empty stack hands the inputs on. The gradient of the
    inputs is the sum of those of the stacks. Nodes are called ``concat_1.stack_1.affine_1`` and so on.

    Raises
    ------
    ShapeError
        If the outputs of the stacks cannot be joined.

    References
    ----------
    C. Szegedy and others, "Going deeper with convolutions", CVPR 2015, section 4; G. Huang, Z. Liu, L. van der Maaten and K.
    Weinberger, "Densely connected convolutional networks", CVPR 2017, equation 2.
    """

    type: Literal["concat"] = "concat"
    stacks: Annotated[
        tuple[Annotated[tuple[Layer, ...], Field(strict=False)], ...],
        Field(strict=False, min_length=2, examples=[((Affine(units=3), ReLU()), ())]),
    ]
    """The stacks; an empty one hands the inputs on."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls(stacks=((Affine(units=3), ReLU()), ()))
        yield cls(stacks=((Affine(units=2),), (Affine(units=4),), (ReLU(),)))

    def branches(self, input_shape: Shape) -> Mapping[str, Branch]:
        return {f"stack_{number}": Branch(stack, None, ("stacks", number - 1)) for number, stack in enumerate(self.stacks, 1)}

    def output_shape(self, input_shape: Shape) -> Shape:
        shapes = [chain_shape(stack, input_shape) for stack in self.stacks]
        if () in shapes or len({shape[:-1] for shape in shapes}) > 1:
            raise ShapeError(f"concat joins outputs along their last axis, and its stacks lead to the shapes {shapes}")
        return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))

    def flops(self, input_shape: Shape) -> int:
        return 0

    def forward(self, node: Node, inputs: Array) -> Array:
        outputs = node.buffer("outputs", (len(inputs), *node.output_shape))
        start, ends = 0, []
        for stack in node.branches.values():
            part = stack.forward(inputs)
            ends.append(start + part.shape[-1])
            outputs[..., start : ends[-1]] = part
            start = ends[-1]
        node.cache = ends
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array | None:
        total: Array | None = node.buffer("d_inputs", (len(d_out), *node.input_shape))
        assert total is not None
        for number, (stack, start, stop) in enumerate(zip(node.branches.values(), [0, *node.cache], node.cache, strict=False)):
            d_inputs = stack.backward(d_out[..., start:stop])
            if d_inputs is None:
                total = None
            elif total is not None and number == 0:
                np.copyto(total, d_inputs)
            elif total is not None:
                total += d_inputs
        return total
