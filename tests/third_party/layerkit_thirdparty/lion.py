"""Lion: the sign of an interpolated momentum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from layerkit import Optimizer, Slot, Step


class Lion(Optimizer):
    """Steps of one length in every direction.

    With gradient g and learning rate l, all vectors (P,)::

        parameters -= l * sign(beta1 * m + (1 - beta1) * g)
        m = beta2 * m + (1 - beta2) * g

    References
    ----------
    X. Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023, program 1.
    """

    decoupled: ClassVar[bool | None] = True
    type: Literal["lion"] = "lion"
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """Share of the momentum in the direction of a step."""
    beta2: float = Field(default=0.99, ge=0, lt=1)
    """Share of the momentum that survives a step."""

    def slots(self) -> Mapping[str, Slot]:
        return {"momentum": Slot()}

    def update(self, step: Step) -> None:
        momentum, parameters = step.slots.momentum, step.parameters
        work, move = step.vector("work"), step.vector("move")
        np.multiply(momentum, self.beta1, out=move)
        move += np.multiply(step.gradients, 1 - self.beta1, out=work)
        np.sign(move, out=move)
        parameters -= np.multiply(move, step.coefficients.rate, out=move)
        momentum *= self.beta2
        momentum += np.multiply(step.gradients, 1 - self.beta2, out=work)
