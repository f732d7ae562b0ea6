"""Cross-entropy of independent labels."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from layerkit import Array, Loss, Node, Shape, ShapeError, Task, label_set_targets


class MultiLabelCrossEntropy(Loss):
    """Binary cross-entropy of each of K labels, the mean over the labels.

    Logits z (N, K), targets t (N, K) of zeros and ones, weight w of a label that is there::

        loss_n = mean_k w * t_nk * log(1 + exp(-z_nk)) + (1 - t_nk) * log(1 + exp(z_nk))
        d loss_n / d z_nk = ((1 - t_nk) * s(z_nk) - w * t_nk * s(-z_nk)) / K         with the sigmoid s

    Source: C. Bishop, "Pattern recognition and machine learning", 2006, section 4.3.2.
    """

    task: ClassVar[Task | None] = "label_sets"
    type: Literal["multi_label"] = "multi_label"
    positive_weight: float = Field(default=1.0, gt=0)
    """What a label that is there counts, where one that is not counts 1."""

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ShapeError(f"multi_label expects one logit a label, a vector (K,), received shape {input_shape}")
        return ()

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return label_set_targets(targets, logits_shape, dtype)

    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        present, absent = self.positive_weight * targets, 1 - targets
        node.cache = (absent * sigmoid(logits) - present * sigmoid(-logits)) / logits.shape[1]
        losses: Array = (present * np.logaddexp(0, -logits) + absent * np.logaddexp(0, logits)).mean(axis=1)
        return losses

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        slopes: Array = node.cache
        return slopes * d_losses[:, None]

    def predict(self, node: Node, logits: Array) -> Array:
        return sigmoid(logits)

    def decide(self, predictions: Array) -> Array:
        return (predictions > 0.5).astype(np.int64)

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(2, size=(count, *input_shape))


def sigmoid(x: Array) -> Array:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x))
