"""``layerkit gradcheck``: numerical against analytical gradients, of a spec or of a type."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

CommandLine = Callable[..., CompletedProcess[str]]

WRONG = '''
from typing import Literal
from layerkit import Layer, Loss, hookimpl

LAYERKIT_API = 2

class Half(Layer):
    """Forgets in backward what it did in forward."""

    type: Literal["half"] = "half"

    def forward(self, node, inputs):
        return 0.5 * inputs

    def backward(self, node, d_out):
        return d_out

class Ignorant(Loss):
    """Ignores its incoming derivative."""

    type: Literal["ignorant"] = "ignorant"

    def forward(self, node, logits, targets, sample_weight=None):
        node.cache = logits - targets
        return float(((logits - targets) ** 2).sum() / 2)

    def backward(self, node, d_out=1.0):
        return node.cache

    def predict(self, logits):
        return logits.copy()

@hookimpl
def layerkit_components():
    return [Half, Ignorant]
'''


@pytest.fixture
def wrong_plugin(install: Callable[[str, str], Path]) -> None:
    """Install a layer and a loss with wrong gradients for as long as the test runs."""
    install("layerkit-wrong", WRONG)


def checked_arrays(result: CompletedProcess[str], verdict: str) -> list[str]:
    """Return the arrays of the lines with the verdict, in order."""
    return [line.split()[0] for line in result.stdout.splitlines() if line.split()[-1] == verdict]


@pytest.mark.parametrize("bare", [False, True], ids=["run", "model"])
def test_a_spec_is_checked_array_by_array(layerkit: CommandLine, spec: dict[str, Any], tmp_path: Path, bare: bool) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"layerkit": 1, **spec["model"]} if bare else spec))
    result = layerkit("gradcheck", path)
    assert result.returncode == 0
    assert checked_arrays(result, "ok") == ["inputs", "affine_1.weight", "affine_1.bias", "affine_2.weight", "affine_2.bias"]
    assert len(result.stdout.splitlines()) == 5
    assert "  32 elements" in result.stdout


@pytest.mark.parametrize(
    ("tag", "arrays"),
    [
        ("affine", ["inputs", "affine_1.weight", "affine_1.bias"]),
        ("relu", ["inputs"]),
        ("crossentropy", ["inputs"]),
        ("layerkit:relu", ["inputs"]),
    ],
)
def test_a_type_is_checked_on_an_example(layerkit: CommandLine, tag: str, arrays: list[str]) -> None:
    result = layerkit("gradcheck", tag)
    assert result.returncode == 0
    assert checked_arrays(result, "ok") == arrays


def test_seed_and_batch_decide_what_is_checked(layerkit: CommandLine) -> None:
    def output(*options: object) -> str:
        return layerkit("gradcheck", "affine", *options).stdout

    assert output("--seed", 3) == output("--seed", 3)
    assert output("--seed", 3) != output("--seed", 4)
    assert "  35 elements" in output("--batch", 7)


@pytest.mark.usefixtures("wrong_plugin")
@pytest.mark.parametrize("tag", ["half", "ignorant"])
def test_wrong_gradients_end_with_1(layerkit: CommandLine, tag: str) -> None:
    result = layerkit("gradcheck", tag)
    assert result.returncode == 1
    assert checked_arrays(result, "WRONG") == ["inputs"]
    assert "wrong gradients" in result.stderr
    assert "inputs[" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.usefixtures("wrong_plugin")
def test_wrong_gradients_show_in_every_array_below(layerkit: CommandLine, spec: dict[str, Any], tmp_path: Path) -> None:
    spec["model"]["layers"][1] = {"type": "half"}
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec))
    result = layerkit("gradcheck", path)
    assert result.returncode == 1
    assert checked_arrays(result, "WRONG") == ["inputs", "affine_1.weight", "affine_1.bias"]
    assert checked_arrays(result, "ok") == ["affine_2.weight", "affine_2.bias"]


def test_a_faulty_spec_is_not_checked(layerkit: CommandLine, faulty: tuple[Path, Sequence[str]]) -> None:
    path, phrases = faulty
    result = layerkit("gradcheck", path)
    assert result.returncode == 2
    assert result.stdout == ""
    for phrase in [str(path), *phrases]:
        assert phrase in result.stderr


@pytest.mark.parametrize(
    ("option", "value"), [("--batch", 0), ("--batch", -1), ("--batch", "many"), ("--seed", -1), ("--seed", 0.5)]
)
def test_an_option_out_of_range_is_wrong_usage(layerkit: CommandLine, option: str, value: object) -> None:
    result = layerkit("gradcheck", "relu", option, value)
    assert result.returncode == 2
    assert result.stdout == ""
    assert f"Invalid value for '{option}'" in result.stderr
    assert str(value) in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("missing.json", "missing.json"),
        ("afine", '"affine"'),
        ("zeros", "an initializer; expected a layer or a loss"),
        (".", "."),
    ],
    ids=["missing file", "unknown type", "another family", "directory"],
)
def test_what_cannot_be_checked_ends_with_2(layerkit: CommandLine, target: str, message: str) -> None:
    result = layerkit("gradcheck", target)
    assert result.returncode == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert "Traceback" not in result.stderr
