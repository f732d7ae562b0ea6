"""Margins between the class that is wanted and all others."""

from __future__ import annotations

import sys
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from layerkit import Array, Loss, Node, Shape, ShapeError, TargetError, Task, class_targets, label_places


class MulticlassHinge(Loss):
    """Multi-class hinge loss: what the logit of the wanted class lacks of a margin to each other, the mean over the batch.

    With logits z (N, K), batch N, classes K, and integer labels y (N,)::

        loss_n = sum over k other than y_n of max(0, margin - z_ny + z_nk) / K
        d loss_n / d z_nk = 1 / K where that is above 0; and d loss_n / d z_ny minus the sum of those

    The sum over all classes, divided by K, is that of PyTorch's MultiMarginLoss; Crammer and Singer take the largest alone. It
    predicts the logits, and decides for the class with the largest.

    Raises
    ------
    ShapeError
        If the logits of one sample are not a vector.
    TargetError
        If targets are no labels in range.

    References
    ----------
    J. Weston and C. Watkins, "Support vector machines for multi-class pattern recognition", ESANN 1999, equation 3.
    """

    task: ClassVar[Task | None] = "classes"
    type: Literal["multiclass_hinge"] = "multiclass_hinge"
    margin: float = Field(default=1.0, gt=0)
    """By how much the wanted logit is to be larger than each other."""

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ShapeError(f"multiclass_hinge expects one logit a class, a vector (K,), received shape {input_shape}")
        return ()

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        if targets.ndim != 1:
            raise TargetError(f"expected integer labels ({logits_shape[0]},), received an array of shape {targets.shape}")
        return class_targets(targets, logits_shape, dtype)

    def class_count(self, input_shape: Shape) -> int | None:
        return input_shape[0]

    def flops(self, input_shape: Shape) -> int:
        return 4 * input_shape[0]

    def work_size(self, input_shape: Shape) -> int:
        return 4 * input_shape[0] + 12  # gaps in float64, which are inside, and gradients; by sample some numbers of 8 bytes

    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        count, n_classes = logits.shape
        places = label_places(node, targets, n_classes)
        wanted = logits.reshape(-1).take(places, out=node.buffer("wanted", (count,)), mode="clip")
        gaps = node.buffer("gaps", logits.shape, np.float64)
        with np.errstate(over="ignore"):  # what is beyond the largest float is cut
            np.subtract(logits, wanted[:, np.newaxis], out=gaps, dtype=np.float64)
        gaps += self.margin
        gaps.reshape(-1)[places] = 0
        np.clip(gaps, 0, sys.float_info.max / n_classes, out=gaps)
        node.cache = gaps, places
        losses: Array = np.add.reduce(gaps, axis=1, out=node.buffer("losses", (count,), np.float64))
        losses /= n_classes
        return losses

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        gaps, places = node.cache
        inside = np.greater(gaps, 0, out=node.buffer("inside", gaps.shape, bool))
        shares = np.multiply(d_losses, 1 / gaps.shape[1], out=node.buffer("shares", d_losses.shape))
        d_logits: Array = np.multiply(inside, shares[:, np.newaxis], out=node.buffer("d_logits", gaps.shape))
        d_logits.reshape(-1)[places] = np.negative(np.add.reduce(d_logits, axis=1, out=shares), out=shares)
        return d_logits

    def predict(self, node: Node, logits: Array) -> Array:
        """Return the logits, shape (N, K)."""
        return logits.copy()

    def decide(self, predictions: Array) -> Array:
        """Return the class with the largest logit, shape (N,)."""
        classes: Array = np.argmax(predictions, axis=1)
        return classes

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(input_shape[0], size=count)
