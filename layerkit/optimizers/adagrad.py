"""Steps scaled by all gradients so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from layerkit import Optimizer, Slot, Step


class Adagrad(Optimizer):
    """Adagrad: each number of the gradient is divided by the root of the sum of its squares so far.

    With gradient g, learning rate l and step number t from 1, s 0 at first::

        s = s + g**2
        parameters -= l / (1 + (t - 1) * rate_decay) * g / (sqrt(s) + epsilon)

    References
    ----------
    J. Duchi, E. Hazan and Y. Singer, "Adaptive subgradient methods for online learning and stochastic optimization", JMLR 2011,
    figure 1, with epsilon outside of the root, as in PyTorch.
    """

    type: Literal["adagrad"] = "adagrad"
    learning_rate: float = Field(default=0.01, gt=0)
    """Length of a step, before any schedule."""
    rate_decay: float = Field(default=0.0, ge=0)
    """How fast the learning rate falls by itself."""
    epsilon: float = Field(default=1e-10, gt=0)
    """What is added to the root, so that nothing is divided by 0."""

    def slots(self) -> Mapping[str, Slot]:
        return {"squares": Slot()}

    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        return {"rate": learning_rate / (1 + (number - 1) * self.rate_decay)}

    def work_size(self) -> int:
        return 1

    def update(self, step: Step) -> None:
        work, squares, parameters = step.vector("work"), step.slots.squares, step.parameters
        squares += np.square(step.gradients, out=work)
        np.sqrt(squares, out=work)
        work += self.epsilon
        np.divide(step.gradients, work, out=work)
        work *= step.coefficients.rate
        parameters -= work
