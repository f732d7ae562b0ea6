"""The learning rate in the course of a training, drawn with the signs that every terminal has."""

from __future__ import annotations

import math
from collections.abc import Iterator

from layerkit.blame import Blame, number_from
from layerkit.history import EpochRecord
from layerkit.layout import terminal_width
from layerkit.schedules.base import Progress
from layerkit.spec.run import RunSpec

WIDTH, HEIGHT = 60, 8


def rate_plot(spec: RunSpec) -> Iterator[str]:
    """Yield the lines of a plot of the learning rate of each step, where a schedule changes it.

    What looks at figures sees ones that never change.

    Raises
    ------
    ComponentError
        If the schedule fails.
    """
    training, count = spec.training, spec.train_count
    if training.schedule is None or count is None:
        return
    each = math.ceil(count / (training.batch_size or count))
    steps = each * training.epochs
    width = max(8, min(WIDTH, terminal_width() - 12, steps))
    places = [round(column * (steps - 1) / max(1, width - 1)) for column in range(width)]
    rates = [_rate(spec, step, steps, each) for step in places]
    highest = max(rates) or 1.0
    yield f"learning rate by steps, from {rates[0]:.3g} to {rates[-1]:.3g}, {training.schedule.type}:"
    yield ""
    for row in range(HEIGHT, 0, -1):
        label = f"{highest:.3g}" if row == HEIGHT else "0" if row == 1 else ""
        marks = "".join("*" if max(1, math.ceil(rate / highest * HEIGHT)) == row else " " for rate in rates)
        yield f"{label:>8} |{marks}".rstrip()
    yield f"{'':>8} +{'-' * width}"
    yield f"{'':>8}  0{f'{steps - 1:,}':>{width - 1}}"


def _rate(spec: RunSpec, step: int, steps: int, each: int) -> float:
    schedule, epoch = spec.training.schedule, step // each
    assert schedule is not None
    figures = {"validation_loss": 1.0, **{metric.label: 1.0 for metric in spec.training.metrics}}
    history = [EpochRecord(number, 1.0, figures) for number in range(epoch)]
    progress = Progress(step, steps, epoch, spec.training.epochs, history)
    with Blame(schedule, "learning_rate"):
        rate = schedule.learning_rate(spec.training.optimizer.learning_rate, progress)
    return number_from(schedule, "learning_rate", rate)
