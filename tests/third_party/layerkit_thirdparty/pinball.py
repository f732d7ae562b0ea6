"""The pinball loss, whose minimum is a quantile."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from layerkit import Array, Loss, Node, Shape, ShapeError, Task, number_targets


class Pinball(Loss):
    """Fits quantiles of a number, one an output.

    Logits z (N, Q), targets t (N,), quantiles q (Q,)::

        loss_n = mean_q max(q * (t_n - z_nq), (q - 1) * (t_n - z_nq))
        d loss_n / d z_nq = (1 - q if t_n < z_nq else -q) / Q

    References
    ----------
    R. Koenker and G. Bassett, "Regression quantiles", Econometrica 1978.
    """

    task: ClassVar[Task | None] = "numbers"
    type: Literal["pinball"] = "pinball"
    quantiles: Annotated[tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(min_length=1, strict=False)] = (0.5,)
    """Which quantiles to fit, one an output."""

    def output_shape(self, input_shape: Shape) -> Shape:
        if input_shape != (len(self.quantiles),):
            raise ShapeError(f"pinball takes {len(self.quantiles)} logits, one a quantile; received shape {input_shape}")
        return ()

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return number_targets(targets, (logits_shape[0], 1), dtype)

    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        above = targets - logits
        quantiles = np.asarray(self.quantiles, node.dtype)
        node.cache = np.where(above < 0, 1 - quantiles, -quantiles) / len(quantiles)
        losses: Array = np.maximum(quantiles * above, (quantiles - 1) * above).mean(axis=1)
        return losses

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        slopes: Array = node.cache
        return slopes * d_losses[:, None]

    def predict(self, node: Node, logits: Array) -> Array:
        return logits.copy()

    def decide(self, predictions: Array) -> Array:
        return predictions[:, len(self.quantiles) // 2]

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.standard_normal(count)
