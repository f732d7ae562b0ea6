"""Cross-entropy of two classes from one logit."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from layerkit import Array, Loss, Node, Shape, ShapeError, Task, class_targets


class BinaryCrossEntropy(Loss):
    """Cross-entropy of two classes: the one logit is the log-odds of class 1.

    Logits z (N, 1), labels t (N,) of 0 and 1, or rows (N, 2) of probabilities, of which t is the second column::

        loss_n = log(1 + exp(z_n)) - t_n * z_n
        d loss_n / d z_n = 1 / (1 + exp(-z_n)) - t_n

    References
    ----------
    C. Bishop, "Pattern recognition and machine learning", 2006, equation 4.90.
    """

    task: ClassVar[Task | None] = "classes"
    type: Literal["binary"] = "binary"

    def output_shape(self, input_shape: Shape) -> Shape:
        if input_shape != (1,):
            raise ShapeError(f"binary expects one logit, shape (1,), received shape {input_shape}")
        return ()

    def class_count(self, input_shape: Shape) -> int | None:
        return 2

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        labels = class_targets(targets, (logits_shape[0], 2), dtype)
        return labels.astype(dtype) if labels.ndim == 1 else labels[:, 1]

    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        node.cache = logits[:, 0], targets
        losses: Array = np.logaddexp(0, logits[:, 0]) - targets * logits[:, 0]
        return losses

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        logits, targets = node.cache
        d_logits: Array = d_losses * (0.5 + 0.5 * np.tanh(0.5 * logits) - targets)
        return d_logits[:, None]

    def predict(self, node: Node, logits: Array) -> Array:
        """Return the probabilities of both classes, shape (N, 2)."""
        return np.concatenate([0.5 - 0.5 * np.tanh(0.5 * logits), 0.5 + 0.5 * np.tanh(0.5 * logits)], axis=1)

    def decide(self, predictions: Array) -> Array:
        classes: Array = predictions.argmax(axis=1)
        return classes

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(2, size=count)
