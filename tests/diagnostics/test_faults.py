"""Faults that a rule raises within pydantic, and how they come out again."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from layerkit.diagnostics.faults import Fault, faults_of, raise_faults


class Outer(BaseModel):
    """A block within which a test raises what it likes."""

    inner: Inner


class Inner(BaseModel):
    raised: Any

    @model_validator(mode="after")
    def _refuse(self) -> Inner:
        if isinstance(self.raised, Exception):
            raise self.raised
        raise_faults(self.raised)
        return self


def told(raised: Any) -> list[Fault]:
    with pytest.raises(ValidationError) as error:
        Outer.model_validate({"inner": {"raised": raised}})
    return faults_of(error.value, Outer)


def test_a_rule_of_ours_keeps_its_code_whatever_it_is() -> None:
    faults = [Fault(("raised",), "a_new_rule", "not so", "so"), Fault(("raised", 1), "missing", "there is none")]
    assert told(faults) == [
        Fault(("inner", "raised"), "a_new_rule", "not so", "so"),
        Fault(("inner", "raised", 1), "missing", "there is none"),
    ]


@pytest.mark.parametrize("code", ["duplicate_name", "a_new_rule", "code"])
def test_a_code_of_a_third_party_is_none_of_ours(code: str) -> None:
    """What it says is told; the codes that are documented mean our own rules."""
    error = PydanticCustomError(code, "not so", {"code": code, "suggestion": "so"})
    assert told(error) == [Fault(("inner",), "invalid_value", "not so")]


def test_no_faults_are_no_error() -> None:
    assert Outer(inner=Inner(raised=[])).inner.raised == []
