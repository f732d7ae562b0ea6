"""A rectifier whose slope is trained."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal, Self

import numpy as np
from pydantic import Field

from layerkit import Array, Constant, Layer, Node, Parameter, Shape, ShapeError


class PReLU(Layer):
    """Rectifier with a trained slope: ``outputs = max(inputs, 0) + slope * min(inputs, 0)``, element by element.

    Shapes: inputs and outputs (N, \\*shape); slope (1,), or (C,) for ``channels``, the last axis. Gradients::

        d_slope  = sum of d_out * min(inputs, 0)      over the batch and all that share a slope
        d_inputs = d_out * (1 if inputs > 0 else slope)

    Weight decay spares the slope, which it would draw towards that of a plain rectifier.

    Raises
    ------
    ShapeError
        If samples without an axis are to have channels.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers", ICCV 2015, equations 1 to 3.
    """

    type: Literal["prelu"] = "prelu"
    channels: bool = False
    """Give each channel, the last axis, a slope of its own, instead of one for all."""
    start: float = Field(default=0.25, ge=0)
    """What slopes start from."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls()
        yield cls(channels=True, start=0.5)

    def output_shape(self, input_shape: Shape) -> Shape:
        if self.channels and not input_shape:
            raise ShapeError("prelu by channels expects samples with an axis, received single numbers; leave channels out")
        return input_shape

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        shape = input_shape[-1:] if self.channels else (1,)
        return {"slope": Parameter(shape, Constant(value=self.start), decay=False)}

    def flops(self, input_shape: Shape) -> int:
        return 4 * math.prod(input_shape)

    def work_size(self, input_shape: Shape) -> int:
        return 4 * math.prod(input_shape)  # outputs, what is below 0, which inputs are above, and the gradient of the inputs

    def forward(self, node: Node, inputs: Array) -> Array:
        below = np.minimum(inputs, 0, out=node.buffer("below", inputs.shape))
        node.cache = inputs, below
        outputs = np.multiply(below, node.params.slope, out=node.buffer("outputs", inputs.shape))
        np.copyto(outputs, inputs, where=np.greater(inputs, 0, out=node.buffer("active", inputs.shape, bool)))
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        inputs, below = node.cache
        d_inputs: Array = np.multiply(d_out, below, out=node.buffer("d_inputs", inputs.shape))
        slopes = d_inputs.reshape(-1, node.grads.slope.size) if self.channels else d_inputs.reshape(-1, 1)
        np.add.reduce(slopes, axis=0, out=node.grads.slope)
        np.multiply(d_out, node.params.slope, out=d_inputs)
        np.copyto(d_inputs, d_out, where=node.buffer("active", inputs.shape, bool))
        return d_inputs
