"""Adam."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal, Self

import numpy as np
from pydantic import Field

from layerkit import Optimizer, Slot, Step


class Adam(Optimizer):
    """Adam: steps along a running mean of the gradients, each number scaled by the root of its running mean square.

    With gradient g, learning rate l and step number t from 1, m and v 0 at first::

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        parameters -= l * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + epsilon)

    With ``amsgrad`` the largest v so far stands in the last line. Weight decay is added to the gradient before; `adamw` keeps it
    apart.

    References
    ----------
    D. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1. S. Reddi, S. Kale and S. Kumar, "On
    the convergence of Adam and beyond", ICLR 2018, algorithm 2, with the corrections of bias, as in PyTorch.
    """

    type: Literal["adam"] = "adam"
    learning_rate: float = Field(default=0.001, gt=0)
    """Length of a step, before any schedule."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """Share of the mean that survives a step."""
    beta2: float = Field(default=0.999, ge=0, lt=1)
    """Share of the mean square that survives a step."""
    epsilon: float = Field(default=1e-8, gt=0)
    """What is added to the root, so that nothing is divided by 0."""
    amsgrad: bool = False
    """Scale by the largest mean square so far."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls()
        yield cls(learning_rate=0.01, beta1=0.8, beta2=0.9, weight_decay=0.1, amsgrad=True)

    def slots(self) -> Mapping[str, Slot]:
        largest = {"largest": Slot()} if self.amsgrad else {}
        return {"mean": Slot(), "square": Slot(), **largest}

    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        root = math.sqrt(1 - self.beta2**number)
        return {"rate": learning_rate * root / (1 - self.beta1**number), "epsilon": self.epsilon * root}

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
        if self.amsgrad:
            square = np.maximum(step.slots.largest, square, out=step.slots.largest)
        np.sqrt(square, out=work)
        work += step.coefficients.epsilon
        np.divide(mean, work, out=work)
        work *= step.coefficients.rate
        parameters -= work
