"""Features of mean 0 and standard deviation 1."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

import numpy as np

from layerkit import Array, Constant, DataError, Layer, Node, Shape, ShapeError, State, Zeros


class Standardize(Layer):
    """Move and scale each feature to mean 0 and standard deviation 1: ``outputs = (inputs - mean) / scale``.

    Shapes: inputs and outputs (N, \\*shape); mean and scale (\\*shape), or (C,) for ``channels``. Both are measured on the
    training samples before the first step, all of which count alike, and saved with the model; until then inputs pass as they
    are. The standard deviation is that of the samples, a mean over N. A feature that is constant, but for the rounding of its
    largest value, is only moved. The arithmetic is that of float64. Gradient: ``d_inputs = d_out / scale``.

    Raises
    ------
    ShapeError
        If samples without an axis are to have channels.
    DataError
        If the deviation of a feature is beyond the largest float.

    References
    ----------
    T. Chan, G. Golub and R. LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979,
    equation 2.1, which adds up the blocks of samples.
    """

    type: Literal["standardize"] = "standardize"
    channels: bool = False
    """Measure each channel, the last axis, over all places of a sample, instead of each number by itself."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls()
        yield cls(channels=True)

    def output_shape(self, input_shape: Shape) -> Shape:
        if self.channels and not input_shape:
            raise ShapeError("standardize by channels expects samples with an axis, received single numbers; leave channels out")
        return input_shape

    def state(self, input_shape: Shape) -> Mapping[str, State]:
        shape = input_shape[-1:] if self.channels else input_shape
        return {"mean": State(shape, Zeros(), "float64"), "scale": State(shape, Constant(value=1.0), "float64")}

    def work_size(self, input_shape: Shape) -> int:
        return 4 * math.prod(input_shape)  # the outputs twice in float64, once as they are, and the gradient of the inputs

    def adapt(self, node: Node, batches: Iterable[Array]) -> None:
        count, mean, squares = 0, np.float64(0), np.float64(0)
        lowest, highest = np.float64(np.inf), np.float64(-np.inf)
        for inputs in batches:
            axes: Any = tuple(range(inputs.ndim - 1)) if self.channels else 0
            block = math.prod(inputs.shape) // node.state.mean.size
            block_mean = inputs.mean(axis=axes, dtype=np.float64)
            change = block_mean - mean
            squares = squares + np.square(inputs - block_mean).sum(axis=axes) + change**2 * (count * block / (count + block))
            count += block
            mean = mean + change * (block / count)
            lowest, highest = np.minimum(lowest, inputs.min(axis=axes)), np.maximum(highest, inputs.max(axis=axes))
        scale = np.sqrt(squares / count)
        if not np.isfinite(scale).all():
            raise DataError("a feature has values so large that it has no standard deviation; divide it by a constant")
        rounding = 4 * np.finfo(node.dtype).eps * np.maximum(np.abs(lowest), np.abs(highest))
        node.state.mean = np.where(lowest == highest, lowest, mean)  # so that a constant becomes 0 exactly
        node.state.scale = np.where(highest - lowest > rounding, scale, 1)

    def forward(self, node: Node, inputs: Array) -> Array:
        moved = np.subtract(inputs, node.state.mean, out=node.buffer("moved", inputs.shape, np.float64))
        outputs = node.buffer("outputs", inputs.shape)
        return np.divide(moved, node.state.scale, out=outputs, casting="same_kind")

    def backward(self, node: Node, d_out: Array) -> Array | None:
        if not node.needs_input_gradient:
            return None
        d_inputs = node.buffer("d_inputs", d_out.shape)
        return np.divide(d_out, node.state.scale, out=d_inputs, casting="same_kind")
