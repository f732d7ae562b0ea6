"""The learning rate falls in steps of one length."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from layerkit import Progress, Schedule, Unit


class StepDecay(Schedule):
    """Multiplied by ``factor`` after each ``every`` epochs or steps: ``initial * factor ** (done // every)``.

    In 10 epochs of 10 steps, with a learning rate of 1, every 4 epochs::

        step    0       1       39      40      99
        rate    1       1       1       0.1     0.01
    """

    type: Literal["step"] = "step"
    every: PositiveInt = Field(examples=[4])
    """After how many it falls."""
    factor: float = Field(default=0.1, gt=0, le=1)
    """What it is multiplied by."""
    unit: Unit = "epoch"
    """What is counted."""

    def learning_rate(self, initial: float, progress: Progress) -> float:
        done, _ = progress.counted(self.unit)
        return float(initial * self.factor ** (done // self.every))
