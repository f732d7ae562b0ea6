"""Where in a spec a key belongs: the block that knows it is looked for in the classes themselves."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import BaseModel

from layerkit.component import Resolver
from layerkit.diagnostics.diagnostic import Location
from layerkit.registry.registry import Registry
from layerkit.spec.anatomy import Place

_EVERYWHERE = {"type", "name"}
"""Keys of so many blocks that none of them is the one that is meant."""


class Home(NamedTuple):
    """A block that has a key: its place, and the type of the component there where the document does not say it."""

    block: Location
    key: str
    owner: str | None = None


class Homes:
    """The homes of keys in a document of the class ``root``."""

    def __init__(self, root: type[BaseModel], document: Any, resolver: Resolver, registry: Registry) -> None:
        self._start = Place(document, root)
        self._resolver = resolver
        self._registry = registry

    def of(self, key: str) -> Home | None:
        """Return the outermost block that has ``key``; one that the document has goes before one that it might have."""
        return self._outermost.get(key)

    @cached_property
    def _outermost(self) -> dict[str, Home]:
        found = sorted(self._search(self._start, ()), key=_distance, reverse=True)
        return {home.key: home for home in found}

    def _search(self, place: Place, location: Location) -> Iterator[Home]:
        family = place.family
        reader = place.reader(self._resolver)
        if reader is not None:
            yield from (Home(location, key) for key in keys_of(reader) if key not in _EVERYWHERE)
        elif family is not None:
            for item in reversed(self._registry.registrations):
                if issubclass(item.component, family):
                    yield from (Home(location, key, item.tag) for key in keys_of(item.component) if key not in _EVERYWHERE)
        if reader is not None and family is None:  # within a component, the key of another one would be a guess
            for name in keys_of(reader):
                inner = place.part(name, self._resolver)
                if inner is not None:
                    yield from self._search(inner, (*location, name))
                    yield from self._search(inner.items(), (*location, name))


def _distance(home: Home) -> tuple[bool, int, int, str]:
    """Return what is least for the home to be named; of components the one with the shortest type, which tends to be plain."""
    owner = home.owner or ""
    return home.owner is not None, len(home.block), len(owner), owner


def keys_of(reader: type[BaseModel]) -> list[str]:
    """Return the keys that an object may have."""
    return [field.alias or name for name, field in reader.model_fields.items()]
