"""The learning rate falls by the same share all the time."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from layerkit import Progress, Schedule, Unit


class ExponentialDecay(Schedule):
    """Multiplied by ``factor`` after each epoch or step: ``initial * factor ** done``.

    In 10 epochs of 10 steps, with a learning rate of 1 and a factor of 0.5::

        step    0       1       10      99
        rate    1       1       0.5     0.001953125
    """

    type: Literal["exponential"] = "exponential"
    factor: float = Field(gt=0, le=1, examples=[0.5])
    """What it is multiplied by."""
    unit: Unit = "epoch"
    """What is counted."""

    def learning_rate(self, initial: float, progress: Progress) -> float:
        done, _ = progress.counted(self.unit)
        return float(initial * self.factor**done)
