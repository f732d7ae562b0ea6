"""The learning rate as it is."""

from __future__ import annotations

from typing import Literal

from layerkit import Progress, Schedule


class ConstantRate(Schedule):
    """The learning rate of the optimizer, all the time.

    In 10 epochs of 10 steps, with a learning rate of 1::

        step    0       1       50      99
        rate    1       1       1       1
    """

    type: Literal["constant"] = "constant"

    def learning_rate(self, initial: float, progress: Progress) -> float:
        return initial
