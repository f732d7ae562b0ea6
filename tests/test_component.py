"""Components: strict values, frozen and hashable descriptions, and fields that take any member of a family."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any, ClassVar

import numpy as np
import pytest

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
from layerkit.errors import InputError, SpecError, UnknownTypeError
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
    with pytest.raises(SpecError) as error:
        cls.model_validate_json(text) if face == "json" else cls(**json.loads(text))
    assert {item.location or (key,) for item in error.value.diagnostics} == {(key,)}


@pytest.mark.parametrize("value", ["1e999", "-1e999", "true", '"1"', "null", "[1.0]"])
def test_values_within_a_model_are_as_strict(value: str) -> None:
    constant = f'{{"type": "constant", "value": {value}}}'
    layers = f'[{{"type": "affine", "units": 2, "bias_init": {constant}}}, {{"type": "crossentropy"}}]'
    with pytest.raises(SpecError, match=r"layers\[0\]"):
        ModelSpec.model_validate_json(f'{{"input_shape": [3], "layers": {layers}}}')


def test_an_integer_is_a_number() -> None:
    rate = SGD.model_validate_json('{"learning_rate": 1}').learning_rate
    assert (rate, type(rate)) == (1.0, float)


@pytest.mark.parametrize("component", DESCRIPTIONS, ids=repr)
def test_a_component_is_frozen(component: Component) -> None:
    before = component.model_dump()
    for name in (*type(component).model_fields, "another"):
        with pytest.raises(InputError, match="frozen"):
            setattr(component, name, 1)
        with pytest.raises(InputError, match="frozen"):
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
    with pytest.raises(SpecError, match="name"):
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


@pytest.mark.parametrize("value", [{"type": "zeros"}, "zeros", "layerkit:zeros", Zeros()], ids=repr)
def test_an_object_its_json_and_its_type_alone_mean_the_same(value: Any) -> None:
    layer = Affine(units=3, weight_init=value)
    assert layer == Affine(units=3, weight_init=Zeros())
    assert json.loads(layer.model_dump_json())["weight_init"]["type"] in ("zeros", "layerkit:zeros")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "expected an initializer, received None"),
        (Zeros, "expected an initializer, received the class Zeros; write Zeros()"),
        (Constant, "expected an initializer, received the class Constant; write Constant(value=0.1)"),
        (ReLU, "expected an initializer, received <class "),
        (ReLU(), "expected an initializer, received ReLU("),
        ("constant", '"constant" alone does not say enough; write {"type": "constant", "value": 0.1}'),
        ("zeroes", 'no installed distribution offers an initializer of type "zeroes"; did you mean "zeros"?'),
        ("relu", '"relu" is a layer; expected an initializer'),
        ({"type": "constant", "value": "1"}, "Affine: weight_init.value: expected a number, received '1'"),
    ],
    ids=repr,
)
def test_from_python_a_field_of_a_family_takes_nothing_else(value: Any, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        Affine(units=3, weight_init=value)
    assert str(caught.value).startswith("Affine: weight_init")
    assert message in str(caught.value)


def test_scalars_of_numpy_are_numbers() -> None:
    layer = Affine(units=np.int64(3), weight_init={"type": "constant", "value": np.float32(0.5)}, name=np.str_("hidden"))
    assert layer == Affine(units=3, weight_init=Constant(value=0.5), name="hidden")
    assert (type(layer.units), type(layer.weight_init.value)) == (int, float)  # type: ignore[attr-defined]
    assert SGD(learning_rate=np.float64(0.1), nesterov=np.bool_(False)) == SGD(learning_rate=0.1)
    assert ModelSpec(input_shape=[np.int32(4)], layers=["crossentropy"]).input_shape == (4,)
    with pytest.raises(SpecError, match="expected an integer, received True"):
        Affine(units=np.bool_(True))


def test_values_are_given_by_name() -> None:
    names = "units, weight_init, bias_init"
    with pytest.raises(InputError, match=re.escape(f"Affine takes its values by name: Affine(units=32, ...); they are {names}")):
        Affine(32, "zeros")  # type: ignore[call-arg]  # mypy knows it too
    with pytest.raises(InputError, match=re.escape("SGD takes its values by name: SGD(learning_rate=0.1)")):
        SGD(0.1)  # type: ignore[call-arg]
    with pytest.raises(InputError, match="ReLU takes its values by name, and has none to give"):
        ReLU(3)  # type: ignore[call-arg]
    with pytest.raises(InputError, match=r"by name: Affine\(units=\.\.\.\)$"):
        Affine(np.ones((100, 100)))  # type: ignore[call-arg]


def test_all_faults_are_told_at_once_in_the_words_of_a_spec() -> None:
    with pytest.raises(SpecError) as caught:
        Affine(unit=3, weight_init="he_norml")  # type: ignore[call-arg, arg-type]
    assert str(caught.value).splitlines() == [
        'Affine: weight_init: no installed distribution offers an initializer of type "he_norml"; did you mean "he_normal"?',
        'Affine: unit: unknown key; did you mean "units"?',
    ]
    with pytest.raises(SpecError, match=r'^Affine: missing key "units", such as units=32$'):
        Affine()  # type: ignore[call-arg]


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
        ({"value": 0.5}, (), "missing_key", 'missing key "type"'),
        ({"type": 3}, ("type",), "wrong_type", "expected a string, received 3; write '3'"),
        ({"type": None}, ("type",), "wrong_type", "expected a string, received None"),
        ({"type": "konstant"}, ("type",), "unknown_type", "there is no konstant"),
        ({"type": "constant"}, (), "missing_key", 'missing key "value"'),
        ({"type": "constant", "value": "0.5"}, ("value",), "wrong_type", "expected a number, received '0.5'; write 0.5"),
        ({"type": "constant", "value": 0.5, "valeu": 1}, ("valeu",), "unknown_key", 'unknown key; did you mean "value"?'),
        ("constant", (), "missing_key", '"constant" alone does not say enough; write {"type": "constant", "value": 0.1}'),
        ("konstant", (), "unknown_type", "there is no konstant"),
        (["constant"], (), "wrong_type", "expected an initializer, received ['constant']"),
    ],
    ids=str,
)
@pytest.mark.parametrize("face", ["json", "python"])
def test_faults_keep_their_place(value: Any, loc: tuple[str, ...], code: str, message: str, face: str) -> None:
    with pytest.raises(SpecError) as error:
        validated({"units": 3, "bias_init": value}, face)
    (fault,) = error.value.diagnostics
    assert (fault.location, fault.code, fault.message) == (("bias_init", *loc), code, message)


def test_faults_carry_what_helps() -> None:
    data = {"units": 3, "weight_init": {"type": "konstant"}, "bias_init": {"type": "constant", "value": 0.5, "valeu": 1}}
    with pytest.raises(SpecError) as error:
        Affine.model_validate(data, context=CONTEXT)
    assert [fault.suggestion for fault in error.value.diagnostics] == ["constant", "value"]


def test_validation_leaves_its_input_as_it_was() -> None:
    value = {"type": "constant", "value": 0.5}
    Affine.model_validate({"units": 3, "weight_init": value}, context=CONTEXT)
    assert value == {"type": "constant", "value": 0.5}


def test_validation_leaves_its_context_as_it_was() -> None:
    context = {"resolver": Shelf()}
    for value in ({"type": "constant", "value": 0.5}, {"type": "constant"}, {"type": "konstant"}) * 700:
        with suppress(SpecError):
            Affine.model_validate({"units": 3, "weight_init": value}, context=context)
    assert context.keys() == {"resolver"}
    with pytest.raises(SpecError, match='missing key "value"'):
        Affine.model_validate({"units": 3, "weight_init": {"type": "constant"}}, context=context)


def test_equal_json_gives_equal_components_that_are_not_one() -> None:
    layers = [{"type": "relu"}, {"type": "relu"}, {"type": "crossentropy"}]
    one, two, _ = ModelSpec.model_validate({"input_shape": [3], "layers": layers}).layers
    assert one == two
    assert one is not two
