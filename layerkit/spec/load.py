"""Reading specs from files and strings, with every fault in its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from layerkit.component import Component, ComponentT
from layerkit.data.base import Dataset
from layerkit.diagnostics.diagnostic import Diagnostic, Lines, Location
from layerkit.diagnostics.faults import MAX_FAULTS, Fault, faults_of
from layerkit.errors import ComponentLookupError, SpecError, UnknownTypeError
from layerkit.files import read_regular_file, reason
from layerkit.metrics.base import Metric
from layerkit.registry.discovery import DISABLE_VARIABLE, installed_registry, plugins_disabled
from layerkit.registry.registry import Registry
from layerkit.spec.base import FORMAT_VERSION, REQUIREMENT
from layerkit.spec.budget import memory_faults
from layerkit.spec.cross_checks import checked_stack, data_faults, depth_faults, metric_faults
from layerkit.spec.model import ModelSpec
from layerkit.spec.override import Override
from layerkit.spec.run import RunSpec
from layerkit.spec.source import MAX_CHARACTERS, Positions, parse
from layerkit.stack.stage import Stage


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
    return parse_spec(_read(Path(path)), str(path), overrides, max_memory, registry)


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
    try:
        document = parse(text)
    except (ValueError, RecursionError):
        reading = Positions(text, wanted=())
        faults = [] if reading.broken else _applied(changes, reading.document) + _checked(reading.document, registry)[1]
        raise SpecError(_placed(faults, file, text, changes)) from None
    faults = _applied(changes, document)
    spec, found = _checked(document, registry)
    faults += memory_faults(spec, max_memory) if spec else found
    if spec is None or faults:
        raise SpecError(_placed(faults, file, text, changes))
    return spec


def _applied(changes: Iterable[Override], document: Any) -> list[Fault]:
    return [fault for change in changes for fault in change.apply(document)]


def _read(path: Path) -> str:
    file = str(path)
    try:
        content = read_regular_file(path, 4 * MAX_CHARACTERS + 1)
    except OSError as error:
        raise _refusal(file, "unreadable", f"cannot read the file: {reason(error)}") from None
    if len(content) > 4 * MAX_CHARACTERS:
        raise _refusal(file, "too_large", f"the file is longer than the {MAX_CHARACTERS} characters that a spec may have")
    if content.startswith(b"\xef\xbb\xbf"):
        raise _refusal(file, "not_utf8", "the file starts with a byte-order mark; save it as UTF-8 without one", 1, 1)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise _refusal(file, "not_utf8", f"the byte 0x{content[error.start]:02x} is not UTF-8", line, column) from None


def _refusal(file: str, code: str, message: str, line: int | None = None, column: int | None = None) -> SpecError:
    return SpecError([Diagnostic(file, (), code, message, None, line, column)])


def _spec_class(document: dict[str, Any]) -> type[RunSpec] | type[ModelSpec]:
    return ModelSpec if "model" not in document and ("layers" in document or "input_shape" in document) else RunSpec


class _Lookup:
    """A resolver that looks up each type once, and gives up where there is no end of unknown ones: advice takes its time."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._unknown: dict[tuple[type[Component], str], ComponentLookupError] = {}
        self.resolve = cache(self._resolve)  # a component has to be found for each layer of a long stack

    def _resolve(self, family: type[ComponentT], tag: str) -> type[ComponentT]:
        error = self._unknown.get((family, tag))
        if error is None:
            try:
                if len(self._unknown) <= MAX_FAULTS:
                    return self._registry.resolve(family, tag)
                error = UnknownTypeError("one unknown type too many")
            except ComponentLookupError as found:
                error = self._unknown[family, tag] = found
        raise error


def _checked(document: Any, registry: Registry | None) -> tuple[RunSpec | ModelSpec | None, list[Fault]]:
    """Return the spec, or None and what is wrong with the document: everything, unless it is more than anyone will read."""
    if not isinstance(document, dict):
        return None, [Fault((), "wrong_type", "expected an object with the spec in it")]
    spec_class = _spec_class(document)
    faults: list[Fault] = []
    version = document.get("layerkit")
    if "layerkit" not in document:
        faults.append(Fault((), "missing_version", f'missing key "layerkit", the version of the format: {FORMAT_VERSION}'))
    elif isinstance(version, int) and version > FORMAT_VERSION:
        message = (
            f"this file has format version {version}, and this layerkit reads {FORMAT_VERSION}; a newer layerkit may read it"
        )
        return None, [Fault(("layerkit",), "newer_version", message)]
    resolver = _Lookup(installed_registry() if registry is None else registry)
    try:
        # Without the words that model_validate finds for a fault: it gets its place in the file first.
        spec = spec_class.__pydantic_validator__.validate_python(document, context={"resolver": resolver, "errors": 0})
    except ValidationError as error:
        found = [replace(fault, location=_existing(fault.location, document)) for fault in faults_of(error, spec_class)]
        faults += [_with_advice(fault, document, registry) for fault in found]
        if len(faults) < MAX_FAULTS:
            known = {(fault.location, fault.code) for fault in faults}
            across = _cross_faults(document, faults, resolver)
            faults += [fault for fault in across if (fault.location, fault.code) not in known]
    return (None, faults) if faults else (_without_remarks(spec), [])


