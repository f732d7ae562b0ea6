"""What a training reports, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One epoch.

    Attributes
    ----------
    epoch
        Number of the epoch, from 0.
    loss
        Mean of the losses of its steps, each weighted by its number of samples. A step's loss is taken before its update, so
        with a full batch this is the loss that the epoch began with.
    """

    epoch: int
    loss: float

    def __str__(self) -> str:
        return f"Epoch {self.epoch:4d}, loss = {self.loss:.4f}"


class History(tuple[EpochRecord, ...]):
    """The records of a training, in order."""

    __slots__ = ()

    def __new__(cls, records: Iterable[EpochRecord] = ()) -> History:
        return super().__new__(cls, records)

    @property
    def loss(self) -> list[float]:
        """The loss of each epoch."""
        return [record.loss for record in self]
