"""``layerkit doctor``: what is installed, and whether it is sound."""

from __future__ import annotations

import json
import platform
import random
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits  # type: ignore[import-untyped]  # it has no types

CommandLine = Callable[..., CompletedProcess[str]]
Install = Callable[[str, str], Path]

HALVE = """
from typing import Literal
import click
from layerkit import Layer, hookimpl

LAYERKIT_API = 2

class Halve(Layer):
    type: Literal["halve"] = "halve"

    def forward(self, node, inputs):
        return inputs / 2

    def backward(self, node, d_out):
        return d_out / 2

@hookimpl
def layerkit_components():
    return [Halve]

@hookimpl
def layerkit_commands():
    return [click.Command("halve-all")]
"""


def report(layerkit: CommandLine) -> dict[str, Any]:
    """Return what the doctor says, for tools."""
    document: dict[str, Any] = json.loads(layerkit("doctor", "--format", "json").stdout)
    return document


def plugin(layerkit: CommandLine, name: str) -> dict[str, Any]:
    """Return what the doctor says of one plugin, for tools."""
    (found,) = [item for item in report(layerkit)["plugins"] if item["distribution"] == name]
    assert isinstance(found, dict)
    return found


def test_versions(layerkit: CommandLine) -> None:
    document = report(layerkit)
    assert document["layerkit"] == version("layerkit")
    assert document["python"]["version"] == platform.python_version()
    assert document["python"]["executable"] == sys.executable
    versions = {item["name"]: item["version"] for item in document["dependencies"]}
    assert versions.keys() >= {"numpy", "scikit-learn", "pydantic", "pluggy", "click", "rich", "safetensors"}
    assert "pytest" not in versions
    assert versions == {name: version(name) for name in versions}
    assert not [item["problem"] for item in document["dependencies"] if item["problem"]]


def test_blas_and_its_threads(layerkit: CommandLine) -> None:
    build = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    with threadpool_limits(1, "blas"):
        assert report(layerkit)["blas"] == {"name": build["name"], "version": build["version"], "threads": 1}
    threads = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
    assert report(layerkit)["blas"]["threads"] in threads


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_a_person_reads_the_same(layerkit: CommandLine, install: Install, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    install("doctored-halve", HALVE)
    monkeypatch.setenv("COLUMNS", str(columns))
    document, result = report(layerkit), layerkit("doctor")
    assert (result.returncode, result.stderr) == (0, "")
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert all(len(line) <= columns or len(line.split()) == 1 for line in lines)  # a word, such as a path, is never broken
    assert lines[-1] == "all is well"
    assert f"python {platform.python_version()}, {platform.platform()} layerkit" in " ".join(result.stdout.split())
    assert f"layerkit      {version('layerkit')}" in lines
    blas = document["blas"]
    text = " ".join(result.stdout.split())
    assert f"numpy {version('numpy')}, {blas['name']} {blas['version']} with {blas['threads']} threads" in text
    assert f"scikit-learn  {version('scikit-learn')}" in lines
    assert "doctored-halve 2.5 ok components: halve commands: halve-all" in text


def test_a_sound_plugin(layerkit: CommandLine, install: Install) -> None:
    folder = install("doctored-halve", HALVE)
    assert layerkit("doctor", "--format", "json").returncode == 0
    assert plugin(layerkit, "doctored-halve") == {
        "distribution": "doctored-halve",
        "version": "2.5",
        "location": str(folder),
        "healthy": True,
        "problem": None,
        "components": [{"family": "layer", "name": "halve"}],
        "commands": ["halve-all"],
        "side_effects": [],
    }


def test_a_broken_plugin(layerkit: CommandLine, install: Install) -> None:
    install("doctored-broken", HALVE + "raise RuntimeError('out of order')")
    result = layerkit("doctor")
    assert (result.returncode, result.stderr) == (1, "")
    text = " ".join(result.stdout.split())
    assert "doctored-broken 2.5 SET ASIDE: RuntimeError: out of order in" in text
    assert text.endswith("something is BROKEN")
    found = plugin(layerkit, "doctored-broken")
    assert (found["healthy"], found["problem"]) == (False, "RuntimeError: out of order")
    assert (found["components"], found["commands"]) == ([], [])
    document = layerkit("doctor", "--format", "json")
    assert (document.returncode, json.loads(document.stdout)["healthy"]) == (1, False)


def test_side_effects(layerkit: CommandLine, install: Install) -> None:
    meddle = "import random, numpy\nnumpy.seterr(all='ignore')\nrandom.seed(1)\nnumpy.random.seed(1)\nprint('Hello!')\n"
    install("doctored-meddler", meddle + HALVE)
    before = np.geterr(), random.getstate(), str(np.random.get_state())  # noqa: NPY002 (it is what must not change)
    document = layerkit("doctor", "--format", "json")
    assert (np.geterr(), random.getstate(), str(np.random.get_state())) == before  # noqa: NPY002
    assert document.returncode == 0
    effects = plugin(layerkit, "doctored-meddler")["side_effects"]
    assert len(effects) == 4
    for effect, about in zip(effects, ["prints", "numpy.seterr", "random module", "NumPy's global random"], strict=True):
        assert about in effect
        assert f"side effect, undone: {effect}" in " ".join(layerkit("doctor").stdout.split())


def test_disabled_plugins(layerkit: CommandLine, install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERKIT_DISABLE_PLUGINS", "1")
    install("doctored-asleep", "raise RuntimeError")
    document = report(layerkit)
    assert (document["plugins_disabled"], document["plugins"], document["healthy"]) == (True, [], True)
    result = layerkit("doctor")
    assert result.returncode == 0
    assert "plugins are disabled by LAYERKIT_DISABLE_PLUGINS" in result.stdout


def test_no_plugin_is_fine(layerkit: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerkit.cli.commands.doctor.installed_plugins", tuple)
    result = layerkit("doctor")
    assert result.returncode == 0
    assert "disabled" not in result.stdout
    assert result.stdout.endswith("\nall is well\n")


def test_dependencies_that_do_not_fit(layerkit: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = tmp_path / "layerkit-99.dist-info"
    metadata.mkdir()
    requirements = ["numpy>=2.0", "pluggy>=99", "no-such-distribution", "no-such-extra; extra == 'dev'"]
    lines = ["Name: layerkit", "Version: 99", *(f"Requires-Dist: {requirement}" for requirement in requirements)]
    (metadata / "METADATA").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    document = report(layerkit)
    assert document["dependencies"] == [
        {"name": "numpy", "version": version("numpy"), "problem": None},
        {
            "name": "pluggy",
            "version": version("pluggy"),
            "problem": f"layerkit needs pluggy>=99; here is pluggy {version('pluggy')}",
        },
        {
            "name": "no-such-distribution",
            "version": None,
            "problem": "layerkit needs no-such-distribution, which is not installed",
        },
    ]
    assert document["healthy"] is False
    result = layerkit("doctor")
    assert result.returncode == 1
    assert "missing, BROKEN: layerkit needs no-such-distribution" in " ".join(result.stdout.split())


def test_threads_may_be_unknown(layerkit: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    assert report(layerkit)["blas"]["threads"] is None
    assert "with an unknown number of threads" in " ".join(layerkit("doctor").stdout.split())
