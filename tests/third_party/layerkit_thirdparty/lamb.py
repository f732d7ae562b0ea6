"""LAMB: Adam, with the length of each parameter's step in proportion to the parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from layerkit import Optimizer, Slot, Step


class LAMB(Optimizer):
    """Layer by layer, moves by a fixed share of what is there.

    With gradient g, step t from 1, learning rate l and weight decay d, for each parameter array w of the network::

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g^2
        r = m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon) + d * w
        w -= l * |w| / |r| * r                                with a ratio of 1 where either norm is 0

    References
    ----------
    Y. You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", ICLR 2020, algorithm 2.
    """

    decoupled: ClassVar[bool | None] = None  # the decay counts in the norm of r
    type: Literal["lamb"] = "lamb"
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """Share of the mean gradient that survives a step."""
    beta2: float = Field(default=0.999, ge=0, lt=1)
    """Share of the mean squared gradient that survives a step."""
    epsilon: float = Field(default=1e-6, gt=0)
    """Keeps the division finite."""

    def slots(self) -> Mapping[str, Slot]:
        return {"first": Slot(), "second": Slot()}

    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        return {"rate": learning_rate, "first": 1 / (1 - self.beta1**number), "second": 1 / (1 - self.beta2**number)}

    def update(self, step: Step) -> None:
        first, second, by = step.slots.first, step.slots.second, step.coefficients
        first *= self.beta1
        first += (1 - self.beta1) * step.gradients
        second *= self.beta2
        second += (1 - self.beta2) * step.gradients**2
        move = first * by.first / (np.sqrt(second * by.second) + self.epsilon)
        for place in step.layout:
            weights, part = step.parameters[place.segment], move[place.segment]
            if place.decays:
                part += self.weight_decay * weights
            size, length = np.linalg.norm(weights), np.linalg.norm(part)
            weights -= by.rate * (size / length if size and length else 1) * part
