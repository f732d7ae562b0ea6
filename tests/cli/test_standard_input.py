"""A spec on standard input, given as ``-``."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

import layerkit as lk

CommandLine = Callable[..., CompletedProcess[str]]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Give a function that puts bytes on standard input."""

    def put(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


@pytest.mark.parametrize("command", ["train", "validate", "summary", "gradcheck"])
def test_it_is_read_like_a_file(
    layerkit: CommandLine, spec: dict[str, Any], here: Path, given: Callable[[bytes], None], command: str
) -> None:
    (here / "spec.json").write_text(json.dumps(spec))
    from_file = layerkit(command, "spec.json")
    given(json.dumps(spec).encode())
    result = layerkit(command, "-")
    assert (result.returncode, result.stdout) == (0, from_file.stdout.replace("spec.json", "<stdin>"))


def test_paths_in_it_start_here(layerkit: CommandLine, spec: dict[str, Any], here: Path, given: Callable[[bytes], None]) -> None:
    asked = lk.RunSpec.model_validate_json(json.dumps(spec))
    lk.build(asked.model, seed=5).save(here / "start.safetensors")
    spec["training"]["initial_weights"] = "start.safetensors"
    given(json.dumps(spec).encode())
    assert layerkit("train", "-", "--out", "out").returncode == 0
    assert (here / "out" / "initial_weights.safetensors").read_bytes() == (here / "start.safetensors").read_bytes()


@pytest.mark.parametrize("command", ["train", "validate", "summary", "gradcheck"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "<stdin>:1:1: "),
        (b'{"layerkit": 1,}', "<stdin>:1:"),
        (b"\x80", "<stdin>:1:1: the byte 0x80 is not UTF-8"),
        (b" " * 2**23, "<stdin>: the file is longer than the 1048576 characters that a spec may have"),
    ],
    ids=["empty", "no JSON", "no UTF-8", "endless"],
)
def test_faults_in_it_are_placed(
    layerkit: CommandLine, given: Callable[[bytes], None], command: str, content: bytes, message: str
) -> None:
    given(content)
    result = layerkit(command, "-")
    assert result.returncode == 2
    assert result.stderr.startswith(message)


def test_only_as_much_is_read_as_a_spec_may_have(layerkit: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            buffer[:] = b" " * len(buffer)
            return len(buffer)

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Endless())))
    assert "longer than" in layerkit("validate", "-").stderr


def test_one_that_is_closed_is_told(layerkit: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    result = layerkit("validate", "-")
    assert (result.returncode, result.stderr) == (2, "<stdin>: standard input is closed; write the spec to it, or name a file\n")
