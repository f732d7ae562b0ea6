"""Two-dimensional max pooling."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from layerkit import Array, Node, Shape
from layerkit_vision.pooling import Pooling2D


class MaxPool2D(Pooling2D):
    """Max pooling: the largest pixel of each window, channel by channel.

    Shapes: inputs (N, H, W, C), outputs (N, OH, OW, C), with batch N, rows H, columns W, channels C; OH and OW are those of
    `layerkit_vision.Conv2D` with ``pool_size`` as its kernel. Padding ``same`` lets windows reach beyond the image; what lies
    there is never the largest.

    The gradient of a window goes to its largest pixel, and to the first of several, row by row, where they tie::

        d_inputs[n, h, w, c] = sum of d_out[n, p, q, c] over all windows (p, q) whose first largest pixel is (h, w)

    Raises
    ------
    ShapeError
        If one sample is no image (H, W, C), or no window fits into the image.

    References
    ----------
    M. Riesenhuber and T. Poggio, "Hierarchical models of object recognition in cortex", Nature Neuroscience 2, 1999.
    """

    type: Literal["max_pool2d"] = "max_pool2d"

    def work_size(self, input_shape: Shape) -> int:
        return math.prod(input_shape) + 4 * math.prod(self.output_shape(input_shape))

    def forward(self, node: Node, inputs: Array) -> Array:
        outputs = node.buffer("outputs", (len(inputs), *node.output_shape))
        outputs.fill(-np.inf)
        for overlap in self.windows(node.input_shape).overlaps():
            largest = outputs[overlap.windows]
            np.maximum(largest, inputs[overlap.pixels], out=largest)
        node.cache = inputs, outputs
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        inputs, outputs = node.cache
        d_inputs = node.buffer("d_inputs", inputs.shape)
        d_inputs.fill(0)
        waiting = node.buffer("waiting", outputs.shape, bool)  # windows whose largest pixel has not been met
        waiting.fill(True)
        met = node.buffer("met", outputs.shape, bool)
        part = node.buffer("part", outputs.shape)
        for _, _, windows, pixels in self.windows(node.input_shape).overlaps():
            largest = np.equal(inputs[pixels], outputs[windows], out=met[windows])
            largest &= waiting[windows]
            waiting[windows] ^= largest
            d_pixels = d_inputs[pixels]
            d_pixels += np.multiply(d_out[windows], largest, out=part[windows])
        return d_inputs
