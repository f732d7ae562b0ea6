"""The pytest plugin, as authors of components use it: installed distributions, and test files of two lines."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SQUARE = '''
"""One layer."""
from typing import Literal
from layerkit import Layer, hookimpl

LAYERKIT_API = 2

class Square(Layer):
    """``outputs = inputs**2``. Shapes: inputs and outputs (N, D)."""

    type: Literal["{tag}"] = "{tag}"

    def forward(self, node, inputs):
        node.cache = inputs
        return inputs**2

    def backward(self, node, d_out):
        return d_out * {slope} * node.cache

@hookimpl
def layerkit_components():
    return [Square]
'''
SEVERAL = '''
"""Two examples of one initializer, one that ends the process where it should give any, and one that gives another."""
from typing import Literal
import numpy as np
from layerkit import Initializer, hookimpl

LAYERKIT_API = 2

class Filled(Initializer):
    """All values ``value``."""

    type: Literal["filled"] = "filled"
    value: float = 1.0
    """What every element is."""

    @classmethod
    def examples(cls):
        yield cls()
        yield cls(value=2.0)

    def draw(self, shape, rng):
        return np.full(shape, self.value) if self.value == 1 else np.full(shape, self.value, np.float32)

class Broken(Filled):
    """All values ``value``."""

    type: Literal["broken"] = "broken"

    @classmethod
    def examples(cls):
        raise SystemExit(0)

class Strange(Filled):
    """All values ``value``."""

    type: Literal["strange"] = "strange"

    @classmethod
    def examples(cls):
        yield Filled()

@hookimpl
def layerkit_components():
    return [Filled, Broken, Strange]
'''
NOTHING = "from layerkit import hookimpl\n\nLAYERKIT_API = 2\n\n@hookimpl\ndef layerkit_components():\n    return []\n"
BROKEN = "raise RuntimeError('no such accelerator')\n"

MISSING = '''
"""A data set whose file is not here."""
from typing import Literal
from layerkit import DataError, Dataset, hookimpl

LAYERKIT_API = 2

class Missing(Dataset):
    """Samples of a file."""

    type: Literal["missing"] = "missing"

    def load(self, request):
        raise DataError("there is no such file")

@hookimpl
def layerkit_components():
    return [Missing]
'''

PLUGINS = {
    "sound-square": SQUARE.format(tag="sound_square", slope=2),
    "wrong-square": SQUARE.format(tag="wrong_square", slope=3),
    "several-examples": SEVERAL,
    "missing-file": MISSING,
    "nothing-inside": NOTHING,
    "broken-import": BROKEN,
}
TEST = """
DISTRIBUTION = {name!r}

def test_conformance(conformance_check):
    conformance_check()
"""
NO_NAME = "def test_conformance(conformance_check):\n    conformance_check()\n"
PLAIN = """
import sys

def test_nothing_was_imported():
    assert not {"numpy", "pydantic", "layerkit.component", "layerkit.registry"} & set(sys.modules)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, lay: Callable[..., Path]) -> Path:
    """Give a folder that distributions are installed in."""
    site = tmp_path_factory.mktemp("site")
    for name, text in PLUGINS.items():
        lay(site, name, text, bare=True)
    return site


