"""The built-ins: whatever stands in the folders of components, and nothing else."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import layerkit
from layerkit import Component, builtin_registry

SWOOSH = """
from typing import Literal
from layerkit import Array, Layer, Node, ReLU

class Base(ReLU):
    type: str

class Swoosh(Layer):
    type: Literal["swoosh"] = "swoosh"
    def forward(self, node: Node, inputs: Array) -> Array:
        return inputs
    def backward(self, node: Node, d_out: Array) -> Array:
        return d_out
"""


def test_every_concrete_component_of_layerkit_is_registered() -> None:
    """What stood in another folder would be in nobody's spec; the conformance kit has some of its own, to try others with."""
    modules = [import_module(module.name) for module in pkgutil.walk_packages(layerkit.__path__, "layerkit.")]
    values = [value for module in modules for value in vars(module).values() if isinstance(value, type)]
    components = {cls for cls in values if issubclass(cls, Component) and cls.__module__.startswith("layerkit.") and cls.tag()}
    registered = {item.component for item in builtin_registry().registrations}
    assert registered == {cls for cls in components if not cls.__module__.startswith("layerkit.testing.")}


def test_a_new_file_is_a_new_built_in(tmp_path: Path, ask: Callable[..., list[Any]]) -> None:
    (tmp_path / "swoosh.py").write_text(SWOOSH)
    before = "import layerkit; print(*(item.tag for item in layerkit.builtin_registry().registrations))"
    (known,) = ask(before)
    (extended,) = ask(f"import layerkit.layers; layerkit.layers.__path__.append({str(tmp_path)!r})\n{before}")
    assert set(extended.out.split()) - set(known.out.split()) == {"swoosh"}


def test_only_components_are_imported(ask: Callable[..., list[Any]]) -> None:
    parts = ["layerkit.network", "layerkit.training", "layerkit.spec", "layerkit.testing", "layerkit.cli"]
    (result,) = ask("import sys, layerkit; layerkit.builtin_registry(); print(*sys.modules)")
    assert not set(parts) & set(result.out.split())
    assert {"layerkit.layers.relu", "layerkit.optimizers.sgd", "layerkit.data.bundled"} <= set(result.out.split())
