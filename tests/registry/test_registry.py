"""`Registry`: which class a type names, and what is said where none does."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from layerkit import Affine, Component, Initializer, Layer, Loss, Optimizer, Registry, ReLU, Zeros
from layerkit.errors import AmbiguousTypeError, RegistrationError, UnknownTypeError, WrongFamilyError
from layerkit.registry.registry import Problem, Registration
from layerkit.stack.stage import Stage


class Swish(ReLU):
    """A layer of one distribution."""

    type: Literal["swish"] = "swish"  # type: ignore[assignment]  # a type of its own


class OtherSwish(ReLU):
    """A layer of another distribution, of the same type."""

    type: Literal["swish"] = "swish"  # type: ignore[assignment]  # a type of its own


class Start(Zeros):
    """An initializer with the type of a layer."""

    type: Literal["swish"] = "swish"  # type: ignore[assignment]  # a type of its own


BUILTINS = [Registration(cls, "layerkit", "1.0") for cls in (Affine, ReLU, Zeros)]
FIRST = Registration(Swish, "Layerkit_First", "2.0")
SECOND = Registration(OtherSwish, "second", "0.1")
START = Registration(Start, "second", "0.1")
REGISTRY = Registry([*BUILTINS, FIRST, SECOND, START])


@pytest.mark.parametrize(
    ("family", "tag", "component"),
    [
        (Layer, "affine", Affine),
        (Stage, "affine", Affine),
        (Component, "affine", Affine),
        (Layer, "layerkit:affine", Affine),
        (Layer, "Layerkit_First:swish", Swish),
        (Layer, "layerkit-first:swish", Swish),
        (Layer, "layerkit.FIRST:swish", Swish),
        (Layer, "second:swish", OtherSwish),
        (Initializer, "second:swish", Start),
        (Initializer, "swish", Start),
    ],
)
def test_a_type_names_a_class_within_a_family(family: type[Component], tag: str, component: type[Component]) -> None:
    assert REGISTRY.resolve(family, tag) is component
    assert REGISTRY.resolve(family, tag) is component


def test_an_ambiguous_type_names_the_choices() -> None:
    with pytest.raises(AmbiguousTypeError) as error:
        REGISTRY.resolve(Layer, "swish")
    assert str(error.value) == ('several distributions offer the type "swish"; choose "Layerkit_First:swish" or "second:swish"')
    assert (error.value.code, error.value.suggestion) == ("ambiguous_type", None)


@pytest.mark.parametrize(
    ("family", "tag", "suggestion", "message"),
    [
        (Layer, "rleu", "relu", 'no installed distribution offers a layer of type "rleu"; did you mean "relu"?'),
        (Initializer, "zero", "zeros", 'an initializer of type "zero"; did you mean "zeros"?'),
        (Layer, "q", None, 'a layer of type "q"; there are affine, relu, swish'),
        (Optimizer, "sgd", None, 'an optimizer of type "sgd"; there are none'),
        (Layer, "second:swihs", "second:swish", 'a layer of type "second:swihs"; did you mean "second:swish"'),
        (Layer, "secnd:swish", "second:swish", 'a layer of type "secnd:swish"; did you mean "second:swish"'),
        (Layer, "layerkit:rleu", "layerkit:relu", 'did you mean "layerkit:relu"'),
        (Layer, ":relu", None, 'a layer of type ":relu"; there are Layerkit_First:swish, layerkit:affine, layerkit:relu'),
        (Layer, "relu:", None, 'a layer of type "relu:"'),
        (Layer, "", None, 'a layer of type ""; there are affine'),
        (Layer, "x" * 1000, None, f'a layer of type "{"x" * 64}"'),
    ],
)
def test_an_unknown_type_gets_advice(family: type[Component], tag: str, suggestion: str | None, message: str) -> None:
    with pytest.raises(UnknownTypeError) as error:
        REGISTRY.resolve(family, tag)
    assert message in str(error.value)
    assert (error.value.code, error.value.suggestion) == ("unknown_type", suggestion)


def test_a_type_of_another_family_is_called_so() -> None:
    with pytest.raises(WrongFamilyError, match=r'^"relu" is a layer; expected an initializer$') as error:
        REGISTRY.resolve(Initializer, "relu")
    assert error.value.code == "wrong_family"


@pytest.mark.parametrize(("family", "tag"), [(Layer, "swihs"), (Initializer, "relu")])
def test_what_was_set_aside_is_mentioned(family: type[Component], tag: str) -> None:
    problems = [Problem("broken", "1.0", "it is old"), Problem("other", "2.0", "it is new")]
    registry = Registry(BUILTINS, problems, remark="plugins are shy")
    with pytest.raises((UnknownTypeError, WrongFamilyError)) as error:
        registry.resolve(family, tag)
    assert str(error.value).endswith(
        " (plugin broken 1.0 was set aside: it is old) (plugin other 2.0 was set aside: it is new) (plugins are shy)"
    )


def test_the_wider_registry_is_asked_only_for_what_is_missing() -> None:
    asked = []

    def wider() -> Registry:
        asked.append(1)
        return REGISTRY

    registry = Registry(BUILTINS, wider=wider)
    assert registry.resolve(Layer, "relu") is ReLU
    assert not asked
    assert registry.resolve(Layer, "second:swish") is OtherSwish
    assert len(asked) == 1
    with pytest.raises(AmbiguousTypeError):
        registry.resolve(Layer, "swish")
    with pytest.raises(UnknownTypeError):
        registry.resolve(Layer, "swihs")
    assert len(asked) == 3


def test_a_registration_knows_its_place() -> None:
    assert (FIRST.tag, FIRST.family, FIRST.qualified) == ("swish", Layer, "Layerkit_First:swish")
    assert FIRST.key == SECOND.key == (Stage, "swish")
    assert START.key == (Initializer, "swish")
    assert START.family is Initializer


class Plain(Layer):
    """A layer that leaves everything to its tests."""

    def forward(self, node: Any, inputs: Any) -> Any:
        return inputs

    def backward(self, node: Any, d_out: Any) -> Any:
        return d_out


class Shouting(Plain):
    type: Literal["SHOUT"] = "SHOUT"


class TwoTypes(Plain):
    type: Literal["one_type", "other_type"] = "one_type"


class NoLiteral(Plain):
    type: str = "no_literal"


class Half(Layer):
    type: Literal["half"] = "half"

    def forward(self, node: Any, inputs: Any) -> Any:
        return inputs


class Nothing(Component):
    type: Literal["nothing"] = "nothing"


class LongName(Plain):
    type: Literal["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] = (
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    )


@pytest.mark.parametrize(
    ("component", "message"),
    [
        (3, "3 is no component: expected a subclass of Layer, Loss, Initializer"),
        (int, "is no component"),
        (ReLU(), "is no component"),
        (Layer, "Layer needs a type in snake_case"),
        (Plain, 'Plain needs a type in snake_case, type: Literal["plain"] = "plain"; it has None'),
        (Shouting, 'Shouting needs a type in snake_case, type: Literal["shouting"] = "shouting"; it has \'SHOUT\''),
        (LongName, 'LongName needs a type in snake_case, type: Literal["long_name"]'),
        (TwoTypes, 'TwoTypes needs a type in snake_case, type: Literal["one_type"] = "one_type"'),
        (NoLiteral, 'NoLiteral needs a type in snake_case, type: Literal["no_literal"] = "no_literal"'),
        (Half, "Half leaves out backward"),
        (Nothing, "Nothing must belong to exactly one family of Layer, Loss"),
    ],
    ids=str,
)
def test_what_cannot_be_registered_is_refused(component: Any, message: str) -> None:
    with pytest.raises(RegistrationError) as error:
        Registration(component, "some-distribution", "1.0")
    assert message in str(error.value)


def test_losses_are_no_layers() -> None:
    assert not REGISTRY.matches(Loss, "relu")
    assert [item.component for item in REGISTRY.matches(Component, "swish")] == [Swish, OtherSwish, Start]
