"""Paths that are given on the command line: they begin where the shell is, those in a file where the file is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from layerkit.component import Resolver
from layerkit.diagnostics.diagnostic import Location
from layerkit.spec.anatomy import Place, place_at


def begin_paths_here(document: Any, locations: Iterable[Location], root: type[BaseModel], resolver: Resolver) -> None:
    """Let the paths in what stands at ``locations`` begin at the present folder, wherever the document itself is kept.

    Which values are paths is said by the classes that read them: fields of the type `layerkit.SpecPath`.
    """
    for *around, last in locations:
        holder = place_at(root, document, tuple(around), resolver)
        part = holder and holder.part(last, resolver)
        if holder is not None and part is not None and part.value is not None:
            holder.value[last] = _from_here(part, resolver)


def _from_here(place: Place, resolver: Resolver) -> Any:
    if place.holds_path and isinstance(place.value, str) and place.value:
        return str(Path.cwd() / place.value)
    for step, part in place.parts(resolver):
        place.value[step] = _from_here(part, resolver)
    return place.value
