"""What the distributions of this repository say of themselves: the same, wherever it is true of all."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def project(text: str) -> dict[str, Any]:
    """Return the table ``project`` of a pyproject file."""
    table: dict[str, Any] = tomllib.loads(text)["project"]
    return table


def lower_bounds(lines: list[str]) -> dict[str, str]:
    """Return what each requirement asks for, by name."""
    return {item.name: str(item.specifier) for item in map(Requirement, lines)}


OURS = project((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PLUGINS = [project(path.read_text(encoding="utf-8")) for path in sorted(ROOT.glob("plugins/*/pyproject.toml"))]
TEMPLATE = project(files("layerkit").joinpath("cli/plugin_template/pyproject.template").read_text().replace("$", ""))


@pytest.mark.parametrize("plugin", [*PLUGINS, TEMPLATE], ids=lambda plugin: plugin["name"])
def test_a_plugin_asks_for_what_layerkit_asks_for(plugin: dict[str, Any]) -> None:
    """Only these versions are tried: an older one would never be installed, and a newer one would be asked for without need."""
    assert plugin["requires-python"] == OURS["requires-python"]
    ours = lower_bounds(OURS["dependencies"]) | {"layerkit": f">={OURS['version'].rpartition('.')[0]}"}
    theirs = lower_bounds(plugin["dependencies"])
    assert {name: theirs[name] for name in theirs if name in ours} == {name: ours[name] for name in ours if name in theirs}


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin["name"])
def test_a_plugin_is_for_the_systems_and_pythons_that_layerkit_is_for(plugin: dict[str, Any]) -> None:
    common = ("Development Status", "Operating System", "Programming Language", "Typing")
    expected = [line for line in OURS["classifiers"] if line.startswith(common)]
    assert [line for line in plugin["classifiers"] if line.startswith(common)] == expected
    assert plugin["urls"].keys() == OURS["urls"].keys()
    assert plugin["license"] == OURS["license"]


def test_only_lower_bounds_are_asked_for() -> None:
    """An upper bound keeps users from what works; CI tries the oldest and the newest."""
    for lines in [OURS["dependencies"], *(plugin["dependencies"] for plugin in PLUGINS)]:
        assert all(bound.startswith(">=") and "," not in bound for bound in lower_bounds(lines).values())


def test_the_page_on_platforms_names_the_pythons() -> None:
    (row,) = re.findall(
        r"^\| Python \| CPython (.*?) \|", (ROOT / "docs" / "platforms.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    prefix = "Programming Language :: Python :: 3."
    assert row == ", ".join(line.rpartition(" ")[2] for line in OURS["classifiers"] if line.startswith(prefix))
    assert OURS["requires-python"] == f">={row.split(', ')[0]}"
