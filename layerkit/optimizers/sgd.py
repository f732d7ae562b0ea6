"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from layerkit import Optimizer, Slot, Step


class SGD(Optimizer):
    """Gradient descent, with classical or Nesterov momentum.

    With gradient g, velocity v (zero at first), momentum m and learning rate l::

        v = m * v + g
        parameters -= l * v              classical momentum [1]_; m = 0 is plain gradient descent
        parameters -= l * (g + m * v)    Nesterov momentum, in the form of [2]_

    Raises
    ------
    ValueError
        If ``nesterov`` is set without momentum.

    References
    ----------
    .. [1] B. Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.
    .. [2] I. Sutskever, J. Martens, G. Dahl and G. Hinton, "On the importance of initialization and momentum in deep
       learning", ICML 2013, with the learning rate outside the velocity, as in PyTorch.
    """

    type: Literal["sgd"] = "sgd"
    momentum: float = Field(default=0.0, ge=0, lt=1)
    """Share of the velocity that survives a step."""
    nesterov: bool = False
    """Look ahead along the velocity."""

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum greater than 0")
        return self

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls(learning_rate=0.01)
        yield cls(learning_rate=0.05, momentum=0.9, weight_decay=0.01)
        yield cls(learning_rate=0.05, momentum=0.9, nesterov=True)

    def slots(self) -> Mapping[str, Slot]:
        return {"velocity": Slot()} if self.momentum else {}

    def work_size(self) -> int:
        return 1

    def update(self, step: Step) -> None:
        work = step.vector("work")
        direction = step.gradients
        if self.momentum:
            velocity = step.slots.velocity
            velocity *= self.momentum
            velocity += step.gradients
            direction = velocity
        if self.nesterov:
            direction = np.multiply(direction, self.momentum, out=work)
            direction += step.gradients
        np.multiply(direction, step.coefficients.rate, out=work)
        parameters = step.parameters
        parameters -= work
