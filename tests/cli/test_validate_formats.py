"""``layerkit validate``: faults for tools, resolved specs, overrides and budgets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from layerkit import SpecError, load_spec
from layerkit.spec.cost import cost_of

CommandLine = Callable[..., CompletedProcess[str]]


@pytest.fixture
def sound(spec: dict[str, Any], tmp_path: Path) -> Path:
    """Give a file with a sound run spec."""
    path = tmp_path / "sound.json"
    path.write_text(json.dumps(spec))
    return path


@pytest.fixture
def faulty(spec: dict[str, Any], tmp_path: Path) -> Path:
    """Give a file with three faults, one of them in a text of another alphabet."""
    spec["name"] = "größe\x1b[31m"
    spec["model"]["layers"][1]["type"] = "rleu"
    spec["training"]["epochs"] = 0
    path = tmp_path / "faulty.json"
    path.write_text(json.dumps(spec, indent=2, ensure_ascii=False).replace("\x1b", "\\u001b"), encoding="utf-8")
    return path


def error_of(path: Path, *overrides: str) -> SpecError:
    """Return the error of a faulty file."""
    with pytest.raises(SpecError) as caught:
        load_spec(path, overrides)
    return caught.value


# --- faults -------------------------------------------------------------------------------------------------------


def test_text_is_what_the_error_says(layerkit: CommandLine, faulty: Path) -> None:
    result = layerkit("validate", faulty)
    assert (result.returncode, result.stdout, result.stderr) == (2, "", f"{error_of(faulty)}\n")
    assert result.stderr.count("\n") == 3 * 3
    assert "\x1b" not in result.stderr


def test_json_has_a_record_for_each_fault(layerkit: CommandLine, faulty: Path) -> None:
    result = layerkit("validate", "--format", "json", faulty)
    assert (result.returncode, result.stderr) == (2, "")
    faults = json.loads(result.stdout)
    assert faults == [fault.as_json() for fault in error_of(faulty).diagnostics]
    assert [(fault["pointer"], fault["path"], fault["code"], fault["suggestion"]) for fault in faults] == [
        ("/name", "name", "out_of_range", None),
        ("/model/layers/1/type", "model.layers[1].type", "unknown_type", "relu"),
        ("/training/epochs", "training.epochs", "out_of_range", None),
    ]
    lines = faulty.read_text(encoding="utf-8").split("\n")
    assert [lines[fault["line"] - 1][fault["column"] - 1 :] for fault in faults] == ['"größe\\u001b[31m",', '"rleu"', "0,"]


def test_faults_of_all_files_are_in_one_list(layerkit: CommandLine, sound: Path, faulty: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing.json"
    result = layerkit("validate", missing, sound, faulty, "--format", "json")
    assert (result.returncode, result.stderr) == (2, "")
    faults = json.loads(result.stdout)
    assert [Path(fault["file"]).name for fault in faults] == ["missing.json", *["faulty.json"] * 3]
    nowhere = {
        "file": str(missing),
        "line": None,
        "column": None,
        "path": "",
        "pointer": "",
        "code": "unreadable",
        "suggestion": None,
    }
    assert {key: value for key, value in faults[0].items() if key != "message"} == nowhere


def test_no_fault_is_an_empty_list(layerkit: CommandLine, sound: Path) -> None:
    result = layerkit("validate", "--format", "json", sound, sound)
    assert (result.returncode, json.loads(result.stdout), result.stderr) == (0, [], "")


def test_an_unknown_format_is_wrong_usage(layerkit: CommandLine, sound: Path) -> None:
    result = layerkit("validate", "--format", "yaml", sound)
    assert (result.returncode, result.stdout) == (2, "")
    assert "'yaml' is not one of 'text', 'json'" in result.stderr


# --- resolved specs -----------------------------------------------------------------------------------------------


def test_a_resolved_spec_has_every_default(layerkit: CommandLine, sound: Path, spec: dict[str, Any]) -> None:
    resolved = json.loads(layerkit("validate", "--print-resolved", sound).stdout)
    assert resolved["data"] == {
        "type": "iris",
        "test_size": 0.25,
        "stratify": False,
        "split_seed": None,
        "standardize": False,
    }
    assert resolved["model"]["dtype"] == "float32"
    assert resolved["model"]["layers"][0] == {
        "type": "affine",
        "units": 8,
        "weight_init": {"type": "xavier_uniform"},
        "bias_init": {"type": "zeros"},
    }
    assert resolved["training"]["optimizer"]["weight_decay"] == 0
    assert list(resolved)[:3] == ["layerkit", "name", "seed"]
    assert "plugins" not in resolved


def test_a_resolved_spec_is_the_same_spec(layerkit: CommandLine, sound: Path, tmp_path: Path) -> None:
    resolved = tmp_path / "resolved.json"
    resolved.write_text(layerkit("validate", "--print-resolved", sound).stdout)
    assert load_spec(resolved) == load_spec(sound)
    assert layerkit("validate", "--print-resolved", resolved).stdout == resolved.read_text()


def test_sound_specs_are_printed_beside_faulty_ones(layerkit: CommandLine, sound: Path, faulty: Path) -> None:
    result = layerkit("validate", "--print-resolved", faulty, sound)
    assert result.returncode == 2
    assert result.stdout == layerkit("validate", "--print-resolved", sound).stdout
    assert result.stderr == f"{error_of(faulty)}\n"


def test_overrides_are_in_the_resolved_spec(layerkit: CommandLine, sound: Path) -> None:
    result = layerkit("validate", "--print-resolved", sound, "--set", "training.epochs=99", "--set", "name=other")
    resolved = json.loads(result.stdout)
    assert (resolved["training"]["epochs"], resolved["name"]) == (99, "other")


TWICE = '''
from typing import Literal
from layerkit import Layer, hookimpl

LAYERKIT_API = 2

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


def test_a_resolved_spec_records_its_plugins(
    layerkit: CommandLine, install: Callable[[str, str], Path], sound: Path, spec: dict[str, Any]
) -> None:
    install("layerkit-twice", TWICE)
    spec["model"]["layers"][1]["type"] = "twice"
    sound.write_text(json.dumps(spec))
    result = layerkit("validate", "--print-resolved", sound)
    assert json.loads(result.stdout)["plugins"] == {"twice": "layerkit-twice==2.5"}
    sound.write_text(result.stdout)
    assert layerkit("validate", "--print-resolved", sound).stdout == result.stdout


# --- overrides ----------------------------------------------------------------------------------------------------


def test_overrides_are_made_in_every_file(layerkit: CommandLine, sound: Path, faulty: Path) -> None:
    result = layerkit("validate", sound, faulty, "--set", "training.epochs=0")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr == f"{error_of(sound, 'training.epochs=0')}\n{error_of(faulty, 'training.epochs=0')}\n"
    mended = ["training.epochs=1", "name=small", "model.layers[1].type=relu"]
    result = layerkit("validate", faulty, *[argument for override in mended for argument in ("--set", override)])
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{faulty}: ok\n", "")


def test_an_override_that_cannot_be_made_is_shown(layerkit: CommandLine, sound: Path) -> None:
    result = layerkit("validate", sound, "--set", "model.layers[9].units=3")
    assert result.returncode == 2
    assert result.stderr.split("\n") == [
        "<command line>: model.layers[9].units: there is no model.layers[9]; model.layers has 4 items, [0] to [3]",
        "  --set model.layers[9].units=3",
        "        ^^^^^^^^^^^^^^^^^^^^^^^",
        "",
    ]


def test_an_override_is_a_place_without_a_line_for_tools(layerkit: CommandLine, sound: Path) -> None:
    result = layerkit("validate", sound, "--set", "training.epochs=0", "--format", "json")
    (fault,) = json.loads(result.stdout)
    assert (fault["file"], fault["line"], fault["column"], fault["path"]) == ("<command line>", None, None, "training.epochs")


@pytest.mark.parametrize(
    "argument", ["", "=", "seed", "\x1b[2J=1", "seed=\x1b[2J", "seed=\udcff", 'name="\udcff"', "seed=" + "9" * 10_000]
)
def test_any_argument_gets_an_answer(layerkit: CommandLine, sound: Path, argument: str) -> None:
    result = layerkit("validate", sound, "--set", argument)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("<command line>: ")
    assert result.stderr.count("\n") == 3
    assert result.stderr.replace("\n", "").isprintable()


# --- the memory budget --------------------------------------------------------------------------------------------


def test_the_budget_is_exact(layerkit: CommandLine, sound: Path) -> None:
    total = cost_of(load_spec(sound)).total
    assert layerkit("validate", sound, "--max-memory", total).returncode == 0
    result = layerkit("validate", sound, "--max-memory", total - 1, "--format", "json")
    assert result.returncode == 2
    (fault,) = json.loads(result.stdout)
    assert (fault["path"], fault["code"]) == ("model.layers[0]", "memory")


def test_the_budget_is_for_the_batch_and_with_the_overrides(layerkit: CommandLine, sound: Path) -> None:
    total = cost_of(load_spec(sound)).total
    for override in ("training.batch_size=17", "training.batch_size=null", "model.layers[0].units=9", "model.dtype=float64"):
        result = layerkit("validate", sound, "--max-memory", total, "--set", override)
        assert result.returncode == 2
        assert ": memory" not in result.stderr
        assert "the memory budget is" in result.stderr
    for override in ("training.batch_size=15", "model.layers[0].units=7", "training.optimizer.momentum=0"):
        assert layerkit("validate", sound, "--max-memory", total, "--set", override).returncode == 0


def test_other_faults_come_before_memory(layerkit: CommandLine, faulty: Path) -> None:
    result = layerkit("validate", faulty, "--max-memory", 1)
    assert result.stderr == f"{error_of(faulty)}\n"


def test_specs_and_faults_do_not_share_an_output(layerkit: CommandLine, sound: Path) -> None:
    result = layerkit("validate", "--print-resolved", "--format", "json", sound)
    assert result.returncode == 2
    assert "--print-resolved" in result.stderr
