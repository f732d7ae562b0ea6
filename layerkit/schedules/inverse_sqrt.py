"""The learning rate falls with the root of the steps."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import PositiveInt

from layerkit import Progress, Schedule


class InverseSqrt(Schedule):
    """Grows in a straight line for ``warmup`` steps, then falls with the root of the steps.

    With t steps done: ``initial * min((t + 1) / warmup, sqrt(warmup / (t + 1)))``. In 10 epochs of 10 steps, with a learning rate
    of 1 and a warm-up of 25 steps::

        step    0       1       24      99
        rate    0.04    0.08    1       0.5

    References
    ----------
    A. Vaswani and others, "Attention is all you need", NeurIPS 2017, equation 3, with the rate at its highest as the initial one.
    """

    type: Literal["inverse_sqrt"] = "inverse_sqrt"
    warmup: PositiveInt = 25
    """How many steps it grows."""

    def learning_rate(self, initial: float, progress: Progress) -> float:
        number = progress.step + 1
        return initial * min(number / self.warmup, math.sqrt(self.warmup / number))
