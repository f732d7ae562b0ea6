"""What all specs have in common."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from layerkit.description import Description
from layerkit.diagnostics.pattern_words import REQUIREMENT

FORMAT_VERSION = 1
"""The version of the spec format that this layerkit reads and writes."""


class Spec(Description):
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
