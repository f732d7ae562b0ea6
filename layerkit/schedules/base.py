"""`Schedule`: how the learning rate changes in the course of a training."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from layerkit.component import Component
from layerkit.history import EpochRecord

Unit: TypeAlias = Literal["step", "epoch"]
"""What is counted."""


@dataclass(slots=True)
class Progress:
    """How far a training is.

    Attributes
    ----------
    step, steps
        Number of updates done, and of those that there will be.
    epoch, epochs
        Number of epochs done, and of those that there will be.
    history
        The records of the epochs done.
    """

    step: int
    steps: int
    epoch: int
    epochs: int
    history: Sequence[EpochRecord]

    def counted(self, unit: Unit) -> tuple[int, int]:
        """Return how many steps, or epochs, are done, and how many there will be."""
        return (self.step, self.steps) if unit == "step" else (self.epoch, self.epochs)

    def after(self, length: int, unit: Unit) -> Progress:
        """Return the progress of what begins when so many steps, or epochs, are done, as far as it has begun."""
        each = max(1, self.steps // self.epochs)
        steps, epochs = (length, length // each) if unit == "step" else (length * each, length)
        return Progress(
            max(0, self.step - steps),
            max(1, self.steps - steps),
            max(0, self.epoch - epochs),
            max(1, self.epochs - epochs),
            self.history[epochs:],
        )


class Schedule(Component):
    """Family of the rules for the learning rate.

    A schedule is a pure function of how far the training is. It has nothing to remember, so nothing of it needs saving: what
    depends on the losses so far reads them in the history.
    """

    @abstractmethod
    def learning_rate(self, initial: float, progress: Progress) -> float:
        """Return the learning rate of the next step: a finite number, not negative.

        Parameters
        ----------
        initial
            The learning rate of the optimizer.
        progress
            How far the training is.
        """
