"""Adam with Nesterov momentum."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from layerkit import Optimizer, Slot, Step


class NAdam(Optimizer):
    """Adam that looks ahead along its running mean, with a momentum that grows.

    With gradient g, learning rate l and step number t from 1; m and v are 0 at first, and P is the product of all u_t so far::

        u_t = beta1 * (1 - 0.96**(t * momentum_decay) / 2)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        parameters -= l * ((1 - u_t) / (1 - P) * g + u_(t+1) / (1 - P * u_(t+1)) * m) / (sqrt(v / (1 - beta2**t)) + epsilon)

    References
    ----------
    T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR 2016 workshop, in the form of PyTorch.
    """

    type: Literal["nadam"] = "nadam"
    learning_rate: float = Field(default=0.002, gt=0)
    """Length of a step, before any schedule."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """Share of the mean that survives a step."""
    beta2: float = Field(default=0.999, ge=0, lt=1)
    """Share of the mean square that survives a step."""
    epsilon: float = Field(default=1e-8, gt=0)
    """What is added to the root, so that nothing is divided by 0."""
    momentum_decay: float = Field(default=0.004, ge=0)
    """How fast the momentum grows."""

    def slots(self) -> Mapping[str, Slot]:
        return {"mean": Slot(), "square": Slot(), "product": Slot((), 1.0)}

    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        root = math.sqrt(1 - self.beta2**number)
        return {"rate": learning_rate * root, "epsilon": self.epsilon * root}

    def update(self, step: Step) -> None:
        work, other, mean, square = step.vector("work"), step.vector("other"), step.slots.mean, step.slots.square
        now, ahead = self._momentum(step.number), self._momentum(step.number + 1)
        step.slots.product *= now
        product = float(step.slots.product)
        np.subtract(step.gradients, mean, out=work)
        work *= 1 - self.beta1
        mean += work
        np.square(step.gradients, out=work)
        work *= 1 - self.beta2
        square *= self.beta2
        square += work
        np.multiply(step.gradients, (1 - now) / (1 - product), out=work)
        work += np.multiply(mean, ahead / (1 - product * ahead), out=other)
        np.sqrt(square, out=other)
        other += step.coefficients.epsilon
        work /= other
        work *= step.coefficients.rate
        parameters = step.parameters
        parameters -= work

    def _momentum(self, number: int) -> float:
        return self.beta1 * (1 - 0.5 * math.pow(0.96, number * self.momentum_decay))
