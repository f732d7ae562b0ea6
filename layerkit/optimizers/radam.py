"""Adam whose first steps are held back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from layerkit import Optimizer, Slot, Step


class RAdam(Optimizer):
    """Rectified Adam: as long as little is known of the mean square, steps are not scaled by it, and then less than in Adam.

    With gradient g, learning rate l and step number t from 1, m and v 0 at first::

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        r_inf = 2 / (1 - beta2) - 1
        r = r_inf - 2 * t * beta2**t / (1 - beta2**t)
        c = sqrt((r - 4) * (r - 2) * r_inf / ((r_inf - 4) * (r_inf - 2) * r))
        parameters -= l * m / (1 - beta1**t) * c * sqrt(1 - beta2**t) / (sqrt(v) + epsilon)    where r > 5
        parameters -= l * m / (1 - beta1**t)                                                   elsewhere

    References
    ----------
    L. Liu and others, "On the variance of the adaptive learning rate and beyond", ICLR 2020, algorithm 2; the bound of 5, where
    it has 4, and the place of epsilon are PyTorch's.
    """

    type: Literal["radam"] = "radam"
    learning_rate: float = Field(default=0.001, gt=0)
    """Length of a step, before any schedule."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """Share of the mean that survives a step."""
    beta2: float = Field(default=0.999, ge=0.7, lt=1)
    """Share of the mean square that survives a step."""
    epsilon: float = Field(default=1e-8, gt=0)
    """What is added to the root, so that nothing is divided by 0."""

    def slots(self) -> Mapping[str, Slot]:
        return {"mean": Slot(), "square": Slot()}

    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        rate, left = learning_rate / (1 - self.beta1**number), 1 - self.beta2**number
        limit = 2 / (1 - self.beta2) - 1
        known = limit - 2 * number * self.beta2**number / left
        if known <= 5:
            return {"plain": rate, "scaled": 0.0}
        rectified = (known - 4) * (known - 2) * limit / ((limit - 4) * (limit - 2) * known)
        return {"plain": 0.0, "scaled": rate * math.sqrt(rectified * left)}

    def work_size(self) -> int:
        return 1

    def update(self, step: Step) -> None:
        work, mean, square, parameters = step.vector("work"), step.slots.mean, step.slots.square, step.parameters
        np.subtract(step.gradients, mean, out=work)
        work *= 1 - self.beta1
        mean += work
        np.square(step.gradients, out=work)
        work *= 1 - self.beta2
        square *= self.beta2
        square += work
        np.sqrt(square, out=work)
        work += self.epsilon
        np.divide(step.coefficients.scaled, work, out=work)
        work += step.coefficients.plain
        work *= mean
        parameters -= work
