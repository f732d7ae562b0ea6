"""Right schedules: of the step, of the epoch, of the history; and wrong ones made of them."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import numpy as np

from layerkit import Progress, Schedule
from layerkit.testing.conformance import schedules

from .catalogue import caught_by, sound


@sound
class Cosine(Schedule):
    """Half a wave of the cosine, from the initial rate to 0."""

    type: Literal["plain_cosine"] = "plain_cosine"

    def learning_rate(self, initial: float, progress: Progress) -> float:
        return initial * (1 + math.cos(math.pi * progress.step / progress.steps)) / 2


@sound
class Halving(Schedule):
    """Halves the rate after every so many epochs."""

    type: Literal["halving"] = "halving"
    every: int = 2
    """How many epochs."""

    def learning_rate(self, initial: float, progress: Progress) -> float:
        return initial * 0.5 ** (progress.epoch // self.every)


@sound
class Plateau(Schedule):
    """Halves the rate for every epoch that was no better than all before it."""

    type: Literal["plain_plateau"] = "plain_plateau"

    def learning_rate(self, initial: float, progress: Progress) -> float:
        least, rate = math.inf, initial
        for record in progress.history:
            rate = rate if record.loss < least else rate / 2
            least = min(least, record.loss)
        return rate


@caught_by(schedules.rates, r"in step 0 of 1, epoch 0 of 1: .*learning_rate raised ZeroDivisionError")
class DividesByTheStepsAfterTheFirst(Cosine):
    def learning_rate(self, initial: float, progress: Progress) -> float:
        return initial * (1 - progress.step / (progress.steps - 1))


@caught_by(schedules.rates, "learning_rate raised IndexError")
class ReadsTheLastEpoch(Plateau):
    """Forgets that there is none at first."""

    def learning_rate(self, initial: float, progress: Progress) -> float:
        return initial / (1 + progress.history[-1].loss)


@caught_by(schedules.rates, r"learning_rate returned -0\.\d+, expected a finite number of 0 or more")
class FallsBelowZero(Cosine):
    def learning_rate(self, initial: float, progress: Progress) -> float:
        return initial * (1 - 2 * progress.step / progress.steps)


@caught_by(schedules.rates, "learning_rate returned inf, expected a finite number of 0 or more")
class GrowsToInfinity(Cosine):
    def learning_rate(self, initial: float, progress: Progress) -> float:
        return initial / (1 - progress.step / progress.steps) if progress.step < 9 else math.inf


@caught_by(schedules.rates, "learning_rate returned array")
class GivesAnArray(Cosine):
    def learning_rate(self, initial: float, progress: Progress) -> Any:
        return np.full(1, initial)


@caught_by(schedules.pure, "learning_rate gives .*, and then ")
class CountsItsCalls(Cosine):
    calls: ClassVar[int] = 0

    def learning_rate(self, initial: float, progress: Progress) -> float:
        type(self).calls += 1
        return initial / self.calls


@caught_by(schedules.pure, "learning_rate gives .*, and then ")
class RemembersTheBest(Plateau):
    """Keeps the least loss in the description, so that it is never told anything new."""

    _least: float = math.inf

    def learning_rate(self, initial: float, progress: Progress) -> float:
        loss = progress.history[-1].loss if progress.history else math.inf
        worse = loss >= self._least
        object.__setattr__(self, "_least", min(self._least, loss))
        return initial / 2 if worse else initial


@caught_by(schedules.pure, "learning_rate gives .*, and then ")
class DrawsItsRate(Cosine):
    def learning_rate(self, initial: float, progress: Progress) -> float:
        return initial * float(np.random.default_rng().uniform())


@caught_by(schedules.pure, "uses global random state")
class DrawsItsRateGlobally(Cosine):
    def learning_rate(self, initial: float, progress: Progress) -> float:
        return initial * float(np.random.uniform())  # noqa: NPY002 (the mistake)


@caught_by(schedules.progress_is_kept, "learning_rate changes the progress")
class StepsOn(Cosine):
    def learning_rate(self, initial: float, progress: Progress) -> float:
        progress.step += 1
        return super().learning_rate(initial, progress)
