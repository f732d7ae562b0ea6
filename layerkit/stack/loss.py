"""`Loss`: what a stack ends with."""

from __future__ import annotations

import math
import sys
from abc import abstractmethod
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np

from layerkit.errors import ComponentError
from layerkit.stack.node import Node
from layerkit.stack.stage import Stage
from layerkit.typing import Array, Shape

Task: TypeAlias = Literal["classes", "label_sets", "numbers"]
"""What targets are: one of several classes, any number of several labels, or numbers."""


class Loss(Stage):
    """The end of a stack: compares what the network says with what was wanted.

    A loss says what each sample loses, in `losses`, and hands its derivative back, in `d_logits`. The base class weighs the
    samples and takes the mean::

        loss = sum_n w_n * losses_n / sum_n w_n

    with sample weights w, all alike where none are given. A loss that is no mean over samples, such as one that ranks the samples
    of a batch, overrides `forward` and `backward` instead of those two. Of more samples than go through the network at once, its
    figure is then the mean over parts of them.
    """

    task: ClassVar[Task | None] = None
    """What the targets are; None fits any data. A data set whose targets are known to be something else is refused."""
    takes_logits: ClassVar[bool] = False
    """Whether the loss makes probabilities of what reaches it; a layer before it that does so already is refused."""

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return ``()``: a loss is one number. Overridden to refuse an ``input_shape`` that the loss cannot take."""
        return ()

    def work_size(self, input_shape: Shape) -> int:
        """Return how many numbers the work arrays of a training step hold for one sample, at the most.

        By default the gradient of the logits, what the sample loses, and what `forward` and `backward` keep of each sample: its
        weight and its weighted loss in float64, and the gradient of its loss.
        """
        return math.prod(input_shape) + 7

    @abstractmethod
    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        """Return targets in the form that `losses` takes, checked; the work of a whole fit, not of a step.

        `layerkit.class_targets`, `layerkit.label_set_targets` and `layerkit.number_targets` do it for most losses.

        Parameters
        ----------
        targets
            What was wanted, as users give it.
        logits_shape
            Shape (N, \\*input_shape) of the logits that they belong to.
        dtype
            Of the logits.

        Returns
        -------
        Array
            N targets, one a row, so that rows of it are targets of a batch.

        Raises
        ------
        TargetError
            If they do not fit, saying what was expected, and the first offending row where there is one.
        """

    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        """Return what each sample loses.

        Parameters
        ----------
        node
            Where parameters and buffers are, and where the cache goes.
        logits
            Outputs of the layer before, shape (N, \\*input_shape).
        targets
            N targets, as `prepare` returned them.

        Returns
        -------
        Array
            Shape (N,), of a floating-point dtype.
        """
        raise NotImplementedError

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        """Return the gradient with respect to the logits, and fill ``node.grads``, overwriting.

        Parameters
        ----------
        node
            The node of the call of `losses` just done.
        d_losses
            Gradient with respect to what `losses` returned, shape (N,), dtype ``node.dtype``.

        Returns
        -------
        Array
            Shape (N, \\*input_shape), dtype ``node.dtype``.
        """
        raise NotImplementedError

    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        """Return the loss of a batch: the mean of `losses`, weighted by ``sample_weight``.

        Parameters
        ----------
        node, logits, targets
            As for `losses`.
        sample_weight
            Shape (N,), as `layerkit.sample_weights` returned it; None weighs all samples alike. In a batch of
            nothing but zeros no sample counts, and its loss is 0.

        Returns
        -------
        float
            The largest float where the mean is beyond it.

        Raises
        ------
        ComponentError
            If `losses` returns something else than one number a sample.
        """
        losses = self.losses(node, logits, targets)
        count = len(logits)
        if not (isinstance(losses, np.ndarray) and losses.shape == (count,) and losses.dtype.kind == "f"):
            received = f"{losses.dtype} of shape {losses.shape}" if isinstance(losses, np.ndarray) else type(losses).__name__
            raise ComponentError(self, "losses", f"returned {received}, expected one float a sample, shape ({count},)", node.name)
        weight: Array | float = 1 / count
        if sample_weight is not None:
            total = float(np.add.reduce(sample_weight)) or 1.0
            weight = np.divide(sample_weight, total, out=node.buffer("normalized_weight", (count,), np.float64))
        node.sample_count, node.normalized_weight = count, weight
        weighted = np.multiply(losses, weight, out=node.buffer("weighted", (count,), np.float64), dtype=np.float64)
        mean = float(np.add.reduce(weighted))
        if math.isinf(mean) and np.isfinite(losses).all():
            return math.copysign(sys.float_info.max, mean)
        return mean

    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        """Return ``d_out`` times the gradient of the loss with respect to the logits, shape (N, \\*input_shape)."""
        weight = node.normalized_weight
        d_losses = node.buffer("d_losses", (node.sample_count,))
        if isinstance(weight, float):
            d_losses.fill(d_out * weight)
        else:
            np.multiply(weight, d_out, out=d_losses, casting="same_kind")
        return self.d_logits(node, d_losses)

    @abstractmethod
    def predict(self, node: Node, logits: Array) -> Array:
        """Return what the loss takes the logits to mean, such as class probabilities (N, K): a new array, a row a sample."""

    def decide(self, predictions: Array) -> Array:
        """Return what a score compares with the targets; by default the predictions themselves.

        A loss for classes returns the class of each sample (N,), one for sets of labels zeros and ones (N, K).
        """
        return predictions

    def class_count(self, input_shape: Shape) -> int | None:
        """Return how many classes the loss tells apart; None where its targets are not class labels."""
        return None

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        """Return ``count`` random targets that the loss accepts, for gradient checks; by default standard normal numbers."""
        return rng.standard_normal((count, *input_shape))
