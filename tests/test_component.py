"""Components: strict values, frozen and hashable descriptions, and fields that take any member of a family."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from layerkit import (
    SGD,
    Affine,
    CategoricalCrossEntropy,
    Component,
    Constant,
    Dataset,
    Digits,
    HeNormal,
    Initializer,
    Layer,
    Loss,
    ModelSpec,
    Normal,
    Optimizer,
    ReLU,
    Wine,
    XavierUniform,
    Zeros,
)
from layerkit.component import ComponentT
from layerkit.diagnostics.nested_errors import flat_errors
from layerkit.errors import UnknownTypeError
from layerkit.registry.discovery import builtin_registry
from layerkit.stack.stage import Stage

DESCRIPTIONS = [
    Affine(units=3),
    Affine(units=3, name="hidden", weight_init=Normal(std=0.5), bias_init=Constant(value=0.1)),
    ReLU(),
    CategoricalCrossEntropy(name="loss"),
    SGD(learning_rate=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4),
    Digits(test_size=None, as_images=True),
    Wine(stratify=True, split_seed=7, standardize=True),
    Zeros(),
    XavierUniform(),
]


class Shelf:
    """Resolves two types, whatever the family."""

    members: ClassVar[dict[str, type[Any]]] = {"constant": Constant, "some-dist:constant": Constant, "he_normal": HeNormal}

    def resolve(self, family: type[ComponentT], tag: str) -> type[ComponentT]:
        if tag not in self.members:
            raise UnknownTypeError(f"there is no {tag}", "constant")
        return self.members[tag]


CONTEXT = {"resolver": Shelf()}


def validated(data: dict[str, Any], face: str) -> Affine:
    if face == "json":
        return Affine.model_validate_json(json.dumps(data), context=CONTEXT)
    return Affine.model_validate(data, context=CONTEXT)


@pytest.mark.parametrize(
    ("cls", "text", "key"),
    [
        (Affine, '{"units": true}', "units"),
        (Affine, '{"units": "3"}', "units"),
        (Affine, '{"units": 3.0}', "units"),
        (Affine, '{"units": null}', "units"),
        (Affine, '{"units": 0}', "units"),
        (Affine, '{"units": -1}', "units"),
        (Affine, '{"units": 3, "unit": 3}', "unit"),
        (Affine, '{"units": 3, "type": "relu"}', "type"),
        (Affine, '{"units": 3, "name": "1st"}', "name"),
        (Affine, '{"units": 3, "name": ""}', "name"),
        (Affine, '{"units": 3, "name": 7}', "name"),
        (Affine, "{}", "units"),
        (SGD, '{"learning_rate": true}', "learning_rate"),
        (SGD, '{"learning_rate": "0.1"}', "learning_rate"),
        (SGD, '{"learning_rate": NaN}', "learning_rate"),
        (SGD, '{"learning_rate": Infinity}', "learning_rate"),
        (SGD, '{"learning_rate": 1e999}', "learning_rate"),
        (SGD, '{"learning_rate": 0.1, "nesterov": 1}', "nesterov"),
        (SGD, '{"learning_rate": 0.1, "nesterov": "true"}', "nesterov"),
        (Constant, '{"value": -1e999}', "value"),
        (Digits, '{"test_size": 1}', "test_size"),
        (Digits, '{"test_size": 1e999}', "test_size"),
        (Digits, '{"split_seed": 4294967296}', "split_seed"),
        (Digits, '{"split_seed": -1}', "split_seed"),
    ],
)
@pytest.mark.parametrize("face", ["json", "python"])
def test_values_are_strict(cls: type[Component], text: str, key: str, face: str) -> None:
    with pytest.raises(ValidationError) as error:
        cls.model_validate_json(text) if face == "json" else cls(**json.loads(text))
    assert [item["loc"] for item in error.value.errors()] == [(key,)]


@pytest.mark.parametrize("value", ["1e999", "-1e999", "true", '"1"', "null", "[1.0]"])
def test_values_within_a_model_are_as_strict(value: str) -> None:
    constant = f'{{"type": "constant", "value": {value}}}'
    layers = f'[{{"type": "affine", "units": 2, "bias_init": {constant}}}, {{"type": "crossentropy"}}]'
    with pytest.raises(ValidationError, match=r"layers\.0"):
        ModelSpec.model_validate_json(f'{{"input_shape": [3], "layers": {layers}}}')


def test_an_integer_is_a_number() -> None:
    rate = SGD.model_validate_json('{"learning_rate": 1}').learning_rate
    assert (rate, type(rate)) == (1.0, float)


@pytest.mark.parametrize("component", DESCRIPTIONS, ids=repr)
def test_a_component_is_frozen(component: Component) -> None:
    before = component.model_dump()
    for name in (*type(component).model_fields, "another"):
        with pytest.raises(ValidationError, match=r"frozen|no field"):
            setattr(component, name, 1)
        with pytest.raises((ValidationError, AttributeError)):
            delattr(component, name)
    assert component.model_dump() == before


@pytest.mark.parametrize("component", DESCRIPTIONS, ids=repr)
def test_equal_components_have_one_hash(component: Component) -> None:
    twin = type(component)(**{name: getattr(component, name) for name in type(component).model_fields})
    assert twin == component
    assert twin is not component
    assert hash(twin) == hash(component)
    assert [other for other in DESCRIPTIONS if other == component] == [component]
    assert len({component, twin, *DESCRIPTIONS}) == len(DESCRIPTIONS)


@pytest.mark.parametrize("component", DESCRIPTIONS, ids=repr)
def test_a_component_survives_json(component: Component) -> None:
    data = component.model_dump(mode="json")
    assert data["type"] == component.type == type(component).tag()
    context = {"resolver": builtin_registry()}
    assert type(component).model_validate_json(component.model_dump_json(), context=context) == component
    assert type(component).model_validate(data, context=context) == component


def test_a_name_is_written_only_where_there_is_one() -> None:
    assert ReLU().model_dump() == {"type": "relu"}
    assert ReLU(name="gate").model_dump() == {"type": "relu", "name": "gate"}
    assert ReLU(name="gate").model_dump(exclude={"name"}) == {"type": "relu"}


@pytest.mark.parametrize("name", ["a", "Hidden-1", "a_b", "x" * 64])
def test_names_of_nodes(name: str) -> None:
    assert ReLU(name=name).name == name
    with pytest.raises(ValidationError, match="name"):
        ReLU(name=name + "." + "x" * 64)


@pytest.mark.parametrize(
    ("family", "noun"),
    [
        (Layer, "a layer"),
        (Loss, "a loss"),
        (Stage, "a layer or a loss"),
        (Initializer, "an initializer"),
        (Optimizer, "an optimizer"),
        (Dataset, "a dataset"),
    ],
)
def test_a_family_has_no_type_and_a_noun_with_its_article(family: type[Component], noun: str) -> None:
    assert family.tag() is None
    assert family.noun() == noun


def test_a_field_of_a_family_takes_any_member_as_an_object() -> None:
    initializer = Constant(value=2.0)
    assert Affine(units=3, weight_init=initializer).weight_init is initializer


@pytest.mark.parametrize("value", [{"type": "zeros"}, "zeros", None, Zeros, ReLU()], ids=repr)
def test_from_python_a_field_of_a_family_takes_nothing_else(value: Any) -> None:
    with pytest.raises(ValidationError, match=r"weight_init\n  Input should be an initializer"):
        Affine(units=3, weight_init=value)


@pytest.mark.parametrize("face", ["json", "python"])
def test_a_resolver_turns_types_into_members(face: str) -> None:
    data = {"units": 3, "weight_init": {"type": "constant", "value": 0.5}, "bias_init": {"type": "he_normal"}}
    assert validated(data, face) == Affine(units=3, weight_init=Constant(value=0.5), bias_init=HeNormal())


@pytest.mark.parametrize("face", ["json", "python"])
def test_a_type_may_name_its_distribution(face: str) -> None:
    layer = validated({"units": 3, "bias_init": {"type": "some-dist:constant", "value": 0.5}}, face)
    assert layer.bias_init == Constant(value=0.5)
    assert layer.bias_init.type == "constant"


def test_the_schema_of_a_field_names_the_family_alone() -> None:
    properties = Affine.model_json_schema()["properties"]
    assert properties["weight_init"]["layerkit-family"] == "Initializer"
    assert properties["weight_init"].keys().isdisjoint({"anyOf", "oneOf", "$ref", "properties"})
    assert properties["units"]["exclusiveMinimum"] == 0


@pytest.mark.parametrize(
    ("value", "loc", "code", "message"),
    [
        ({"value": 0.5}, ("type",), "missing", "Field required"),
        ({"type": 3}, ("type",), "string_type", "Input should be a valid string"),
        ({"type": None}, ("type",), "string_type", "Input should be a valid string"),
        ({"type": "konstant"}, ("type",), "unknown_type", "there is no konstant"),
        ({"type": "constant"}, ("value",), "missing", "Field required"),
        ({"type": "constant", "value": "0.5"}, ("value",), "float_type", "Input should be a valid number"),
        ({"type": "constant", "value": 0.5, "valeu": 1}, ("valeu",), "extra_forbidden", "Extra inputs are not permitted"),
        ("constant", (), "component_type", "Input should be an initializer"),
        (["constant"], (), "component_type", "Input should be an initializer"),
    ],
    ids=str,
)
@pytest.mark.parametrize("face", ["json", "python"])
def test_faults_keep_their_place(value: Any, loc: tuple[str, ...], code: str, message: str, face: str) -> None:
    with pytest.raises(ValidationError) as error:
        validated({"units": 3, "bias_init": value}, face)
    (fault,) = flat_errors(list(error.value.errors()))
    assert (fault["loc"], fault["type"], fault["msg"]) == (("bias_init", *loc), code, message)


def test_faults_carry_what_helps() -> None:
    data = {"units": 3, "weight_init": {"type": "konstant"}, "bias_init": {"type": "constant", "value": 0.5, "valeu": 1}}
    with pytest.raises(ValidationError) as error:
        Affine.model_validate(data, context=CONTEXT)
    unknown, extra = flat_errors(list(error.value.errors()))
    assert unknown["ctx"]["suggestion"] == "constant"
    assert extra["ctx"]["known_keys"] == ["type", "value"]
    assert "weight_init\n  type: there is no konstant" in str(error.value)


def test_validation_leaves_its_input_as_it_was() -> None:
    value = {"type": "constant", "value": 0.5}
    Affine.model_validate({"units": 3, "weight_init": value}, context=CONTEXT)
    assert value == {"type": "constant", "value": 0.5}


def test_validation_leaves_its_context_as_it_was() -> None:
    context = {"resolver": Shelf()}
    for value in ({"type": "constant", "value": 0.5}, {"type": "constant"}, {"type": "konstant"}) * 700:
        with suppress(ValidationError):
            Affine.model_validate({"units": 3, "weight_init": value}, context=context)
    assert context.keys() == {"resolver"}
    with pytest.raises(ValidationError, match="Field required"):
        Affine.model_validate({"units": 3, "weight_init": {"type": "constant"}}, context=context)


def test_equal_json_gives_equal_components_that_are_not_one() -> None:
    layers = [{"type": "relu"}, {"type": "relu"}, {"type": "crossentropy"}]
    one, two, _ = ModelSpec.model_validate({"input_shape": [3], "layers": layers}).layers
    assert one == two
    assert one is not two
