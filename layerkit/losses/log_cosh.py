"""A smooth relative of absolute differences."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np

from layerkit import Array, ElementwiseLoss, Node, Task


class LogCosh(ElementwiseLoss):
    """Logarithm of the hyperbolic cosine of the differences from targets that are numbers, the mean over outputs and batch.

    With predictions z (N, \\*shape) of K numbers a sample, targets t of the same shape, or (N,) for one number a sample, and
    differences d = z - t::

        loss_n = sum_k log(cosh(d_nk)) / K
        d loss_n / d z_nk = tanh(d_nk) / K

    Small differences lose half their square, large ones their size less log(2).

    Raises
    ------
    TargetError
        If targets are no finite numbers, or of another shape.

    References
    ----------
    R. Saleh and A. Saleh, "Statistical properties of the log-cosh loss function used in machine learning", arXiv:2208.04564,
    2022.
    """

    task: ClassVar[Task | None] = "numbers"
    type: Literal["log_cosh"] = "log_cosh"

    def values(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        np.subtract(logits, targets, out=out, dtype=np.float64)
        np.abs(out, out=out)
        rest = np.multiply(out, -2, out=node.buffer("rest", logits.shape, np.float64))
        np.exp(rest, out=rest)
        out += np.log1p(rest, out=rest)
        out -= math.log(2)
        np.maximum(out, 0, out=out)  # rounding leaves less than nothing of the smallest

    def slopes(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        np.subtract(logits, targets, out=out)
        np.tanh(out, out=out)
