"""``layerkit components``: what is registered, and from where."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from subprocess import CompletedProcess

import pytest

from layerkit.registry.discovery import installed_registry

CommandLine = Callable[..., CompletedProcess[str]]


RELU_OF_OTHERS = '''
from typing import Literal
from layerkit import Layer, hookimpl

class Twice(Layer):
    """Doubles its inputs."""

    type: Literal["twice"] = "twice"

    def forward(self, node, inputs):
        return 2 * inputs

    def backward(self, node, d_out):
        return 2 * d_out

@hookimpl
def layerkit_components():
    return [Twice]
'''


def test_every_component_is_listed_with_its_distribution(layerkit: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    result = layerkit("components")
    assert result.returncode == 0
    rows = {tuple(line.split()[:2]): line for line in result.stdout.splitlines()}
    assert ("family", "type") in rows
    for item in installed_registry().registrations:
        row = rows[item.family.__name__.lower(), item.tag]
        assert f"{item.distribution} {item.version}" in row
    assert "Rectified linear unit" in rows["layer", "relu"]


@pytest.mark.parametrize("columns", ["200", "80", "30"])
def test_families_stand_together_and_types_in_order(layerkit: CommandLine, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    result = layerkit("components")
    assert result.returncode == 0
    assert max(len(line) for line in result.stdout.splitlines()) <= int(columns)
    if columns == "200":
        _, *rows = (line.split()[:2] for line in result.stdout.splitlines())
        families = [family for family, _ in rows]
        assert len(set(families)) == sum(a != b for a, b in zip(families, ["", *families], strict=False))
        for family in set(families):
            tags = [tag for row, tag in rows if row == family]
            assert tags == sorted(tags)


@pytest.mark.parametrize("name", ["affine", "layerkit:affine"])
def test_one_component_is_described(layerkit: CommandLine, name: str) -> None:
    result = layerkit("components", name)
    assert result.returncode == 0
    assert result.stdout.startswith(f"affine: a layer, Affine, from layerkit {version('layerkit')}\n")
    assert "outputs = inputs @ weight + bias" in result.stdout
    assert "units: required" in result.stdout
    assert "bias_init: default Zeros" in result.stdout


@pytest.mark.parametrize(("name", "advice"), [("afine", '"affine"'), ("other-dist:affine", "other-dist:affine")])
def test_an_unknown_name_gets_advice(layerkit: CommandLine, name: str, advice: str) -> None:
    result = layerkit("components", name)
    assert result.returncode == 2
    assert result.stdout == ""
    assert advice in result.stderr
    assert "Traceback" not in result.stderr


def test_plugins_are_listed(layerkit: CommandLine, install: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    install("layerkit-twice", RELU_OF_OTHERS)
    result = layerkit("components")
    (row,) = [line for line in result.stdout.splitlines() if line.split()[1] == "twice"]
    assert row.startswith("layer ")
    assert "Doubles its inputs." in row
    assert "layerkit-twice 2.5" in row
    assert "layerkit-twice" not in result.stderr


def test_a_type_that_two_distributions_offer_is_described_twice(
    layerkit: CommandLine, install: Callable[[str, str], None]
) -> None:
    install("layerkit-twice", RELU_OF_OTHERS)
    install("also-twice", RELU_OF_OTHERS)
    both = layerkit("components", "twice").stdout
    assert "from layerkit-twice 2.5" in both
    assert "from also-twice 2.5" in both
    one = layerkit("components", "also-twice:twice").stdout
    assert "from also-twice 2.5" in one
    assert "from layerkit-twice" not in one


def test_a_plugin_that_was_set_aside_is_mentioned(layerkit: CommandLine, install: Callable[[str, str], None]) -> None:
    install("layerkit-broken", "raise RuntimeError('out of order')")
    for arguments in (["components"], ["components", "relu"]):
        result = layerkit(*arguments)
        assert result.returncode == 0
        assert "relu" in result.stdout
        assert "warning: plugin layerkit-broken 2.5 was set aside: RuntimeError: out of order" in result.stderr
