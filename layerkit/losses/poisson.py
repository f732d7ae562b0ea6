"""Counts, by their rates."""

from __future__ import annotations

import sys
from typing import Any, ClassVar, Literal

import numpy as np

from layerkit import Array, ElementwiseLoss, Node, Shape, TargetError, Task, number_targets


class Poisson(ElementwiseLoss):
    """Negative log-likelihood of counts under a Poisson distribution, with the logarithm of the rate as output.

    With logits z (N, \\*shape) of K numbers a sample, and targets t of the same shape that are not negative, or (N,) for one
    number a sample; the mean over outputs and batch, without the terms that do not depend on z::

        loss_n = sum_k (exp(z_nk) - t_nk * z_nk) / K
        d loss_n / d z_nk = (exp(z_nk) - t_nk) / K

    It predicts the rates exp(z).

    Raises
    ------
    TargetError
        If targets are no finite numbers of 0 or more, or of another shape.

    References
    ----------
    P. McCullagh and J. Nelder, "Generalized Linear Models", 1989, section 6.2.
    """

    task: ClassVar[Task | None] = "numbers"
    type: Literal["poisson"] = "poisson"

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        counts = number_targets(targets, logits_shape, dtype)
        low = (counts < 0).reshape(len(counts), -1).any(axis=1)
        if low.any():
            row = int(np.argmax(low))
            raise TargetError(f"row {row} holds {counts[row].tolist()}; a count is 0 or more")
        return counts

    def values(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        np.exp(logits, out=out, dtype=np.float64)
        np.minimum(out, sys.float_info.max, out=out)
        out -= np.multiply(logits, targets, out=node.buffer("product", logits.shape, np.float64), dtype=np.float64)

    def slopes(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        np.exp(logits, out=out)
        out -= targets

    def predict(self, node: Node, logits: Array) -> Array:
        """Return the rates, shape (N, \\*shape)."""
        with np.errstate(over="ignore"):
            rates: Array = np.exp(logits)
        np.minimum(rates, np.finfo(logits.dtype).max, out=rates)
        return rates

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.poisson(2.0, size=(count, *input_shape))
