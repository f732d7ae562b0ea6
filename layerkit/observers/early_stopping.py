"""Ends a training when it gets no better, and leaves the network as it was best."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, PositiveInt

from layerkit import EpochRecord, InputError, Memory, Observer, Training, Watcher


class EarlyStopping(Observer):
    """Ends the training after ``patience`` epochs without a better figure, and puts the parameters of the best epoch back.

    That is done however the training ends. A figure is better where it differs from the best by more than ``min_change``; NaN
    is never better, and of equal figures the first is the best.

    References
    ----------
    L. Prechelt, "Early stopping - but when?", in Neural Networks: Tricks of the Trade, Springer, 1998.
    """

    replaces_parameters: ClassVar[bool] = True
    type: Literal["early_stopping"] = "early_stopping"
    """Which observer this is."""
    patience: PositiveInt = 10
    """Epochs without a better figure."""
    min_change: float = Field(default=0.0, ge=0)
    """By how much a figure must differ to be better."""
    monitor: str = Field(default="validation_loss", min_length=1)
    """Which figure: validation_loss, loss, or the name of a metric."""

    @contextmanager
    def watch(self, training: Training, memory: Memory) -> Iterator[Watcher]:
        waiting = _Waiting(self, training, memory)
        waiting.go_on()
        try:
            yield waiting
        finally:
            waiting.put_back()


class _Waiting(Watcher):
    """Counts the epochs since the best, and keeps what the network was then."""

    def __init__(self, options: EarlyStopping, training: Training, memory: Memory) -> None:
        self.options, self.training, self.memory = options, training, memory
        self.sign = 1.0 if training.greater_is_better.get(options.monitor, False) else -1.0

    def epoch(self, record: EpochRecord) -> None:
        monitor = self.options.monitor
        figures = {"loss": record.loss, **record.metrics}
        if monitor not in figures:
            raise InputError(f'early_stopping watches "{monitor}"; an epoch has {", ".join(figures)}')
        value, best = figures[monitor], self.memory.get("best")
        if np.isfinite(value) and (best is None or self.sign * (value - best) > self.options.min_change):
            self.memory.update(best=float(value), epoch=record.epoch)
            self._keep("best")
        elif record.epoch - self.memory.setdefault("epoch", record.epoch) >= self.options.patience:
            since = f"{monitor} has not become better since epoch {self.memory['epoch']}"
            self.training.stop(f"{since}, when it was {best:.6g}" if best is not None else f"{monitor} was never a number")

    def put_back(self) -> None:
        """Leave the network as it was best; what it was trained to is kept, to go on from."""
        if "best" in self.memory:
            self._keep("trained")
            self._restore("best")

    def go_on(self) -> None:
        """Begin with what the network was trained to."""
        if "trained parameters" in self.memory:
            self._restore("trained")

    def _keep(self, which: str) -> None:
        self.memory[f"{which} parameters"] = self.training.parameters.copy()
        for node in self.training.every_node():
            self.memory |= {f"{which} {node.name}.{name}": array.copy() for name, array in node.state.items()}

    def _restore(self, which: str) -> None:
        self.training.parameters = self.memory[f"{which} parameters"]
        for node in self.training.every_node():
            for name, array in node.state.items():
                array[...] = self.memory[f"{which} {node.name}.{name}"]
