"""One form for each meaning of a spec."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel

from layerkit.component import Component
from layerkit.errors import RegistrationError
from layerkit.registry.discovery import builtin_registry, installed_registry
from layerkit.registry.registration import FAMILIES, Registration, canonical_name
from layerkit.registry.registry import LOCAL_DISTRIBUTION, Registry
from layerkit.spec.model import ModelSpec
from layerkit.spec.run import RunSpec
from layerkit.stack.stage import Stage


def resolved_json(spec: RunSpec | ModelSpec, registry: Registry | None = None) -> str:
    """Return ``spec`` as text with every default filled in, and the plugins that it needs; `parse_spec` reads an equal one.

    A type that several distributions offer is written with the one that it comes from. ``registry`` says what comes from where;
    None stands for what is installed.

    Raises
    ------
    RegistrationError
        If a class has the type of another one, so that the text would mean that one.
    """
    document = json.loads(spec.model_dump_json(context={"types": _unambiguous_types(spec, registry)}))
    plugins = required_plugins(spec, registry)
    return json.dumps({**document, "plugins": plugins} if plugins else document, indent=2, ensure_ascii=False)


def required_plugins(spec: RunSpec | ModelSpec, registry: Registry | None = None) -> dict[str, str]:
    """Return the types in ``spec`` that neither a built-in nor a local class has, each with its distribution and version."""
    types = _unambiguous_types(spec, registry)
    needed = {
        types.get(cls, item.tag): f"{item.distribution}=={item.version}"
        for cls, item in _foreign(spec, registry).items()
        if item.distribution != LOCAL_DISTRIBUTION
    }
    return dict(sorted(needed.items()))


def _foreign(spec: RunSpec | ModelSpec, registry: Registry | None) -> dict[type[Component], Registration]:
    """Return the registered classes in ``spec`` that are no built-ins; a class may also come from the caller's own code."""
    classes = {type(component) for component in _components(spec)}
    builtins = {item.component for item in builtin_registry().registrations}
    _refuse_impostors(classes, builtins, registry)
    classes -= builtins
    if not classes:  # then no plugin is loaded
        return {}
    known = registry or installed_registry()
    found = {item.component: item for item in known.registrations if item.component in classes}
    for cls in classes - found.keys():
        for item in known.matches(_kind(cls), cls.tag() or ""):
            raise RegistrationError(
                f'{cls.__name__} has the type "{item.tag}" of {item.component.__name__} of {item.distribution}, and would be '
                "read again as that; hand in a registry that holds it, or give it another type"
            )
    return found


def _refuse_impostors(classes: Iterable[type[Component]], builtins: Iterable[type[Component]], registry: Registry | None) -> None:
    """Refuse two classes under one type, of which only one would be read again: often a subclass that lacks a type of its own.

    Those of two plugins, or of a plugin and layerkit itself, have the same type rightly, and are written with their distribution.
    """
    owners = {(_kind(cls), cls.tag()): cls for cls in builtins}
    for cls in classes:
        other = owners.setdefault((_kind(cls), cls.tag()), cls)
        if other is cls or not (other in builtins or issubclass(cls, other) or issubclass(other, cls)):
            continue
        if not any(item.component is cls for item in (registry or installed_registry()).registrations):
            raise RegistrationError(
                f'{cls.__name__} has the type "{cls.tag()}" of {other.__name__}, and would be read again as that; give it a type '
                "of its own"
            )


def _kind(cls: type[Component]) -> type[Component]:
    kinds: tuple[type[Component], ...] = (Stage, *FAMILIES)
    return next((family for family in kinds if issubclass(cls, family)), cls)


def _unambiguous_types(spec: RunSpec | ModelSpec, registry: Registry | None) -> dict[type[Component], str]:
    """Return the classes in ``spec`` whose bare type means several things, each with its qualified type."""
    foreign = _foreign(spec, registry)
    return {
        cls: item.qualified for cls, item in foreign.items() if len((registry or installed_registry()).matches(*item.key)) > 1
    }


def _components(value: Any) -> Iterator[Component]:
    """Yield every component within ``value``, fields of fields included."""
    if isinstance(value, Component):
        yield value
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _components(getattr(value, name))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _components(item)
    elif isinstance(value, dict):
        yield from _components(list(value.values()))


def spec_hash(spec: RunSpec | ModelSpec, registry: Registry | None = None) -> str:
    """Return the SHA-256 of the resolved spec, its keys sorted: equal for equal meaning, different otherwise.

    Which keys were left out to take their defaults, the order of keys and the spelling of numbers do not matter, nor does
    ``$schema``. A type of a plugin counts with its distribution, whether or not the spec names it; ``registry`` says what comes
    from where, and None stands for what is installed.
    """
    types = {item.component: item.tag for item in builtin_registry().registrations}
    for cls, item in _foreign(spec, registry).items():
        local = item.distribution == LOCAL_DISTRIBUTION
        types[cls] = item.tag if local else f"{canonical_name(item.distribution)}:{item.tag}"
    document = _with_plain_numbers(json.loads(spec.model_dump_json(context={"types": types})))
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _with_plain_numbers(value: Any) -> Any:
    """Write every integral float as an int: JSON knows one kind of number."""
    if isinstance(value, dict):
        return {key: _with_plain_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_plain_numbers(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
