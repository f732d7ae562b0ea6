"""Reading specs from files and strings, with every fault in its place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from layerkit.data.base import DatasetFacts
from layerkit.diagnostics.diagnostic import Diagnostic, Lines
from layerkit.diagnostics.faults import MAX_FAULTS, Fault
from layerkit.errors import SpecError
from layerkit.files import read_regular_file, reason
from layerkit.registry.discovery import installed_registry
from layerkit.registry.registry import Registry
from layerkit.spec.budget import memory_faults
from layerkit.spec.causes import Causes
from layerkit.spec.check import Lookup, checked, spec_class
from layerkit.spec.file_kinds import like_it, seeming
from layerkit.spec.model import ModelSpec
from layerkit.spec.override import Override
from layerkit.spec.paths import begin_paths_here
from layerkit.spec.run import RunSpec
from layerkit.spec.source import MAX_CHARACTERS, Positions, parse


def load_spec(
    path: str | Path, overrides: Sequence[str] = (), max_memory: int | None = None, registry: Registry | None = None
) -> RunSpec | ModelSpec:
    """Read the spec in a file: a run spec, or a bare model spec.

    Parameters
    ----------
    path
        A regular file of UTF-8 text.
    overrides
        Assignments such as ``model.layers[0].units=64``, made before anything is checked.
    max_memory
        Bytes that the network may take in training; None stands for what the machine has free.
    registry
        The components that the spec may name; None stands for those that are installed.

    Raises
    ------
    SpecError
        With every fault that was found, in ``diagnostics``.
    """
    try:
        return parse_spec(_read(Path(path)), str(path), overrides, max_memory, registry)
    except SpecError as error:
        raise _told_apart(error, path) from None


def parse_spec(
    text: str,
    file: str = "<string>",
    overrides: Sequence[str] = (),
    max_memory: int | None = None,
    registry: Registry | None = None,
) -> RunSpec | ModelSpec:
    """Read a spec from JSON text.

    Parameters
    ----------
    text
        The JSON.
    file
        What diagnostics call it.
    overrides, max_memory, registry
        As for `load_spec`.

    Raises
    ------
    SpecError
        With every fault that was found, in ``diagnostics``.
    """
    if len(text) + sum(map(len, overrides)) > MAX_CHARACTERS:
        what = "the text and its overrides are" if overrides else "the text is"
        raise _refusal(file, "too_large", f"{what} longer than the {MAX_CHARACTERS} characters that a spec may have")
    changes = [Override(argument) for argument in overrides]
    registry = installed_registry() if registry is None else registry

    causes = _causes(text, changes, registry, max_memory)
    try:
        document = parse(text)
    except (ValueError, RecursionError):
        reading = Positions(text, wanted=())
        faults = [] if reading.broken else _changed(reading.document, changes, registry, max_memory)[1]
        raise SpecError(_placed(faults, file, text, causes)) from None
    spec, faults = _changed(document, changes, registry, max_memory)
    if spec is None or faults:
        raise SpecError(_placed(faults, file, text, causes))
    if isinstance(spec, RunSpec):
        spec.__dict__["_origin"] = _Origin(text, file, tuple(overrides), max_memory)
    return spec


def with_facts(spec: RunSpec, facts: DatasetFacts) -> RunSpec:
    """Return a run whose model has the input shape of its data, now that the data is known.

    Raises
    ------
    SpecError
        If the model or the training does not fit the data, or the network takes more memory than there is; where the spec was
        read from a text, with the places there.
    """
    model, faults = spec.fitted_to(facts, loaded=True)
    fitted = spec.model_copy(update={"model": model})
    fitted.__dict__["_train_count"] = facts.train_count
    origin: _Origin | None = spec.__dict__.get("_origin")
    if not faults and spec.model.input_shape is None:
        faults = memory_faults(fitted, None if origin is None else origin.max_memory)
    if faults and origin is not None:
        causes = _causes(origin.text, list(map(Override, origin.overrides)), installed_registry(), origin.max_memory)
        raise SpecError(_placed(faults, origin.file, origin.text, causes))
    if faults:
        raise SpecError([fault.diagnostic(spec.name) for fault in faults])
    return fitted


class _Origin(NamedTuple):
    """Where a spec was read, so that faults that come to light later have their places."""

    text: str
    file: str
    overrides: tuple[str, ...]
    max_memory: int | None


def _causes(text: str, changes: list[Override], registry: Registry, max_memory: int | None) -> Causes:
    def with_first(count: int) -> list[Fault]:
        return _changed(Positions(text, wanted=()).document, changes[:count], registry, max_memory)[1]

    return Causes(changes, with_first)


def _told_apart(error: SpecError, path: str | Path) -> SpecError:
    """Say what is at ``path`` where it is no spec at all, or what is beside it where there is nothing."""
    first = error.diagnostics[0]
    if first.code not in ("unreadable", "not_utf8", "syntax", "too_large"):
        return error
    try:
        kind, near = seeming(Path(path)), None if os.path.lexists(path) else like_it(Path(path), ".json")
    except OSError:  # no name of a file is as long
        return error
    if kind is not None:
        return _refusal(str(path), "unreadable", f"a spec is a JSON file, and this is {kind}")
    return SpecError([replace(first, message=f"{first.message}; {near}")]) if near else error


def _changed(
    document: Any, changes: Iterable[Override], registry: Registry, max_memory: int | None
) -> tuple[RunSpec | ModelSpec | None, list[Fault]]:
    """Return the spec that a document is when changes have been made in it, or None; and what is wrong with it."""
    faults = [fault for change in changes for fault in change.apply(document)]
    resolver = Lookup(registry)
    if changes and isinstance(document, dict):
        begin_paths_here(document, [change.location for change in changes], spec_class(document), resolver)
    spec, found = checked(document, registry, resolver)
    if spec is None:
        return None, faults + found
    network = spec.model if isinstance(spec, RunSpec) else spec
    return spec, faults + (memory_faults(spec, max_memory) if network.input_shape is not None else [])


def _read(path: Path) -> str:
    try:
        content = read_regular_file(path, MAX_BYTES + 1)
    except OSError as error:
        raise _refusal(str(path), "unreadable", f"cannot read the file: {reason(error)}") from None
    return decoded(content, str(path))


MAX_BYTES = 4 * MAX_CHARACTERS
"""Longest file that a spec may have; what reads one reads a byte more, and `decoded` refuses it."""


def decoded(content: bytes, file: str) -> str:
    """Return the text of a spec, given the bytes of ``file``.

    Raises
    ------
    SpecError
        If they are too many, or no UTF-8.
    """
    if len(content) > MAX_BYTES:
        raise _refusal(file, "too_large", f"the file is longer than the {MAX_CHARACTERS} characters that a spec may have")
    if content.startswith(b"\xef\xbb\xbf"):
        raise _refusal(file, "not_utf8", "the file starts with a byte-order mark; save it as UTF-8 without one", 1, 1)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise _refusal(
            file, "not_utf8", f"the byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8", line, column
        ) from None


def _refusal(file: str, code: str, message: str, line: int | None = None, column: int | None = None) -> SpecError:
    return SpecError([Diagnostic(file, (), code, message, None, line, column)])


def _placed(faults: Sequence[Fault], file: str, text: str, causes: Causes) -> list[Diagnostic]:
    """Return ``faults`` and those of the text in its order, each with its place; those of overrides come last."""
    lines, positions = Lines(text), Positions(text, [fault.location for fault in faults])
    placed = [
        (item.offset, Diagnostic(file, item.location, item.code, item.message, **lines.excerpt(item.offset, item.length)))
        for item in positions.faults
    ]
    unread = {item.location for item in positions.faults if item.code != "duplicate_key"}
    for fault in list(dict.fromkeys(faults))[:MAX_FAULTS]:
        change = causes.of(fault)
        if change is not None:
            placed.append((len(text), change.diagnostic(fault)))
        elif fault.location not in unread:  # the text itself is wrong there, and says so
            offset, length = (positions.key(fault.location) if fault.at_key else None) or positions.value(fault.location)
            details = lines.excerpt(offset, length)
            placed.append((offset, Diagnostic(file, fault.location, fault.code, fault.message, fault.suggestion, **details)))
    diagnostics = [diagnostic for _, diagnostic in sorted(placed, key=lambda pair: pair[0])]
    if len(faults) > MAX_FAULTS:
        diagnostics.append(Diagnostic(file, (), "too_large", f"there are more than these {MAX_FAULTS} faults"))
    return diagnostics
