"""The residual connection: a layer that holds layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field

from layerkit import Affine, Array, Branch, Layer, Node, ReLU, Shape, ShapeError, chain_shape


class Residual(Layer):
    """Residual connection: ``outputs = F(inputs) + S(inputs)``, with the ``layers`` F and the ``shortcut`` S.

    Shapes: inputs (N, \\*shape); F and S lead to the same shape, which is that of the outputs. A shortcut that is left out is the
    identity, and F must keep the shape then; one of a single ``affine`` is the projection of [1]_. Gradient::

        d_inputs = F'(inputs) d_out + S'(inputs) d_out

    F and S may hold any layers, residual ones too, and no loss. Their nodes are called ``residual_1.layers.affine_1`` and
    ``residual_1.shortcut.affine_1``.

    Raises
    ------
    ShapeError
        If F and S lead to different shapes.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", CVPR 2016, equations 1 and 2.
    .. [2] K. He, X. Zhang, S. Ren and J. Sun, "Identity mappings in deep residual networks", ECCV 2016: F with the activation
       before each affine layer.
    """

    type: Literal["residual"] = "residual"
    layers: Annotated[tuple[Layer, ...], Field(min_length=1, strict=False, examples=[(ReLU(), Affine(units=5))])]
    """The layers F that learn what to add."""
    shortcut: Annotated[tuple[Layer, ...], Field(strict=False)] = ()
    """The layers S past them; none keep the inputs as they are."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls(layers=(ReLU(), Affine(units=5)))
        yield cls(layers=(Affine(units=3), ReLU()), shortcut=(Affine(units=3),))

    def branches(self, input_shape: Shape) -> Mapping[str, Branch]:
        return {"layers": Branch(self.layers), "shortcut": Branch(self.shortcut)}

    def output_shape(self, input_shape: Shape) -> Shape:
        through, past = chain_shape(self.layers, input_shape), chain_shape(self.shortcut, input_shape)
        if through != past:
            raise ShapeError(
                f"residual adds what goes through its layers, shape {through}, to what goes past them, shape {past}; "
                "give it a shortcut that leads to the same shape"
            )
        return through

    def forward(self, node: Node, inputs: Array) -> Array:
        outputs = node.buffer("outputs", (len(inputs), *node.output_shape))
        return np.add(node.branches["layers"].forward(inputs), node.branches["shortcut"].forward(inputs), out=outputs)

    def backward(self, node: Node, d_out: Array) -> Array | None:
        through, past = node.branches["layers"].backward(d_out), node.branches["shortcut"].backward(d_out)
        if through is None or past is None:
            return None
        return np.add(through, past, out=node.buffer("d_inputs", through.shape))
