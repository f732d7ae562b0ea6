"""Two-dimensional average pooling."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from layerkit import Array, Node, Shape
from layerkit_vision.pooling import Pooling2D


class AveragePool2D(Pooling2D):
    """Average pooling: the mean of the pixels of each window, channel by channel.

    Shapes: inputs (N, H, W, C), outputs (N, OH, OW, C), with batch N, rows H, columns W, channels C; OH and OW are those of
    `layerkit_vision.Conv2D` with ``pool_size`` as its kernel. Padding ``same`` lets windows reach beyond the image; the mean is
    over the pixels that are there. With R(p, q) the pixels of the image in window (p, q)::

        outputs[n, p, q, c]  = sum of inputs[n, h, w, c] over (h, w) in R(p, q) / |R(p, q)|
        d_inputs[n, h, w, c] = sum of d_out[n, p, q, c] / |R(p, q)| over all windows (p, q) with (h, w) in R(p, q)

    Raises
    ------
    ShapeError
        If one sample is no image (H, W, C), or no window fits into the image.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document recognition", Proceedings of the
    IEEE 86, 1998.
    """

    type: Literal["average_pool2d"] = "average_pool2d"

    def work_size(self, input_shape: Shape) -> int:
        return math.prod(input_shape) + 2 * math.prod(self.output_shape(input_shape))

    def forward(self, node: Node, inputs: Array) -> Array:
        windows = self.windows(node.input_shape)
        outputs = node.buffer("outputs", (len(inputs), *node.output_shape))
        outputs.fill(0)
        for overlap in windows.overlaps():
            total = outputs[overlap.windows]
            total += inputs[overlap.pixels]
        outputs /= windows.real_pixels(node.dtype)
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        windows = self.windows(node.input_shape)
        part = node.buffer("part", d_out.shape)
        np.divide(d_out, windows.real_pixels(node.dtype), out=part)
        d_inputs = node.buffer("d_inputs", (len(d_out), *node.input_shape))
        d_inputs.fill(0)
        for overlap in windows.overlaps():
            d_pixels = d_inputs[overlap.pixels]
            d_pixels += part[overlap.windows]
        return d_inputs
