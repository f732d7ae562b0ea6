"""Adam with Nesterov momentum."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from layerkit import Optimizer, Slot, Step


class NAdam(Optimizer):
    """Adam that looks ahead along its momentum, which warms up.

    With gradient g, step t from 1, u_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2) and U = u_1 * ... * u_t::

        m = beta1 * m + (1 - beta1) * g                       (P,)
        v = beta2 * v + (1 - beta2) * g^2                     (P,)
        parameters -= l * ((1 - u_t) / (1 - U) * g + u_t+1 / (1 - U * u_t+1) * m) / (sqrt(v / (1 - beta2^t)) + epsilon)

    Source: T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.
    """

    type: Literal["nadam"] = "nadam"
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """Share of the mean gradient that survives a step."""
    beta2: float = Field(default=0.999, ge=0, lt=1)
    """Share of the mean squared gradient that survives a step."""
    momentum_decay: float = Field(default=0.004, ge=0)
    """How fast the momentum warms up."""
    epsilon: float = Field(default=1e-8, gt=0)
    """Keeps the division finite."""

    def slots(self) -> Mapping[str, Slot]:
        return {"first": Slot(), "second": Slot(), "product": Slot(shape=(), fill=1.0)}

    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        now, ahead = (self.beta1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay)) for t in (number, number + 1))
        return {"rate": learning_rate, "now": now, "ahead": ahead, "correction": 1 / math.sqrt(1 - self.beta2**number)}

    def update(self, step: Step) -> None:
        first, second, product, parameters = step.slots.first, step.slots.second, step.slots.product, step.parameters
        by, work, scale = step.coefficients, step.vector("work"), step.vector("scale")
        product *= by.now
        first *= self.beta1
        first += np.multiply(step.gradients, 1 - self.beta1, out=work)
        second *= self.beta2
        np.multiply(step.gradients, step.gradients, out=work)
        second += np.multiply(work, 1 - self.beta2, out=work)
        np.sqrt(second, out=scale)
        scale *= by.correction
        scale += self.epsilon
        np.multiply(step.gradients, (1 - by.now) / (1 - product), out=work)
        work += first * (by.ahead / (1 - product * by.ahead))
        work /= scale
        parameters -= np.multiply(work, by.rate, out=work)
