"""What a training reports, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One epoch.

    Attributes
    ----------
    epoch
        Number of the epoch, from 0.
    loss
        Mean of the losses of its steps, each weighted by its samples. A step's loss is taken before its update, so with a full
        batch this is the loss that the epoch began with.
    metrics
        Figures on the validation samples after the epoch, by name; nothing where there are none.
    learning_rate
        Length of its last step.
    seconds
        How long it took. Two records are equal whatever they took.
    """

    epoch: int
    loss: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    learning_rate: float = 0.0
    seconds: float = field(default=0.0, compare=False)

    def __str__(self) -> str:
        figures = "".join(f", {name} = {value:.4f}" for name, value in self.metrics.items())
        return f"Epoch {self.epoch:4d}, loss = {self.loss:.4f}{figures}"


class History(tuple[EpochRecord, ...]):
    """The records of a training, in order."""

    __slots__ = ()

    def __new__(cls, records: Iterable[EpochRecord] = ()) -> History:
        return super().__new__(cls, records)

    @property
    def loss(self) -> list[float]:
        """The loss of each epoch."""
        return [record.loss for record in self]
