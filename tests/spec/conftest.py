"""What the tests of specs draw from: the built-ins and a third-party distribution, in one registry."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from layerkit.registry.discovery import installed_registry
from layerkit.registry.registration import Registration
from layerkit.registry.registry import Registry


@pytest.fixture(scope="session")
def strategies() -> ModuleType:
    """Give the module beside this one; the folder is no package."""
    spec = spec_from_file_location("strategies", Path(__file__).with_name("strategies.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def registry(strategies: ModuleType) -> Registry:
    """Give a registry of the built-ins, the third-party distribution, and the plugins that are installed here."""
    acme = [Registration(component, "acme-layers", "2.1.0") for component in strategies.layerkit_components()]
    return Registry([*installed_registry().registrations, *acme])


@pytest.fixture(scope="session")
def source(strategies: ModuleType, registry: Registry) -> Any:
    """Give a source of specs with the components of that registry."""
    return strategies.SpecSource(registry)


@pytest.fixture(scope="session")
def installed_source(strategies: ModuleType) -> Any:
    """Give a source of specs with the components that a file may name here."""
    return strategies.SpecSource(installed_registry())


@pytest.fixture(scope="session")
def acme_folder(strategies: ModuleType, tmp_path_factory: pytest.TempPathFactory, lay: Callable[..., Path]) -> Path:
    """Give a folder with the third-party distribution in it."""
    source = Path(str(strategies.__file__)).read_text(encoding="utf-8")
    folder = tmp_path_factory.mktemp("site-packages")
    return lay(folder, "acme-layers", source, version="2.1.0", bare=True, module=strategies.__name__)


@pytest.fixture
def acme(acme_folder: Path, put_on_path: Callable[[Path], None]) -> None:
    """Let the third-party distribution be installed for as long as the test runs."""
    put_on_path(acme_folder)
