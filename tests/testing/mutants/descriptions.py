"""Initializers whose arithmetic is right, and whose description is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from pydantic import Field, PrivateAttr, model_serializer

from layerkit import Array, Initializer, Shape
from layerkit.testing.conformance import descriptions

from .catalogue import caught_by, sound


@sound
class Ones(Initializer):
    """All values ``factor``."""

    type: Literal["ones"] = "ones"
    factor: float = 1.0
    """What every element is."""

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return np.full(shape, float(self.factor))


@caught_by(descriptions.registration, "needs a type in snake_case")
class CamelCased(Ones):
    """All ones."""

    type: Literal["CamelCased"] = "CamelCased"  # type: ignore[assignment]  # another tag


@caught_by(descriptions.json_round_trip, "the JSON of LosesAField leaves out factor")
class LosesAField(Ones):
    """All ones."""

    factor: float = Field(default=1.0, exclude=True)


@caught_by(descriptions.json_round_trip, r"was read as RoundsAField\(type='ones', factor=0\.3\)")
class RoundsAField(Ones):
    """All ones."""

    factor: float = 1 / 3

    @model_serializer
    def _rounded(self) -> dict[str, Any]:
        return {"type": self.type, "factor": round(self.factor, 1)}


@caught_by(descriptions.json_round_trip, "model_validate_json raised SpecError")
class WritesWhatItCannotRead(Ones):
    """All ones."""

    @model_serializer
    def _as_text(self) -> dict[str, Any]:
        return {"type": self.type, "factor": str(self.factor)}


@caught_by(descriptions.json_schema, "model_json_schema raised PydanticInvalidForJsonSchema")
class HasNoSchema(Ones):
    """All ones."""

    function: Callable[[float], float] = abs


@caught_by(descriptions.pickling, "__reduce__ raised (AttributeError|PicklingError|TypeError)")
class CannotBePickled(Ones):
    """All ones."""

    _function: Any = PrivateAttr(default_factory=lambda: lambda value: value)


@caught_by(descriptions.pickling, "arrived as")
class IsAnotherOnceUnpickled(Ones):
    """All ones."""

    def __reduce__(self) -> Any:
        return Ones, ()


@caught_by(descriptions.immutable, r"CanBeChanged\.\w+ can be assigned")
class CanBeChanged(Ones):
    """All ones."""

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value


@caught_by(descriptions.docstring, "SaysNothing has no docstring")
class SaysNothing(Ones):
    pass


@caught_by(descriptions.documented_fields, "fields of HasABareField without a docstring under them: bare")
class HasABareField(Ones):
    """All ones."""

    bare: int = 3
    other: int = Field(default=4, description="What it is.")
    """And more."""
