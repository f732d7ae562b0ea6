"""Cross-entropy in which samples that are told apart well count little."""

from __future__ import annotations

import sys
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from layerkit import Array, Loss, Node, Shape, ShapeError, TargetError, Task, class_targets, label_places


class Focal(Loss):
    """Focal loss: cross-entropy times a power of how improbable the wanted class was, the mean over the batch.

    With logits z (N, K), batch N, classes K, integer labels y (N,) and softmax probabilities p::

        loss_n = -(1 - p_ny)**gamma * log p_ny
        d loss_n / d z_nk = (p_nk - [k = y_n]) * ((1 - p_ny)**gamma - gamma * p_ny * (1 - p_ny)**(gamma - 1) * log p_ny)

    With a gamma of 0 it is `crossentropy`. It predicts the probabilities, and decides for the most probable class.

    Raises
    ------
    ShapeError
        If the logits of one sample are not a vector.
    TargetError
        If targets are no labels in range.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollár, "Focal loss for dense object detection", ICCV 2017, equation 4, for
    several classes.
    """

    task: ClassVar[Task | None] = "classes"
    takes_logits: ClassVar[bool] = True
    type: Literal["focal"] = "focal"
    gamma: float = Field(default=2.0, ge=0)
    """How much less samples count that are told apart well."""

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ShapeError(f"focal expects one logit a class, a vector (K,), received shape {input_shape}")
        return ()

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        if targets.ndim != 1:
            raise TargetError(f"expected integer labels ({logits_shape[0]},), received an array of shape {targets.shape}")
        return class_targets(targets, logits_shape, dtype)

    def class_count(self, input_shape: Shape) -> int | None:
        return input_shape[0]

    def flops(self, input_shape: Shape) -> int:
        return 6 * input_shape[0] + 8

    def work_size(self, input_shape: Shape) -> int:
        return 3 * input_shape[0] + 28  # probabilities in float64, and gradients; by sample some numbers of 8 bytes

    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        count, n_classes = logits.shape
        places = label_places(node, targets, n_classes)
        largest = np.maximum.reduce(logits, axis=1, keepdims=True, out=node.buffer("largest", (count, 1)))
        gaps = node.buffer("probabilities", logits.shape, np.float64)
        logarithm, rest, power, losses = (node.buffer(name, (count,), np.float64) for name in ("log", "rest", "power", "losses"))
        with np.errstate(over="ignore"):  # a gap wider than the largest float: its exponential is 0 all the same
            np.subtract(logits, largest, out=gaps, dtype=np.float64)
            gaps.reshape(-1).take(places, out=logarithm, mode="clip")
            probabilities = np.exp(gaps, out=gaps)
            total = np.add.reduce(probabilities, axis=1, out=rest)
            logarithm -= np.log(total, out=power)
            np.maximum(logarithm, -sys.float_info.max, out=logarithm)
        probabilities /= total[:, np.newaxis]
        np.negative(np.expm1(logarithm, out=rest), out=rest)  # 1 - p, also where p is nearly 1
        np.power(rest, self.gamma, out=power)
        node.cache = probabilities, places, rest, power, logarithm
        return np.negative(np.multiply(power, logarithm, out=losses), out=losses)

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        probabilities, places, rest, power, logarithm = node.cache
        factor, wanted = (node.buffer(name, rest.shape, np.float64) for name in ("factor", "wanted"))
        factor.fill(-1)  # what log(p) / (1 - p) tends to where p tends to 1
        np.divide(logarithm, rest, out=factor, where=np.greater(rest, 0, out=node.buffer("some", rest.shape, bool)))
        factor *= probabilities.reshape(-1).take(places, out=wanted, mode="clip")
        factor *= -self.gamma
        factor += 1
        factor *= power
        factor *= d_losses
        d_logits = node.buffer("d_logits", probabilities.shape)
        np.multiply(probabilities, factor[:, np.newaxis], out=d_logits, casting="same_kind")
        factor *= rest
        at_target = np.negative(factor, out=node.buffer("at_target", rest.shape), casting="same_kind")
        d_logits.reshape(-1)[places] = at_target
        return d_logits

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
