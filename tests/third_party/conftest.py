"""Puts the third party's package on the path, as if it were installed, and reads specs that name its components."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layerkit import Registry, RunSpec, parse_spec
from layerkit.registry.discovery import builtin_registry
from layerkit.registry.registration import Registration

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))


@pytest.fixture(scope="session")
def registry() -> Registry:
    from layerkit_thirdparty import COMPONENTS

    theirs = [Registration(cls, "layerkit-thirdparty", "1.0") for cls in COMPONENTS]
    return Registry([*theirs, *builtin_registry().registrations])


@pytest.fixture(scope="session")
def parsed(registry: Registry) -> Callable[[dict[str, Any]], RunSpec]:
    """Read a run spec."""

    def parse(run: dict[str, Any]) -> RunSpec:
        spec = parse_spec(json.dumps(run), "spec.json", registry=registry)
        assert isinstance(spec, RunSpec)
        return spec

    return parse


@pytest.fixture(scope="session")
def reference() -> Any:
    """What PyTorch says; see make_reference.py."""
    return json.loads((HERE / "reference/reference.json").read_text(encoding="utf-8"))
