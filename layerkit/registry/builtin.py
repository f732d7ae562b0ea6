"""Plugin number zero: the built-in components, registered as any other distribution registers its own."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Sequence
from importlib import import_module
from types import ModuleType

import layerkit
from layerkit import Component, hookimpl

PLACES = ("data", "initializers", "layers", "losses", "metrics", "observers", "optimizers", "schedules")
"""The folders and modules of layerkit that hold nothing but components; what is put there is a built-in, and needs no list."""


@hookimpl
def layerkit_components() -> Sequence[type[Component]]:
    return [component for module in _modules() for component in _defined_in(module)]


def _modules() -> Iterator[ModuleType]:
    for place in pkgutil.iter_modules(layerkit.__path__, "layerkit."):
        if place.name.removeprefix("layerkit.") in PLACES:
            module = import_module(place.name)
            yield module
            for inner in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{place.name}."):
                yield import_module(inner.name)


def _defined_in(module: ModuleType) -> Iterator[type[Component]]:
    """Yield the components that specs can name, and not what the module imports."""
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Component) and value.__module__ == module.__name__ and value.tag():
            yield value
