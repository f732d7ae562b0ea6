"""`Loss`: what a stack ends with."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from layerkit.errors import TargetError
from layerkit.stack.node import Node
from layerkit.stack.stage import Stage
from layerkit.typing import Array, Shape


class Loss(Stage):
    """The terminal layer of a stack: compares what the network says with what was wanted."""

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return ``()``: a loss is one number. Overridden to refuse an ``input_shape`` that the loss cannot take."""
        return ()

    @abstractmethod
    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        """Return the loss of a batch, its mean weighted by ``sample_weight``.

        Parameters
        ----------
        node
            Where the cache goes.
        logits
            Outputs of the layer before, shape (N, \\*input_shape).
        targets
            What was wanted, N of them; each loss documents the shapes it takes.
        sample_weight
            Shape (N,), not negative; None weighs all samples alike.

        Raises
        ------
        TargetError
            If the targets do not fit.
        """

    @abstractmethod
    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        """Return ``d_out`` times the gradient of the loss with respect to the logits, shape (N, \\*input_shape)."""

    @abstractmethod
    def predict(self, logits: Array) -> Array:
        """Return what the loss takes the logits to mean, such as class probabilities (N, K); a new array."""

    def check_targets(self, targets: Array, logits_shape: Shape) -> None:
        """Refuse targets that do not fit logits of shape (N, \\*input_shape); by default their number alone is checked.

        Raises
        ------
        TargetError
            Saying what was expected, and the first offending row where there is one.
        """
        if len(targets) != logits_shape[0]:
            raise TargetError(f"expected {logits_shape[0]} targets, received {len(targets)}")

    def class_count(self, input_shape: Shape) -> int | None:
        """Return how many classes the loss tells apart; None where its targets are not class labels."""
        return None

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        """Return ``count`` random targets that the loss accepts, for gradient checks; by default standard normal numbers."""
        return rng.standard_normal((count, *input_shape))
