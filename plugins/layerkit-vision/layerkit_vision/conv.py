"""Two-dimensional convolution."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, Self

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from layerkit import Array, Initializer, Layer, Node, Parameter, Shape, ShapeError, XavierUniform, Zeros
from layerkit_vision.windows import Padding, Pair, Windows

_CACHE_BYTES = 2**21
"""What is worked on at a time: few enough bytes to stay in the cache from one pass over them to the next."""


class Conv2D(Layer):
    """Two-dimensional convolution, as a cross-correlation: the kernel is not flipped.

    Shapes: inputs (N, H, W, C), weight (KH, KW, C / G, F), bias (F,), outputs (N, OH, OW, F), with batch N, rows H, columns W,
    channels C, ``kernel_size`` KH by KW, ``strides`` SH by SW, ``groups`` G, ``filters`` F. With x the inputs, zero beyond the
    image, and top and left the pixels that are padded there::

        outputs[n, p, q, f]   = bias[f] + sum_ijc x[n, p*SH + i - top, q*SW + j - left, c] * weight[i, j, c, f]
        d_weight[i, j, c, f]  = sum_npq x[n, p*SH + i - top, q*SW + j - left, c] * d_out[n, p, q, f]
        d_bias[f]             = sum_npq d_out[n, p, q, f]
        d_inputs[n, h, w, c]  = sum of d_out[n, p, q, f] * weight[i, j, c, f] over all p*SH + i - top = h, q*SW + j - left = w

    Padding ``valid`` gives ``OH = floor((H - KH) / SH) + 1``. Padding ``same`` gives ``OH = ceil(H / SH)`` with
    ``max((OH - 1) * SH + KH - H, 0)`` rows of zeros, half of them above and half below, the extra one of an odd number below;
    columns likewise, the extra one at the right. This is the convention of TensorFlow and Keras.

    With several groups, the channels and the filters are cut into G equal runs, and the filters of a run see its channels alone.

    Raises
    ------
    ValueError
        If ``groups`` does not divide ``filters``.
    ShapeError
        If one sample is no image (H, W, C), ``groups`` does not divide C, or no window fits into the image.

    References
    ----------
    K. Chellapilla, S. Puri and P. Simard, "High performance convolutional neural networks for document processing", 2006, for
    convolution as a matrix product; A. Krizhevsky, I. Sutskever and G. Hinton, "ImageNet classification with deep convolutional
    neural networks", NIPS 2012, for groups.
    """

    type: Literal["conv2d"] = "conv2d"
    filters: PositiveInt = Field(examples=[4])
    """Number of output channels F."""
    kernel_size: Pair = Field(examples=[(3, 3)])
    """Rows KH and columns KW of a window."""
    strides: Pair = (1, 1)
    """Rows SH and columns SW from one window to the next."""
    padding: Padding = "valid"
    """``valid`` keeps windows within the image; ``same`` pads it with zeros."""
    groups: PositiveInt = 1
    """Number of runs of channels that are convolved apart; as many as there are channels makes a depthwise convolution."""
    weight_init: Initializer = XavierUniform()
    """How the weight (KH, KW, C / G, F) starts."""
    bias_init: Initializer = Zeros()
    """How the bias (F,) starts; weight decay spares it."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls(filters=4, kernel_size=(3, 3))
        yield cls(filters=4, kernel_size=(2, 3), strides=(2, 1), padding="same", groups=2)

    @model_validator(mode="after")
    def _groups_divide_filters(self) -> Self:
        if self.filters % self.groups:
            raise ValueError(f"groups must divide filters, received {self.groups} groups and {self.filters} filters")
        return self

    def output_shape(self, input_shape: Shape) -> Shape:
        windows = self._windows(input_shape)
        if input_shape[2] % self.groups:
            raise ShapeError(f"conv2d: {self.groups} groups do not divide the {input_shape[2]} channels of shape {input_shape}")
        return (*windows.output_size, self.filters)

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {
            "weight": Parameter((*self.kernel_size, input_shape[2] // self.groups, self.filters), self.weight_init),
            "bias": Parameter((self.filters,), self.bias_init, decay=False),
        }

    def flops(self, input_shape: Shape) -> int:
        return math.prod(self.output_shape(input_shape)) * (2 * math.prod(self.kernel_size) * input_shape[2] // self.groups + 1)

    def work_size(self, input_shape: Shape) -> int:
        windows, channels = self._windows(input_shape), input_shape[2]
        columns = math.prod(windows.output_size) * math.prod(self.kernel_size) * channels
        products = math.prod(windows.output_size) * (channels + self.filters)
        padded = math.prod(windows.padded_size) * channels
        return math.prod(self.output_shape(input_shape)) + math.prod(input_shape) + padded + columns + products

    def forward(self, node: Node, inputs: Array) -> Array:
        weight = self._by_group(node.params.weight)
        bias = np.tile(node.params.bias, (node.output_shape[1], 1))  # a row of pixels: the inner loop is then as long
        outputs = node.buffer("outputs", (len(inputs), *node.output_shape))
        for chunk, columns in self._columns(node, inputs):
            part = outputs[chunk]
            np.matmul(columns, weight, out=self._by_group(part))
            part += bias
        node.cache = inputs
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_weight = self._by_group(node.grads.weight)
        d_weight.fill(0)
        product = node.buffer("d_weight", d_weight.shape)
        for chunk, columns in self._columns(node, node.cache):
            d_weight += np.matmul(columns.swapaxes(1, 2), self._by_group(d_out[chunk]), out=product)
        # The batch first: the inner loops are then as long as an image.
        d_image = np.add.reduce(d_out, axis=0, out=node.buffer("d_image", node.output_shape))
        np.add.reduce(d_image, axis=(0, 1), out=node.grads.bias)
        return self._d_inputs(node, d_out) if node.needs_input_gradient else None

    def _d_inputs(self, node: Node, d_out: Array) -> Array:
        """Return the gradient of the inputs: each offset of the kernel adds to the pixels that it meets."""
        windows, weight = self._windows(node.input_shape), node.params.weight
        offsets = [(self._by_group(weight[at.row, at.column]).swapaxes(1, 2), at.windows, at.pixels) for at in windows.overlaps()]
        d_inputs = node.buffer("d_inputs", (len(d_out), *node.input_shape))
        for chunk in _chunks(d_out[0].nbytes, len(d_out)):
            part, d_part = d_inputs[chunk], self._by_group(d_out[chunk])
            product = node.buffer("product", (len(part), *windows.output_size, node.input_shape[2]))
            by_group = self._by_group(product)
            part.fill(0)
            for transposed, reached, pixels in offsets:
                np.matmul(d_part, transposed, out=by_group)
                target = part[pixels]
                target += product[reached]
        return d_inputs

    def _columns(self, node: Node, inputs: Array) -> Iterator[tuple[slice, Array]]:
        """Yield the samples run by run, with their windows as matrix rows (G, n * OH * OW, KH * KW * C / G)."""
        windows = self._windows(node.input_shape)
        channels = node.input_shape[2] // self.groups
        length = math.prod(self.kernel_size) * channels
        for chunk in _chunks(math.prod(windows.output_size) * self.groups * length * node.dtype.itemsize, len(inputs)):
            view = windows.view(windows.padded(node, inputs[chunk]))
            view = view.reshape(*view.shape[:3], self.groups, channels, *self.kernel_size).transpose(3, 0, 1, 2, 5, 6, 4)
            columns = node.buffer("columns", view.shape)
            np.copyto(columns, view)
            yield chunk, columns.reshape(self.groups, -1, length)

    def _windows(self, input_shape: Shape) -> Windows:
        return Windows.on(input_shape, self.kernel_size, self.strides, self.padding, layer="conv2d")

    def _by_group(self, array: Array) -> Array:
        """Return an array (..., F) as one matrix a group, shape (G, M, F / G)."""
        return array.reshape(-1, self.groups, array.shape[-1] // self.groups).swapaxes(0, 1)


def _chunks(sample_bytes: int, count: int) -> Iterator[slice]:
    """Yield runs of samples that fit into the cache together."""
    size = max(1, _CACHE_BYTES // sample_bytes)
    for start in range(0, count, size):
        yield slice(start, start + size)
