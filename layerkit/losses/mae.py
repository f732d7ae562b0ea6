"""Absolute differences, for numbers."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from layerkit import Array, ElementwiseLoss, Node, Task


class MeanAbsoluteError(ElementwiseLoss):
    """Mean of the absolute differences from targets that are numbers, over the outputs of a sample and over the batch.

    With predictions z (N, \\*shape) of K numbers a sample, and targets t of the same shape, or (N,) for one number a sample::

        loss_n = sum_k abs(z_nk - t_nk) / K
        d loss_n / d z_nk = sign(z_nk - t_nk) / K        0 where they are equal

    It leads to the median of what can be expected.

    Raises
    ------
    TargetError
        If targets are no finite numbers, or of another shape.

    References
    ----------
    C. Bishop, "Pattern Recognition and Machine Learning", 2006, section 1.5.5, equation 1.91 with q = 1.
    """

    task: ClassVar[Task | None] = "numbers"
    type: Literal["mae"] = "mae"

    def values(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        np.subtract(logits, targets, out=out, dtype=np.float64)
        np.abs(out, out=out)

    def slopes(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        gaps = np.subtract(logits, targets, out=node.buffer("gaps", logits.shape))
        np.sign(gaps, out=out)
