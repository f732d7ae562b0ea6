"""What is wrong with a document: everything at once, its single values, what to do about them, and rules across parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from layerkit.component import Component, ComponentT
from layerkit.data.base import Dataset
from layerkit.description import Description, plain
from layerkit.diagnostics.diagnostic import Location
from layerkit.diagnostics.faults import MAX_FAULTS, Fault, faults_of
from layerkit.diagnostics.foreign_keys import KEYS_MEANT
from layerkit.errors import ComponentLookupError, SpecError, UnknownTypeError
from layerkit.metrics.base import Metric
from layerkit.registry.discovery import installed_registry
from layerkit.registry.registry import Registry
from layerkit.spec.advice import Advice
from layerkit.spec.base import FORMAT_VERSION
from layerkit.spec.cross_checks import checked_stack, data_faults, depth_faults, known_facts, metric_faults
from layerkit.spec.foreign_files import foreign_file
from layerkit.spec.homes import keys_of
from layerkit.spec.model import ModelSpec
from layerkit.spec.run import RunSpec
from layerkit.spec.training import TrainingSpec
from layerkit.stack.stage import Stage

DescriptionT = TypeVar("DescriptionT", bound=Description)


def spec_class(document: dict[str, Any]) -> type[RunSpec] | type[ModelSpec]:
    """Return what a document is: a bare model has layers or their input shape, and no block of a run."""
    is_model = ("layers" in document or "input_shape" in document) and not document.keys() & {"data", "model", "training"}
    return ModelSpec if is_model else RunSpec


class Lookup:
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


_KEYS = [*keys_of(RunSpec), *keys_of(ModelSpec), *keys_of(TrainingSpec), *KEYS_MEANT]
"""What may stand at the top of a file that was meant to be a spec."""


def checked(document: Any, registry: Registry, resolver: Lookup) -> tuple[RunSpec | ModelSpec | None, list[Fault]]:
    """Return the spec, or None and what is wrong with the document: everything, unless it is more than anyone will read."""
    foreign = None if isinstance(document, dict) and "layerkit" in document else foreign_file(document, _KEYS)
    if foreign is not None:
        return None, [Fault((), "no_spec" if isinstance(document, dict) else "wrong_type", foreign)]
    root = spec_class(document)
    faults: list[Fault] = []
    version = document.get("layerkit")
    if "layerkit" not in document:
        faults.append(
            Fault((), "missing_version", f'missing key "layerkit", the version of the format; write "layerkit": {FORMAT_VERSION}')
        )
    elif isinstance(version, int) and version > FORMAT_VERSION:
        message = (
            f"this file has format version {version}, and this layerkit reads {FORMAT_VERSION}; a newer layerkit may read it"
        )
        return None, [Fault(("layerkit",), "newer_version", message)]
    spec = None
    try:
        # Without the words that model_validate finds for a fault: it gets its place in the file first.
        spec = root.__pydantic_validator__.validate_python(document, context={"resolver": resolver, "errors": 0})
    except ValidationError as error:
        faults += _explained(faults_of(error, root), document, root, registry, resolver)
    if isinstance(spec, ModelSpec) and spec.input_shape is None:
        faults.append(_shape_missing())
    return (None, faults) if faults or spec is None else (_without_remarks(spec), [])


def from_python(root: type[DescriptionT], values: Mapping[str, Any], what: str) -> DescriptionT:
    """Return the block of a spec that ``values`` describe; ``what`` is what errors call it.

    Raises
    ------
    SpecError
        With every fault, explained as those of a file are.
    """
    registry = installed_registry()
    resolver, document = Lookup(registry), plain(dict(values))
    try:
        block: DescriptionT = root.__pydantic_validator__.validate_python(document, context={"resolver": resolver, "errors": 0})
    except ValidationError as error:
        faults = _explained(faults_of(error, root, shown=repr), document, root, registry, resolver)
        raise SpecError([fault.diagnostic(what) for fault in faults[:MAX_FAULTS]]) from None
    return block


def _explained(
    faults: Iterable[Fault], document: dict[str, Any], root: type[BaseModel], registry: Registry, resolver: Lookup
) -> list[Fault]:
    """Return the faults of a document with what to do about them, and those that the rules across parts find."""
    placed = [replace(fault, location=_existing(fault.location, document)) for fault in faults]
    explained = Advice(document, root, resolver, registry).on(placed)
    if len(explained) >= MAX_FAULTS or root not in (ModelSpec, RunSpec):
        return explained
    known = {(fault.location, fault.code) for fault in explained}
    across = _cross_faults(document, explained, resolver, bare=root is ModelSpec)
    return explained + [fault for fault in across if (fault.location, fault.code) not in known]


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


def _cross_faults(document: dict[str, Any], faults: Iterable[Fault], resolver: Lookup, bare: bool) -> list[Fault]:
    """Return what the rules across parts find, where single values are wrong and pydantic stops short of those rules."""
    parts = _SoundParts(document, faults, resolver)
    model: Location = () if bare else ("model",)
    items = parts.found((*model, "layers"))
    places = [(*model, "layers", index) for index in range(len(items))] if isinstance(items, list | tuple) else []
    layers = [parts.component(Stage, place) for place in places]
    lengths = parts.value((*model, "input_shape"))
    data = None if bare else parts.component(Dataset, ("data",))
    facts, wrong = known_facts(data)
    written = parts.found((*model, "input_shape")) is not None
    input_shape = tuple(lengths) if lengths is not None else None if written else facts.input_shape
    plans, found = checked_stack(layers, input_shape) if layers else (None, [])
    found = found or depth_faults(plans or (), around=2 if bare else 3)
    if bare:
        return found if written else [*found, _shape_missing()]
    found = [replace(fault, location=(*model, *fault.location)) for fault in found]
    found += wrong + data_faults(data, facts, plans, input_shape, parts.value(("training", "batch_size")))
    metrics = parts.value(("training", "metrics")) if plans else None
    if isinstance(metrics, list):
        read = [parts.component(Metric, ("training", "metrics", index)) for index in range(len(metrics))]
        found += metric_faults(read, layers[-1])
    return found


def _shape_missing() -> Fault:
    return Fault((), "missing_key", 'missing key "input_shape", the shape of one sample, such as [64]; a bare model has no data')


class _SoundParts:
    """What of a faulty document has no fault in it."""

    def __init__(self, document: Any, faults: Iterable[Fault], resolver: Lookup) -> None:
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
