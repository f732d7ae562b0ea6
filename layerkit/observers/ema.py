"""Trains one set of parameters and keeps another, their moving average, which is measured and left in the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from layerkit import Memory, Observer, Training, Watcher


class EMA(Observer):
    """Leaves the exponential moving average of the parameters, and has the figures of each epoch measured with it.

    With parameters p after each step, the average a is::

        a = p                                  after the first step
        a = decay * a + (1 - decay) * p        after each other

    The training itself goes on with p, also after it was left. State, such as running statistics, is not averaged.

    References
    ----------
    B. Polyak and A. Juditsky, "Acceleration of stochastic approximation by averaging", 1992; in this form D. Kingma and J. Ba,
    "Adam: a method for stochastic optimization", ICLR 2015, section 7.2.
    """

    replaces_parameters: ClassVar[bool] = True
    type: Literal["ema"] = "ema"
    """Which observer this is."""
    decay: float = Field(default=0.999, gt=0, lt=1)
    """Share of the average that survives a step."""

    @contextmanager
    def watch(self, training: Training, memory: Memory) -> Iterator[Watcher]:
        averaging = _Averaging(self.decay, training, memory)
        if "trained" in memory:
            training.parameters = memory.pop("trained")
        try:
            yield averaging
        finally:
            if "average" in memory:
                memory["trained"] = training.parameters.copy()
                training.parameters = memory["average"]


class _Averaging(Watcher):
    """Keeps the average up to date, and puts it in place while figures are measured."""

    def __init__(self, decay: float, training: Training, memory: Memory) -> None:
        self.decay, self.training, self.memory = decay, training, memory
        self.work = np.empty_like(training.parameters)

    def step(self) -> None:
        parameters = self.training.parameters
        average = self.memory.get("average")
        if average is None:
            self.memory["average"] = parameters.copy()
            return
        change = np.subtract(parameters, average, out=self.work)
        change *= 1 - self.decay
        average += change

    @contextmanager
    def measuring(self) -> Iterator[None]:
        trained = self.training.parameters.copy()
        self.training.parameters = self.memory["average"]
        try:
            yield
        finally:
            self.training.parameters = trained
