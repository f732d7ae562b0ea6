"""What is given where a spec is wanted: leftovers of runs, whose spec is read, and what is none, which is told."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

CommandLine = Callable[..., CompletedProcess[str]]
READERS = ["validate", "summary", "gradcheck"]


@pytest.fixture
def run(layerkit: CommandLine, spec: dict[str, Any], here: Path) -> Path:
    """Give a finished run directory."""
    (here / "spec.json").write_text(json.dumps(spec))
    assert layerkit("train", "spec.json", "--out", "out").returncode == 0
    return Path("out")


@pytest.mark.parametrize("command", READERS)
def test_a_run_directory_has_its_spec(layerkit: CommandLine, run: Path, command: str) -> None:
    assert layerkit(command, run).returncode == 0
    if command != "validate":
        assert layerkit(command, run).stdout == layerkit(command, "spec.json").stdout


@pytest.mark.parametrize("command", READERS)
def test_a_model_file_has_its_spec(layerkit: CommandLine, run: Path, command: str) -> None:
    result = layerkit(command, run / "model.safetensors")
    assert (result.returncode, result.stderr) == (0, "")
    if command == "summary":
        rows = [line.split()[:2] for line in layerkit(command, "spec.json").stdout.splitlines()]
        assert [line.split()[:2] for line in result.stdout.splitlines()][:5] == rows[:5]


def test_overrides_change_the_spec_of_a_model_file(layerkit: CommandLine, run: Path) -> None:
    result = layerkit("summary", run / "model.safetensors", "--set", "layers[0].units=99")
    assert "(99,)" in result.stdout


def test_training_wants_a_spec(layerkit: CommandLine, run: Path) -> None:
    result = layerkit("train", run)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: out is a run directory; to train its spec anew: layerkit train out/spec.json\n"
    result = layerkit("train", run / "model.safetensors")
    assert (result.returncode, result.stdout) == (2, "")
    assert "is a model file, and training needs a spec; one that starts from these weights names the file" in result.stderr


@pytest.mark.parametrize("command", ["train", *READERS])
@pytest.mark.parametrize(
    ("name", "content", "seems"),
    [
        ("x.npy", None, "this is a NumPy array"),
        ("x.npz", None, "this is a ZIP archive, such as an .npz file"),
        ("x.pkl", pickle.dumps({"a": 1}), "this is a pickle, which layerkit never opens"),
        ("x.h5", b"\x89HDF\r\n\x1a\n\x00\x00", "this is an HDF5 file, such as Keras writes"),
        ("x.gz", b"\x1f\x8b\x08\x00", "this is compressed with gzip"),
        ("x.csv", b"a,b\n1,2\n", "this is a table"),
        ("x.py", b"print('hello')\n", "this is a Python program, and no spec ever runs one"),
        ("x.yaml", b"layerkit: 1\n", "this is a YAML file"),
        ("history.jsonl", b'{"epoch": 0}\n{"epoch": 1}\n', "this is a list of JSON lines"),
    ],
)
def test_what_is_no_spec_is_told(
    layerkit: CommandLine, here: Path, command: str, name: str, content: bytes | None, seems: str
) -> None:
    if content is not None:
        (here / name).write_bytes(content)
    elif name == "x.npy":
        np.save(here / name, np.zeros(3))
    else:
        np.savez(here / name, np.zeros(3))
    result = layerkit(command, name)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{name}: a spec is a JSON file, and {seems}")
    assert len(result.stderr.splitlines()) == 1


def test_a_spec_with_an_odd_name_is_read(layerkit: CommandLine, spec: dict[str, Any], here: Path) -> None:
    (here / "spec.py").write_text(json.dumps(spec))
    assert layerkit("validate", "spec.py").returncode == 0
    del spec["data"]
    (here / "spec.py").write_text(json.dumps(spec))
    assert 'missing key "data"' in layerkit("validate", "spec.py").stderr


@pytest.mark.parametrize("command", ["train", *READERS])
def test_a_directory_is_told(layerkit: CommandLine, here: Path, command: str) -> None:
    (here / "specs").mkdir()
    result = layerkit(command, "specs")
    assert result.stderr == "specs: a spec is a JSON file, and this is a directory without specs in it\n"
    (here / "specs" / "a.json").touch()
    result = layerkit(command, "specs")
    assert result.returncode == 2
    assert result.stderr == (
        "specs: a spec is a JSON file, and this is a directory; the specs in it are files, such as specs/a.json\n"
    )


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("digits", "No such file or directory; did you mean digits.json?"),
        ("digit.json", "No such file or directory; did you mean digits.json?"),
        ("zzz.json", "No such file or directory; beside it there would be digits.json, wine.json"),
        ("nowhere/digits.json", "there is no folder nowhere"),
    ],
)
def test_what_is_beside_a_file_that_is_not_there_is_named(layerkit: CommandLine, here: Path, name: str, remedy: str) -> None:
    for other in ("digits.json", "wine.json"):
        (here / other).touch()
    result = layerkit("train", name)
    assert (result.returncode, result.stderr) == (2, f"{name}: cannot read the file: {remedy}\n")


def test_a_pipe_is_told(layerkit: CommandLine, here: Path) -> None:
    os.mkfifo(here / "pipe")
    result = layerkit("validate", "pipe")
    assert result.returncode == 2
    assert 'this is a pipe; in the shell, "-" stands for standard input' in result.stderr


def test_weights_alone_are_told(layerkit: CommandLine, here: Path) -> None:
    save_file({"affine_1.weight": np.zeros((4, 3), np.float32)}, here / "weights.safetensors")
    result = layerkit("summary", "weights.safetensors")
    assert result.returncode == 2
    assert result.stderr == "weights.safetensors: these are weights without a spec; name the spec of their network\n"


def test_a_damaged_model_file_is_told(layerkit: CommandLine, run: Path) -> None:
    path = run / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    result = layerkit("summary", path)
    assert result.returncode == 2
    assert result.stderr.startswith(f"{path}: this is not an intact safetensors file: ")


@pytest.mark.parametrize("target", ["crossentropy", "affine"])
def test_a_batch_beyond_the_memory_is_refused(layerkit: CommandLine, spec: dict[str, Any], here: Path, target: str) -> None:
    (here / "spec.json").write_text(json.dumps(spec))
    for name in (target, "spec.json"):
        result = layerkit("gradcheck", name, "--batch", 10**9 * 10**9)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith("error: checking 1000000000000000000 samples takes ")
        assert result.stderr.endswith(" are free; a smaller --batch says as much\n")
