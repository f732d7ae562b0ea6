"""Steps scaled by the root of the mean square of the gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Self

import numpy as np
from pydantic import Field

from layerkit import Optimizer, Slot, Step


class RMSprop(Optimizer):
    """RMSprop: each number of the gradient is divided by the root of its running mean square.

    With gradient g, learning rate l, and s, a and v 0 at first::

        s = alpha * s + (1 - alpha) * g**2
        a = alpha * a + (1 - alpha) * g           with ``centered``, else a = 0
        v = momentum * v + g / (sqrt(s - a**2) + epsilon)
        parameters -= l * v

    Epsilon stands outside of the root, as in PyTorch; in Keras it is within.

    References
    ----------
    T. Tieleman and G. Hinton, "Lecture 6.5 - rmsprop", Neural Networks for Machine Learning, 2012; centered as in A. Graves,
    "Generating sequences with recurrent neural networks", arXiv:1308.0850, 2013, equations 38 to 41.
    """

    type: Literal["rmsprop"] = "rmsprop"
    learning_rate: float = Field(default=0.01, gt=0)
    """Length of a step, before any schedule."""
    alpha: float = Field(default=0.99, ge=0, lt=1)
    """Share of the mean square that survives a step."""
    epsilon: float = Field(default=1e-8, gt=0)
    """What is added to the root, so that nothing is divided by 0."""
    momentum: float = Field(default=0.0, ge=0, lt=1)
    """Share of the velocity that survives a step."""
    centered: bool = False
    """Divide by the deviation from the mean instead."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls()
        yield cls(alpha=0.9, momentum=0.9, weight_decay=0.1, centered=True)

    def slots(self) -> Mapping[str, Slot]:
        wanted = {"square": True, "mean": self.centered, "velocity": self.momentum > 0}
        return {name: Slot() for name, is_wanted in wanted.items() if is_wanted}

    def update(self, step: Step) -> None:
        work, square, parameters = step.vector("work"), step.slots.square, step.parameters
        np.square(step.gradients, out=work)
        work *= 1 - self.alpha
        square *= self.alpha
        square += work
        if self.centered:
            mean = step.slots.mean
            np.subtract(step.gradients, mean, out=work)
            work *= 1 - self.alpha
            mean += work
            np.square(mean, out=work)
            np.subtract(square, work, out=work)
            np.maximum(work, 0, out=work)  # rounding may leave less
            np.sqrt(work, out=work)
        else:
            np.sqrt(square, out=work)
        work += self.epsilon
        direction = np.divide(step.gradients, work, out=work)
        if self.momentum:
            velocity = step.slots.velocity
            velocity *= self.momentum
            velocity += direction
            direction = velocity
        parameters -= np.multiply(direction, step.coefficients.rate, out=work)
