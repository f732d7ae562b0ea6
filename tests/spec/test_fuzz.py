"""Specs drawn from what the registry declares: each builds or is refused, and survives the way through JSON."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import layerkit as lk
from layerkit import ModelSpec, Registry, RunSpec, SpecError
from layerkit.registry.discovery import installed_registry
from layerkit.spec.canonical import resolved_json, spec_hash
from layerkit.spec.cost import cost_of
from layerkit.spec.load import parse_spec
from layerkit.spec.schema import spec_schema

FUZZ = settings(suppress_health_check=[HealthCheck.data_too_large])
BUDGET = 2**26
"""Bytes that a network may take here."""

randoms = st.randoms(use_true_random=False)


@pytest.fixture(scope="session")
def schema(registry: Registry) -> Draft202012Validator:
    return Draft202012Validator(spec_schema(registry))


@pytest.fixture(scope="session")
def installed_schema() -> Draft202012Validator:
    return Draft202012Validator(spec_schema(installed_registry()))


def spec_class(document: dict[str, Any]) -> type[RunSpec | ModelSpec]:
    return ModelSpec if "layers" in document and "model" not in document else RunSpec


def shape_is_known(spec: RunSpec | ModelSpec) -> bool:
    """Return whether the data need not be loaded to know what enters the network."""
    return (spec.model if isinstance(spec, RunSpec) else spec).input_shape is not None


def built(spec: RunSpec | ModelSpec) -> lk.Sequential:
    model = lk.build(spec.model if isinstance(spec, RunSpec) else spec, seed=1)
    assert model.parameters.size == cost_of(spec).parameter_count
    return model


def well_placed_codes(error: SpecError, text: str) -> set[str]:
    """Return the codes of the faults, each of which says where in the text it is."""
    assert error.diagnostics
    lines = text.split("\n")
    for fault in error.diagnostics:
        assert 1 <= fault.column <= len(lines[fault.line - 1])
        assert str(fault).startswith(f"<string>:{fault.line}:{fault.column}: ")
        assert json.loads(json.dumps(fault.as_json()))["message"]
    return {fault.code for fault in error.diagnostics}


@FUZZ
@given(random=randoms)
def test_a_text_is_a_network_or_is_refused(
    installed_source: Any, installed_schema: Draft202012Validator, strategies: ModuleType, random: Random
) -> None:
    document = installed_source.spec(random)
    text = json.dumps(document, indent=random.choice((None, 2)), ensure_ascii=random.choice((True, False)))
    try:
        spec = parse_spec(text, max_memory=BUDGET)
    except SpecError as error:
        codes = well_placed_codes(error, text)
        assert not (strategies.EXPRESSIBLE & codes and installed_schema.is_valid(document))
        return
    assert installed_schema.is_valid(document)
    if shape_is_known(spec):
        built(spec)
    for again in (parse_spec(resolved_json(spec)), parse_spec(spec.model_dump_json())):
        assert again == spec
        assert spec_hash(again) == spec_hash(spec)


@FUZZ
@given(random=randoms)
def test_third_parties_components_are_fields_like_any_other(
    source: Any, registry: Registry, schema: Draft202012Validator, strategies: ModuleType, random: Random
) -> None:
    document = source.spec(random)
    cls, context = spec_class(document), {"resolver": registry}
    try:
        spec = cls.model_validate(document, context=context)
    except SpecError as error:
        codes = {fault.code for fault in error.diagnostics}
        assert codes
        assert not (strategies.EXPRESSIBLE & codes and schema.is_valid(document))
        with pytest.raises(SpecError):
            cls.model_validate_json(json.dumps(document), context=context)
        return
    if isinstance(spec, RunSpec) or shape_is_known(spec):  # a file with a bare model has to say it
        assert schema.is_valid({"layerkit": 1, **document})
    if shape_is_known(spec) and cost_of(spec).total <= BUDGET:
        built(spec)
    assert cls.model_validate_json(json.dumps(document), context=context) == spec
    again = cls.model_validate_json(spec.model_dump_json(), context=context)
    assert again.model_dump() == spec.model_dump()
    assert spec_hash(again) == spec_hash(spec)


def test_the_draws_reach_every_component_and_most_kinds_of_fault(source: Any, registry: Registry) -> None:
    random, seen, codes = Random(0), set(), Counter[str]()
    for _ in range(12_000):
        document = source.spec(random)
        cls = spec_class(document)
        try:
            spec = cls.model_validate(document, context={"resolver": registry})
        except SpecError as error:
            codes.update({fault.code for fault in error.diagnostics})
        else:
            codes["sound"] += 1
            text = spec.model_dump_json()
            seen |= {item.tag for item in registry.registrations if f'"{item.tag}"' in text}
    assert seen == {item.tag for item in registry.registrations}
    assert 4000 < codes["sound"] < 9600
    assert set(codes) >= {
        *("wrong_type", "out_of_range", "unknown_key", "missing_key", "unknown_type", "wrong_family", "invalid_value"),
        *("shape_mismatch", "missing_loss", "duplicate_name", "data_mismatch", "class_count"),
    }
