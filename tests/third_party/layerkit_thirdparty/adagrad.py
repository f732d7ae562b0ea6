"""Adagrad: a learning rate of its own for every parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from layerkit import Optimizer, Slot, Step


class Adagrad(Optimizer):
    """Divides by the root of the sum of all squared gradients.

    With gradient g, step t from 1 and learning rate l, all vectors (P,)::

        s = s + g^2                                                   from `initial` on
        parameters -= l / (1 + (t - 1) * rate_decay) * g / (sqrt(s) + epsilon)

    References
    ----------
    J. Duchi, E. Hazan and Y. Singer, "Adaptive subgradient methods for online learning and stochastic optimization", JMLR 2011.
    """

    type: Literal["adagrad"] = "adagrad"
    initial: float = Field(default=0.1, ge=0)
    """What the sums of squares start from."""
    rate_decay: float = Field(default=0.0, ge=0)
    """How fast the learning rate falls from step to step."""
    epsilon: float = Field(default=1e-10, gt=0)
    """Keeps the division finite."""

    def slots(self) -> Mapping[str, Slot]:
        return {"total": Slot(fill=self.initial)}

    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        return {"rate": learning_rate / (1 + (number - 1) * self.rate_decay)}

    def update(self, step: Step) -> None:
        total, parameters = step.slots.total, step.parameters
        work, scale = step.vector("work"), step.vector("scale")
        total += np.multiply(step.gradients, step.gradients, out=work)
        np.sqrt(total, out=scale)
        scale += self.epsilon
        np.divide(step.gradients, scale, out=work)
        parameters -= np.multiply(work, step.coefficients.rate, out=work)
