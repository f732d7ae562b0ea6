"""`Predictions`: what a network says of samples when it is not trained."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from layerkit.data.samples import Batch
from layerkit.errors import ComponentError
from layerkit.network.builder import prediction_twins
from layerkit.network.passes import Passes
from layerkit.stack.node import Node
from layerkit.typing import Array


class Predictions:
    """Predictions on twins of the nodes of a network, chunk by chunk.

    Each call works on twins that no other has, so that calls may be made at once and within one another.

    Parameters
    ----------
    nodes
        The network's.
    rows
        How many samples go through it together.
    """

    def __init__(self, nodes: Sequence[Node], rows: int) -> None:
        self._nodes = nodes
        self.rows = rows
        self._free: list[Passes] = []

    def loss(self, batch: Batch) -> float:
        """Return the loss of a checked batch: the mean, by weight, of those of its chunks."""
        weight = np.ones(len(batch.inputs)) if batch.sample_weight is None else batch.sample_weight
        total = float(weight.sum())
        mean, finite = 0.0, True
        with self._passes() as passes:
            for rows in self._chunks(len(batch.inputs)):
                weight_of_chunk = float(weight[rows].sum()) / total
                if weight_of_chunk:
                    part = None if batch.sample_weight is None else batch.sample_weight[rows]
                    loss = passes.loss(Batch(batch.inputs[rows], batch.targets[rows], part))
                    mean, finite = mean + weight_of_chunk * loss, finite and math.isfinite(loss)
        return min(mean, sys.float_info.max) if finite else mean

    def logits(self, inputs: Array) -> Array:
        """Return what enters the loss, as a new array."""
        return self._joined(inputs, lambda passes, logits: logits)

    def predict(self, inputs: Array) -> Array:
        """Return what the loss predicts from the logits, as a new array."""
        return self._joined(inputs, Passes.predict)

    def decide(self, predictions: Array) -> Array:
        """Return what the loss decides from predictions."""
        with self._passes() as passes:
            return passes.decide(predictions)

    @contextmanager
    def _passes(self) -> Iterator[Passes]:
        """Give passes that nobody else has: as many are made as there ever are calls at once."""
        try:
            passes = self._free.pop()
        except IndexError:
            passes = Passes(prediction_twins(self._nodes))
        try:
            with np.errstate(under="ignore"):  # probabilities of almost nothing are 0, whatever the caller asks for
                yield passes
        finally:
            passes.forget()
            self._free.append(passes)

    def _joined(self, inputs: Array, finish: Callable[[Passes, Array], Array]) -> Array:
        outputs: Array | None = None
        with self._passes() as passes:
            for rows in self._chunks(len(inputs)):
                part = finish(passes, passes.logits(inputs[rows]))
                if outputs is None:
                    outputs = np.empty((len(inputs), *part.shape[1:]), part.dtype)
                if part.shape[1:] != outputs.shape[1:]:
                    stage = self._nodes[-1].stage
                    fault = f"returned rows of shape {part.shape[1:]}, and of shape {outputs.shape[1:]} before"
                    raise ComponentError(stage, "predict", fault, self._nodes[-1].name)
                outputs[rows] = part
        assert outputs is not None
        return outputs

    def _chunks(self, count: int) -> Iterator[slice]:
        for start in range(0, count, self.rows):
            yield slice(start, min(start + self.rows, count))
