"""The JSON Schema of specs, with every installed component in it."""

from __future__ import annotations

import inspect
from collections import Counter
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from layerkit.component import FAMILY_KEY, Component
from layerkit.registry.registration import FAMILIES, Registration
from layerkit.registry.registry import Registry
from layerkit.spec.base import FORMAT_VERSION
from layerkit.spec.field_docs import field_docs
from layerkit.spec.run import RunSpec
from layerkit.stack.loss import Loss
from layerkit.stack.stage import Stage

DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTIFIER = f"urn:layerkit:spec:{FORMAT_VERSION}"


def spec_schema(registry: Registry) -> dict[str, Any]:
    """Return the draft 2020-12 schema of run specs and bare model specs.

    The types are a closed list: what ``registry`` holds, with fields, bounds, defaults and docstrings. Rules that tie several
    values together, such as shapes that must fit, cannot be said in a schema; the loader checks those.
    """
    definitions: dict[str, Any] = {}
    offers = Counter((item.family, item.tag) for item in registry.registrations)
    for family in FAMILIES:
        members = [item for item in registry.registrations if item.family is family]
        for item in members:
            schema, inner = _component_schema(item, unique=offers[family, item.tag] == 1)
            definitions |= {_key(item): schema, **inner}
        definitions[family.__name__] = _one_of(members, definitions)
    stages = [item for item in registry.registrations if issubclass(item.component, Stage)]
    definitions[Stage.__name__] = _one_of(stages, definitions)
    blocks: list[type[BaseModel]] = [*_blocks_within(RunSpec), RunSpec]
    for block in blocks:
        definitions[block.__name__] = _documented(block, block.model_json_schema(ref_template="#/$defs/{model}"))
        del definitions[block.__name__]["title"]
        definitions[block.__name__].pop("$defs", None)  # each block stands in the list itself
    definitions["ModelSpec"]["properties"]["layers"] |= {
        "contains": {"$ref": f"#/$defs/{Loss.__name__}"},
        "minContains": 1,
        "maxContains": 1,
    }
    return {
        "$schema": DIALECT,
        "$id": IDENTIFIER,
        "title": "layerkit spec",
        "type": "object",
        "required": ["layerkit"],
        "if": {
            "anyOf": [{"required": ["layers"]}, {"required": ["input_shape"]}],
            "not": {"anyOf": [{"required": [block]} for block in ("data", "model", "training")]},
        },
        "then": {"$ref": "#/$defs/ModelSpec", "required": ["input_shape"]},
        "else": {"$ref": "#/$defs/RunSpec"},
        "$defs": {name: _with_family_references(definitions[name]) for name in sorted(definitions)},
    }


def _key(item: Registration) -> str:
    return f"{item.distribution}.{item.family.__name__}.{item.tag}"


def _one_of(members: list[Registration], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a place where any of ``members`` may stand: as an object, or by its type where that says enough."""
    if not members:
        return {"not": {}}
    objects = {
        "type": "object",
        "required": ["type"],
        "oneOf": [{"$ref": f"#/$defs/{_key(item)}"} for item in members],
    }
    schemas = [definitions[_key(item)] for item in members]
    bare = [name for schema in schemas if schema["required"] == ["type"] for name in schema["properties"]["type"]["enum"]]
    return {"anyOf": [{"enum": bare}, objects]} if bare else objects


def _component_schema(item: Registration, unique: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the schema of a component, and those of the blocks within it by their keys in the list of definitions.

    ``unique`` says that no other distribution offers the type, so that its bare name is enough.
    """
    cls, key = item.component, _key(item)
    schema = _documented(cls, cls.model_json_schema(ref_template=f"#/$defs/{key}.{{model}}", schema_generator=_Generator))
    classes = {block.__name__: block for block in _blocks_within(cls)}
    inner = schema.pop("$defs", {})
    blocks = {f"{key}.{name}": _documented(classes[name], block) if name in classes else block for name, block in inner.items()}
    names = [f"{item.distribution}:{item.tag}"]
    if unique:
        names.insert(0, item.tag)
    schema["properties"]["type"] = {"enum": names, "description": f"{item.family.__name__} from {item.distribution}."}
    schema["required"] = ["type", *schema.get("required", [])]
    return schema, blocks


def _blocks_within(cls: type[BaseModel]) -> list[type[BaseModel]]:
    """Return the classes of the blocks that fields of a class hold, and of those within them; families are none."""
    found: list[type[BaseModel]] = []

    def look(annotation: Any) -> None:
        for inner in get_args(annotation):
            look(inner)
        is_family = isinstance(annotation, type) and issubclass(annotation, Component) and annotation.tag() is None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel) and not is_family and annotation not in found:
            found.append(annotation)
            for field in annotation.model_fields.values():
                look(field.annotation)

    for field in cls.model_fields.values():
        look(field.annotation)
    return found


class _Generator(GenerateJsonSchema):
    """Writes the plainest defaults as they are: pydantic builds an adapter for each, which is a third of the time."""

    def encode_default(self, dft: Any) -> Any:
        return dft if dft is None or type(dft) in (bool, int, float, str) else super().encode_default(dft)


def _documented(cls: type[BaseModel], schema: dict[str, Any]) -> dict[str, Any]:
    """Add the docstrings of a class and of its fields to its schema."""
    schema["description"] = inspect.cleandoc(cls.__doc__ or "")
    aliases = {field.alias or name: name for name, field in cls.model_fields.items()}
    docs = field_docs(cls)
    for key, field in schema.get("properties", {}).items():
        field.pop("title", None)
        if aliases[key] in docs:
            field["description"] = docs[aliases[key]]
    return schema


def _with_family_references(schema: Any) -> Any:
    """Replace each family's name by a reference to the list of its members."""
    if isinstance(schema, list):
        return [_with_family_references(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if FAMILY_KEY in schema:
        rest = {key: value for key, value in schema.items() if key != FAMILY_KEY}
        return {"$ref": f"#/$defs/{schema[FAMILY_KEY]}", **rest}
    return {key: _with_family_references(value) for key, value in schema.items()}
