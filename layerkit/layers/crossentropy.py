"""Softmax and cross-entropy in one, over one shared log-softmax."""

from __future__ import annotations

import sys
from typing import Literal

import numpy as np

from layerkit import Array, Loss, Node, Shape, ShapeError
from layerkit.layers.targets import check_class_targets, check_sample_weight


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
        count, n_classes = logits.shape

        # Classes first: reductions over classes then run along contiguous memory, several times faster for few classes.
        shifted = node.buffer("shifted", (n_classes, count))
        np.copyto(shifted, logits.T)
        largest = np.maximum.reduce(shifted, axis=0, out=node.buffer("largest", (count,)))
        with np.errstate(over="ignore"):  # a gap wider than the largest float is -inf, whose exp is 0 all the same
            np.subtract(shifted, largest, out=shifted)
        probabilities = np.exp(shifted, out=shifted)
        total = np.add.reduce(probabilities, axis=0, out=node.buffer("total", (count,)))
        probabilities /= total

        losses = node.buffer("losses", (count,), np.float64)
        index = None
        with np.errstate(over="ignore"):
            if targets.ndim == 1:
                index = _flat_index(node, targets, n_classes)
                target_logits = logits.reshape(-1).take(index, out=node.buffer("target_logits", (count,)), mode="clip")
                np.subtract(largest, target_logits, out=losses, dtype=np.float64)
            else:
                gaps = node.buffer("gaps", (n_classes, count), np.float64)
                np.subtract(largest, logits.T, out=gaps, dtype=np.float64)
                np.minimum(gaps, sys.float_info.max, out=gaps)
                gaps *= targets.T
                np.add.reduce(gaps, axis=0, out=losses)
            losses += np.log(total, out=total)
            np.minimum(losses, sys.float_info.max, out=losses)

            scale: Array | float = 1 / count
            if sample_weight is not None:
                sample_weight = np.asarray(sample_weight)
                check_sample_weight(sample_weight, count)
                scale = (sample_weight / sample_weight.sum()).astype(node.dtype)
            losses *= scale
            loss = min(float(np.add.reduce(losses)), sys.float_info.max)

        node.cache = probabilities, targets, index, scale
        return loss

    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        probabilities, targets, index, scale = node.cache
        n_classes, count = probabilities.shape
        scale = scale * d_out
        d_logits = node.buffer("d_logits", (count, n_classes))
        if index is None:
            np.subtract(probabilities, targets.T, out=d_logits.T, casting="same_kind")
            d_logits.T[...] *= scale
        else:
            np.multiply(probabilities, scale, out=d_logits.T)
            flat = d_logits.reshape(-1)
            at_target = flat.take(index, out=node.buffer("at_target", (count,)), mode="clip")
            at_target -= scale
            flat[index] = at_target
        return d_logits

    def predict(self, logits: Array) -> Array:
        """Return the softmax probabilities, shape (N, K)."""
        with np.errstate(over="ignore"):
            probabilities: Array = np.exp(logits - logits.max(axis=-1, keepdims=True))
        probabilities /= probabilities.sum(axis=-1, keepdims=True)
        return probabilities

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(input_shape[0], size=count)


def _flat_index(node: Node, labels: Array, n_classes: int) -> Array:
    """Return where each row's target stands in the flattened logits: ``row * n_classes + label``."""
    index = node.buffer("index", labels.shape, np.intp)
    index.fill(n_classes)
    index[:1] = 0
    np.add.accumulate(index, out=index)
    return np.add(index, labels, out=index, casting="unsafe")
