"""``layerkit components``: what is registered, and from where."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import click

from layerkit.cli.completion import types
from layerkit.cli.messages import say, say_aside, say_json
from layerkit.component import FAMILY_KEY, Component
from layerkit.errors import InputError
from layerkit.layout import listing, plain_text, terminal_width, without_marks
from layerkit.registry.discovery import installed_registry
from layerkit.registry.registration import FAMILIES, Registration
from layerkit.spec.field_docs import field_docs

_SIGNS = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}
_BOUNDS = (*_SIGNS, "multipleOf", "pattern", "minLength", "maxLength", "minItems", "maxItems")


@click.command()
@click.argument("name", required=False, shell_complete=types)
@click.option("--search", "words", metavar="WORDS", help="List those alone that have all of the words in type, text or fields.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(name: str | None, words: str | None, form: str) -> None:
    """List the registered components by families, or those of a family, or describe those of type NAME."""
    if name is not None and words is not None:
        raise click.UsageError("NAME describes one component and --search lists several; ask for one of them")
    registry = installed_registry()
    family = next((one for one in FAMILIES if name is not None and name.lower() in _names_of(one)), None)
    found: Sequence[Registration]
    if family is not None:
        found, name = [item for item in registry.registrations if item.family is family], None
    else:
        found = registry.registrations if name is None else registry.matches(Component, name)
    if name is not None and not found:
        registry.resolve(Component, name)  # says what there is instead
    if words is not None:
        found = [item for item in found if _has(item, words)]
        if not found:
            raise InputError(
                f'no component has "{words}" in its type, its description or its fields; layerkit components lists all'
            )
    items = sorted(found, key=lambda item: (FAMILIES.index(item.family), item.tag, item.distribution))
    if form == "json":
        say_json([_record(item) for item in items])
    elif name is None:
        _list(items)
    else:
        for item in items:
            _describe(item)
    for problem in registry.problems:
        say_aside(f"warning: {problem}")


def _record(item: Registration) -> dict[str, Any]:
    """Return all that is known of a component; what describes its fields comes from their JSON Schema."""
    schema, docs = item.component.model_json_schema(), field_docs(item.component)
    fields = {name: field for name, field in schema["properties"].items() if name != "type"}
    return {
        "name": item.tag,
        "family": item.family.__name__.lower(),
        "class": item.component.__name__,
        "distribution": item.distribution,
        "version": item.version,
        "doc": inspect.cleandoc(item.component.__doc__ or ""),
        "fields": [
            {
                "name": name,
                "type": _type(field),
                "required": name in schema.get("required", ()),
                "default": field.get("default"),
                "bounds": _bounds(field),
                "doc": docs.get(name, ""),
            }
            for name, field in fields.items()
        ],
    }


def _type(schema: dict[str, Any], *, limits: bool = False) -> str:
    """Name what a JSON Schema describes, with the limits of numbers if asked for."""
    if "anyOf" in schema:
        return " or ".join(_type(choice, limits=limits) for choice in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(json.dumps(value) for value in schema["enum"])
    if "prefixItems" in schema:
        return f"[{', '.join(_type(item, limits=limits) for item in schema['prefixItems'])}]"
    if "items" in schema:
        return f"list of {_type(schema['items'], limits=limits)}"
    name = schema.get(FAMILY_KEY, "").lower() or schema.get("$ref", "").rpartition("/")[2] or schema.get("type", "any")
    signs = [f"{sign} {schema[key]}" for key, sign in _SIGNS.items() if limits and key in schema]
    return " ".join([name, ", ".join(signs)]) if signs else str(name)


def _bounds(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the limits of a value in the words of JSON Schema, those of all its choices together."""
    own = {key: schema[key] for key in _BOUNDS if key in schema}
    for choice in schema.get("anyOf", ()):
        own |= _bounds(choice)
    return own


def _names_of(family: type[Component]) -> tuple[str, str]:
    """Return what one and several members of a family are called."""
    one = family.__name__.lower()
    return one, f"{one}{'es' if one.endswith('s') else 's'}"


def _has(item: Registration, words: str) -> bool:
    """Return whether each word stands somewhere in what is known of a component, whatever its case."""
    docs = field_docs(item.component)
    texts = [item.tag, item.component.__name__, item.family.__name__, item.distribution, item.component.__doc__ or ""]
    known = " ".join([*texts, *docs, *docs.values()]).casefold()
    return all(word in known for word in words.casefold().split())


def _list(items: Sequence[Registration]) -> None:
    """Print a table for each family, a row for each component, on one line as far as that can be."""
    for number, (family, members) in enumerate(groupby(items, key=lambda item: item.family)):
        say(*[""] * (number > 0), _names_of(family)[1])
        say(*listing(list(_rows(list(members)))))


def _rows(items: Sequence[Registration]) -> Iterator[tuple[str, str]]:
    room = terminal_width() - max(len(item.tag) for item in items) - 4
    for item in items:
        origin = "" if item.distribution == "layerkit" else f" ({item.distribution} {item.version})"
        yield f"  {item.tag}", _summary(item, room - len(origin)) + origin


def _summary(item: Registration, room: int) -> str:
    """Return the first line of what a component says of itself, or the first clauses of it that fit; the first at least."""
    line = without_marks((item.component.__doc__ or "").strip().split("\n")[0]).rstrip(".")
    while len(line) > room and len(clauses := re.split(r"([:;,] )", line)) > 1:
        line = "".join(clauses[:-2])
    return line


def _describe(item: Registration) -> None:
    record, properties = _record(item), item.component.model_json_schema()["properties"]
    say(f"{item.tag}: {item.family.noun()}, {record['class']}, from {item.distribution} {item.version}", "")
    say(*plain_text(record["doc"]), "")
    rows = [("field", "type", "default", "")]
    for field in record["fields"]:
        kind = _type(properties[field["name"]], limits=True)
        default = "required" if field["required"] else _value(field["default"])
        rows.append((field["name"], kind, default, " ".join(without_marks(field["doc"]).split())))
    say(*listing(rows))


def _value(value: Any) -> str:
    """Write a default as in a spec; a component with nothing but defaults by its type."""
    return str(value["type"]) if isinstance(value, dict) and [*value] == ["type"] else json.dumps(value)
