"""The reference of the spec format, made from the JSON Schema of the built-ins."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docstring_markdown import markdown

from layerkit import builtin_registry
from layerkit.component import Component
from layerkit.registry.registration import FAMILIES
from layerkit.spec.schema import spec_schema

INTRODUCTION = """# The spec format

<!-- Made from the code by `python docs/make_reference.py`: change the docstrings, and make it anew. -->

A spec is a JSON file. It describes a whole run, or a bare model: what stands under `model` in a run, as a file of its own. Keys
that are not on this page are refused, and so are values of another kind: `"3"` is no number, and `true` is none. `1`, `1.0` and
`1e0` are one integer. There are no comments, and no key twice. `layerkit validate SPEC` shows every fault of a file;
[diagnostics.md](diagnostics.md) explains them.

Wherever a component stands, it is an object with a `type`, and its type alone will do where that says enough: `"relu"` means
`{"type": "relu"}`. A type may be written with its distribution, `"layerkit:relu"`.

This page has the built-ins. `layerkit components` lists what plugins add to them, `layerkit components TYPE` shows of any
component what stands here and its formulas, and `layerkit schema` prints it all as a JSON Schema, for editors. The classes
behind the types are in [api.md](api.md).
"""

BLOCKS = {
    "RunSpec": "A run",
    "ModelSpec": "`model`",
    "TrainingSpec": "`training`",
    "Validation": "`validation`",
    "Encoding": "`encoding`",
    "Feature": "A feature of an encoding",
    "Impute": "`impute`",
    "Writing": "`writing`",
}
"""The parts of a spec, with their headings."""

EXAMPLE = Path(__file__).parents[1] / "specs" / "iris.json"
"""A run that stands on the page."""

HEADINGS = {
    "Layer": "Layers",
    "Loss": "Losses",
    "Initializer": "Initializers",
    "Optimizer": "Optimizers",
    "Schedule": "Schedules",
    "Metric": "Metrics",
    "Dataset": "Data sets",
    "Observer": "Observers",
}
"""The families, each with its heading here and in plugins.md."""

BOUNDS = {
    "minimum": "{} or more",
    "exclusiveMinimum": "greater than {}",
    "maximum": "{} or less",
    "exclusiveMaximum": "less than {}",
    "minItems": "{} or more items",
    "maxItems": "{} or fewer items",
    "minLength": "{} or more characters",
    "maxLength": "{} or fewer characters",
    "pattern": "matches `{}`",
}
"""What a schema says of the size of a value, in words."""


def spec_page() -> str:
    """Return the page."""
    registry = builtin_registry()
    definitions = spec_schema(registry)["$defs"]
    parts = [INTRODUCTION]
    for name, title in BLOCKS.items():
        block = next(definitions[key] for key in definitions if key.rpartition(".")[2] == name)
        parts += [f"## {title}", *_description(block)]
        if name == "RunSpec":
            parts.append(f"```json\n{EXAMPLE.read_text(encoding='utf-8')}```")
    for family in FAMILIES:
        heading = HEADINGS[family.__name__]
        members = [item for item in registry.registrations if item.family is family]
        parts.append(f"## {heading}")
        if not members:
            parts.append(f"None is built in. [plugins.md](plugins.md#{_anchor(heading)}) shows how one is written.")
        for item in members:
            parts += [f"### `{item.tag}`", *_description(definitions[f"layerkit.{family.__name__}.{item.tag}"])]
            parts.append(f"```json\n{_example(item.component)}\n```")
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _description(block: dict[str, Any]) -> Iterator[str]:
    """Yield what a part of a spec is, and the table of its keys."""
    yield markdown(block["description"].split("\n\n")[0])
    keys = {key: value for key, value in block["properties"].items() if key != "type"}
    if keys:
        rows = [["key", "value", "default", "meaning"], ["---"] * 4]
        for key, value in keys.items():
            default = "required" if key in block.get("required", []) else f"`{_plainest(value['default'])}`"
            rows.append([f"`{key}`", _words(value), default, markdown(" ".join(value.get("description", "").split()))])
        yield "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)


def _words(schema: dict[str, Any]) -> str:
    """Say in words what values a schema takes."""
    if "anyOf" in schema:
        return " or ".join(map(_words, schema["anyOf"]))
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    if "enum" in schema or "const" in schema:
        return " or ".join(f"`{json.dumps(value)}`" for value in schema.get("enum", [schema.get("const")]))
    kind = schema["type"]
    if kind in ("null", "boolean"):
        return {"null": "`null`", "boolean": "`true` or `false`"}[kind]
    bounds = ", ".join(_bounds(schema))
    of = "".join(_words(schema[key]) for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict))
    return ("list" if kind == "array" else kind) + (f" ({bounds})" if bounds else "") + (f" of {of}" if of else "")


def _link(name: str) -> str:
    if name == "Stage":
        return f"{_link('Layer')} or {_link('Loss')}"
    name = name.rpartition(".")[2]
    heading = BLOCKS.get(name) or HEADINGS.get(name) or _in_snake_case(name)
    return f"[{name.lower() if name in HEADINGS else 'object'}](#{_anchor(heading)})"


def _in_snake_case(name: str) -> str:
    """Return the heading of a component that a field holds: its type."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-").replace("`", "")


def _bounds(schema: dict[str, Any]) -> Iterator[str]:
    if schema["type"] == "integer" and "exclusiveMinimum" in schema:
        schema = {**schema, "minimum": schema["exclusiveMinimum"] + 1, "exclusiveMinimum": None}
    for key, template in BOUNDS.items():
        if schema.get(key) is not None:
            yield template.format(schema[key])


def _plainest(value: Any) -> str:
    """Return a value as one would write it in a spec: a component that says nothing but its type by that alone."""
    return json.dumps(value["type"] if isinstance(value, dict) and [*value] == ["type"] else value)


def _example(component: type[Component]) -> str:
    """Return what a small instance looks like in a spec."""
    instance = next(iter(component.examples()))
    return json.dumps({"type": instance.type, **instance.model_dump(mode="json", exclude_defaults=True)})
