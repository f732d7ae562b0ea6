"""``layerkit gradcheck``: numerical against analytical gradients, of a spec or of a type."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

CommandLine = Callable[..., CompletedProcess[str]]

WRONG = '''
from typing import Literal
import numpy as np
from layerkit import CategoricalCrossEntropy, Layer, Loss, hookimpl, number_targets

LAYERKIT_API = 2

class Half(Layer):
    """Forgets in backward what it did in forward."""

    type: Literal["half"] = "half"

    def forward(self, node, inputs):
        return 0.5 * inputs

    def backward(self, node, d_out):
        return d_out

class Ignorant(Loss):
    """Ignores the gradients of its samples."""

    type: Literal["ignorant"] = "ignorant"

    def prepare(self, targets, logits_shape, dtype):
        return number_targets(targets, logits_shape, dtype)

    def losses(self, node, logits, targets):
        node.cache = logits - targets
        return (node.cache**2).reshape(len(logits), -1).sum(axis=1) / 2

    def d_logits(self, node, d_losses):
        return node.cache

    def predict(self, node, logits):
        return logits.copy()

class Unweighted(CategoricalCrossEntropy):
    """Is right as long as there are no weights, and no soft targets."""

    type: Literal["unweighted"] = "unweighted"

    def d_logits(self, node, d_losses):
        if node.cache[1].ndim == 2 or (d_losses != d_losses[0]).any():
            d_losses = 2 * d_losses
        return super().d_logits(node, d_losses)

class Rough(Layer):
    """Rounds its gradients to half precision in float32."""

    type: Literal["rough"] = "rough"

    def forward(self, node, inputs):
        return 0.3 * inputs

    def backward(self, node, d_out):
        return 0.3 * d_out if node.dtype == np.float64 else (d_out * np.float32(0.302)).astype(np.float16).astype(np.float32)

@hookimpl
def layerkit_components():
    return [Half, Ignorant, Unweighted, Rough]
'''


@pytest.fixture
def wrong_plugin(install: Callable[[str, str], Path]) -> None:
    """Install a layer and a loss with wrong gradients for as long as the test runs."""
    install("layerkit-wrong", WRONG)


Lines = dict[str, list[tuple[str, str, str, str]]]


def checked(result: CompletedProcess[str]) -> Lines:
    """Return under each circumstance the lines: array, what was compared, upstream gradient and verdict."""
    found: Lines = {}
    for line in result.stdout.splitlines():
        if not line.startswith("  "):
            found[line] = []
            continue
        array, compared, upstream = re.split(r"  +", line.strip())[:3]
        found[list(found)[-1]].append((array, compared, upstream, line.split()[-1]))
    return found


def arrays(
    result: CompletedProcess[str], circumstance: str, verdict: str, compared: str = "analytical and numerical"
) -> list[str]:
    """Return the arrays of the lines with the verdict, in order."""
    return [line[0] for line in checked(result)[circumstance] if line[1:] == (compared, "d_out", verdict)]


@pytest.mark.parametrize("bare", [False, True], ids=["run", "model"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_spec_is_checked_array_by_array(
    layerkit: CommandLine, spec: dict[str, Any], tmp_path: Path, bare: bool, dtype: str
) -> None:
    spec["model"]["dtype"] = dtype
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"layerkit": 1, **spec["model"]} if bare else spec))
    result = layerkit("gradcheck", path)
    assert result.returncode == 0
    names = ["inputs", "affine_1.weight", "affine_1.bias", "affine_2.weight", "affine_2.bias"]
    kinds = ["analytical and numerical", *(["float32 and float64"] if dtype == "float32" else [])]
    wanted = [(name, compared, "d_out", "ok") for compared in kinds for name in names]
    assert checked(result) == dict.fromkeys(["example targets", "sample weights", "soft targets"], wanted)
    assert "  32 elements" in result.stdout


@pytest.mark.parametrize(
    ("tag", "names"),
    [
        ("affine", ["inputs", "affine_1.weight", "affine_1.bias"]),
        ("relu", ["inputs"]),
        ("layerkit:relu", ["inputs"]),
    ],
)
def test_a_layer_is_checked_on_an_example_in_both_dtypes(layerkit: CommandLine, tag: str, names: list[str]) -> None:
    result = layerkit("gradcheck", tag)
    assert result.returncode == 0
    assert arrays(result, "random inputs", "ok") == names
    assert arrays(result, "random inputs", "ok", "float32 and float64") == names
    assert len(result.stdout.splitlines()) == 1 + 2 * len(names)


def test_a_loss_is_checked_with_weights_soft_targets_and_sample_by_sample(layerkit: CommandLine) -> None:
    result = layerkit("gradcheck", "crossentropy")
    assert result.returncode == 0
    wanted = [
        ("inputs", compared, upstream, "ok")
        for compared in ("analytical and numerical", "float32 and float64")
        for upstream in ("d_out", "d_losses")
    ]
    assert checked(result) == dict.fromkeys(["example targets", "sample weights", "soft targets"], wanted)


def test_options_decide_what_is_checked(layerkit: CommandLine) -> None:
    def output(*options: object) -> str:
        return layerkit("gradcheck", "affine", *options).stdout

    assert output("--seed", 3) == output("--seed", 3)
    assert output("--seed", 3) != output("--seed", 4)
    assert "  35 elements" in output("--batch", 7)
    assert "   8 elements" in output("--elements", 8)
    assert " 100 elements" in output()


@pytest.mark.usefixtures("wrong_plugin")
@pytest.mark.parametrize(("tag", "circumstance"), [("half", "random inputs"), ("ignorant", "example targets")])
def test_wrong_gradients_end_with_1(layerkit: CommandLine, tag: str, circumstance: str) -> None:
    result = layerkit("gradcheck", tag)
    assert result.returncode == 1
    assert arrays(result, circumstance, "WRONG") == ["inputs"]
    assert f"wrong gradients\n  {circumstance}: inputs: analytical and numerical gradients DISAGREE" in result.stderr
    assert "inputs[" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.usefixtures("wrong_plugin")
def test_gradients_that_are_wrong_for_some_targets_alone_are_found(layerkit: CommandLine) -> None:
    result = layerkit("gradcheck", "unweighted")
    assert result.returncode == 1
    assert arrays(result, "example targets", "ok") == ["inputs"]
    assert arrays(result, "sample weights", "WRONG") == ["inputs"]
    assert arrays(result, "soft targets", "WRONG") == ["inputs"]


@pytest.mark.usefixtures("wrong_plugin")
def test_gradients_that_are_wrong_in_float32_alone_are_found(layerkit: CommandLine) -> None:
    result = layerkit("gradcheck", "rough")
    assert result.returncode == 1
    assert arrays(result, "random inputs", "ok") == ["inputs"]
    assert arrays(result, "random inputs", "WRONG", "float32 and float64") == ["inputs"]
    assert "inputs: float32 and float64 gradients DISAGREE" in result.stderr


@pytest.mark.usefixtures("wrong_plugin")
def test_wrong_gradients_show_in_every_array_below(layerkit: CommandLine, spec: dict[str, Any], tmp_path: Path) -> None:
    spec["model"]["layers"][1] = {"type": "half"}
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec))
    result = layerkit("gradcheck", path)
    assert result.returncode == 1
    assert arrays(result, "example targets", "WRONG") == ["inputs", "affine_1.weight", "affine_1.bias"]
    assert arrays(result, "example targets", "ok") == ["affine_2.weight", "affine_2.bias"]


def test_a_faulty_spec_is_not_checked(layerkit: CommandLine, faulty: tuple[Path, Sequence[str]]) -> None:
    path, phrases = faulty
    result = layerkit("gradcheck", path)
    assert result.returncode == 2
    assert result.stdout == ""
    for phrase in [str(path), *phrases]:
        assert phrase in result.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [("--batch", 0), ("--batch", -1), ("--batch", "many"), ("--seed", -1), ("--seed", 0.5), ("--elements", 0)],
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
