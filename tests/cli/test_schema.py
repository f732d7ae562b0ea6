"""``layerkit schema``: the JSON Schema of specs, installed plugins included."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from layerkit.registry.discovery import installed_registry
from layerkit.spec.schema import spec_schema

CommandLine = Callable[..., CompletedProcess[str]]


@pytest.fixture
def printed(layerkit: CommandLine) -> Any:
    """Give the schema as it is printed."""
    result = layerkit("schema")
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


def test_it_is_the_schema_of_what_is_installed(printed: Any) -> None:
    Draft202012Validator.check_schema(printed)
    assert printed == spec_schema(installed_registry())


def test_it_takes_what_validate_takes(printed: Any, layerkit: CommandLine, spec: dict[str, Any], tmp_path: Path) -> None:
    schema, path = Draft202012Validator(printed), tmp_path / "net.json"
    spec["$schema"] = "schema.json"
    for units, sound in ((8, True), (8.0, True), (0, False), ("8", False)):
        spec["model"]["layers"][0]["units"] = units
        path.write_text(json.dumps(spec))
        assert schema.is_valid(spec) == sound
        assert (layerkit("validate", path).returncode == 0) == sound


def test_it_takes_no_argument(layerkit: CommandLine) -> None:
    assert layerkit("schema", "net.json").returncode == 2
