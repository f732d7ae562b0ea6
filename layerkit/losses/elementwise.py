"""`ElementwiseLoss`: the mean, over the outputs of a sample, of what each of them loses by itself."""

from __future__ import annotations

import math
import sys
from abc import abstractmethod
from typing import Any

import numpy as np

from layerkit.losses.targets import number_targets
from layerkit.stack.loss import Loss
from layerkit.stack.node import Node
from layerkit.typing import Array, Shape


class ElementwiseLoss(Loss):
    """A loss of each output against a target of its own, and the mean of that over the outputs and over the batch.

    A subclass gives the loss of an output in `values` and its derivative in `slopes`. Targets are numbers of the shape of the
    logits, (N, \\*shape), or (N,) for one output, unless `prepare` is overridden.
    """

    def output_shape(self, input_shape: Shape) -> Shape:
        return ()

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return number_targets(targets, logits_shape, dtype)

    def flops(self, input_shape: Shape) -> int:
        return 5 * math.prod(input_shape) + 1

    def work_size(self, input_shape: Shape) -> int:
        return 8 * math.prod(input_shape) + 8  # two arrays of 8 bytes an output, four as they are; numbers of each sample

    @abstractmethod
    def values(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        """Write what each output loses into ``out``, float64 of the shape of the logits; infinity is cut afterwards."""

    @abstractmethod
    def slopes(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        """Write the derivative of `values` with respect to the logits into ``out``."""

    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        node.cache = logits, targets
        values = node.buffer("values", logits.shape, np.float64)
        with np.errstate(over="ignore"):  # what is beyond the largest float is cut
            self.values(node, logits, targets, values)
            flat = np.minimum(values, sys.float_info.max / max(1, values[0].size), out=values).reshape(len(logits), -1)
            losses = np.add.reduce(flat, axis=1, out=node.buffer("losses", (len(logits),), np.float64))
        losses /= flat.shape[1]
        return losses

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        logits, targets = node.cache
        slopes = node.buffer("slopes", logits.shape)
        with np.errstate(over="ignore"):
            self.slopes(node, logits, targets, slopes)
        largest = np.finfo(slopes.dtype).max
        np.clip(slopes, -largest, largest, out=slopes)
        slopes *= 1 / math.prod(logits.shape[1:])
        slopes *= d_losses.reshape(-1, *[1] * (logits.ndim - 1))
        return slopes

    def predict(self, node: Node, logits: Array) -> Array:
        """Return the logits themselves, shape (N, \\*shape)."""
        return logits.copy()
