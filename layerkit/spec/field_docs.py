"""The docstrings under the fields of a class, which Python itself does not keep."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from types import ModuleType

from pydantic import BaseModel

from layerkit.component import Component


def field_docs(cls: type[BaseModel]) -> dict[str, str]:
    """Return the docstring under each field of a class, its bases' fields included; none for a class made at run time."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        module = sys.modules.get(base.__module__)
        if module is not None and issubclass(base, BaseModel) and base not in (BaseModel, Component):
            docs |= _docs_in(module).get(base.__qualname__, {})
    return docs


@cache
def _docs_in(module: ModuleType) -> dict[str, dict[str, str]]:
    """Return the docstrings under the fields of each class in a module, whose source is read once for all of them."""
    try:
        tree = ast.parse(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):  # not every module has a source
        return {}
    return {name: _docs_under(definition) for name, definition in _classes(tree)}


def _classes(node: ast.AST, within: str = "") -> Iterator[tuple[str, ast.ClassDef]]:
    """Yield the class definitions below ``node`` under the names that Python gives the classes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield within + child.name, child
            yield from _classes(child, f"{within}{child.name}.")
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _classes(child, f"{within}{child.name}.<locals>.")
        elif not isinstance(child, ast.expr):
            yield from _classes(child, within)


def _docs_under(definition: ast.ClassDef) -> dict[str, str]:
    docs: dict[str, str] = {}
    for statement, following in pairwise(definition.body):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and isinstance(following, ast.Expr):
            text = getattr(following.value, "value", None)
            if isinstance(text, str):
                docs[statement.target.id] = inspect.cleandoc(text)
    return docs
