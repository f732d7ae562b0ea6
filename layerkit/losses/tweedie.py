"""Numbers that are often 0 and otherwise positive, such as claims."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from layerkit import Array, ElementwiseLoss, Node, Shape, TargetError, Task, number_targets


class Tweedie(ElementwiseLoss):
    """Half the deviance under a Tweedie distribution of power p, between Poisson and gamma, with the logarithm of the mean.

    With logits z (N, \\*shape) of K numbers a sample, and targets t of the same shape that are not negative, or (N,) for one
    number a sample; the mean over outputs and batch, without the terms that do not depend on z, as scikit-learn has it::

        loss_n = sum_k (exp((2 - p) * z_nk) / (2 - p) - t_nk * exp((1 - p) * z_nk) / (1 - p)) / K
        d loss_n / d z_nk = (exp((2 - p) * z_nk) - t_nk * exp((1 - p) * z_nk)) / K

    It predicts the means exp(z).

    Raises
    ------
    TargetError
        If targets are no finite numbers of 0 or more, or of another shape.

    References
    ----------
    B. Jørgensen, "The Theory of Dispersion Models", 1997, chapter 4.
    """

    task: ClassVar[Task | None] = "numbers"
    type: Literal["tweedie"] = "tweedie"
    power: float = Field(default=1.5, gt=1, lt=2)
    """Power of the mean that the variance grows with."""

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        numbers = number_targets(targets, logits_shape, dtype)
        low = (numbers < 0).reshape(len(numbers), -1).any(axis=1)
        if low.any():
            row = int(np.argmax(low))
            raise TargetError(f"row {row} holds {numbers[row].tolist()}; expected numbers of 0 or more")
        return numbers

    def values(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        other = np.multiply(logits, 1 - self.power, out=node.buffer("other", logits.shape, np.float64), dtype=np.float64)
        np.exp(other, out=other)
        some = np.greater(targets, 0, out=node.buffer("some", targets.shape, bool))  # nothing times infinity is nothing here
        np.multiply(other, targets, out=other, where=some)
        other *= 1 / (self.power - 1)
        np.exp(np.multiply(logits, 2 - self.power, out=out, dtype=np.float64), out=out)
        out *= 1 / (2 - self.power)
        np.add(out, other, out=out, where=some)

    def slopes(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        other = np.multiply(logits, 1 - self.power, out=node.buffer("d_other", logits.shape))
        np.exp(other, out=other)
        some = np.greater(targets, 0, out=node.buffer("some", targets.shape, bool))
        np.multiply(other, targets, out=other, where=some)
        np.exp(np.multiply(logits, 2 - self.power, out=out), out=out)
        np.subtract(out, other, out=out, where=some)

    def predict(self, node: Node, logits: Array) -> Array:
        """Return the means, shape (N, \\*shape)."""
        with np.errstate(over="ignore"):
            means: Array = np.exp(logits)
        np.minimum(means, np.finfo(logits.dtype).max, out=means)
        return means

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.poisson(1.0, size=(count, *input_shape)) * rng.uniform(0.5, 2, size=(count, *input_shape))
