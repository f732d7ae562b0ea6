"""A loss of pairs: which of two samples comes first."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from layerkit import Array, Loss, Node, Shape, ShapeError, Task, number_targets


class Ranking(Loss):
    """Pairwise logistic loss: the mean over all pairs of a batch whose targets differ.

    Scores z (N, 1), targets t (N,), sample weights w::

        loss = sum_ij w_i w_j [t_i > t_j] log(1 + exp(z_j - z_i)) / sum_ij w_i w_j [t_i > t_j]

    and 0 where there is no such pair. With s_ij = w_i w_j [t_i > t_j] / (1 + exp(z_i - z_j)) / (the same sum)::

        d loss / d z_n = sum_i s_in - sum_j s_nj

    References
    ----------
    C. Burges et al., "Learning to rank using gradient descent", ICML 2005.
    """

    task: ClassVar[Task | None] = "numbers"
    type: Literal["ranking"] = "ranking"

    def output_shape(self, input_shape: Shape) -> Shape:
        if input_shape != (1,):
            raise ShapeError(f"ranking expects one score a sample, shape (1,), received shape {input_shape}")
        return ()

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return number_targets(targets, logits_shape, dtype)

    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        pairs = (targets > targets.T).astype(np.float64)
        if sample_weight is not None:
            pairs *= sample_weight[:, None] * sample_weight
        pairs /= pairs.sum() or 1.0
        gaps = logits.T - logits
        node.cache = pairs * (0.5 + 0.5 * np.tanh(0.5 * gaps))
        return float((pairs * np.logaddexp(0, gaps)).sum())

    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        slopes: Array = node.cache
        return np.asarray(d_out * (slopes.sum(axis=0) - slopes.sum(axis=1))[:, None], node.dtype)

    def predict(self, node: Node, logits: Array) -> Array:
        return logits.copy()
