"""Adam with the largest gradients in the place of mean squares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from layerkit import Optimizer, Slot, Step


class Adamax(Optimizer):
    """Adamax: steps along a running mean of the gradients, each number scaled by its largest size, which fades.

    With gradient g, learning rate l and step number t from 1, m and u 0 at first::

        m = beta1 * m + (1 - beta1) * g
        u = max(beta2 * u, abs(g) + epsilon)
        parameters -= l / (1 - beta1**t) * m / u

    References
    ----------
    D. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 2, with epsilon as in PyTorch.
    """

    type: Literal["adamax"] = "adamax"
    learning_rate: float = Field(default=0.002, gt=0)
    """Length of a step, before any schedule."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """Share of the mean that survives a step."""
    beta2: float = Field(default=0.999, ge=0, lt=1)
    """Share of the largest size that survives a step."""
    epsilon: float = Field(default=1e-8, gt=0)
    """What is added to the sizes, so that nothing is divided by 0."""

    def slots(self) -> Mapping[str, Slot]:
        return {"mean": Slot(), "size": Slot()}

    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        return {"rate": learning_rate / (1 - self.beta1**number)}

    def work_size(self) -> int:
        return 1

    def update(self, step: Step) -> None:
        work, mean, size, parameters = step.vector("work"), step.slots.mean, step.slots.size, step.parameters
        np.subtract(step.gradients, mean, out=work)
        work *= 1 - self.beta1
        mean += work
        np.abs(step.gradients, out=work)
        work += self.epsilon
        size *= self.beta2
        np.maximum(size, work, out=size)
        np.divide(mean, size, out=work)
        work *= step.coefficients.rate
        parameters -= work
