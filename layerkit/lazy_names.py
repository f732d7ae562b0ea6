"""Public names that a package declares once, in its stub file, and that are imported on first use."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def lazy_names(
    package: str, meant: Callable[[str], str | None] = lambda name: None
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` for a package whose ``__init__.pyi`` imports its public names.

    Each stands on a line ``from package.module import Name as Name``: to a type checker, that is a name to re-export.
    ``import *`` brings all but those that begin with an underscore, as everywhere in Python. ``meant`` knows what else they are
    called.
    """
    namespace = vars(sys.modules[package])
    with open(f"{namespace['__path__'][0]}/__init__.pyi", encoding="utf-8") as stub:
        statements = ast.parse(stub.read()).body
    homes = {
        alias.name: str(statement.module)
        for statement in statements
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
        if alias.asname == alias.name
    }

    def resolve(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}{_advice(name)}")
        value = namespace[name] = getattr(import_module(homes[name]), name)
        return value

    def _advice(name: str) -> str:
        if name.startswith("_"):  # a program asks, and no person
            return ""
        from difflib import get_close_matches
        from importlib.util import find_spec

        if find_spec(f"{package}.{name}"):
            return f"; it is a module, and has to be imported: import {package}.{name}"
        in_small_letters = {known.lower(): known for known in homes}
        close = [in_small_letters[near] for near in get_close_matches(name.lower(), in_small_letters, n=1, cutoff=0.7)]
        for found in (meant(name), *close):
            if found is not None:
                return f"; did you mean {found}?"
        return f"; dir({package}) lists its names"

    def listing() -> list[str]:
        return sorted({*namespace, *homes})

    return resolve, listing, [name for name in homes if not name.startswith("_")]
