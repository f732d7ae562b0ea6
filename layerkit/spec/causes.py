"""Which override a fault comes from, where it is not in what the override sets: the loss that three outputs are too few for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from layerkit.diagnostics.diagnostic import Location
from layerkit.diagnostics.faults import Fault
from layerkit.spec.override import Override

_MOST_CHECKS = 20
"""Beyond so many checks of the document, a search ends where it is."""


class Causes:
    """Finds the override with which a fault appears.

    Parameters
    ----------
    changes
        The overrides, in their order.
    check
        Gives the faults of the document with so many of the overrides, from the first on.
    """

    def __init__(self, changes: Sequence[Override], check: Callable[[int], Sequence[Fault]]) -> None:
        self._changes = changes
        self._check = check
        self._found: dict[int, set[tuple[Location, str]]] = {}

    def of(self, fault: Fault) -> Override | None:
        """Return the override that a fault belongs to; None where the file itself has it."""
        for change in reversed(self._changes):
            if change.covers(fault.location):
                return change
        if not self._changes or self._there(fault, 0):
            return None
        without, with_it = 0, len(self._changes)
        while with_it - without > 1 and len(self._found) < _MOST_CHECKS:
            middle = (without + with_it) // 2
            without, with_it = (without, middle) if self._there(fault, middle) else (middle, with_it)
        return self._changes[with_it - 1]

    def _there(self, fault: Fault, count: int) -> bool:
        """Whether the fault is there with the first ``count`` overrides alone."""
        if count not in self._found:
            self._found[count] = {(other.location, other.code) for other in self._check(count)}
        return (fault.location, fault.code) in self._found[count]
