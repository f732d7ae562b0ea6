"""What the tests of specs draw from: the built-ins and a third-party distribution, in one registry."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import invalidate_caches
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from layerkit.registry.discovery import installed_plugins, installed_registry
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


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Give a function that installs a distribution with one module of the given source for as long as the test runs."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    modules = []

    def plugin(name: str, source: str) -> None:
        modules.append(name.replace("-", "_"))
        (folder / f"{modules[-1]}.py").write_text(source)
        metadata = folder / f"{modules[-1]}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[layerkit]\nplugin = {modules[-1]}\n")
        forget_plugins()

    yield plugin
    forget_plugins()
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture(scope="session")
def acme_folder(strategies: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the third-party distribution in it."""
    folder = tmp_path_factory.mktemp("site-packages")
    metadata = folder / "acme_layers-2.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-layers\nVersion: 2.1.0\n")
    (metadata / "entry_points.txt").write_text(f"[layerkit]\nacme = {strategies.__name__}\n")
    (folder / f"{strategies.__name__}.py").write_bytes(Path(str(strategies.__file__)).read_bytes())
    return folder


@pytest.fixture
def acme(acme_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the third-party distribution be installed for as long as the test runs."""
    monkeypatch.syspath_prepend(acme_folder)
    forget_plugins()
    yield
    forget_plugins()


def forget_plugins() -> None:
    """Let the next question about plugins look for them anew."""
    invalidate_caches()
    installed_plugins.cache_clear()
    installed_registry.cache_clear()
