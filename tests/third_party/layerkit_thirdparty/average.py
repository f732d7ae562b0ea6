"""An observer that keeps an average of the parameters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar, Literal

from pydantic import Field

from layerkit import Memory, Observer, Training, Watcher


class ParameterAverage(Observer):
    """Keeps an exponential moving average of the parameters, and gives it to the network at the end.

    After each step, with parameters p and average a, both (P,)::

        a = decay * a + (1 - decay) * p

    References
    ----------
    B. Polyak and A. Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
    """

    replaces_parameters: ClassVar[bool] = True
    type: Literal["parameter_average"] = "parameter_average"
    decay: float = Field(default=0.99, ge=0, lt=1)
    """Share of the average that survives a step."""

    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        return self._watching(training, memory)

    @contextmanager
    def _watching(self, training: Training, memory: Memory) -> Iterator[Watcher]:
        if "trained" in memory:  # what an earlier run ended with, before it took the average
            training.parameters = memory.pop("trained")
        memory.setdefault("average", training.parameters.copy())
        yield _Averager(self.decay, training, memory)
        memory["trained"] = training.parameters.copy()
        training.parameters = memory["average"]


class _Averager(Watcher):
    def __init__(self, decay: float, training: Training, memory: Memory) -> None:
        self.decay, self.training, self.average = decay, training, memory["average"]

    def step(self) -> None:
        self.average += (1 - self.decay) * (self.training.parameters - self.average)
