"""What the two poolings share: which windows they take."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Self

from layerkit import Layer, Shape
from layerkit_vision.windows import Padding, Pair, Windows


class Pooling2D(Layer):
    """A layer that makes one number of each window of each channel."""

    pool_size: Pair = (2, 2)
    """Rows KH and columns KW of a window."""
    strides: Pair | None = None
    """Rows SH and columns SW from one window to the next; null takes ``pool_size``, so that windows lie side by side."""
    padding: Padding = "valid"
    """``valid`` keeps windows within the image; ``same`` lets them reach beyond it, where there are no pixels."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        for options in ({}, {"pool_size": (3, 2), "strides": (1, 2), "padding": "same"}):
            yield cls.model_validate(options)

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*self.windows(input_shape).output_size, input_shape[2])

    def flops(self, input_shape: Shape) -> int:
        return math.prod(self.output_shape(input_shape)) * math.prod(self.pool_size)

    def windows(self, input_shape: Shape) -> Windows:
        """Return the windows on images of ``input_shape``; errors as for `output_shape`."""
        return Windows.on(input_shape, self.pool_size, self.strides or self.pool_size, self.padding, layer=self.type)
