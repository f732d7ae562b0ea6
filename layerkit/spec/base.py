"""What all specs have in common."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from layerkit.registry.discovery import installed_registry

REQUIREMENT = r"^[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+$"
"""What is recorded of a distribution, in the form that pip installs."""
FORMAT_VERSION = 1
"""The version of the spec format that this layerkit reads and writes."""


class Block(BaseModel):
    """A frozen part of a spec: strict values, no unknown keys.

    JSON is validated with the components that are installed, unless the validation context brings a ``"resolver"`` of its
    own; from Python, components are handed over as objects.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True, defer_build=True
    )

    @classmethod
    def model_validate(cls, obj: Any, *, context: Any = None, **options: Any) -> Self:
        return super().model_validate(obj, context=_with_resolver(context), **options)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, *, context: Any = None, **options: Any) -> Self:
        return super().model_validate_json(json_data, context=_with_resolver(context), **options)


class Spec(Block):
    """What a whole file may hold."""

    layerkit: Literal[1] = 1
    """Version of the spec format."""
    schema_location: str | None = Field(default=None, alias="$schema", exclude=True)
    """Where an editor finds the JSON Schema; layerkit itself ignores it."""
    plugins: dict[str, Annotated[str, Field(pattern=REQUIREMENT)]] | None = Field(default=None, exclude=True)
    """Types that no built-in has, with the distribution and version that the spec was written with. layerkit records them, and
    uses them for advice alone."""

    @field_validator("layerkit", mode="before")
    @classmethod
    def _true_is_no_number(cls, version: object) -> object:
        if isinstance(version, bool):  # pydantic takes true for the literal 1
            raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": FORMAT_VERSION})
        return version


def _with_resolver(context: Any) -> dict[str, Any]:
    return {"resolver": installed_registry(), "errors": 0, **(context or {})}
