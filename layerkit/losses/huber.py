"""Squares of small differences, and sizes of large ones."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from layerkit import Array, ElementwiseLoss, Node, Task


class Huber(ElementwiseLoss):
    """Huber loss: half the square of a difference up to ``delta``, a straight line beyond; the mean over outputs and batch.

    With predictions z (N, \\*shape) of K numbers a sample, targets t of the same shape, or (N,) for one number a sample, and
    differences d = z - t::

        loss_n = sum_k (d_nk**2 / 2 if abs(d_nk) <= delta else delta * (abs(d_nk) - delta / 2)) / K
        d loss_n / d z_nk = min(max(d_nk, -delta), delta) / K

    Raises
    ------
    TargetError
        If targets are no finite numbers, or of another shape.

    References
    ----------
    P. Huber, "Robust estimation of a location parameter", 1964, section 2.
    """

    task: ClassVar[Task | None] = "numbers"
    type: Literal["huber"] = "huber"
    delta: float = Field(default=1.0, gt=0)
    """Difference beyond which the loss grows in a straight line."""

    def values(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        sizes = np.subtract(logits, targets, out=node.buffer("sizes", logits.shape, np.float64), dtype=np.float64)
        np.abs(sizes, out=sizes)
        near = np.minimum(sizes, self.delta, out=out)  # near * (size - near / 2) is both formulas
        sizes -= 0.5 * self.delta
        np.maximum(sizes, np.multiply(near, 0.5, out=node.buffer("halves", logits.shape, np.float64)), out=sizes)
        out *= sizes

    def slopes(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        np.subtract(logits, targets, out=out)
        np.clip(out, -self.delta, self.delta, out=out)
