"""An observer that ends a training which gets no better."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar, Literal

from pydantic import Field, PositiveInt

from layerkit import EpochRecord, Memory, Observer, Training, Watcher


class EarlyStopping(Observer):
    """Stops after ``patience`` epochs without a new lowest ``monitor``, and puts the best weights and state back at the end.

    References
    ----------
    L. Prechelt, "Early stopping - but when?", in "Neural networks: tricks of the trade", 1998.
    """

    replaces_parameters: ClassVar[bool] = True
    type: Literal["early_stopping"] = "early_stopping"
    monitor: str = "loss"
    """``loss``, or the name of a metric of which less is better."""
    patience: PositiveInt = 3
    """Epochs to wait for a lower figure."""
    least: float = Field(default=0.0, ge=0)
    """By how much the figure must fall to count."""

    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        return self._watching(training, memory)

    @contextmanager
    def _watching(self, training: Training, memory: Memory) -> Iterator[Watcher]:
        yield _Stopper(self, training, memory)
        # Not in a finally: where the training fails, or is left to go on later, the weights stay as they are.
        for name, array in training.arrays().items():
            if f"best/{name}" in memory:
                array[...] = memory[f"best/{name}"]


class _Stopper(Watcher):
    def __init__(self, options: EarlyStopping, training: Training, memory: Memory) -> None:
        self.options, self.training, self.memory = options, training, memory

    def epoch(self, record: EpochRecord) -> None:
        monitor, memory = self.options.monitor, self.memory
        value = record.loss if monitor == "loss" else record.metrics[monitor]
        if memory.get("best") is None or value < memory["best"] - self.options.least:
            weights = {
                name: array for name, array in self.training.arrays().items() if name.startswith(("parameters/", "state/"))
            }
            memory.update({f"best/{name}": array.copy() for name, array in weights.items()}, best=value, epoch=record.epoch)
        elif record.epoch - memory["epoch"] >= self.options.patience:
            self.training.stop(f"no {monitor} below {memory['best']:g} since epoch {memory['epoch']}")
