"""Parsed JSON within a spec means what its text means, whatever kinds of fields a component has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel, create_model

from layerkit import Affine, Component, Initializer, Zeros
from layerkit.component import ComponentT
from layerkit.errors import SpecError


class Colour(Enum):
    RED = "red"


class Tuning(BaseModel):
    pair: tuple[int, int] = (1, 2)
    share: float = 0.5


class Firm(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    share: float = 0.5
    inner: Tuning = Tuning()
    firm: Firm | None = None


class Rooted(RootModel[list[int]]):
    pass


@dataclass
class Record:
    pair: tuple[int, int] = (1, 2)


class Holder(Initializer):
    """Is what a test fills in."""

    type: Literal["holder"] = "holder"

    def draw(self, shape: Any, rng: Any) -> Any:
        return rng.uniform(size=shape)


KINDS: dict[str, Any] = {
    "int": int,
    "float": float,
    "bool": bool,
    "str": str,
    "null": None,
    "optional": int | None,
    "any": Any,
    "positive": Annotated[int, Field(gt=0)],
    "list": list[int],
    "tuple": tuple[int, ...],
    "pair": tuple[int, float],
    "lax tuple": Annotated[tuple[int, ...], Field(strict=False)],
    "set": set[int],
    "dict": dict[str, int],
    "dict of numbers": dict[int, float],
    "words": Literal["a", "b"],
    "numbers": Literal[1, 2],
    "union": int | str,
    "union of lists": int | tuple[int, int],
    "enumeration": Colour,
    "path": Path,
    "date": date,
    "bytes": bytes,
    "block": Tuning,
    "strict block": Firm,
    "root": Rooted,
    "record": Record,
    "bare list": list,
    "bare dict": dict,
    "before": Annotated[int, BeforeValidator(lambda value: 3 if value == [] else value)],
    "family": Initializer,
    "families": Annotated[tuple[Initializer, ...], Field(strict=False)],
    "component": Zeros,
}
VALUES: list[Any] = [
    *(0, 1, 1.5, 1.0, True, False, None, "", "1", "a", "red", "x/y", "2024-01-31", 2**70, 10**400, -1),
    *(
        [],
        [1],
        [1, 2],
        [1, 2.5],
        [True],
        ["1"],
        [[1]],
        {},
        {"firm": {"share": 1}},
        {"inner": {}},
        {"a": 1},
        {"1": 1},
        {"pair": [3, 4]},
        {"pair": [3]},
        {"share": "1"},
    ),
    *(
        {"firm": {"share": 1}},
        {"inner": {}},
        {"type": "zeros"},
        [{"type": "zeros"}],
        {"type": "zeros", "a": 1},
        {"type": "ones"},
        {"type": "holder"},
    ),
]


@pytest.mark.parametrize("kind", KINDS)
def test_it_means_what_the_text_means(kind: str) -> None:
    """A field of a family gets parsed JSON; validated by itself, the same class reads the text."""
    cls = create_model("Held", __base__=Holder, value=(KINDS[kind], ...))

    class Shelf:
        def resolve(self, family: type[ComponentT], tag: str) -> type[ComponentT]:
            found: Any = cls if tag == "holder" else Zeros
            return found  # type: ignore[no-any-return]  # the family is not looked at

    def outcome(model: type[Component], document: Any, place: int) -> Any:
        try:
            made: Any = model.model_validate_json(json.dumps(document), context={"resolver": Shelf()})
        except SpecError:
            return "refused"
        held = made.weight_init if place else made
        return repr(held), type(held.value)

    outcomes = []
    for value in VALUES:
        document = {"type": "holder", "value": value}
        outcomes.append(outcome(cls, document, 0))
        assert outcome(Affine, {"units": 1, "weight_init": document}, 1) == outcomes[-1], value
    assert "refused" in outcomes or kind == "any"
    assert set(outcomes) != {"refused"}


def test_what_a_component_keeps_is_its_own() -> None:
    cls = create_model("Keeps", __base__=Holder, value=(Any, ...), items=(list[int], ...))

    class Shelf:
        def resolve(self, family: type[ComponentT], tag: str) -> type[ComponentT]:
            found: Any = cls
            return found  # type: ignore[no-any-return]  # the family is not looked at

    document = {"type": "holder", "value": {"a": [1]}, "items": [1]}
    made: Any = Affine.model_validate({"units": 1, "weight_init": document}, context={"resolver": Shelf()}).weight_init
    assert (made.value, made.items) == ({"a": [1]}, [1])
    assert made.value is not document["value"]
    assert made.items is not document["items"]
