"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from layerkit import Array, Optimizer


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

    @property
    def slots(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def update(self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        if not self.momentum:
            parameters -= learning_rate * gradients
            return
        velocity = slots["velocity"]
        velocity *= self.momentum
        velocity += gradients
        parameters -= learning_rate * velocity if not self.nesterov else learning_rate * (gradients + self.momentum * velocity)
