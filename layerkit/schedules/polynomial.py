"""The learning rate falls along a power, such as a straight line."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from layerkit import Progress, Schedule, Unit


class PolynomialDecay(Schedule):
    """From the initial rate to the minimum along a power: ``minimum + (initial - minimum) * (1 - done / length) ** power``.

    A power of 1 is a straight line. In 10 epochs of 10 steps, with a learning rate of 1::

        step    0       1       50      99
        rate    1       0.99    0.5     0.01
    """

    type: Literal["polynomial"] = "polynomial"
    power: float = Field(default=1.0, gt=0)
    """Along which power it falls."""
    length: PositiveInt | None = None
    """How many steps or epochs it takes; null for the whole training."""
    minimum: float = Field(default=0.0, ge=0)
    """Where it ends, and stays."""
    unit: Unit = "step"
    """What is counted."""

    def learning_rate(self, initial: float, progress: Progress) -> float:
        done, total = progress.counted(self.unit)
        left = max(0.0, 1 - done / (self.length or total))
        return float(self.minimum + (initial - self.minimum) * left**self.power)
