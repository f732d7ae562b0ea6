"""The learning rate grows, and falls far below where it began."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from layerkit import Progress, Schedule


class OneCycle(Schedule):
    """One cycle over the whole training: up to the initial rate for a share of the steps, then down, along half cosines.

    It begins at ``initial / divisor`` and ends at ``initial / (divisor * final_divisor)``; the rate of the optimizer is the
    highest. In 10 epochs of 10 steps, with a learning rate of 1::

        step    0       1               29      99
        rate    0.04    0.042813781     1       4e-06

    References
    ----------
    L. Smith and N. Topin, "Super-convergence: very fast training of neural networks using large learning rates", 2018, in the
    form of PyTorch.
    """

    type: Literal["one_cycle"] = "one_cycle"
    rise: float = Field(default=0.3, gt=0, lt=1)
    """Share of the steps in which it grows."""
    divisor: float = Field(default=25.0, ge=1)
    """By how much it begins lower."""
    final_divisor: float = Field(default=1e4, ge=1)
    """By how much it ends lower than it began."""

    def learning_rate(self, initial: float, progress: Progress) -> float:
        top, last = self.rise * progress.steps - 1, progress.steps - 1
        low = initial / self.divisor
        if progress.step <= top:
            return _between(low, initial, progress.step / top if top else 1.0)
        part = (progress.step - top) / (last - top) if last > top else 1.0
        return _between(initial, low / self.final_divisor, min(1.0, part))


def _between(start: float, end: float, part: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2
