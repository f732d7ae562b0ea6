"""One form for each meaning of a spec."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from layerkit.component import Component
from layerkit.registry.discovery import builtin_registry, installed_registry
from layerkit.spec.model import ModelSpec
from layerkit.spec.run import RunSpec


def resolved_json(spec: RunSpec | ModelSpec) -> str:
    """Return ``spec`` as text with every default filled in, and the plugins that it needs; `parse_spec` reads an equal one."""
    document = json.loads(spec.model_dump_json())
    plugins = required_plugins(spec)
    return json.dumps({**document, "plugins": plugins} if plugins else document, indent=2, ensure_ascii=False)


def required_plugins(spec: RunSpec | ModelSpec) -> dict[str, str]:
    """Return the types in ``spec`` that no built-in has, each with its distribution and version."""
    builtins = {item.component for item in builtin_registry().registrations}
    foreign = {type(component) for component in _components(spec)} - builtins
    if not foreign:
        return {}
    owners = {item.component: item for item in installed_registry().registrations}
    found = [owners[cls] for cls in foreign if cls in owners]  # a class may also come from the caller's own code
    return {item.tag: f"{item.distribution}=={item.version}" for item in sorted(found, key=lambda item: item.tag)}


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


def spec_hash(spec: RunSpec | ModelSpec) -> str:
    """Return the SHA-256 of the resolved spec, its keys sorted: equal for equal meaning, different otherwise.

    Which keys were left out to take their defaults, the order of keys and the spelling of numbers do not matter, nor does
    ``$schema``.
    """
    document = _with_plain_numbers(json.loads(spec.model_dump_json()))
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
