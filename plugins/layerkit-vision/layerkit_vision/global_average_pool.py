"""Average pooling over whole images."""

from __future__ import annotations

from typing import Literal

import numpy as np

from layerkit import Array, Layer, Node, Shape, ShapeError


class GlobalAveragePool2D(Layer):
    """Global average pooling: the mean over the pixels of each channel.

    Shapes: inputs (N, H, W, C), outputs (N, C), with batch N, rows H, columns W, channels C. Formulas::

        outputs[n, c]        = sum_hw inputs[n, h, w, c] / (H * W)
        d_inputs[n, h, w, c] = d_out[n, c] / (H * W)

    Raises
    ------
    ShapeError
        If one sample is no image (H, W, C).

    References
    ----------
    M. Lin, Q. Chen and S. Yan, "Network in network", ICLR 2014, section 3.2.
    """

    type: Literal["global_average_pool2d"] = "global_average_pool2d"

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 3:
            raise ShapeError(
                f"global_average_pool2d expects samples that are images (H, W, C), received shape {input_shape}; "
                "a grey image has one channel, such as (28, 28, 1)"
            )
        return input_shape[2:]

    def flops(self, input_shape: Shape) -> int:
        height, width, channels = input_shape
        return (height * width + 1) * channels

    def forward(self, node: Node, inputs: Array) -> Array:
        outputs = node.buffer("outputs", (len(inputs), *node.output_shape))
        np.add.reduce(inputs, axis=(1, 2), out=outputs)
        outputs /= node.input_shape[0] * node.input_shape[1]
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        d_inputs = node.buffer("d_inputs", (len(d_out), *node.input_shape))
        return np.divide(d_out[:, np.newaxis, np.newaxis], node.input_shape[0] * node.input_shape[1], out=d_inputs)
