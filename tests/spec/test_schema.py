"""The JSON Schema says what the loader says, as far as a schema can."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import jsonschema
import pytest
from jsonschema import Draft202012Validator
from pydantic import create_model

import layerkit as lk
from layerkit import Layer, ModelSpec, Registry, SpecError
from layerkit.registry.discovery import builtin_registry, installed_registry
from layerkit.registry.registration import FAMILIES, Registration
from layerkit.spec.field_docs import field_docs
from layerkit.spec.load import parse_spec
from layerkit.spec.schema import spec_schema
from layerkit.stack.stage import Stage
from layerkit.testing.examples import example

CORPUS = Path(__file__).parent / "corpus"
SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.json"))

MODEL: dict[str, Any] = {
    "layerkit": 1,
    "input_shape": [4],
    "layers": [{"type": "affine", "units": 3}, {"type": "relu"}, {"type": "crossentropy"}],
}
RUN: dict[str, Any] = {
    "layerkit": 1,
    "data": {"type": "iris"},
    "model": {"input_shape": [4], "layers": MODEL["layers"]},
    "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 2},
}


@pytest.fixture(scope="session")
def installed_schema() -> Draft202012Validator:
    """Give the schema of what a file may say here."""
    return Draft202012Validator(spec_schema(installed_registry()))


def with_change(document: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """Return a copy with one value put where ``place`` says, such as ``layers/0/units``; ``...`` takes it away."""
    changed: Any = json.loads(json.dumps(document))
    holder = changed
    *steps, last = [int(step) if step.isdigit() else step for step in place.split("/")]
    for step in steps:
        holder = holder[step]
    if value is ...:
        del holder[last]
    elif isinstance(holder, list):
        holder[last : last + 1] = [value]
    else:
        holder[last] = value
    return changed  # type: ignore[no-any-return]  # JSON has no static types


# --- what it is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", [builtin_registry, installed_registry])
def test_it_is_a_schema_of_the_dialect_that_it_names(which: Any) -> None:
    schema = spec_schema(which())
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == "urn:layerkit:spec:1"
    assert json.loads(json.dumps(schema)) == schema
    assert spec_schema(which()) == schema


def test_every_reference_leads_somewhere(registry: Registry) -> None:
    schema = spec_schema(registry)
    references = set()

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            references.update([value["$ref"]] if "$ref" in value else [])
            value = list(value.values())
        for item in value if isinstance(value, list) else ():
            collect(item)

    collect(schema)
    assert len(references) > len(registry.registrations)
    assert references <= {f"#/$defs/{name}" for name in schema["$defs"]}


def test_an_empty_registry_allows_no_component() -> None:
    schema = spec_schema(Registry([]))
    Draft202012Validator.check_schema(schema)
    assert not Draft202012Validator(schema).is_valid(MODEL)
    assert not Draft202012Validator(schema).is_valid(RUN)


def test_the_types_are_a_closed_list(registry: Registry) -> None:
    schema = spec_schema(registry)["$defs"]
    for family in FAMILIES:
        names = [schema[member["$ref"].rpartition("/")[2]]["properties"]["type"]["enum"] for member in members(schema, family)]
        offered = [item for item in registry.registrations if item.family is family]
        assert sorted(names) == sorted([item.tag, f"{item.distribution}:{item.tag}"] for item in offered)
    bare = schema["Layer"]["anyOf"][0]["enum"]
    assert {"relu", "layerkit:relu"} <= set(bare)
    assert {"affine", "layerkit:affine"}.isdisjoint(bare)  # which say nothing without their units
    assert len(members(schema, Stage)) == len(members(schema, lk.Layer)) + len(members(schema, lk.Loss))


def members(definitions: dict[str, Any], family: type[lk.Component]) -> list[dict[str, str]]:
    """Return the references to the members of a family; where there are none, nothing is allowed."""
    if definitions[family.__name__] == {"not": {}}:
        return []
    schema = definitions[family.__name__]
    listed: list[dict[str, str]] = schema.get("anyOf", [schema])[-1]["oneOf"]
    return listed


def test_a_field_stands_with_its_bounds_default_and_docstring() -> None:
    definitions = spec_schema(builtin_registry())["$defs"]
    sgd = definitions["layerkit.Optimizer.sgd"]
    assert sgd["description"].startswith("Gradient descent, with classical or Nesterov momentum.")
    assert sgd["properties"]["momentum"] == {
        "type": "number",
        "minimum": 0,
        "exclusiveMaximum": 1,
        "default": 0.0,
        "description": "Share of the velocity that survives a step.",
    }
    assert sgd["properties"]["learning_rate"]["description"] == "Length of a step, before any schedule."
    assert sgd["required"] == ["type", "learning_rate"]
    assert sgd["additionalProperties"] is False
    affine = definitions["layerkit.Layer.affine"]["properties"]
    assert affine["weight_init"] == {
        "$ref": "#/$defs/Initializer",
        "default": {"type": "xavier_uniform"},
        "description": "How the weight (D, H) starts.",
    }
    assert definitions["TrainingSpec"]["properties"]["epochs"]["exclusiveMinimum"] == 0


def test_every_field_of_every_component_and_block_is_described(registry: Registry) -> None:
    missing = [
        f"{name}.{field}"
        for name, definition in spec_schema(registry)["$defs"].items()
        for field, schema in definition.get("properties", {}).items()
        if name.count(".") < 3  # blocks within components are the component's own
        if not (definition["description"] and schema.get("description"))
    ]
    assert missing == []


def test_a_third_party_component_is_there_like_any_other(registry: Registry) -> None:
    gain = spec_schema(registry)["$defs"]["acme-layers.Layer.gain"]
    assert gain["properties"]["type"] == {"enum": ["gain", "acme-layers:gain"], "description": "Layer from acme-layers."}
    assert gain["properties"]["mode"]["enum"] == ["one", "each"]
    assert gain["properties"]["taps"]["anyOf"][0]["prefixItems"][1] == {"type": "number", "minimum": -1, "exclusiveMaximum": 1}
    assert gain["properties"]["tuning"]["$ref"] == "#/$defs/acme-layers.Layer.gain.Tuning"
    assert gain["properties"]["gain_init"]["description"] == "How the trained factors start."


def test_a_class_that_was_made_at_run_time_has_no_docstrings() -> None:
    made = create_model("Made", __base__=lk.ReLU, __doc__=None, slope=(float, 1.0), type=(Literal["made"], "made"))
    assert field_docs(made) == field_docs(lk.ReLU)
    schema = spec_schema(Registry([Registration(made, "acme-layers", "1.0")]))
    assert "description" not in schema["$defs"]["acme-layers.Layer.made"]["properties"]["slope"]


class Noted(lk.ReLU):
    """Has a field under which no docstring stands."""

    slope: float = 1.0
    print(end="")


def test_what_stands_under_a_field_is_its_docstring_only_if_it_is_one() -> None:
    assert field_docs(Noted) == field_docs(lk.ReLU)


class Holder:
    """Holds a class."""

    class Inner(lk.ReLU):
        """Stands within another class."""

        slope: float = 1.0
        """How steep it is."""


def test_a_class_within_a_class_or_a_function_has_docstrings_too() -> None:
    class Local(lk.ReLU):
        """Stands within a function."""

        slope: float = 1.0
        """How steep it is here."""

    assert field_docs(Holder.Inner)["slope"] == "How steep it is."
    assert field_docs(Local)["slope"] == "How steep it is here."


MANY = "from typing import Literal\nfrom layerkit import ReLU, hookimpl\nLAYERKIT_API = 2\n" + "".join(
    f"""
