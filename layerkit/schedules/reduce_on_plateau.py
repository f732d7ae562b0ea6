"""The learning rate falls when a figure gets no better."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import Field, NonNegativeInt

from layerkit import InputError, Progress, Schedule


class ReduceOnPlateau(Schedule):
    """Multiplied by ``factor`` when a figure has not become better for more than ``patience`` epochs.

    It is better where it is below ``best * (1 - threshold)``, or above ``best * (1 + threshold)`` if greater is better; after
    each reduction ``cooldown`` epochs are not counted. All is read from the history. In 10 epochs of 10 steps, with a learning
    rate of 1, a patience of 2 and a loss that stays as it is::

        step    0       1       39      40      99
        rate    1       1       1       0.1     0.01

    References
    ----------
    The rule is that of PyTorch's ``ReduceLROnPlateau`` with its relative threshold.
    """

    type: Literal["reduce_on_plateau"] = "reduce_on_plateau"
    monitor: str = Field(default="validation_loss", min_length=1)
    """Which figure: validation_loss, loss, or the name of a metric."""
    greater_is_better: bool = False
    """Whether the figure is to grow."""
    factor: float = Field(default=0.1, gt=0, lt=1)
    """What the rate is multiplied by."""
    patience: NonNegativeInt = 10
    """Epochs without a better figure that are borne."""
    threshold: float = Field(default=1e-4, ge=0, lt=1)
    """By what share a figure must differ from the best to be better."""
    cooldown: NonNegativeInt = 0
    """Epochs after a reduction that are not counted."""
    minimum: float = Field(default=0.0, ge=0)
    """Rate below which it does not fall."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls(monitor="loss", patience=2)

    def learning_rate(self, initial: float, progress: Progress) -> float:
        rate, best, bad, resting = initial, None, 0, 0
        for record in progress.history:
            figures = {"loss": record.loss, **record.metrics}
            if self.monitor not in figures:
                raise InputError(f'reduce_on_plateau watches "{self.monitor}"; an epoch has {", ".join(figures)}')
            value = figures[self.monitor]
            better = best is None or (
                value > best * (1 + self.threshold) if self.greater_is_better else value < best * (1 - self.threshold)
            )
            best, bad = (value, 0) if better else (best, bad + 1)
            if resting:
                resting, bad = resting - 1, 0
            if bad > self.patience:
                rate, resting, bad = max(rate * self.factor, self.minimum), self.cooldown, 0
        return rate
