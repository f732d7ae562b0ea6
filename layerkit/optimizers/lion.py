"""Steps of one length, by signs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from layerkit import Optimizer, Slot, Step


class Lion(Optimizer):
    """Lion: every parameter moves by the learning rate, in the direction of the sign of a mix of gradient and running mean.

    With gradient g and learning rate l, m 0 at first; weight decay is decoupled::

        parameters -= l * sign(beta1 * m + (1 - beta1) * g)
        m = beta2 * m + (1 - beta2) * g

    References
    ----------
    X. Chen and others, "Symbolic discovery of optimization algorithms", NeurIPS 2023, algorithm 2.
    """

    decoupled: ClassVar[bool | None] = True
    type: Literal["lion"] = "lion"
    learning_rate: float = Field(default=0.0001, gt=0)
    """Length of a step, before any schedule; about a tenth of what Adam takes."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """Share of the mean in a step."""
    beta2: float = Field(default=0.99, ge=0, lt=1)
    """Share of the mean that survives a step."""

    def slots(self) -> Mapping[str, Slot]:
        return {"mean": Slot()}

    def update(self, step: Step) -> None:
        gap, work, mean = step.vector("gap"), step.vector("work"), step.slots.mean
        np.subtract(step.gradients, mean, out=gap)
        np.multiply(gap, 1 - self.beta1, out=work)
        work += mean
        gap *= 1 - self.beta2
        mean += gap
        np.sign(work, out=gap)  # into another array: in place it takes twenty times as long
        gap *= step.coefficients.rate
        parameters = step.parameters
        parameters -= gap
