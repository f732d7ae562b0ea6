"""Softmax and cross-entropy in one, over one shared log-softmax."""

from __future__ import annotations

import sys
from typing import Literal

import numpy as np

from layerkit import Array, Loss, Node, Shape, ShapeError
from layerkit.losses.targets import batch_share, check_class_targets, flat_index


class CategoricalCrossEntropy(Loss):
    """Cross-entropy of softmax probabilities against class targets.

    With logits z (N, K), batch N, classes K, and weights w (N,), all 1 where none are given::

        p_nk  = exp(z_nk - max_j z_nj) / sum_i exp(z_ni - max_j z_nj)
        loss  = sum_n w_n * (-sum_k t_nk * log p_nk) / sum_n w_n
        dz_nk = d_out * w_n * (p_nk - t_nk) / sum_n w_n

    Targets t are integer labels (N,), or one-hot or soft rows (N, K) that sum to one. Value and gradient are finite and right for
    all finite logits; a loss beyond the largest float is given as the largest float.

    Raises
    ------
    ShapeError
        If the logits of one sample are not a vector.
    TargetError
        If targets are out of range, NaN or of the wrong shape, or the sample weights are.

    References
    ----------
    I. Goodfellow, Y. Bengio and A. Courville, "Deep Learning", 2016, section 6.2.2.3.
    """

    type: Literal["crossentropy"] = "crossentropy"

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ShapeError(f"crossentropy expects one logit a class, a vector (K,), received shape {input_shape}")
        return ()

    def check_targets(self, targets: Array, logits_shape: Shape) -> None:
        check_class_targets(targets, logits_shape)

    def class_count(self, input_shape: Shape) -> int | None:
        return input_shape[0]

    def flops(self, input_shape: Shape) -> int:
        return 5 * input_shape[0] + 3  # maximum, subtraction, exponential, sum and division by class; then the loss

    def work_size(self, input_shape: Shape) -> int:
        # By class: probabilities, their gradients, gaps in float64. By sample: four numbers, a float64 loss, an index.
        return 4 * input_shape[0] + 8

    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        targets = np.asarray(targets)
        self.check_targets(targets, logits.shape)
        share = batch_share(sample_weight, len(logits), node.dtype)
        probabilities, largest, total = self._softmax(node, logits)

        # A quarter of each loss, (log(total) + largest - target logit) / 4: no gap between two floats overflows then.
        quarters = np.multiply(largest, 0.25, out=node.buffer("quarters", total.shape, np.float64), dtype=np.float64)
        index = None
        if targets.ndim == 1:
            index = flat_index(node, targets, logits.shape[1])
            target_logits = logits.reshape(-1).take(index, out=node.buffer("target_logits", total.shape), mode="clip")
            target_logits *= 0.25
            quarters -= target_logits
        else:
            gaps = np.multiply(logits.T, -0.25, out=node.buffer("gaps", probabilities.shape, np.float64), dtype=np.float64)
            gaps += quarters
            gaps *= targets.T
            np.add.reduce(gaps, axis=0, out=quarters)
        np.log(total, out=total)
        total *= 0.25
        quarters += total
        quarters *= share
        node.cache = probabilities, targets, index, share
        return min(4 * float(np.add.reduce(quarters)), sys.float_info.max)

    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        probabilities, targets, index, share = node.cache
        share = share * d_out
        d_logits = node.buffer("d_logits", probabilities.shape[::-1])
        if index is None:
            np.subtract(probabilities, targets.T, out=d_logits.T, casting="same_kind")
            d_logits.T[...] *= share
        else:
            np.multiply(probabilities, share, out=d_logits.T)
            flat = d_logits.reshape(-1)
            at_target = flat.take(index, out=node.buffer("at_target", index.shape), mode="clip")
            at_target -= share
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
        with np.errstate(over="ignore"):  # a gap wider than the largest float is infinite; its exponential is 0 all the same
            np.subtract(probabilities, largest, out=probabilities)
        np.exp(probabilities, out=probabilities)
        total = np.add.reduce(probabilities, axis=0, out=node.buffer("total", (count,)))
        probabilities /= total
        return probabilities, largest, total

    def predict(self, logits: Array) -> Array:
        """Return the softmax probabilities, shape (N, K)."""
        with np.errstate(over="ignore"):
            probabilities: Array = np.exp(logits - logits.max(axis=-1, keepdims=True))
        probabilities /= probabilities.sum(axis=-1, keepdims=True)
        return probabilities

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(input_shape[0], size=count)
