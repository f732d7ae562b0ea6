"""A schedule that shortens the steps where the loss stands still."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, NonNegativeInt

from layerkit import Progress, Schedule


class Plateau(Schedule):
    """Multiplies the learning rate by ``factor`` after more than ``patience`` epochs without a lower loss.

    A loss counts as lower if it is below ``(1 - threshold)`` of the lowest so far. It is the rule of PyTorch's
    ``ReduceLROnPlateau``, worked out anew from the history, so that there is nothing to remember.
    """

    type: Literal["plateau"] = "plateau"
    factor: float = Field(default=0.1, gt=0, lt=1)
    """What is left of the learning rate."""
    patience: NonNegativeInt = 10
    """Epochs without a lower figure that are let pass."""
    threshold: float = Field(default=1e-4, ge=0, lt=1)
    """By which share a figure must fall to count as lower."""
    monitor: str = "loss"
    """``loss``, or the name of a metric of which less is better."""

    def learning_rate(self, initial: float, progress: Progress) -> float:
        best, waited, rate = math.inf, 0, initial
        for record in progress.history:
            value = record.loss if self.monitor == "loss" else record.metrics[self.monitor]
            waited += 1
            if value < best * (1 - self.threshold):
                best, waited = value, 0
            if waited > self.patience:
                rate, waited = rate * self.factor, 0
        return rate
