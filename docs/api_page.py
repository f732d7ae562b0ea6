"""The reference of the public names, made from their docstrings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill, indent

import griffe
from docstring_markdown import markdown

import layerkit as lk

INTRODUCTION = """# Public names

<!-- Made from the code by `python docs/make_reference.py`: change the docstrings, and make it anew. -->

Everything that `layerkit` and `layerkit.testing` offer: `from layerkit import Sequential`. What a spec calls the built-in
components, and the bounds of their fields, is in [spec.md](spec.md); how a component of one's own is written, in
[plugins.md](plugins.md). What is made with wrong values raises `SpecError`, in the words that a spec file would get.
"""

SECTIONS = {
    "Networks and trainings": ("network", "training", "history"),
    "Specs": ("spec", "diagnostics", "version"),
    "Components": (),
    "Data": ("data", "tables"),
    "Errors": ("errors",),
    "For authors of components": (
        ("component", "stack", "losses", "initializers", "optimizers", "schedules", "metrics", "observers", "registry", "typing")
    ),
    "Testing": ("testing",),
}
"""What stands where: the parts of the package whose names a section has; concrete components have one of their own."""

ROOT = Path(lk.__file__).parents[1]
WIDTH = 110
"""Most characters of a line of a signature."""


def api_page() -> str:
    """Return the page."""
    package = griffe.load("layerkit", search_paths=[ROOT], allow_inspection=False)
    names = [package[name] for name in package.imports if name != "lazy_names"]
    names += [package["testing"][name] for name in package["testing"].imports if name != "lazy_names"]
    parts = [INTRODUCTION]
    for title in SECTIONS:
        members = [name.final_target for name in names if _section(name.final_target) == title]
        parts.append(f"## {title}")
        for member in sorted(members, key=_place):
            parts += _entry(member)
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _part(member: griffe.Object) -> str:
    return member.canonical_path.split(".")[1]


def _section(member: griffe.Object) -> str:
    if isinstance(member, griffe.Class) and _is_concrete(member):
        return "Components"
    return next(title for title, parts in SECTIONS.items() if _part(member) in parts)


def _place(member: griffe.Object) -> int:
    """Return where a name stands in its section: in the order of the parts there, and the order of the stub."""
    parts = SECTIONS[_section(member)]
    return parts.index(_part(member)) if parts else 0


def _is_concrete(cls: griffe.Class) -> bool:
    """Whether a spec can name this class: its ``type`` has a default."""
    if "Component" not in _bases(cls):
        return False
    return any(item.name == "type" and item.value is not None for item in _fields(cls))


def _fields(cls: griffe.Class) -> list[griffe.Attribute]:
    """Return the fields of a description, those that it inherits too."""
    members = [item.final_target if isinstance(item, griffe.Alias) else item for item in cls.all_members.values()]
    return [item for item in members if isinstance(item, griffe.Attribute) and "instance-attribute" in item.labels]


def _entry(member: griffe.Object) -> Iterator[str]:
    """Yield what stands on the page for a public name: how it is called or made, its docstring, and its members."""
    yield f"### `{member.name}`"
    yield _code(_head(member))
    yield _doc(member)
    if not isinstance(member, griffe.Class):
        return
    documented = [item for name, item in member.members.items() if item.docstring and not name.startswith("_")]
    values = [item for item in documented if isinstance(item, griffe.Attribute)]
    if values:
        yield "**Members**"
        yield "\n".join(f"- `{_typed(item)}`: {indent(_doc(item), '  ').lstrip()}" for item in values)
    for item in documented:
        if isinstance(item, griffe.Function):
            yield f"#### `{member.name}.{item.name}`"
            marks = sorted(item.labels & {"abstractmethod", "classmethod", "staticmethod"})
            yield _code(*(f"@{mark}" for mark in marks), item.signature())
            yield _doc(item)


def _head(member: griffe.Object) -> str:
    if isinstance(member, griffe.Function):
        return member.signature()
    if isinstance(member, griffe.Attribute):
        return f"{member.name} = {member.value}"
    assert isinstance(member, griffe.Class)
    if "Description" in _bases(member) and ("Component" not in _bases(member) or _is_concrete(member)):
        arguments = [_argument(item) for item in _fields(member) if item.docstring]
        return f"{member.name}({', '.join(['*', *arguments])})" if arguments else f"{member.name}()"
    if "__init__" in member.members:
        return re.sub(r"\*\w+: Never", "*", member.signature())  # such an argument is there to be refused in words
    return f"class {member.name}" + (f"({', '.join(map(str, member.bases))})" if member.bases else "")


def _argument(field: griffe.Attribute) -> str:
    """Return a field of a description as an argument with its default."""
    default = field.value
    if isinstance(default, griffe.ExprCall) and str(default.function) == "Field":
        keywords = [item for item in default.arguments if isinstance(item, griffe.ExprKeyword)]
        default = next((item.value for item in keywords if item.name == "default"), None)
    return _typed(field) + (f" = {default}" if default is not None else "")


def _typed(field: griffe.Attribute) -> str:
    if not field.annotation:
        return field.name
    return f"{field.name}: {ast.unparse(_WithoutBounds().visit(ast.parse(str(field.annotation), mode='eval')))}"


class _WithoutBounds(ast.NodeTransformer):
    """Leaves of ``Annotated[int, Field(ge=0)]`` the ``int``: bounds stand on the page about specs."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "Annotated" and isinstance(node.slice, ast.Tuple):
            return self.visit(node.slice.elts[0])  # type: ignore[no-any-return]
        return self.generic_visit(node)


def _bases(cls: griffe.Class) -> set[str]:
    return {cls.name, *(base.name for base in cls.mro())}


def _doc(member: griffe.Object) -> str:
    return markdown(member.docstring.value) if member.docstring else ""


def _code(*lines: str) -> str:
    """Return a block of code, with lines that are not too wide."""
    return "\n".join(fill(line, WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 8) for line in lines)
