"""The hooks, and the page about them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import layerkit as lk
from layerkit.registry import hookspecs

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
HOOKS = [name for name in vars(hookspecs) if name.startswith("layerkit_")]


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_documented(name: str) -> None:
    hook = getattr(hookspecs, name)
    assert hook.__doc__
    assert f"| `{name}()` |" in PAGE
    assert hook() == ()


def test_there_are_two_hooks() -> None:
    assert HOOKS == ["layerkit_components", "layerkit_commands"]


def test_every_plugin_here_is_written_for_this_version() -> None:
    """What the page, the template and the plugins say is what discovery asks for, and what this layerkit is."""
    line, requirement = f"\n{hookspecs.API_VARIABLE} = {hookspecs.API_VERSION}\n", f'"layerkit>={hookspecs.API_SINCE}"'
    template = Path(lk.__file__).parent / "cli" / "plugin_template"
    sources = [*ROOT.glob("plugins/*/layerkit_*/__init__.py"), template / "layer.template", ROOT / "docs" / "plugins.md"]
    projects = [*ROOT.glob("plugins/*/pyproject.toml"), template / "pyproject.template", ROOT / "docs" / "plugins.md"]
    assert [path for path in sources if line not in path.read_text(encoding="utf-8")] == []
    assert [path for path in projects if requirement not in path.read_text(encoding="utf-8")] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert Requirement(requirement.strip('"')).specifier.contains(project["version"])
    assert f"### From version {hookspecs.API_VERSION - 1} to {hookspecs.API_VERSION}\n" in PAGE
