"""What a training reports, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterable

from layerkit.observers.base import EpochRecord


class History(tuple[EpochRecord, ...]):
    """The records of a training, in order."""

    __slots__ = ()

    def __new__(cls, records: Iterable[EpochRecord] = ()) -> History:
        return super().__new__(cls, records)

    @property
    def loss(self) -> list[float]:
        """The loss of each epoch."""
        return [record.loss for record in self]
