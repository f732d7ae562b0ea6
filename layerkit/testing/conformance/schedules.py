"""What schedules promise: a learning rate for every step, which depends on how far the training is and on nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import deepcopy

import numpy as np

from layerkit.history import EpochRecord
from layerkit.schedules.base import Progress, Schedule
from layerkit.testing.conformance.descriptions import json_copy
from layerkit.testing.conformance.verdicts import blaming, given, global_randomness_kept, require

INITIAL = 0.1
TRAININGS = ((1, 1), (1, 7), (2, 1), (12, 3))
"""Epochs, and steps an epoch, of the trainings that are gone through."""


def rates(schedule: Schedule, rng: np.random.Generator) -> None:
    """The rate is a finite number of 0 or more in every step of a training, however short it is and whatever its losses are."""
    for progress in _every_step(rng):
        with given(_place(progress)):
            rate = _rate(schedule, progress)
            sound = isinstance(rate, float | int) and math.isfinite(rate) and rate >= 0
            require(sound, f"{type(schedule).__name__}.learning_rate returned {rate!r}, expected a finite number of 0 or more")


def pure(schedule: Schedule, rng: np.random.Generator) -> None:
    """The same progress gives the same rate, in whatever order steps are asked for, and after reading the schedule from JSON."""
    steps = list(_every_step(rng))
    first = [_rate(schedule, progress) for progress in steps]
    with global_randomness_kept(schedule, "learning_rate"):
        backwards = [_rate(schedule, progress) for progress in reversed(steps)][::-1]
    again = json_copy(schedule)
    for progress, wanted, actual in zip(steps, first, backwards, strict=True):
        with given(_place(progress)):
            for rate in (actual, _rate(again, progress)):
                require(rate == wanted, f"{type(schedule).__name__}.learning_rate gives {wanted!r}, and then {rate!r}")


def progress_is_kept(schedule: Schedule, rng: np.random.Generator) -> None:
    """``learning_rate`` does not write into the progress."""
    for progress in _every_step(rng):
        kept = deepcopy(progress)
        _rate(schedule, progress)
        require(progress == kept, f"{type(schedule).__name__}.learning_rate changes the progress: {kept} became {progress}")


def _rate(schedule: Schedule, progress: Progress) -> float:
    with blaming(schedule, "learning_rate"):
        return schedule.learning_rate(INITIAL, progress)


def _place(progress: Progress) -> str:
    return f"in step {progress.step} of {progress.steps}, epoch {progress.epoch} of {progress.epochs}"


def _every_step(rng: np.random.Generator) -> Iterator[Progress]:
    """Yield the progress before each step of some trainings: with losses that fall, that rise, and that stay as they are."""
    for epochs, batches in TRAININGS:
        for trend in (-1.0, 0.0, 1.0):
            losses = np.maximum(5 + trend * np.arange(epochs) + 0.1 * abs(trend) * rng.standard_normal(epochs), 0)
            records = [EpochRecord(epoch, loss, {"validation_loss": loss}, INITIAL) for epoch, loss in enumerate(losses.tolist())]
            for step in range(epochs * batches):
                epoch = step // batches
                yield Progress(step, epochs * batches, epoch, epochs, tuple(records[:epoch]))


SCHEDULE_CHECKS = (rates, pure, progress_is_kept)
