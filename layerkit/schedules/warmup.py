"""The learning rate grows before anything else is done with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import Field, PositiveInt

from layerkit import CosineDecay, Progress, Schedule, Unit


class Warmup(Schedule):
    """Grows in a straight line to the initial rate, then follows another schedule, which begins there.

    With t done of a ``length`` of L: ``initial * (start + (1 - start) * t / L)``. The other schedule sees a training that begins
    after the warm-up. In 10 epochs of 10 steps, with a learning rate of 1 and a warm-up of 10 steps::

        step    0       1       9       10      99
        rate    0.1     0.19    0.91    1       1

    References
    ----------
    P. Goyal and others, "Accurate, large minibatch SGD: training ImageNet in 1 hour", arXiv:1706.02677, 2017, section 2.2.
    """

    type: Literal["warmup"] = "warmup"
    length: PositiveInt = Field(examples=[10])
    """How many steps or epochs it takes."""
    start: float = Field(default=0.1, gt=0, le=1)
    """Share of the rate that it starts from."""
    then: Schedule | None = None
    """What follows; null for the rate as it is."""
    unit: Unit = "step"
    """What is counted."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls(length=10)
        yield cls(length=20, then=CosineDecay())

    def learning_rate(self, initial: float, progress: Progress) -> float:
        done, _ = progress.counted(self.unit)
        if done < self.length:
            return initial * (self.start + (1 - self.start) * done / self.length)
        return initial if self.then is None else self.then.learning_rate(initial, progress.after(self.length, self.unit))
