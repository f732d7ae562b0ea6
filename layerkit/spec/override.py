"""Overrides from the command line: ``model.layers[0].units=64``."""

from __future__ import annotations

import difflib
import json
import re
import shlex
from itertools import islice
from typing import Any

from layerkit.diagnostics.diagnostic import Diagnostic, Lines, Location, path_text, shortened
from layerkit.diagnostics.faults import Fault
from layerkit.spec.source import MAX_DEPTH, TOO_DEEP, Positions, TooDeepError, parse
from layerkit.spec.spelling import number_like, number_meant, quoted_otherwise

_PATH = re.compile(r"[\w$-]+(?:\.[\w$-]+|\[[0-9]{1,9}\])*")
_STEP = re.compile(r"\[([0-9]+)\]|([\w$-]+)")
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
_WORDS_OF_JSON = {"true": "true", "false": "false", "null": "null", "none": "null"}


class Override:
    """One assignment of a value to a place in a document.

    The value is JSON; what is no JSON and was not meant as such, like ``float64``, ``../weights.safetensors`` or ``my run``, is a
    string.
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
            hint = "; items count from 0" if "[-" in self.argument else ""
            return [self._fault(f"expected PATH=VALUE, such as model.layers[0].units=64{hint}")]
        if len(self.location) > MAX_DEPTH:  # the rest of the path was not looked at
            return [Fault(self.location, "too_deep", TOO_DEEP)]
        try:
            value = parse(self._value, depth=len(self.location))
        except TooDeepError:
            return [Fault(self.location, "too_deep", TOO_DEEP)]
        except (ValueError, RecursionError):
            refusal = self._refusal()
            if refusal is not None:
                return [self._fault(refusal)]
            value = self._value
        holder: Any = document
        *steps, last = self.location
        for depth, step in enumerate(steps, start=1):
            if not _has(holder, step):
                return [self._no_place(holder, depth)]
            holder = holder[step]
        if not _has(holder, last) and not (isinstance(holder, dict) and isinstance(last, str)):
            return [self._no_place(holder, len(self.location))]
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

    def _refusal(self) -> str | None:
        """Return what is wrong with a value that was meant as JSON and is none; None for a string."""
        value = self._value
        if not value:
            return 'there is no value behind the "="; a text without characters is written as ""'
        if value.lower() in _WORDS_OF_JSON and value != "none":
            return f"JSON has no word {value}; write {_WORDS_OF_JSON[value.lower()]}"
        if value[0] in '[{"' or value in _NOT_FINITE or (number_like(value, 0) == value and _is_number(value)):
            return Positions(value, wanted=()).faults[0].message
        quoted = quoted_otherwise(value, 0)
        if quoted is not None and quoted[0] == len(value):
            meant = f"{path_text(self.location)}={json.dumps(value[1:-1], ensure_ascii=False)}"
            return f"{quoted[1]}, as in --set {shlex.quote(meant)}"
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            return "some bytes of this are no text in the encoding of the terminal; write UTF-8"
        return None

    def _no_place(self, holder: Any, depth: int) -> Fault:
        """Return the fault that the first ``depth`` steps lead nowhere; all but the last lead to ``holder``."""
        step, around = self.location[depth - 1], path_text(self.location[: depth - 1])
        message = f"there is no {path_text(self.location[:depth])}"
        if isinstance(holder, list):
            if isinstance(step, str) and step.isdigit():
                return self._fault(f"{message}; items are written in brackets: {around}[{int(step[:9])}]")
            return self._fault(
                f"{message}; {around} has {len(holder)} items" + (f", [0] to [{len(holder) - 1}]" if holder else "")
            )
        if not isinstance(holder, dict):
            return self._fault(f"{message}; {around or 'the document'} is no object, set it as a whole")
        if isinstance(step, int):
            return self._fault(f"{message}; {around} is no list, its keys are {shortened(', '.join(list(holder)[:8]), 100)}")
        nearest = difflib.get_close_matches(step[:64], list(holder)[:100], n=1)
        if nearest:
            return self._fault(f"{message}; did you mean {path_text((*self.location[: depth - 1], *nearest))}?")
        return self._fault(f"{message}; set it as a whole: --set '{path_text(self.location[:depth])}={{...}}'")

    def _fault(self, message: str) -> Fault:
        return Fault(self.location, "override", message)


def _is_number(text: str) -> bool:
    try:
        float(text)  # one that is too large is infinite
    except ValueError:
        return number_meant(text) is not None
    return True


def _has(holder: Any, step: str | int) -> bool:
    if isinstance(step, int):
        return isinstance(holder, list) and step < len(holder)
    return isinstance(holder, dict) and step in holder
