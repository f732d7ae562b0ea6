"""Directions, whatever the lengths."""

from __future__ import annotations

from collections.abc import Callable
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
        directions, length = _scaled(number_targets(targets, logits_shape, dtype), np.empty)
        directions *= np.minimum(length, SHORTEST) / SHORTEST
        return directions.astype(dtype)

    def flops(self, input_shape: Shape) -> int:
        return 6 * input_shape[0] + 4

    def work_size(self, input_shape: Shape) -> int:
        return 6 * input_shape[0] + 24  # directions in float64 and what leads to them, and gradients; some numbers by sample

    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        names = iter(("directions", "work", "scale", "length"))
        directions, length = _scaled(logits, lambda shape: node.buffer(next(names), shape, np.float64))
        cosine, losses = (node.buffer(name, length.shape, np.float64) for name in ("cosine", "losses"))
        product = np.multiply(directions, targets, out=node.buffer("work", logits.shape, np.float64))
        np.add.reduce(product, axis=1, keepdims=True, out=cosine)
        node.cache = directions, length, cosine, targets
        np.multiply(np.minimum(length, SHORTEST, out=losses), -1 / SHORTEST, out=losses)
        losses *= cosine
        losses += 1
        flat: Array = losses[:, 0]
        return flat

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        directions, length, cosine, targets = node.cache
        # The length of a short vector counts as constant.
        long = np.greater_equal(length, SHORTEST, out=node.buffer("long", length.shape, bool))
        factor = np.multiply(cosine, long, out=node.buffer("factor", length.shape, np.float64))
        turned = np.multiply(directions, factor, out=node.buffer("work", directions.shape, np.float64))
        turned -= targets
        np.divide(d_losses[:, np.newaxis], np.maximum(length, SHORTEST, out=factor), out=factor)
        d_logits: Array = node.buffer("d_logits", directions.shape)
        np.multiply(turned, factor, out=d_logits, casting="same_kind")
        return d_logits

    def predict(self, node: Node, logits: Array) -> Array:
        """Return the outputs themselves, shape (N, K)."""
        return logits.copy()


def _scaled(vectors: Array, new: Callable[[Shape], Array]) -> tuple[Array, Array]:
    """Return the directions of vectors (N, K), nothing for one of length 0, and their lengths (N, 1), in arrays of ``new``."""
    exact, work = new(vectors.shape), new(vectors.shape)
    scale, length = new((len(vectors), 1)), new((len(vectors), 1))
    np.copyto(exact, vectors)
    np.maximum.reduce(np.abs(exact, out=work), axis=1, keepdims=True, out=scale)
    np.maximum(scale, np.finfo(np.float64).tiny, out=scale)
    exact /= scale  # so that no square is too large
    np.sqrt(np.add.reduce(np.square(exact, out=work), axis=1, keepdims=True, out=length), out=length)
    exact /= np.maximum(length, np.finfo(np.float64).tiny, out=work[:, :1])
    with np.errstate(over="ignore"):
        length *= scale
    return exact, np.minimum(length, np.finfo(np.float64).max, out=length)
