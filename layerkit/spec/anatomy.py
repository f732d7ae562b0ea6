"""What stands where in a document: the class that reads an object, and the field that reads a value."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from layerkit.component import Component, Resolver
from layerkit.diagnostics.diagnostic import Location
from layerkit.errors import ComponentLookupError
from layerkit.typing import IS_PATH


class Place(NamedTuple):
    """A place in a document: the value there, and the annotation and the field that say what it should be.

    There is no ``field`` for the document itself and for the items of lists.
    """

    value: Any
    annotation: Any
    field: FieldInfo | None = None

    @property
    def family(self) -> type[Component] | None:
        """The family of which any member may stand here."""
        return next((item for item in _classes(self.annotation) if issubclass(item, Component) and item.tag() is None), None)

    @property
    def holds_path(self) -> bool:
        """Whether the path of a file belongs here."""
        marks = [*(self.field.metadata if self.field else ()), *_marks(self.annotation)]
        return any(mark == IS_PATH for mark in marks if isinstance(mark, str))

    def reader(self, resolver: Resolver) -> type[BaseModel] | None:
        """Return the class that reads the object here; None where that cannot be known."""
        for cls in _classes(self.annotation):
            if not (issubclass(cls, Component) and cls.tag() is None):
                return cls
            tag = self.value.get("type") if isinstance(self.value, dict) else self.value
            try:
                return resolver.resolve(cls, tag) if isinstance(tag, str) else None
            except ComponentLookupError:
                return None
        return None

    def items(self, value: Any = None) -> Place:
        """Return the place of one of the items, if this is a list, with ``value`` in it."""
        return Place(value, _item(self.annotation))

    def parts(self, resolver: Resolver) -> Iterator[tuple[str | int, Place]]:
        """Yield the places within this one that the document has, each with the step that leads to it."""
        if isinstance(self.value, list):
            yield from ((index, self.items(item)) for index, item in enumerate(self.value))
        elif isinstance(self.value, dict):
            cls = self.reader(resolver)
            fields = {} if cls is None else {field.alias or name: field for name, field in cls.model_fields.items()}
            for key in fields.keys() & self.value.keys():
                yield key, Place(self.value[key], fields[key].annotation, fields[key])

    def part(self, step: str | int, resolver: Resolver) -> Place | None:
        """Return the place one step further in, which the document may not have; None where nothing belongs there."""
        if isinstance(step, int):
            there = isinstance(self.value, list | tuple) and step < len(self.value)
            return self.items(self.value[step] if there else None)
        cls = self.reader(resolver)
        for name, field in {} if cls is None else cls.model_fields.items():
            if step == (field.alias or name):
                return Place(self.value.get(step) if isinstance(self.value, dict) else None, field.annotation, field)
        return None


def place_at(root: type[BaseModel], document: Any, location: Location, resolver: Resolver) -> Place | None:
    """Return what is at ``location`` in a document of the class ``root``; None where nothing that is known belongs there."""
    place: Place | None = Place(document, root)
    for step in location:
        place = place and place.part(step, resolver)
    return place


def _alternatives(annotation: Any) -> Iterator[Any]:
    """Yield what an annotation is without the marks around it; the members of a union one by one."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _alternatives(member)
    else:
        yield annotation


def _classes(annotation: Any) -> Iterator[type[BaseModel]]:
    for item in _alternatives(annotation):
        if isinstance(item, type) and get_origin(item) is None and issubclass(item, BaseModel):
            yield item


def _item(annotation: Any) -> Any:
    """Return the annotation of the items of a list."""
    for item in _alternatives(annotation):
        if get_origin(item) in (tuple, list):
            return get_args(item)[0]
    return None


def _marks(annotation: Any) -> Iterator[Any]:
    """Yield the marks of an annotation, those within a union included."""
    if get_origin(annotation) is Annotated:
        yield from annotation.__metadata__
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _marks(member)