class Many{number}(ReLU):
    type: Literal["many_{number}"] = "many_{number}"
    slope: float = {number}
    'Number {number}.'
"""
    for number in range(20)
)
OFFERED = (
    "\n@hookimpl\ndef layerkit_components():\n    return [value for name, value in globals().items() if name[:4] == 'Many']\n"
)


def test_a_source_is_read_once_however_many_classes_are_in_it(
    install: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("layerkit-many", MANY + OFFERED)
    registry = installed_registry()
    assert registry.matches(Layer, "many_19")
    parsed: list[str] = []
    parse = ast.parse
    monkeypatch.setattr(ast, "parse", lambda source, *options: parsed.append(source) or parse(source, *options))
    definitions = spec_schema(registry)["$defs"]
    assert [definitions[f"layerkit-many.Layer.many_{number}"]["properties"]["slope"] for number in range(20)] == [
        {"type": "number", "default": float(number), "description": f"Number {number}."} for number in range(20)
    ]
    assert parsed.count(MANY + OFFERED) == 1
    assert len(parsed) == len(set(parsed))


def test_the_work_grows_with_the_components_and_not_with_their_square() -> None:
    def calls(count: int) -> int:
        """Return how many functions are called for a registry with that many components more."""
        made = [
            create_model(f"Made{index}", __base__=lk.ReLU, type=(Literal[f"made_{index}"], f"made_{index}"))  # type: ignore[valid-type]
            for index in range(count)
        ]
        registry = Registry([Registration(cls, "acme-layers", "1.0") for cls in made])
        for cls in made:
            cls.model_rebuild()
        spec_schema(registry)
        events: list[str] = []
        sys.setprofile(lambda frame, event, argument: events.append(event))
        try:
            spec_schema(registry)
        finally:
            sys.setprofile(None)
        return len(events)

    assert calls(400) < 4.5 * calls(100)


# --- two distributions, one type ----------------------------------------------------------------------------------


class Twin(Layer):
    """A layer whose type another distribution has too."""

    type: Literal["twin"] = "twin"

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        return inputs

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        return d_out


class OtherTwin(Twin):
    """The other one."""


@pytest.fixture
def twins() -> Registry:
    """Give a registry in which two distributions offer one type."""
    builtins = builtin_registry().registrations
    return Registry([*builtins, Registration(Twin, "acme-layers", "1.0"), Registration(OtherTwin, "bolt", "2.0")])


def test_a_type_that_two_distributions_offer_appears_qualified_only(twins: Registry) -> None:
    definitions = spec_schema(twins)["$defs"]
    names = [definitions[f"{owner}.Layer.twin"]["properties"]["type"]["enum"] for owner in ("acme-layers", "bolt")]
    assert names == [["acme-layers:twin"], ["bolt:twin"]]


@pytest.mark.parametrize(
    ("name", "sound"), [("twin", False), ("acme-layers:twin", True), ("bolt:twin", True), ("relu:twin", False)]
)
def test_a_type_that_two_distributions_offer_is_qualified(twins: Registry, name: str, sound: bool) -> None:
    document = with_change(MODEL, "layers/1", {"type": name})
    assert Draft202012Validator(spec_schema(twins)).is_valid(document) == sound
    if sound:
        spec = ModelSpec.model_validate(document, context={"resolver": twins})
        assert type(spec.layers[1]) is (Twin if name.startswith("acme") else OtherTwin)
    else:
        with pytest.raises(SpecError):
            ModelSpec.model_validate(document, context={"resolver": twins})


# --- it agrees with the loader ------------------------------------------------------------------------------------


SOUND = {
    "model": MODEL,
    "run": RUN,
    "$schema": MODEL | {"$schema": "layerkit.schema.json"},
    "$schema of a run": RUN | {"$schema": "https://example.org/layerkit.json"},
    "plugins": MODEL | {"plugins": {"swish": "layerkit-swish==1.0"}},
    "integral floats": with_change(MODEL, "layers/0/units", 3.0),
    "a type that says enough": with_change(MODEL, "layers/1", "relu"),
    "qualified, alone": with_change(MODEL, "layers/1", "layerkit:relu"),
    "a type that says enough within": with_change(MODEL, "layers/0/weight_init", "he_normal"),
    "a loss by its type": with_change(MODEL, "layers/2", "crossentropy"),
    "qualified": with_change(MODEL, "layers/1/type", "layerkit:relu"),
    "empty name": with_change(MODEL, "layers/1/name", None),
    "nested": with_change(MODEL, "layers/0/weight_init", {"type": "uniform", "low": -1, "high": 1.5}),
}

FAULTY = {
    "nothing": {},
    "a list": [],
    "null": None,
    "no version": with_change(MODEL, "layerkit", ...),
    "another version": MODEL | {"layerkit": 2},
    "true for the version": MODEL | {"layerkit": True},
    "model and layers": RUN | {"layers": MODEL["layers"]},
    "data and layers": MODEL | {"data": RUN["data"]},
    "training and layers": MODEL | {"training": RUN["training"]},
    "no data": with_change(RUN, "data", ...),
    "no layers": with_change(MODEL, "layers", []),
    "no loss": with_change(MODEL, "layers", MODEL["layers"][:2]),
    "two losses": with_change(MODEL, "layers", [*MODEL["layers"], {"type": "crossentropy"}]),
    "unknown key": MODEL | {"layer": []},
    "unknown key in a layer": with_change(MODEL, "layers/0/unit", 3),
    "missing key in a layer": with_change(MODEL, "layers/0/units", ...),
    "wrong type": with_change(MODEL, "layers/0/units", "3"),
    "true is no number": with_change(RUN, "training/epochs", True),
    "out of range": with_change(RUN, "training/optimizer/momentum", 1),
    "empty shape": MODEL | {"input_shape": []},
    "shape of many axes": MODEL | {"input_shape": [1] * 33},
    "unknown type": with_change(MODEL, "layers/1/type", "rleu"),
    "no type": with_change(MODEL, "layers/1/type", ...),
    "null for a type": with_change(MODEL, "layers/1/type", None),
    "a type that does not say enough": with_change(MODEL, "layers/1", "affine"),
    "a text that is no type": with_change(MODEL, "layers/1", "rleu"),
    "wrong family": with_change(MODEL, "layers/1/type", "zeros"),
    "wrong family in a field": with_change(MODEL, "layers/0/weight_init", {"type": "relu"}),
    "another distribution": with_change(MODEL, "layers/1/type", "numpy:relu"),
    "no distribution": with_change(MODEL, "layers/1/type", ":relu"),
    "other case": with_change(MODEL, "layers/1/type", "ReLU"),
    "padded": with_change(MODEL, "layers/1/type", "relu "),
    "wrong name": with_change(MODEL, "layers/1/name", "1st"),
    "$schema that is no text": MODEL | {"$schema": 1},
    "plugins that are no requirement": MODEL | {"plugins": {"swish": "https://example.org/x.whl"}},
}


@pytest.mark.parametrize("name", SOUND)
def test_both_take_what_is_sound(installed_schema: Draft202012Validator, name: str) -> None:
    installed_schema.validate(SOUND[name])
    assert parse_spec(json.dumps(SOUND[name]))


@pytest.mark.parametrize("name", FAULTY)
def test_both_refuse_what_is_faulty(installed_schema: Draft202012Validator, name: str) -> None:
    with pytest.raises(SpecError):
        parse_spec(json.dumps(FAULTY[name]))
    with pytest.raises(jsonschema.ValidationError):
        installed_schema.validate(FAULTY[name])


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_example_specs_are_sound(installed_schema: Draft202012Validator, path: Path) -> None:
    installed_schema.validate(json.loads(path.read_text()))


def test_both_refuse_the_corpus_as_far_as_a_schema_can(installed_schema: Draft202012Validator, strategies: ModuleType) -> None:
    refused = 0
    for name, faults in json.loads((CORPUS / "expected.json").read_text()).items():
        try:
            document = json.loads((CORPUS / name).read_text())
        except ValueError:
            continue
        expressible = strategies.EXPRESSIBLE & {code for _, _, _, code in faults}
        refused += not installed_schema.is_valid(document)
        assert not (expressible and installed_schema.is_valid(document)), name
    assert refused > 50


def test_both_take_every_example_of_a_component(installed_schema: Draft202012Validator) -> None:
    for item in installed_registry().registrations:
        if issubclass(item.component, Layer):
            document = MODEL | {"layers": [json.loads(example(item.component).model_dump_json()), {"type": "crossentropy"}]}
            installed_schema.validate(document)
            try:
                parse_spec(json.dumps(document))
            except SpecError as error:  # shapes that meet are beyond a schema
                codes = {fault.code for fault in error.diagnostics}
                assert codes <= {"shape_mismatch", "misplaced_layer"}
