"""Examples of components and of sample shapes, made from what the components say of themselves."""

from __future__ import annotations

from typing import Literal

import pytest
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
    Uniform,
    Zeros,
)
from layerkit.errors import RegistrationError
from layerkit.testing import example, example_input_shape


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
    ],
)
def test_an_example_keeps_defaults_and_takes_the_first_example_given(cls: type[Component], wanted: Component) -> None:
    assert example(cls) == wanted


@pytest.mark.parametrize(("cls", "field"), [(Silent, "width"), (Layer, "type"), (Initializer, "type")])
def test_a_required_field_without_an_example_is_an_error(cls: type[Component], field: str) -> None:
    with pytest.raises(RegistrationError, match=f"^{cls.__name__}.{field} is required: give it an example"):
        example(cls)


def test_an_example_is_validated() -> None:
    with pytest.raises(ValueError, match="greater than 0"):
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
