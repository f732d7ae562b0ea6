"""Steps that are as long as those before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from layerkit import Optimizer, Slot, Step


class Adadelta(Optimizer):
    """Adadelta: steps have the units of the parameters, for the roots of two running mean squares are divided.

    With gradient g and learning rate l, s and u 0 at first::

        s = rho * s + (1 - rho) * g**2
        d = sqrt(u + epsilon) / sqrt(s + epsilon) * g
        u = rho * u + (1 - rho) * d**2
        parameters -= l * d

    References
    ----------
    M. Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701, 2012, algorithm 1.
    """

    type: Literal["adadelta"] = "adadelta"
    learning_rate: float = Field(default=1.0, gt=0)
    """What the steps are multiplied with, before any schedule."""
    rho: float = Field(default=0.9, ge=0, lt=1)
    """Share of the mean squares that survives a step."""
    epsilon: float = Field(default=1e-6, gt=0)
    """What is added within the roots; decides how long the first steps are."""

    def slots(self) -> Mapping[str, Slot]:
        return {"square": Slot(), "moves": Slot()}

    def update(self, step: Step) -> None:
        move, work, square, moves = step.vector("move"), step.vector("work"), step.slots.square, step.slots.moves
        np.square(step.gradients, out=work)
        work *= 1 - self.rho
        square *= self.rho
        square += work
        np.add(moves, self.epsilon, out=move)
        np.add(square, self.epsilon, out=work)
        move /= work
        np.sqrt(move, out=move)
        move *= step.gradients
        np.square(move, out=work)
        work *= 1 - self.rho
        moves *= self.rho
        moves += work
        move *= step.coefficients.rate
        parameters = step.parameters
        parameters -= move
