"""A schedule that rises along a line and falls along a cosine."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from layerkit import Progress, Schedule


class WarmupCosine(Schedule):
    """Rises to the optimizer's learning rate over the first share of the steps, then falls to ``floor`` of it.

    With initial rate l, step n of N from 0, W = round(warmup * N)::

        l * (n + 1) / W                                                        where n < W
        l * (floor + (1 - floor) * (1 + cos(pi * (n - W) / (N - W))) / 2)      after that

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.
    """

    type: Literal["warmup_cosine"] = "warmup_cosine"
    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of the steps in which the learning rate rises."""
    floor: float = Field(default=0.0, ge=0, le=1)
    """Share of the learning rate that is left at the end."""

    def learning_rate(self, initial: float, progress: Progress) -> float:
        rising = round(self.warmup * progress.steps)
        if progress.step < rising:
            return initial * (progress.step + 1) / rising
        turn = math.pi * (progress.step - rising) / (progress.steps - rising)
        return initial * (self.floor + (1 - self.floor) * (1 + math.cos(turn)) / 2)
