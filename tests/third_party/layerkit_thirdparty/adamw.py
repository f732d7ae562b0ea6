"""Adam with decoupled weight decay."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from layerkit import Optimizer, Slot, Step


class AdamW(Optimizer):
    """Adam, with weight decay apart from the gradients.

    With gradient g, step t from 1 and learning rate l, all vectors (P,)::

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g^2
        parameters -= l / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + epsilon)

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """

    decoupled: ClassVar[bool | None] = True
    type: Literal["adamw"] = "adamw"
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """Share of the mean gradient that survives a step."""
    beta2: float = Field(default=0.999, ge=0, lt=1)
    """Share of the mean squared gradient that survives a step."""
    epsilon: float = Field(default=1e-8, gt=0)
    """Keeps the division finite."""

    def slots(self) -> Mapping[str, Slot]:
        return {"first": Slot(), "second": Slot()}

    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        return {"rate": learning_rate / (1 - self.beta1**number), "correction": 1 / math.sqrt(1 - self.beta2**number)}

    def update(self, step: Step) -> None:
        first, second, gradients, parameters = step.slots.first, step.slots.second, step.gradients, step.parameters
        work, scale = step.vector("work"), step.vector("scale")
        first *= self.beta1
        first += np.multiply(gradients, 1 - self.beta1, out=work)
        second *= self.beta2
        np.multiply(gradients, gradients, out=work)
        second += np.multiply(work, 1 - self.beta2, out=work)
        np.sqrt(second, out=scale)
        scale *= step.coefficients.correction
        scale += self.epsilon
        np.divide(first, scale, out=work)
        parameters -= np.multiply(work, step.coefficients.rate, out=work)
