"""`Passes`: forward and backward through the nodes of a network, the loss included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from layerkit.blame import Blame
from layerkit.data.samples import Batch
from layerkit.errors import ComponentError, DataError, InputError
from layerkit.stack.chain import Chain, Pass
from layerkit.stack.loss import Loss
from layerkit.stack.node import Node
from layerkit.typing import Array


class Passes:
    """The passes through some nodes, of which the last one is the loss.

    Whatever a layer or the loss raises, or gives back and may not, is a `ComponentError` that names the node.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        *hidden, node = nodes
        assert isinstance(node.stage, Loss)
        self._hidden = Chain(hidden)
        self._node = node
        self._every = [each for top in nodes for each in top.tree()]
        self._loss = node.stage
        self._backward = Pass(node.stage.backward, node, node.input_shape)
        self._count = 0
        self._in_forward, self._in_backward = self._in("forward"), self._in("backward")

    def logits(self, inputs: Array) -> Array:
        """Return what enters the loss, in arrays that the next pass will overwrite."""
        return self._hidden.forward(inputs)

    def loss(self, batch: Batch) -> float:
        """Return the loss of a batch whose targets are prepared, ready for `backward`."""
        self._count = 0
        logits = self._hidden.forward(batch.inputs)
        with self._in_forward:
            loss = self._loss.forward(self._node, logits, batch.targets, batch.sample_weight)
        if type(loss) is not float:
            raise ComponentError(self._loss, "forward", f"returned {type(loss).__name__}, expected a float", self._node.name)
        self._count = len(logits)
        return loss

    def backward(self, d_out: float = 1.0) -> Array | None:
        """Fill the gradients of all nodes and return that of the inputs, where the first node was asked for it.

        Raises
        ------
        InputError
            If no forward pass was done, or it failed.
        """
        if not self._count:
            raise InputError("there is no forward pass to go back through; call forward_loss first")
        with self._in_backward:
            d_logits = self._loss.backward(self._node, d_out)
        if d_logits is not self._backward.checked or len(d_logits) != self._count:
            self._backward.check(d_logits, self._count)
        return self._hidden.backward(d_logits)

    def forget(self) -> None:
        """Let go of what the nodes keep of the samples."""
        for node in self._every:
            node.cache = None

    def prepare(self, targets: Array) -> Array:
        """Return targets as the loss takes them."""
        with self._in("prepare"):
            prepared = self._loss.prepare(targets, (len(targets), *self._node.input_shape), self._node.dtype)
        return self._rows(prepared, len(targets), "prepare")

    def predict(self, logits: Array) -> Array:
        """Return what the loss predicts from logits."""
        with self._in("predict"):
            predictions = self._loss.predict(self._node, logits)
        return self._rows(predictions, len(logits), "predict")

    def decide(self, predictions: Array) -> Array:
        """Return what the loss decides from predictions."""
        with self._in("decide"):
            decisions = self._loss.decide(predictions)
        return self._rows(decisions, len(predictions), "decide")

    def _in(self, method: str) -> Blame:
        return Blame(self._loss, method, self._node.name, refusals=(DataError,))

    def _rows(self, result: Any, count: int, method: str) -> Array:
        if isinstance(result, np.ndarray) and result.ndim and len(result) == count:
            return result
        received = f"an array of shape {result.shape}" if isinstance(result, np.ndarray) else type(result).__name__
        raise ComponentError(self._loss, method, f"returned {received}, expected an array of {count} rows", self._node.name)
