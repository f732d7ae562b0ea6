"""Squares of what lacks of a margin, for labels that are there or not."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from layerkit import Array, ElementwiseLoss, Node, Shape, Task, label_set_targets


class SquaredHinge(ElementwiseLoss):
    """Squared hinge loss: the square of what a logit lacks of a margin of 1, the mean over labels and batch.

    With logits z (N, \\*shape) of K labels, and targets t that are zeros and ones of the same shape, or (N,) for one label::

        loss_n = sum_k max(0, 1 - y_nk * z_nk)**2 / K     with y = 2 * t - 1
        d loss_n / d z_nk = -2 * y_nk * max(0, 1 - y_nk * z_nk) / K

    It predicts the logits, and decides for a label where its logit is 0 or more.

    Raises
    ------
    TargetError
        If targets are something else than zeros and ones of that shape.

    References
    ----------
    R.-E. Fan and others, "LIBLINEAR: a library for large linear classification", JMLR 2008, section 2.
    """

    task: ClassVar[Task | None] = "label_sets"
    type: Literal["squared_hinge"] = "squared_hinge"

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return label_set_targets(targets, logits_shape, dtype) * 2 - 1

    def values(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        np.multiply(logits, targets, out=out, dtype=np.float64)
        np.maximum(np.subtract(1, out, out=out), 0, out=out)
        np.square(out, out=out)

    def slopes(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        np.multiply(logits, targets, out=out)
        np.maximum(np.subtract(1, out, out=out), 0, out=out)
        out *= targets
        out *= -2

    def decide(self, predictions: Array) -> Array:
        """Return which labels are there, zeros and ones (N, \\*shape)."""
        return (predictions >= 0).astype(np.intp)

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(2, size=(count, *input_shape))
