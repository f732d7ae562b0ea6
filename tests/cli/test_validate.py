"""``layerkit validate``: every fault of every file, and nothing done."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

CommandLine = Callable[..., CompletedProcess[str]]


def test_a_fault_is_told_with_its_place(layerkit: CommandLine, faulty: tuple[Path, Sequence[str]], here: Path) -> None:
    path, phrases = faulty
    result = layerkit("validate", path)
    assert result.returncode == 2
    assert result.stdout == ""
    for phrase in [str(path), *phrases]:
        assert phrase in result.stderr
    assert "Traceback" not in result.stderr
    assert list(here.iterdir()) == []


def test_a_sound_spec_is_ok(layerkit: CommandLine, spec: dict[str, Any], tmp_path: Path, here: Path) -> None:
    path = tmp_path / "sound.json"
    path.write_text(json.dumps(spec))
    result = layerkit("validate", path)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{path}: ok\n", "")
    assert list(here.iterdir()) == []


def test_a_bare_model_spec_is_ok(layerkit: CommandLine, spec: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps({"layerkit": 1, **spec["model"]}))
    assert layerkit("validate", path).returncode == 0


def test_initial_weights_are_not_looked_for(layerkit: CommandLine, spec: dict[str, Any], tmp_path: Path) -> None:
    spec["training"]["initial_weights"] = "not_there.safetensors"
    path = tmp_path / "sound.json"
    path.write_text(json.dumps(spec))
    assert layerkit("validate", path).returncode == 0


def test_all_faults_of_a_file_are_told(layerkit: CommandLine, spec: dict[str, Any], tmp_path: Path) -> None:
    spec["seed"] = -1
    spec["data"]["test_size"] = 1.5
    spec["model"]["layers"][0]["units"] = 0
    spec["training"]["epochs"] = "many"
    path = tmp_path / "faulty.json"
    path.write_text(json.dumps(spec))
    result = layerkit("validate", path)
    assert result.returncode == 2
    for place in ("seed", "data.test_size", "model.layers[0].units", "training.epochs"):
        assert f"{place}: " in result.stderr


def test_each_file_is_told_on(layerkit: CommandLine, spec: dict[str, Any], tmp_path: Path) -> None:
    sound, faulty, missing = (tmp_path / name for name in ("sound.json", "faulty.json", "missing.json"))
    sound.write_text(json.dumps(spec))
    spec["training"]["epochs"] = 0
    faulty.write_text(json.dumps(spec))
    result = layerkit("validate", faulty, missing, sound)
    assert result.returncode == 2
    assert result.stdout == f"{sound}: ok\n"
    assert "training.epochs" in result.stderr
    assert str(missing) in result.stderr


@pytest.mark.parametrize(
    "make",
    [lambda path: None, lambda path: path.mkdir(), lambda path: path.write_bytes(b'{"name": "\xff"}'), os.mkfifo],
    ids=["missing", "directory", "not UTF-8", "pipe"],
)
def test_what_is_no_text_file_is_refused(layerkit: CommandLine, tmp_path: Path, make: Callable[[Path], object]) -> None:
    path = tmp_path / "strange.json"
    make(path)
    result = layerkit("validate", path)
    assert result.returncode == 2
    assert str(path) in result.stderr
    assert "Traceback" not in result.stderr


def test_no_file_at_all_is_wrong_usage(layerkit: CommandLine) -> None:
    result = layerkit("validate")
    assert result.returncode == 2
    assert "SPEC" in result.stderr


# --- options ------------------------------------------------------------------------------------------------------


@pytest.fixture
def sound(spec: dict[str, Any], tmp_path: Path) -> Path:
    """Give a file with a sound spec."""
    path = tmp_path / "sound.json"
    path.write_text(json.dumps(spec))
    return path


def test_faults_come_as_json_too(layerkit: CommandLine, sound: Path, tmp_path: Path) -> None:
    faulty = tmp_path / "faulty.json"
    faulty.write_text(sound.read_text().replace('"epochs": 7', '"epochs": 0'))
    result = layerkit("validate", "--format", "json", sound, faulty)
    assert result.returncode == 2
    assert result.stderr == ""
    (fault,) = json.loads(result.stdout)
    assert (fault["file"], fault["path"], fault["code"]) == (str(faulty), "training.epochs", "out_of_range")
    assert "greater than 0" in fault["message"]
    assert fault["line"] == 1
    assert faulty.read_text()[fault["column"] - 1 :].startswith("0")

    result = layerkit("validate", "--format", "json", sound)
    assert (result.returncode, json.loads(result.stdout)) == (0, [])


def test_a_sound_spec_is_printed_with_its_defaults(layerkit: CommandLine, sound: Path, tmp_path: Path) -> None:
    result = layerkit("validate", "--print-resolved", sound)
    assert result.returncode == 0
    resolved = json.loads(result.stdout)
    assert resolved["model"]["layers"][0]["weight_init"] == {"type": "xavier_uniform"}
    assert resolved["training"]["shuffle"] is True
    again = tmp_path / "again.json"
    again.write_text(result.stdout)
    assert layerkit("validate", "--print-resolved", again).stdout == result.stdout


def test_an_override_is_checked_like_the_file(layerkit: CommandLine, sound: Path) -> None:
    assert layerkit("validate", sound, "--set", "model.layers[0].units=64").returncode == 0
    result = layerkit("validate", sound, "--set", "model.layers[0].units=-1", "--set", "training.epoch=3")
    assert result.returncode == 2
    assert "model.layers[0].units: expected a number greater than 0" in result.stderr
    assert "training.epoch: unknown key" in result.stderr
    assert "--set model.layers[0].units=-1" in result.stderr


@pytest.mark.parametrize(
    ("size", "code"),
    [("1", 2), ("1K", 2), ("1 kB", 2), ("900KiB", 0), ("1m", 0), ("2G", 0), ("1T", 0)],
)
def test_the_memory_that_a_network_may_take_is_a_choice(layerkit: CommandLine, sound: Path, size: str, code: int) -> None:
    result = layerkit("validate", sound, "--max-memory", size)
    assert result.returncode == code
    assert ("memory" in result.stderr) == (code == 2)


@pytest.mark.parametrize("size", ["", "much", "-1", "1X", "1.5G"])
def test_a_size_that_is_none_is_wrong_usage(layerkit: CommandLine, sound: Path, size: str) -> None:
    result = layerkit("validate", sound, "--max-memory", size)
    assert result.returncode == 2
    assert "no size" in result.stderr
    assert "Traceback" not in result.stderr


def test_of_many_faults_a_person_sees_the_first(layerkit: CommandLine, here: Path) -> None:
    (here / "spec.json").write_text("{" + ", ".join(['"seed": 1'] * 500) + "}")
    shown = layerkit("validate", "spec.json").stderr.splitlines()
    listed = json.loads(layerkit("validate", "--format", "json", "spec.json").stdout)
    assert len([line for line in shown if line.startswith("spec.json:")]) == 100
    assert shown[-1] == f"and {len(listed) - 100} more; layerkit validate --format json lists them all"
