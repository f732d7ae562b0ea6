"""Overrides from the command line: ``model.layers[0].units=64``."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from layerkit.diagnostics.diagnostic import Diagnostic, Lines, Location, path_text
from layerkit.diagnostics.faults import Fault
from layerkit.spec.source import MAX_DEPTH, TOO_DEEP, TooDeepError, parse

_PATH = re.compile(r"[\w$-]+(?:\.[\w$-]+|\[[0-9]{1,9}\])*")
_STEP = re.compile(r"\[([0-9]+)\]|([\w$-]+)")
_BARE_WORD = re.compile(r"[A-Za-z][\w./-]*")


class Override:
    """One assignment of a value to a place in a document.

    The value is JSON; a word that is no JSON, such as ``adam`` or ``data/train.csv``, is a string.
    """

    def __init__(self, argument: str) -> None:
        self.argument = argument
        path, equals, self._value = argument.partition("=")
        self._well_formed = bool(equals and _PATH.fullmatch(path))
        steps = islice(_STEP.finditer(path), MAX_DEPTH + 1) if self._well_formed else ()
        self.location: Location = tuple(int(step[1]) if step[1] else step[2] for step in steps) or (argument,)

    def covers(self, location: Location) -> bool:
        """Whether a fault at ``location`` is in what this override sets."""
        return location[: len(self.location)] == self.location

    def apply(self, document: Any) -> list[Fault]:
        """Make the assignment in ``document``; return what keeps it from being made."""
        if not self._well_formed:
            return [self._fault("expected PATH=VALUE, such as model.layers[0].units=64")]
        if len(self.location) > MAX_DEPTH:  # the rest of the path was not looked at
            return [Fault(self.location, "too_deep", TOO_DEEP)]
        try:
            value = parse(self._value, depth=len(self.location))
        except TooDeepError:
            return [Fault(self.location, "too_deep", TOO_DEEP)]
        except (ValueError, RecursionError):
            if not _BARE_WORD.fullmatch(self._value) or self._value in ("NaN", "Infinity"):
                return [self._fault("the value is no JSON; a string with spaces or marks in it stands in double quotes")]
            value = self._value
        holder: Any = document
        *steps, last = self.location
        for depth, step in enumerate(steps, start=1):
            if not _has(holder, step):
                return [self._fault(f"there is no {path_text(self.location[:depth])}")]
            holder = holder[step]
        if not _has(holder, last) and not (isinstance(holder, dict) and isinstance(last, str)):
            return [self._fault(f"there is no {path_text(self.location)}")]
        holder[last] = value
        return []

    def diagnostic(self, fault: Fault) -> Diagnostic:
        """Return ``fault`` with its place on the command line."""
        details = Lines(f"--set {self.argument}").excerpt(len("--set "), len(self.argument))
        return Diagnostic(
            "<command line>",
            fault.location,
            fault.code,
            fault.message,
            fault.suggestion,
            None,
            None,
            details["source"],
            details["marked"],
        )

    def _fault(self, message: str) -> Fault:
        return Fault(self.location, "override", message)


def _has(holder: Any, step: str | int) -> bool:
    if isinstance(step, int):
        return isinstance(holder, list) and step < len(holder)
    return isinstance(holder, dict) and step in holder
