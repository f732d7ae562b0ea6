"""Softmax and cross-entropy in one, over one shared log-softmax."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from layerkit import Array, Loss, Node, Shape, ShapeError, Task, class_targets, label_places


class CategoricalCrossEntropy(Loss):
    """Cross-entropy of softmax probabilities against class targets, the mean over the batch.

    With logits z (N, K), batch N, classes K, the loss of sample n and its gradient are::

        p_nk   = exp(z_nk - max_j z_nj) / sum_i exp(z_ni - max_j z_nj)
        loss_n = -sum_k t_nk * log p_nk
        d loss_n / d z_nk = p_nk - t_nk

    Targets t are integer labels (N,), or one-hot or soft rows (N, K) that sum to one; a sum that is one but for rounding is made
    one. With ``label_smoothing`` s, ``(1 - s) * t + s / K`` stands for t, in validation too, as in PyTorch. Value and gradient
    are finite and right for all finite logits; a loss beyond the largest float is given as the largest float.

    Raises
    ------
    ShapeError
        If the logits of one sample are not a vector.
    TargetError
        If targets are out of range, NaN or of the wrong shape.

    References
    ----------
    I. Goodfellow, Y. Bengio and A. Courville, "Deep Learning", 2016, section 6.2.2.3. C. Szegedy and others, "Rethinking the
    inception architecture for computer vision", CVPR 2016, section 7.
    """

    task: ClassVar[Task | None] = "classes"
    takes_logits: ClassVar[bool] = True
    type: Literal["crossentropy"] = "crossentropy"
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of a target that is spread over all classes alike."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls()
        yield cls(label_smoothing=0.1)

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ShapeError(
                f"crossentropy expects one logit a class, a vector (K,), received shape {input_shape}; "
                'put {"type": "affine", "units": K} before it, for K classes'
            )
        return ()

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return class_targets(targets, logits_shape, dtype)

    def class_count(self, input_shape: Shape) -> int | None:
        return input_shape[0]

    def flops(self, input_shape: Shape) -> int:
        return 5 * input_shape[0] + 3  # maximum, subtraction, exponential, sum and division by class; then the loss

    def work_size(self, input_shape: Shape) -> int:
        # By class: probabilities, their gradients, gaps in float64. By sample: five numbers, and four of 8 bytes.
        return (5 if self.label_smoothing else 4) * input_shape[0] + 15

    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        # A gap wider than the largest float is infinite: its exponential is 0 all the same, and the loss is cut below.
        with np.errstate(over="ignore"):
            probabilities, largest, total = self._softmax(node, logits)
            losses = node.buffer("losses", total.shape, np.float64)
            index = None
            if targets.ndim == 1:
                index = label_places(node, targets, logits.shape[1])
                target_logits = logits.reshape(-1).take(index, out=node.buffer("target_logits", total.shape), mode="clip")
                np.subtract(largest, target_logits, out=losses, dtype=np.float64)
                if self.label_smoothing:
                    losses *= 1 - self.label_smoothing
                    losses += self._spread_gaps(node, logits, largest)
            else:
                if self.label_smoothing:
                    smoothed = np.multiply(targets, 1 - self.label_smoothing, out=node.buffer("smoothed", targets.shape))
                    smoothed += self.label_smoothing / logits.shape[1]
                    targets = smoothed
                self._mean_gaps(node, logits, largest, targets, out=losses)
            np.log(total, out=total)
            losses += total
            np.minimum(losses, sys.float_info.max, out=losses)
        node.cache = probabilities, targets, index
        return losses

    def _spread_gaps(self, node: Node, logits: Array, largest: Array) -> Array:
        """Return what the share of the target that is spread over all classes adds to the gaps."""
        share = node.buffer("share", (logits.shape[1],))
        share.fill(self.label_smoothing / logits.shape[1])
        gaps = np.multiply(largest, self.label_smoothing, out=node.buffer("spread", largest.shape, np.float64), dtype=np.float64)
        gaps -= np.matmul(logits, share, out=node.buffer("mean_logits", largest.shape))
        return gaps

    def _mean_gaps(self, node: Node, logits: Array, largest: Array, targets: Array, out: Array) -> None:
        """Write the mean of ``largest - logits`` over the classes, weighted by the rows of targets (N, K)."""
        # In quarters no gap overflows: an infinite one times a target of 0 would be NaN.
        gaps = np.multiply(logits.T, -0.25, out=node.buffer("gaps", logits.shape[::-1], np.float64), dtype=np.float64)
        gaps += np.multiply(largest, 0.25, out=out, dtype=np.float64)
        gaps *= targets.T
        np.add.reduce(gaps, axis=0, out=out)
        out *= 4

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        probabilities, targets, index = node.cache
        d_logits = node.buffer("d_logits", probabilities.shape[::-1])
        if index is None:
            np.subtract(probabilities, targets.T, out=d_logits.T)
            d_logits.T[...] *= d_losses
        else:
            np.multiply(probabilities, d_losses, out=d_logits.T)
            if self.label_smoothing:
                share = node.buffer("d_share", d_losses.shape)
                d_logits.T[...] -= np.multiply(d_losses, self.label_smoothing / len(probabilities), out=share)
                d_losses = np.multiply(d_losses, 1 - self.label_smoothing, out=share)
            flat = d_logits.reshape(-1)
            at_target = flat.take(index, out=node.buffer("at_target", index.shape), mode="clip")
            at_target -= d_losses
            flat[index] = at_target
        return d_logits

    def _softmax(self, node: Node, logits: Array) -> tuple[Array, Array, Array]:
        """Return the probabilities (K, N), the largest logits (N,) and the sums (N,) that the probabilities were divided by.

        Classes come first: reductions over few classes are several times faster along contiguous memory.
        """
        count, n_classes = logits.shape
        probabilities = node.buffer("probabilities", (n_classes, count))
        np.copyto(probabilities, logits.T)
        largest = np.maximum.reduce(probabilities, axis=0, out=node.buffer("largest", (count,)))
        np.subtract(probabilities, largest, out=probabilities)
        np.exp(probabilities, out=probabilities)
        total = np.add.reduce(probabilities, axis=0, out=node.buffer("total", (count,)))
        probabilities /= total
        return probabilities, largest, total

    def predict(self, node: Node, logits: Array) -> Array:
        """Return the softmax probabilities, shape (N, K)."""
        with np.errstate(over="ignore"):
            probabilities: Array = np.exp(logits - logits.max(axis=-1, keepdims=True))
        probabilities /= probabilities.sum(axis=-1, keepdims=True)
        return probabilities

    def decide(self, predictions: Array) -> Array:
        """Return the most probable class of each sample, shape (N,)."""
        classes: Array = np.argmax(predictions, axis=1)
        return classes

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(input_shape[0], size=count)
