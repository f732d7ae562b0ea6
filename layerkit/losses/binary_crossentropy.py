"""The sigmoid and cross-entropy in one, for labels that are there or not."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from layerkit import Array, ElementwiseLoss, Node, Shape, ShapeError, Task, label_set_targets


class BinaryCrossEntropy(ElementwiseLoss):
    """Cross-entropy of sigmoid probabilities against labels that are there or not, the mean over labels and batch.

    With logits z (N, K), batch N, labels K, targets t that are zeros and ones (N, K), or (N,) for one label, and a weight w of
    the ones::

        loss_n = sum_k (w_k * t_nk * log(1 + exp(-z_nk)) + (1 - t_nk) * log(1 + exp(z_nk))) / K
        d loss_n / d z_nk = ((w_k * t_nk + 1 - t_nk) * p_nk - w_k * t_nk) / K      with p = 1 / (1 + exp(-z))

    It predicts the probabilities p (N, K), and decides for a label where its probability is 1/2 or more.

    Raises
    ------
    ShapeError
        If the logits of one sample are not a vector, or there is another number of positive weights.
    TargetError
        If targets are something else than zeros and ones of that shape.

    References
    ----------
    C. Bishop, "Pattern Recognition and Machine Learning", 2006, equation 4.90.
    """

    task: ClassVar[Task | None] = "label_sets"
    takes_logits: ClassVar[bool] = True
    type: Literal["binary_crossentropy"] = "binary_crossentropy"
    positive_weight: (
        Annotated[float, Field(gt=0)] | Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(strict=False, min_length=1)]
    ) = 1.0
    """What a label that is there counts, one that is not counting 1; for all labels, or one for each."""

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ShapeError(f"binary_crossentropy expects one logit a label, a vector (K,), received shape {input_shape}")
        if isinstance(self.positive_weight, tuple) and len(self.positive_weight) != input_shape[0]:
            raise ShapeError(f"binary_crossentropy has {len(self.positive_weight)} positive weights for {input_shape[0]} labels")
        return ()

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return label_set_targets(targets, logits_shape, dtype)

    def values(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        np.abs(logits, out=out, dtype=np.float64)
        np.exp(np.negative(out, out=out), out=out)
        np.log1p(out, out=out)
        wrong = node.buffer("wrong", logits.shape, np.float64)  # how far a logit is on the wrong side
        np.multiply(logits, np.subtract(1, np.multiply(targets, 2, out=wrong), out=wrong), out=wrong)
        out += np.maximum(wrong, 0, out=wrong)
        out *= self._weights(node, targets)

    def slopes(self, node: Node, logits: Array, targets: Array, out: Array) -> None:
        np.exp(np.negative(logits, out=out), out=out)
        out += 1
        np.reciprocal(out, out=out)
        out -= targets
        out *= self._weights(node, targets)

    def _weights(self, node: Node, targets: Array) -> Array:
        """Return ``w * t + 1 - t``."""
        weights = np.multiply(targets, np.subtract(self.positive_weight, 1), out=node.buffer("weights", targets.shape))
        weights += 1
        return weights

    def predict(self, node: Node, logits: Array) -> Array:
        """Return the probabilities, shape (N, K)."""
        with np.errstate(over="ignore"):  # an infinite exponential gives 0
            probabilities: Array = np.reciprocal(1 + np.exp(-logits))
        return probabilities

    def decide(self, predictions: Array) -> Array:
        """Return which labels are there, zeros and ones (N, K)."""
        return (predictions >= 0.5).astype(np.intp)

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(2, size=(count, *input_shape))
