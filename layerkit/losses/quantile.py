"""Quantiles of what can be expected."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from layerkit import Array, ElementwiseLoss, Node, Shape, ShapeError, TargetError, Task, number_targets


class Quantile(ElementwiseLoss):
    """Pinball loss: leads to quantiles of the targets, one or several, the mean over outputs and batch.

    With Q quantiles q, logits z (N, T * Q), the quantiles of the first target first, and targets t (N, T), or (N,) for one::

        loss_n = sum_k max(q_k * (t_nk - z_nk), (q_k - 1) * (t_nk - z_nk)) / (T * Q)
        d loss_n / d z_nk = (1 - q_k if z_nk > t_nk else -q_k) / (T * Q), and 0 where they are equal

    It predicts the logits, and decides for the quantile that is nearest to the median.

    Raises
    ------
    ShapeError
        If the logits of one sample are not a vector of a multiple of Q numbers.
    TargetError
        If targets are no finite numbers, or of another shape.

    References
    ----------
    R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46, 1978, equation 3.1.
    """

    task: ClassVar[Task | None] = "numbers"
    type: Literal["quantile"] = "quantile"
    quantiles: Annotated[tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(strict=False, min_length=1)] = (0.5,)
    """Which quantiles, each between 0 and 1."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls()
        yield cls(quantiles=(0.1, 0.6))

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1 or input_shape[0] % len(self.quantiles):
            raise ShapeError(
                f"quantile expects an output for each of its {len(self.quantiles)} quantiles of each target, a vector; received "
                f"shape {input_shape}"
            )
        return ()

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        count, outputs = logits_shape
        wanted = (count, outputs // len(self.quantiles))
        try:
            numbers = number_targets(targets, wanted, dtype)
        except TargetError as error:
            raise TargetError(f"{error} ({len(self.quantiles)} quantiles of each target)") from None
        return np.repeat(numbers, len(self.quantiles), axis=1)

    def values(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        gaps = np.subtract(targets, logits, out=node.buffer("gaps", logits.shape, np.float64), dtype=np.float64)
        shares = np.tile(self.quantiles, logits.shape[1] // len(self.quantiles))
        np.multiply(gaps, shares, out=out)
        gaps *= shares - 1
        np.maximum(out, gaps, out=out)

    def slopes(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        shares = np.tile(np.array(self.quantiles, out.dtype), logits.shape[1] // len(self.quantiles))
        gaps = np.subtract(logits, targets, out=node.buffer("d_gaps", logits.shape))
        sign = np.sign(gaps, out=out)  # 1 leads to 1 - q, -1 to -q, 0 to 0
        below = np.less(sign, 0, out=node.buffer("below", logits.shape, bool))
        size = np.subtract(1, shares, out=node.buffer("size", logits.shape))
        np.copyto(size, shares, where=below)
        sign *= size

    def decide(self, predictions: Array) -> Array:
        """Return the quantile nearest to the median of each target, (N, T)."""
        nearest = min(range(len(self.quantiles)), key=lambda number: abs(self.quantiles[number] - 0.5))
        return predictions[:, nearest :: len(self.quantiles)]

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.standard_normal((count, math.prod(input_shape) // len(self.quantiles)))
