"""`Registry`: which class a type names, and what is said where none does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field, create_model

import layerkit as lk
from layerkit import SGD, Affine, Component, Digits, Initializer, Layer, Loss, ModelSpec, Optimizer, Registry, ReLU, Zeros
from layerkit.errors import AmbiguousTypeError, RegistrationError, UnknownTypeError, WrongFamilyError
from layerkit.registry.discovery import builtin_registry
from layerkit.registry.registration import Registration
from layerkit.registry.registry import LOCAL_DISTRIBUTION, LOCAL_VERSION, Problem
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
        (Initializer, "zero", "zeros", 'an initializer of type "zero"; write "zeros", as it is called here'),
        (Initializer, "zroes", "zeros", 'an initializer of type "zroes"; did you mean "zeros"?'),
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
    with pytest.raises(WrongFamilyError, match=r'^"relu" is a layer; expected an initializer, such as swish$') as error:
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


@pytest.fixture
def lazy() -> tuple[Registry, list[int]]:
    """Give a registry that has more than the built-ins, and a list that grows whenever it is asked for the rest."""
    asked: list[int] = []

    def whole() -> Registry:
        asked.append(1)
        return Registry([*REGISTRY.registrations], [Problem("broken", "1.0", "it is old")])

    return Registry(BUILTINS, whole=whole), asked


def test_built_ins_are_found_without_the_rest(lazy: tuple[Registry, list[int]]) -> None:
    registry, asked = lazy
    assert registry.resolve(Layer, "relu") is ReLU
    assert registry.resolve(Layer, "layerkit:relu") is ReLU
    registry.refuse_shadowing([FIRST])
    assert not asked


@pytest.mark.parametrize(
    "ask",
    [
        lambda registry: registry.resolve(Layer, "second:swish") is OtherSwish,
        lambda registry: registry.resolve(Initializer, "swish") is Start,
        lambda registry: registry.registrations == REGISTRY.registrations,
        lambda registry: str(*registry.problems) == "plugin broken 1.0 was set aside: it is old",
        lambda registry: len(registry.matches(Layer, "swish")) == 2,
    ],
)
def test_the_rest_is_loaded_once(lazy: tuple[Registry, list[int]], ask: Callable[[Registry], bool]) -> None:
    registry, asked = lazy
    assert ask(registry)
    assert ask(registry)
    assert asked == [1]


def test_what_the_rest_has_too_often_or_not_at_all_is_said(lazy: tuple[Registry, list[int]]) -> None:
    registry, _ = lazy
    with pytest.raises(AmbiguousTypeError):
        registry.resolve(Layer, "swish")
    with pytest.raises(UnknownTypeError, match=r'did you mean "swish"\? \(plugin broken 1.0 was set aside: it is old\)'):
        registry.resolve(Layer, "swihs")


# --- classes of the running program -------------------------------------------------------------------------------


class Mine(ReLU):
    """A layer of a notebook."""

    type: Literal["mine"] = "mine"  # type: ignore[assignment]  # a type of its own


class MineAgain(Mine):
    """Another one, of the same type."""


class MyReLU(ReLU):
    """A layer with the type of a built-in."""


class Calling(Mine):
    """A layer with a field that JSON cannot hold."""

    type: Literal["calling"] = "calling"  # type: ignore[assignment]  # a type of its own
    function: Callable[[], int] = int


def test_a_class_of_the_program_can_be_named_in_specs() -> None:
    registry = builtin_registry().with_components(Mine)
    document = {
        "input_shape": [3],
        "layers": [{"type": "mine"}, {"type": "local:mine"}, {"type": "relu"}, {"type": "crossentropy"}],
    }
    spec = ModelSpec.model_validate(document, context={"resolver": registry})
    assert [type(layer) for layer in spec.layers[:3]] == [Mine, Mine, ReLU]
    (item,) = set(registry.registrations) - set(builtin_registry().registrations)
    assert (item.distribution, item.version) == (LOCAL_DISTRIBUTION, LOCAL_VERSION)
    with pytest.raises(UnknownTypeError):
        builtin_registry().resolve(Layer, "mine")


def test_more_classes_may_follow(lazy: tuple[Registry, list[int]]) -> None:
    first = lazy[0].with_components(Mine)
    second = first.with_components(Swish)
    assert lazy[1] == []
    assert second.resolve(Layer, "mine") is Mine
    assert second.resolve(Layer, "local:swish") is Swish
    assert second.resolve(Layer, "second:swish") is OtherSwish
    assert len(second.registrations) == len(first.registrations) + 1 == len(REGISTRY.registrations) + 2
    assert [str(problem) for problem in second.problems] == ["plugin broken 1.0 was set aside: it is old"]


@pytest.mark.parametrize("how", ["at once", "when asked"])
def test_a_type_of_a_plugin_and_the_program_is_ambiguous(lazy: tuple[Registry, list[int]], how: str) -> None:
    plugins = Registry([*BUILTINS, FIRST])
    registry = (plugins if how == "at once" else Registry(BUILTINS, whole=lambda: plugins)).with_components(OtherSwish)
    with pytest.raises(AmbiguousTypeError, match='choose "Layerkit_First:swish" or "local:swish"'):
        registry.resolve(Layer, "swish")


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([MyReLU], 'MyReLU has the type "relu" of a built-in layer'),
        ([Mine, MineAgain], 'the type "mine" is offered twice'),
        ([Layer], "Layer needs a type in snake_case"),
        ([Calling], "Calling has a field that no spec can hold: PydanticInvalidForJsonSchema"),
    ],
)
def test_a_class_that_cannot_be_registered_is_refused_at_once(
    lazy: tuple[Registry, list[int]], classes: list[type[Component]], message: str
) -> None:
    for registry in (Registry(BUILTINS), lazy[0]):
        with pytest.raises(RegistrationError, match=message):
            registry.with_components(*classes)
    assert lazy[1] == []


def test_a_class_cannot_take_the_type_of_an_earlier_one(lazy: tuple[Registry, list[int]]) -> None:
    for registry in (REGISTRY, lazy[0]):
        with pytest.raises(RegistrationError, match='the type "mine" is offered twice'):
            registry.with_components(Mine).with_components(MineAgain)


# --- what can be registered ---------------------------------------------------------------------------------------


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


HIDING = [
    (ReLU, "state", "Layer.state"),
    (ReLU, "parameters", "Layer.parameters"),
    (ReLU, "branches", "Layer.branches"),
    (ReLU, "forward", "Layer.forward"),
    (ReLU, "work_size", "Layer.work_size"),
    (Layer, "backward", "Layer.backward"),
    (ReLU, "tag", "Layer.tag"),
    (ReLU, "spec_type", "Layer.spec_type"),
    (Zeros, "draw", "Initializer.draw"),
    (SGD, "slots", "Optimizer.slots"),
    (Digits, "facts", "Dataset.facts"),
]
"""Classes, names that a field of a subclass must not have, and what it would hide."""


@pytest.mark.filterwarnings("ignore:Field name:UserWarning")
@pytest.mark.parametrize(("base", "name", "hidden"), HIDING, ids=str)
def test_a_field_that_hides_the_contract_is_refused(base: type[Component], name: str, hidden: str) -> None:
    fields: dict[str, Any] = {"type": (Literal["hiding"], "hiding"), name: (int, 3)}
    cls = create_model("Hiding", __base__=base, **fields)
    with pytest.raises(RegistrationError) as error:
        Registration(cls, "some-distribution", "1.0")
    assert str(error.value) == f'Hiding has a field "{name}", which hides {hidden}; give the field another name'


@pytest.mark.parametrize("name", ["momentum", "weight_decay", "learning_rate", "count"])
def test_a_field_that_hides_nothing_is_fine(name: str) -> None:
    """Fields of the family and of other components may be declared anew."""
    fields: dict[str, Any] = {"type": (Literal["sound"], "sound"), name: (float, 0.5)}
    assert Registration(create_model("Sound", __base__=SGD, **fields), "some-distribution", "1.0").tag == "sound"


def test_losses_are_no_layers() -> None:
    assert not REGISTRY.matches(Loss, "relu")
    assert [item.component for item in REGISTRY.matches(Component, "swish")] == [Swish, OtherSwish, Start]


def test_kinds_of_targets_that_do_not_exist_are_refused() -> None:
    class Typo(lk.CategoricalCrossEntropy):
        """A loss for a kind of targets that nobody has."""

        task: ClassVar[Any] = "labels"
        type: Literal["typo"] = "typo"  # type: ignore[assignment]

    class Bare(lk.Accuracy):
        """A metric that names its kind of targets without a tuple around it."""

        tasks: ClassVar[Any] = "classes"
        type: Literal["bare"] = "bare"  # type: ignore[assignment]

    class Silent(lk.Metric):
        """A metric that does not say what it is for."""

        type: Literal["silent"] = "silent"

        def score(self, outcome: lk.Outcome) -> float:
            return 0.0

    for cls in (Typo, Bare, Silent):
        with pytest.raises(RegistrationError, match="which are no kinds of targets; there are 'classes'"):
            Registration(cls, "acme", "1.0")


def test_a_field_of_the_family_keeps_its_type() -> None:
    class Wordy(SGD):
        """Learns as fast as it says."""

        type: Literal["wordy"] = "wordy"  # type: ignore[assignment]
        learning_rate: str = "fast"  # type: ignore[assignment]

    class Other(SGD):
        """Has a default of its own, which it may."""

        type: Literal["other"] = "other"  # type: ignore[assignment]
        learning_rate: float = Field(default=0.5, gt=0)

    with pytest.raises(RegistrationError, match=r'Wordy gives the field "learning_rate" another type than Optimizer does'):
        Registration(Wordy, "acme", "1.0")
    assert Registration(Other, "acme", "1.0").tag == "other"


def test_a_loss_that_says_nothing_of_its_samples_is_refused() -> None:
    class Half(lk.Loss):
        """A loss without a gradient."""

        type: Literal["half"] = "half"

        def prepare(self, targets: lk.Array, logits_shape: lk.Shape, dtype: Any) -> lk.Array:
            return targets

        def losses(self, node: lk.Node, logits: lk.Array, targets: lk.Array) -> lk.Array:
            return logits[:, 0]

        def predict(self, node: lk.Node, logits: lk.Array) -> lk.Array:
            return logits.copy()

    with pytest.raises(RegistrationError, match="Half leaves out d_logits"):
        Registration(Half, "acme", "1.0")
