"""Examples of components and of sample shapes, made from what the components say of themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Self

import numpy as np
import pytest
from numpy.testing import assert_allclose
from pydantic import Field

from layerkit import (
    SGD,
    Affine,
    Array,
    CategoricalCrossEntropy,
    Component,
    Constant,
    Digits,
    Initializer,
    Layer,
    Loss,
    Node,
    ReLU,
    Shape,
    ShapeError,
    TargetError,
    Uniform,
    Zeros,
)
from layerkit.errors import ComponentError, RegistrationError
from layerkit.registry.discovery import builtin_registry
from layerkit.registry.registry import Registration
from layerkit.testing import example, example_input_shape
from layerkit.testing.examples import example_soft_targets, takes_integers


class Picky(Layer):
    """Takes samples with as many axes as it says."""

    type: Literal["picky"] = "picky"
    axes: int = 1

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != self.axes:
            raise ShapeError(f"expected {self.axes} axes")
        return input_shape

    def forward(self, node: Node, inputs: Array) -> Array:
        return inputs.copy()

    def backward(self, node: Node, d_out: Array) -> Array:
        return d_out.copy()


class Exemplary(Picky):
    first: int = Field(examples=[3, 4])
    second: str = Field(examples=["left"])
    third: float = 0.5


class Several(Picky):
    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls(axes=3)
        yield cls(axes=2)


class Unexampled(Picky):
    @classmethod
    def examples(cls) -> Iterable[Self]:
        return ()


class Words(Picky):
    def example_inputs(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(9, size=(count, *input_shape))


class Silent(Picky):
    width: int


class Faulty(Picky):
    width: int = Field(examples=[-1], gt=0)


class Broken(Picky):
    def output_shape(self, input_shape: Shape) -> Shape:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("cls", "wanted"),
    [
        (Affine, Affine(units=32)),
        (ReLU, ReLU()),
        (CategoricalCrossEntropy, CategoricalCrossEntropy()),
        (SGD, SGD(learning_rate=0.01)),
        (Constant, Constant(value=0.1)),
        (Uniform, Uniform()),
        (Zeros, Zeros()),
        (Digits, Digits()),
        (Exemplary, Exemplary(first=3, second="left")),
        (Several, Several(axes=3)),
    ],
)
def test_an_example_keeps_defaults_and_takes_the_first_example_given(cls: type[Component], wanted: Component) -> None:
    assert example(cls) == wanted


@pytest.mark.parametrize(("cls", "field"), [(Silent, "width"), (Layer, "type"), (Initializer, "type")])
def test_a_required_field_without_an_example_is_an_error(cls: type[Component], field: str) -> None:
    with pytest.raises(RegistrationError, match=f"^{cls.__name__}.{field} is required: give it an example"):
        example(cls)


def test_a_component_that_says_nothing_has_one_example() -> None:
    assert list(Exemplary.examples()) == [Exemplary(first=3, second="left")]
    assert [option.axes for option in Several.examples()] == [3, 2]


def test_no_example_at_all_is_an_error() -> None:
    with pytest.raises(RegistrationError, match=r"^Unexampled\.examples gives no example$"):
        example(Unexampled)


@pytest.mark.parametrize("registration", builtin_registry().registrations, ids=lambda registration: registration.tag)
def test_the_examples_of_the_built_ins_differ(registration: Registration) -> None:
    examples = list(registration.component.examples())
    assert len({example.model_dump_json() for example in examples}) == len(examples) > 0


def test_what_takes_integers_says_so_by_its_example_inputs() -> None:
    assert takes_integers(Words(), (3,))
    assert not takes_integers(Picky(), (3,))


def test_soft_targets_are_for_losses_that_take_them() -> None:
    rows = example_soft_targets(CategoricalCrossEntropy(), (4,), 6, np.random.default_rng(0))
    assert rows is not None
    assert rows.shape == (6, 4)
    assert_allclose(rows.sum(axis=1), 1)
    assert example_soft_targets(Hard(), (4,), 6, np.random.default_rng(0)) is None


class Hard(CategoricalCrossEntropy):
    """Takes labels alone."""

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        if targets.ndim > 1:
            raise TargetError("labels alone")
        return super().prepare(targets, logits_shape, dtype)


def test_an_example_is_validated() -> None:
    with pytest.raises(ComponentError, match=r"^Faulty\.examples .* raised SpecError: .*greater than 0"):
        example(Faulty)


@pytest.mark.parametrize(
    ("stage", "axes"),
    [
        (Affine(units=3), 1),
        (ReLU(), 1),
        (CategoricalCrossEntropy(), 1),
        *((Picky(axes=axes), axes) for axes in (1, 2, 3, 4)),
    ],
    ids=repr,
)
def test_a_sample_shape_is_one_that_is_accepted(stage: Layer | Loss, axes: int) -> None:
    shape = example_input_shape(stage)
    assert len(shape) == axes
    stage.output_shape(shape)


def test_a_stage_that_accepts_no_shape_is_an_error() -> None:
    with pytest.raises(RegistrationError, match=r"^picky accepts none of the sample shapes \(5,\), "):
        example_input_shape(Picky(axes=7))


def test_a_stage_that_fails_otherwise_is_not_silenced() -> None:
    with pytest.raises(ZeroDivisionError):
        example_input_shape(Broken())
