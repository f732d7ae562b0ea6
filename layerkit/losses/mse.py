"""Squared differences, for numbers."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import Any, ClassVar, Literal, Self

import numpy as np

from layerkit import Array, Loss, Node, Shape, Task, number_targets


class MeanSquaredError(Loss):
    """Mean of the squared differences from targets that are numbers, over the outputs of a sample and over the batch.

    With predictions z (N, \\*shape) of K numbers a sample, and targets t of the same shape, or (N,) for one number a sample::

        loss_n = sum_k (z_nk - t_nk)**2 / K
        d loss_n / d z_nk = 2 * (z_nk - t_nk) / K

    Raises
    ------
    TargetError
        If targets are no finite numbers, or of another shape.

    References
    ----------
    C. Bishop, "Pattern Recognition and Machine Learning", 2006, equation 1.2, without its factor of a half.
    """

    task: ClassVar[Task | None] = "numbers"
    type: Literal["mse"] = "mse"

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls()

    def output_shape(self, input_shape: Shape) -> Shape:
        return ()

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return number_targets(targets, logits_shape, dtype)

    def flops(self, input_shape: Shape) -> int:
        return 3 * math.prod(input_shape) + 1

    def work_size(self, input_shape: Shape) -> int:
        # By output: the difference, its square in float64, the gradient. By sample: three numbers of 8 bytes, one as they are.
        return 4 * math.prod(input_shape) + 7

    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        differences = np.subtract(logits, targets, out=node.buffer("differences", logits.shape))
        node.cache = differences
        with np.errstate(over="ignore"):  # what is beyond the largest float is cut below
            squares = np.square(differences, out=node.buffer("squares", logits.shape, np.float64), dtype=np.float64)
            flat = squares.reshape(len(logits), -1)
            losses: Array = np.add.reduce(flat, axis=1, out=node.buffer("losses", (len(logits),), np.float64))
        losses /= flat.shape[1]
        return np.minimum(losses, sys.float_info.max, out=losses)

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        differences: Array = node.cache
        each = d_losses.reshape(-1, *[1] * (differences.ndim - 1))
        d_logits = np.multiply(differences, each, out=node.buffer("d_logits", differences.shape))
        d_logits *= 2 / math.prod(differences.shape[1:])
        return d_logits

    def predict(self, node: Node, logits: Array) -> Array:
        """Return the logits themselves, shape (N, \\*shape)."""
        return logits.copy()
