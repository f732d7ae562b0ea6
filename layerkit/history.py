"""What a training reports, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from layerkit.html_table import html_table


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
        figures = "".join(f", {name} = {figure(value)}" for name, value in self.metrics.items())
        return f"Epoch {self.epoch:4d}, loss = {figure(self.loss)}{figures}"


def figure(value: float, places: int = 4) -> str:
    """Write a loss or a score for people: plainly, or as ``3.2145e+12`` where that would be long or show nothing but zeros."""
    plain = value == 0 or 10.0**-places <= abs(value) < 1e6
    return f"{value:.{places}f}" if plain else f"{value:.4e}"


class History(tuple[EpochRecord, ...]):
    """The records of a training, in order."""

    __slots__ = ()

    def __new__(cls, records: Iterable[EpochRecord] = ()) -> History:
        return super().__new__(cls, records)

    @property
    def loss(self) -> list[float]:
        """The loss of each epoch."""
        return [record.loss for record in self]

    def __repr__(self) -> str:
        if not self:
            return "<History of no epochs>"
        first, last = self[0], self[-1]
        figures = "".join(f", {name} {value:.4g}" for name, value in last.metrics.items())
        return f"<History of {len(self)} epochs, loss {first.loss:.4g} -> {last.loss:.4g}{figures}>"

    def _repr_html_(self) -> str:
        """Return about twenty epochs as a table, for notebooks."""
        shown = [record for record in self if is_reported(record.epoch, self[-1].epoch + 1)]
        names = [*dict.fromkeys(name for record in shown for name in record.metrics)]
        rows = [
            (record.epoch, *(f"{value:.4g}" for value in (record.loss, *map(record.metrics.get, names)) if value is not None))
            for record in shown
        ]
        return html_table(repr(self), ("epoch", "loss", *names), rows)


def is_reported(epoch: int, epochs: int, every: int | None = None) -> bool:
    """Return whether an epoch is told of: one in ``every``, by default such that there are about twenty; and the last."""
    if every is None:
        every = next(step for step in (base * 10**power for power in range(20) for base in (1, 2, 5)) if epochs <= 25 * step)
    return epoch % every == 0 or epoch == epochs - 1
