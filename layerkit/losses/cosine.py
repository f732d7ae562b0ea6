"""Directions, whatever the lengths."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from layerkit import Array, Loss, Node, Shape, ShapeError, Task, number_targets

SHORTEST = 1e-8
"""Vectors that are shorter are taken to be so long, as in PyTorch."""


class Cosine(Loss):
    """One minus the cosine of the angle between outputs and targets, the mean over the batch.

    With outputs z (N, K) and targets t (N, K), batch N::

        loss_n = 1 - z_n . t_n / (|z_n| * |t_n|)
        d loss_n / d z_n = -(t_n / |t_n| - c_n * z_n / |z_n|) / |z_n|      with the cosine c_n = 1 - loss_n

    A vector shorter than 1e-8 counts as so long. The length of the outputs is of no matter: it predicts them as they are.

    Raises
    ------
    ShapeError
        If the outputs of one sample are not a vector.
    TargetError
        If targets are no finite numbers, or of another shape.

    References
    ----------
    C. Manning, P. Raghavan and H. Schütze, "Introduction to Information Retrieval", 2008, equation 6.10.
    """

    task: ClassVar[Task | None] = "numbers"
    type: Literal["cosine"] = "cosine"

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ShapeError(f"cosine compares vectors (K,), received shape {input_shape}")
        return ()

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        numbers = number_targets(targets, logits_shape, dtype)
        directions, length = _scaled(numbers)
        prepared: Array = np.multiply(directions, np.minimum(length, SHORTEST) / SHORTEST).astype(dtype)
        return prepared

    def flops(self, input_shape: Shape) -> int:
        return 6 * input_shape[0] + 4

    def work_size(self, input_shape: Shape) -> int:
        return 7 * input_shape[0] + 16  # directions in float64 and what leads to them, and gradients; some numbers by sample

    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        directions, length = _scaled(logits)
        short = np.minimum(length, SHORTEST) / SHORTEST
        cosine = np.einsum("nk,nk->n", directions, targets)[:, np.newaxis]
        node.cache = directions, length, short, cosine, targets
        losses: Array = 1 - (cosine * short)[:, 0]
        return losses

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        directions, length, short, cosine, targets = node.cache
        d_logits = node.buffer("d_logits", directions.shape)
        turning = np.where(short < 1, 0, cosine)  # the length of a short vector counts as constant
        scale = d_losses[:, np.newaxis] / np.maximum(length, SHORTEST)
        np.multiply(turning * directions - targets, scale, out=d_logits, casting="same_kind")
        return d_logits

    def predict(self, node: Node, logits: Array) -> Array:
        """Return the outputs themselves, shape (N, K)."""
        return logits.copy()


def _scaled(vectors: Array) -> tuple[Array, Array]:
    """Return the directions of vectors (N, K), nothing for one of length 0, and their lengths (N, 1), in float64."""
    exact = vectors.astype(np.float64)
    largest = np.abs(exact).max(axis=1, keepdims=True)
    exact /= np.where(largest > 0, largest, 1)  # so that no square is too large
    length = np.sqrt(np.square(exact).sum(axis=1, keepdims=True))
    exact /= np.where(length > 0, length, 1)
    with np.errstate(over="ignore"):
        return exact, np.minimum(length * largest, np.finfo(np.float64).max)
