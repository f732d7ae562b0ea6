"""`Trainer`: runs an optimizer over a network, and knows no layer by name."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt

from layerkit.errors import DataError, DivergedError
from layerkit.network.sequential import Sequential
from layerkit.observers.base import EpochRecord, Observer
from layerkit.optimizers.base import Optimizer
from layerkit.streams import random_stream
from layerkit.training.history import History
from layerkit.typing import Array


class Trainer:
    """Minimises a network's loss by mini-batches or the full batch.

    Parameters
    ----------
    model
        The network; trained in place.
    optimizer
        The update rule. What it remembers between steps is kept here, in ``slots``.
    epochs
        How often `fit` goes through the samples.
    batch_size
        Samples a step; None takes all of them. The last batch of an epoch may be shorter.
    shuffle
        Draw a new order for each epoch. A full batch stays in order.
    seed
        Decides the orders; None takes the network's seed.
    observers
        Told of each epoch.
    folder
        Where observers write.

    Attributes
    ----------
    slots
        The optimizer's vectors, shape (P,) each.
    step
        Number of updates done.
    epoch
        Number of epochs done.
    """

    def __init__(
        self,
        model: Sequential,
        *,
        optimizer: Optimizer,
        epochs: int,
        batch_size: int | None = None,
        shuffle: bool = True,
        seed: int | None = None,
        observers: Sequence[Observer] = (),
        folder: str | Path = ".",
    ) -> None:
        if epochs < 1 or (batch_size is not None and batch_size < 1):
            raise DataError(f"epochs and batch_size must be 1 or more, received {epochs} and {batch_size}")
        self.model = model
        self.optimizer = optimizer
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.observers = tuple(observers)
        self.folder = Path(folder)
        self.slots = {name: np.zeros_like(model.parameters) for name in optimizer.slots}
        self.step = 0
        self.epoch = 0
        self._order = random_stream(model.seed if seed is None else seed, "shuffle")

    def fit(self, inputs: npt.ArrayLike, targets: npt.ArrayLike) -> History:
        """Train and return the history; parameters and errors as for `run`."""
        return History(self.run(inputs, targets))

    def run(self, inputs: npt.ArrayLike, targets: npt.ArrayLike) -> Iterator[EpochRecord]:
        """Train, handing out a record after each epoch.

        Parameters
        ----------
        inputs
            Shape (N, \\*input_shape), finite.
        targets
            N targets, as the loss takes them.

        Raises
        ------
        DataError
            If the samples do not fit the network, or there are fewer than ``batch_size``.
        TargetError
            If the targets do not fit the loss; names the first offending row.
        DivergedError
            If the loss is no longer finite; the parameters are then those that gave that loss.
        """
        samples, wanted = self._checked(inputs, targets)
        with ExitStack() as stack:
            watchers = [stack.enter_context(observer.watch(self.model.nodes, self.folder)) for observer in self.observers]
            for _ in range(self.epochs):
                record = EpochRecord(self.epoch, self._run_epoch(samples, wanted))
                for tell in watchers:
                    tell(record)
                yield record
                self.epoch += 1

    def _checked(self, inputs: npt.ArrayLike, targets: npt.ArrayLike) -> tuple[Array, Array]:
        samples = self.model.checked_inputs(inputs)
        finite = np.isfinite(samples).all(axis=tuple(range(1, samples.ndim)))
        if not finite.all():
            raise DataError(f"row {int(np.flatnonzero(~finite)[0])} of the inputs holds NaN or infinity")
        wanted = self.model.checked_targets(targets, len(samples))
        if self.batch_size is not None and self.batch_size > len(samples):
            raise DataError(f"batch_size {self.batch_size} is more than the {len(samples)} training samples")
        return samples, wanted

    def _run_epoch(self, inputs: Array, targets: Array) -> float:
        total = 0.0
        # Overflow shows as a loss that is not finite, and is reported as that.
        with np.errstate(all="ignore"):
            for batch_inputs, batch_targets in self._batches(inputs, targets):
                loss = self.model.loss_and_gradients(batch_inputs, batch_targets)
                if not math.isfinite(loss):
                    raise DivergedError(
                        f"the loss is {loss} in epoch {self.epoch}, after {self.step} steps; try a smaller learning_rate"
                    )
                self._update()
                total += loss * (len(batch_inputs) / len(inputs))
        return min(total, sys.float_info.max)

    def _batches(self, inputs: Array, targets: Array) -> Iterator[tuple[Array, Array]]:
        count = len(inputs)
        size = count if self.batch_size is None else self.batch_size
        if size == count:
            yield inputs, targets
        elif not self.shuffle:
            for start in range(0, count, size):
                yield inputs[start : start + size], targets[start : start + size]
        else:
            order = self._order.permutation(count)
            batch_inputs = np.empty((size, *inputs.shape[1:]), inputs.dtype)
            batch_targets = np.empty((size, *targets.shape[1:]), targets.dtype)
            for start in range(0, count, size):
                rows = order[start : start + size]
                # mode="clip" lets take write straight into out; the rows are all valid.
                inputs.take(rows, axis=0, out=batch_inputs[: len(rows)], mode="clip")
                targets.take(rows, axis=0, out=batch_targets[: len(rows)], mode="clip")
                yield batch_inputs[: len(rows)], batch_targets[: len(rows)]

    def _update(self) -> None:
        model, optimizer = self.model, self.optimizer
        self.step += 1
        if optimizer.weight_decay:
            for stretch in model.decaying:
                model.gradients[stretch] += optimizer.weight_decay * model.parameters[stretch]
        optimizer.update(self.slots, model.parameters, model.gradients, optimizer.learning_rate, self.step)
