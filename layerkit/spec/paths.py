"""Paths within a spec, which are changed where they are to begin elsewhere than in the folder of the spec."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from layerkit.component import Resolver
from layerkit.diagnostics.diagnostic import Location
from layerkit.spec.anatomy import Place, place_at


def begin_paths_here(document: Any, locations: Iterable[Location], root: type[BaseModel], resolver: Resolver) -> None:
    """Let the paths in what stands at ``locations`` begin at the present folder, as those given on the command line do."""
    change_paths(document, locations, root, resolver, lambda path: str(Path.cwd() / path))


def change_paths(
    document: Any, locations: Iterable[Location], root: type[BaseModel], resolver: Resolver, change: Callable[[str], str]
) -> None:
    """Change the paths in what stands at ``locations`` of a document of the class ``root``, in place.

    Which values are paths is said by the classes that read them: fields of the type `layerkit.SpecPath`.
    """
    for *around, last in locations:
        holder = place_at(root, document, tuple(around), resolver)
        part = holder and holder.part(last, resolver)
        if holder is not None and part is not None and part.value is not None:
            holder.value[last] = _changed(part, resolver, change)


def _changed(place: Place, resolver: Resolver, change: Callable[[str], str]) -> Any:
    if place.holds_path and isinstance(place.value, str) and place.value:
        return change(place.value)
    for step, part in place.parts(resolver):
        place.value[step] = _changed(part, resolver, change)
    return place.value