def run(place: Path, folder: Path, files: dict[str, str], *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on test files, where the distributions of ``place`` are installed."""
    for name, text in files.items():
        (folder / f"test_{name}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--import-mode=importlib", *options, str(folder)]
    paths = f"{place}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env={**os.environ, "PYTHONPATH": paths, **environment}
    )


def test_each_component_and_check_is_a_test_with_a_readable_name(place: Path, tmp_path: Path) -> None:
    files = {"sound": TEST.format(name="sound-square"), "spelling": TEST.format(name="Sound_Square")}
    result = run(place, tmp_path, files, "-v")
    assert result.returncode == 0, result.stdout
    passed = re.findall(r"test_(\w+)\.py::test_conformance\[sound_square-(\w+)\] PASSED", result.stdout)
    by_file = {file: {check for name, check in passed if name == file} for file in files}
    assert by_file["sound"] == by_file["spelling"]
    assert {"input_gradients", "parameter_gradients", "json_round_trip", "interleaved_nodes"} <= by_file["sound"]
    assert f"{len(passed)} passed" in result.stdout


def test_a_wrong_component_fails_the_check_that_is_meant_for_it(place: Path, tmp_path: Path) -> None:
    result = run(place, tmp_path, {"wrong": TEST.format(name="wrong-square")}, "-rfp", "--tb=short")
    assert result.returncode == 1
    failed = set(re.findall(r"^FAILED .*\[wrong_square-(\w+)\]", result.stdout, re.MULTILINE))
    passed = set(re.findall(r"^PASSED .*\[wrong_square-(\w+)\]", result.stdout, re.MULTILINE))
    assert failed == {"input_gradients", "prediction_gradients", "batch_of_one"}
    assert {"parameter_gradients", "json_round_trip", "interleaved_nodes"} <= passed
    assert "ConformanceError: Square fails input_gradients: inputs: analytical and numerical gradients DISAGREE" in result.stdout


def test_each_example_has_tests_of_its_own(place: Path, tmp_path: Path) -> None:
    result = run(place, tmp_path, {"several": TEST.format(name="several-examples")}, "-rfp", "--tb=short")
    assert result.returncode == 1
    failed = set(re.findall(r"^FAILED .*\[(filled-\d-\w+)\]", result.stdout, re.MULTILINE))
    passed = set(re.findall(r"^PASSED .*\[(filled-\d-\w+)\]", result.stdout, re.MULTILINE))
    assert failed == {"filled-2-draws"}
    assert {"filled-1-draws", "filled-1-pickling", "filled-2-pickling"} <= passed
    assert "Broken fails pickling: SystemExit: 0" in result.stdout
    assert (
        "Strange fails pickling: examples gives Filled(type='filled', value=1.0), expected an instance of Strange"
        in result.stdout
    )


def test_what_cannot_be_had_here_is_skipped_and_told(place: Path, tmp_path: Path) -> None:
    result = run(place, tmp_path, {"missing": TEST.format(name="missing-file")}, "-rs")
    assert result.returncode == 0, result.stdout
    reasons = set(re.findall(r"SKIPPED \S+ \S+ (.*)$", result.stdout, re.MULTILINE))
    assert reasons == {"Missing.load refuses: there is no such file"}


def test_what_gives_no_tests_is_an_error_of_collection(place: Path, tmp_path: Path) -> None:
    names = {"unknown": "layerkit-nowhere", "broken": "broken-import", "nothing": "nothing-inside", "other": "numpy"}
    files = {**{key: TEST.format(name=name) for key, name in names.items()}, "unnamed": NO_NAME}
    result = run(place, tmp_path, files)
    assert result.returncode == 2
    assert "5 errors" in result.stdout
    reasons = dict(re.findall(r"ERROR collecting test_(\w+)\.py _+\n(.*)", result.stdout))
    assert reasons == {
        "broken": "broken-import was set aside: RuntimeError: no such accelerator",
        "nothing": "nothing-inside offers no components",
        "other": 'numpy is installed, and has no entry point in the group "layerkit"',
        "unknown": "layerkit-nowhere is not installed",
        "unnamed": 'conformance_check needs the module to say DISTRIBUTION = "name-of-the-distribution"',
    }


def test_disabled_plugins_are_an_error_too(place: Path, tmp_path: Path) -> None:
    result = run(place, tmp_path, {"sound": TEST.format(name="sound-square")}, LAYERKIT_DISABLE_PLUGINS="1")
    assert result.returncode == 2
    assert "sound-square was not loaded: LAYERKIT_DISABLE_PLUGINS keeps every plugin from being loaded" in result.stdout


def test_sessions_that_ask_for_nothing_pay_nothing(place: Path, tmp_path: Path) -> None:
    result = run(place, tmp_path, {"plain": PLAIN}, "-p", "no:pytest_cov", "-p", "no:hypothesispytest")
    assert result.returncode == 0, result.stdout
    assert "1 passed" in result.stdout


def test_the_fixture_says_what_it_is(place: Path, tmp_path: Path) -> None:
    result = run(place, tmp_path, {}, "--fixtures")
    assert "One check of one component of the distribution" in result.stdout
