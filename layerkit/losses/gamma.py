"""Positive numbers that vary in proportion to their size."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from layerkit import Array, ElementwiseLoss, Node, Shape, TargetError, Task, number_targets


class Gamma(ElementwiseLoss):
    """Half the deviance of positive numbers under a gamma distribution, with the logarithm of the mean as output.

    With logits z (N, \\*shape) of K numbers a sample, and positive targets t of the same shape, or (N,) for one number a sample;
    the mean over outputs and batch, without the terms that do not depend on z, as scikit-learn has it::

        loss_n = sum_k (z_nk + t_nk * exp(-z_nk)) / K
        d loss_n / d z_nk = (1 - t_nk * exp(-z_nk)) / K

    It predicts the means exp(z).

    Raises
    ------
    TargetError
        If targets are no finite numbers above 0, or of another shape.

    References
    ----------
    P. McCullagh and J. Nelder, "Generalized Linear Models", 1989, section 8.3.
    """

    task: ClassVar[Task | None] = "numbers"
    type: Literal["gamma"] = "gamma"

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        numbers = number_targets(targets, logits_shape, dtype)
        low = (numbers <= 0).reshape(len(numbers), -1).any(axis=1)
        if low.any():
            row = int(np.argmax(low))
            raise TargetError(f"row {row} holds {numbers[row].tolist()}; expected numbers above 0")
        return numbers

    def values(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        np.negative(logits, out=out, dtype=np.float64)
        np.exp(out, out=out)
        out *= targets
        out += logits

    def slopes(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        np.exp(np.negative(logits, out=out), out=out)
        out *= targets
        np.subtract(1, out, out=out)

    def predict(self, node: Node, logits: Array) -> Array:
        """Return the means, shape (N, \\*shape)."""
        with np.errstate(over="ignore"):
            means: Array = np.exp(logits)
        np.minimum(means, np.finfo(logits.dtype).max, out=means)
        return means

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.gamma(2.0, size=(count, *input_shape)) + 0.01
