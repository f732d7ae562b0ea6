"""Where the windows of a kernel lie on an image: the geometry that convolution and pooling share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Any, Literal, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import Field, PositiveInt

from layerkit import Array, Node, Shape, ShapeError

Pair: TypeAlias = Annotated[tuple[PositiveInt, PositiveInt], Field(strict=False)]
"""Rows and columns, in this order; a list of two in a spec."""

Padding: TypeAlias = Literal["valid", "same"]
"""``valid``: windows stay within the image. ``same``: zeros around it, so that ``ceil(size / stride)`` windows come out."""

Index: TypeAlias = tuple[slice, slice, slice]
"""Samples, rows and columns of an array (N, rows, columns, ...)."""


class Overlap(NamedTuple):
    """One offset within the kernel: the windows that have a real pixel there, and those pixels, in the same order."""

    row: int
    column: int
    windows: Index
    pixels: Index


@dataclass(frozen=True, slots=True)
class Axis:
    """Windows of ``kernel`` pixels, ``stride`` apart, along one axis of ``size`` pixels.

    There are ``count`` of them; the first starts ``before`` pixels ahead of the image, the last may reach ``after`` beyond it.
    """

    size: int
    kernel: int
    stride: int
    count: int
    before: int
    after: int

    @classmethod
    def valid(cls, size: int, kernel: int, stride: int) -> Self:
        """Return the windows that lie within the image: ``floor((size - kernel) / stride) + 1``."""
        return cls(size, kernel, stride, (size - kernel) // stride + 1, 0, 0)

    @classmethod
    def same(cls, size: int, kernel: int, stride: int) -> Self:
        """Return ``ceil(size / stride)`` windows; of an odd number of pixels around the image, the extra one comes after it."""
        count = -(-size // stride)
        around = max((count - 1) * stride + kernel - size, 0)
        return cls(size, kernel, stride, count, around // 2, around - around // 2)

    @property
    def padded_size(self) -> int:
        """Pixels of the image and around it."""
        return self.before + self.size + self.after

    def overlaps(self) -> Iterator[tuple[int, slice, slice]]:
        """Yield each offset in the kernel at which any window has a real pixel, those windows, and their pixels."""
        for offset in range(self.kernel):
            first = max(0, -((offset - self.before) // self.stride))
            last = min(self.count - 1, (self.size - 1 + self.before - offset) // self.stride)
            if first <= last:
                start = first * self.stride + offset - self.before
                stop = last * self.stride + offset - self.before + 1
                yield offset, slice(first, last + 1), slice(start, stop, self.stride)

    def real_pixels(self) -> Array:
        """Return how many pixels of each window lie in the image, shape (count,)."""
        starts = np.arange(self.count) * self.stride - self.before
        counts: Array = np.minimum(starts + self.kernel, self.size) - np.maximum(starts, 0)
        return counts


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of a kernel (KH, KW) on images (N, H, W, C), OH by OW of them an image."""

    rows: Axis
    columns: Axis

    @classmethod
    def on(cls, input_shape: Shape, kernel: tuple[int, int], strides: tuple[int, int], padding: Padding, layer: str) -> Self:
        """Return the windows on images of ``input_shape``; ``layer`` is what an error calls the layer.

        Raises
        ------
        ShapeError
            If a sample is no image (H, W, C), or no window fits into it.
        """
        if len(input_shape) != 3:
            raise ShapeError(
                f"{layer} expects samples that are images (H, W, C), received shape {input_shape}; "
                "a grey image has one channel, such as (28, 28, 1)"
            )
        height, width, _ = input_shape
        if padding == "same":
            return cls(*map(Axis.same, (height, width), kernel, strides))
        if kernel[0] > height or kernel[1] > width:
            raise ShapeError(
                f"{layer}: a window of {kernel[0]} by {kernel[1]} pixels does not fit into an image of {height} by {width}; "
                'make it smaller, or set padding to "same"'
            )
        return cls(*map(Axis.valid, (height, width), kernel, strides))

    @property
    def output_size(self) -> tuple[int, int]:
        """OH and OW."""
        return self.rows.count, self.columns.count

    @property
    def padded_size(self) -> tuple[int, int]:
        """Rows and columns of an image with the zeros around it."""
        return self.rows.padded_size, self.columns.padded_size

    def overlaps(self) -> Iterator[Overlap]:
        """Yield every offset in the kernel at which any window has a real pixel, row by row."""
        everything = slice(None)
        for row, column in product(self.rows.overlaps(), self.columns.overlaps()):
            yield Overlap(row[0], column[0], (everything, row[1], column[1]), (everything, row[2], column[2]))

    def real_pixels(self, dtype: np.dtype[Any]) -> Array:
        """Return how many pixels of each window lie in the image, shape (OH, OW, 1)."""
        return np.multiply.outer(self.rows.real_pixels(), self.columns.real_pixels())[:, :, np.newaxis].astype(dtype)

    def padded(self, node: Node, images: Array) -> Array:
        """Return the images with the zeros around them that the windows reach into, in a buffer of ``node``; else as they are."""
        count, height, width, channels = images.shape
        if self.padded_size == (height, width):
            return images
        padded = node.buffer("padded", (count, *self.padded_size, channels))
        padded.fill(0)
        top, left = self.rows.before, self.columns.before
        padded[:, top : top + height, left : left + width] = images
        return padded

    def view(self, padded: Array) -> Array:
        """Return a read-only view (N, OH, OW, C, KH, KW) of the windows on images that `padded` gave."""
        windows = sliding_window_view(padded, (self.rows.kernel, self.columns.kernel), axis=(1, 2))
        return windows[:, :: self.rows.stride, :: self.columns.stride]
