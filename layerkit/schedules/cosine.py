"""The learning rate falls along half a wave, once or again and again."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, Self

from pydantic import Field, PositiveInt

from layerkit import Progress, Schedule, Unit


class CosineDecay(Schedule):
    """From the initial rate to the minimum along half a cosine, and with a ``period`` again from the start.

    With t done of a period of T: ``minimum + (initial - minimum) * (1 + cos(pi * t / T)) / 2``. Each period is ``multiplier``
    times as long as the one before. In 10 epochs of 10 steps, with a learning rate of 1::

        step    0       1               50      99
        rate    1       0.99975328      0.5     0.00024671982

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, equation 5.
    """

    type: Literal["cosine"] = "cosine"
    period: PositiveInt | None = None
    """How many steps or epochs it takes before it begins again; null for the whole training."""
    multiplier: PositiveInt = 1
    """How much longer each period is than the one before."""
    minimum: float = Field(default=0.0, ge=0)
    """Where it falls to."""
    unit: Unit = "step"
    """What is counted."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls()
        yield cls(period=10, multiplier=2, minimum=0.01)
        yield cls(period=4, unit="epoch")

    def learning_rate(self, initial: float, progress: Progress) -> float:
        done, total = progress.counted(self.unit)
        period = self.period or total
        while done >= period and self.multiplier > 1:
            done, period = done - period, period * self.multiplier
        part = done % period / period
        return self.minimum + (initial - self.minimum) * (1 + math.cos(math.pi * part)) / 2