def _without_remarks(spec: RunSpec | ModelSpec) -> RunSpec | ModelSpec:
    """Return ``spec`` without what stands in a file about the file, which is no part of the meaning."""
    none: dict[str, Any] = {"schema_location": None, "plugins": None}
    if isinstance(spec, RunSpec):
        none = {**none, "model": spec.model.model_copy(update=none)}
    return spec.model_copy(update=none)


def _existing(location: Location, document: Any) -> Location:
    """Return ``location`` without the steps that are no places in the document: pydantic names the members of a union there."""
    steps = []
    for step in location:
        try:
            document = document[step]
        except (LookupError, TypeError):
            continue
        steps.append(step)
    return tuple(steps)


def _with_advice(fault: Fault, document: dict[str, Any], registry: Registry | None) -> Fault:
    """Say what to install for an unknown type, where the spec records what it was written with."""
    if fault.code != "unknown_type" or not isinstance(document.get("plugins"), dict):
        return fault
    tag: Any = document
    for step in fault.location:
        tag = tag[step]
    requirement = document["plugins"].get(tag) or document["plugins"].get(tag.rpartition(":")[2])
    if not (isinstance(requirement, str) and re.fullmatch(REQUIREMENT, requirement)):
        return fault
    if requirement.partition("==")[0] in {problem.distribution for problem in (registry or installed_registry()).problems}:
        return fault  # it is installed, and set aside: the fault says why
    advice = f"pip install {requirement}"
    missing = f"not loaded here, since {DISABLE_VARIABLE} is set" if plugins_disabled() else "not installed here"
    message = f'the type "{tag}" comes from {requirement.replace("==", " ")}, which is {missing}: {advice}'
    return replace(fault, message=message, suggestion=advice)


def _cross_faults(document: dict[str, Any], faults: Iterable[Fault], resolver: _Lookup) -> list[Fault]:
    """Return what the rules across parts find, where single values are wrong and pydantic stops short of those rules."""
    parts = _SoundParts(document, faults, resolver)
    bare = _spec_class(document) is ModelSpec
    model: Location = () if bare else ("model",)
    items = parts.found((*model, "layers"))
    places = [(*model, "layers", index) for index in range(len(items))] if isinstance(items, list) else []
    layers = [parts.component(Stage, place) for place in places]
    lengths = parts.value((*model, "input_shape"))
    input_shape = None if lengths is None else tuple(lengths)
    plans, found = checked_stack(layers, input_shape) if layers else (None, [])
    found = found or depth_faults(plans or (), around=2 if bare else 3)
    if bare:
        return found
    found = [replace(fault, location=(*model, *fault.location)) for fault in found]
    found += data_faults(parts.component(Dataset, ("data",)), plans, input_shape, parts.value(("training", "batch_size")))
    metrics = parts.value(("training", "metrics")) if plans else None
    if isinstance(metrics, list):
        read = [parts.component(Metric, ("training", "metrics", index)) for index in range(len(metrics))]
        found += metric_faults(read, plans or ())
    return found


class _SoundParts:
    """What of a faulty document has no fault in it."""

    def __init__(self, document: Any, faults: Iterable[Fault], resolver: _Lookup) -> None:
        self._document = document
        self._faulty = {fault.location[:end] for fault in faults for end in range(len(fault.location) + 1)}
        self._context = {"resolver": resolver}

    def found(self, place: Location) -> Any:
        """Return what stands at ``place``, faulty or not; None where nothing does."""
        value = self._document
        for step in place:
            try:
                value = value[step]
            except (LookupError, TypeError):
                return None
        return value

    def value(self, place: Location) -> Any:
        """Return what stands at ``place``; None where nothing does, or a fault is in it."""
        return None if place in self._faulty else self.found(place)

    def component(self, family: type[ComponentT], place: Location) -> ComponentT | None:
        """Return the component that stands at ``place``; None where nothing does, or a fault is in it."""
        value = self.value(place)
        try:
            return None if value is None else family.model_validate(value, context=self._context)
        except SpecError:  # a third party's validator may change its mind
            return None


def _placed(faults: Sequence[Fault], file: str, text: str, changes: Sequence[Override]) -> list[Diagnostic]:
    """Return ``faults`` and those of the text in its order, each with its place; those of overrides come last."""
    lines, positions = Lines(text), Positions(text, [fault.location for fault in faults])
    placed = [
        (item.offset, Diagnostic(file, item.location, item.code, item.message, **lines.excerpt(item.offset, item.length)))
        for item in positions.faults
    ]
    unread = {item.location for item in positions.faults if item.code != "duplicate_key"}
    for fault in list(dict.fromkeys(faults))[:MAX_FAULTS]:
        change = next((change for change in reversed(changes) if change.covers(fault.location)), None)
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
