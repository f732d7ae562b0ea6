"""The entry point of the command line: usage, help, errors and exit codes, whatever the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

import layerkit as lk

CommandLine = Callable[..., CompletedProcess[str]]
PROGRAM = str(Path(sysconfig.get_path("scripts")) / "layerkit")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "SPEC"),
        (["train", "a.json", "b.json"], "b.json"),
        (["train", "--no-such-option", "a.json"], "--no-such-option"),
        (["trian"], "No such command 'trian'. Did you mean \"train\"?"),
        (["zzz"], "No such command 'zzz'."),
    ],
    ids=["no spec", "two specs", "option", "command", "no command"],
)
def test_wrong_usage_ends_with_2(layerkit: CommandLine, arguments: list[str], message: str) -> None:
    result = layerkit(*arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_help_lists_the_commands(layerkit: CommandLine) -> None:
    result = layerkit("--help")
    assert result.returncode == 0
    for command in ("train", "validate", "components", "gradcheck"):
        assert command in result.stdout
        assert layerkit(command, "-h").stdout.startswith(f"Usage: layerkit {command}")


def test_the_version_is_that_of_the_distribution(layerkit: CommandLine) -> None:
    assert layerkit("--version").stdout == f"layerkit, version {version('layerkit')}\n"


def test_the_package_is_the_program(here: Path) -> None:
    result = subprocess.run([sys.executable, "-m", "layerkit", "--version"], capture_output=True, text=True, check=True, cwd=here)
    assert result.stdout == f"layerkit, version {version('layerkit')}\n"
    assert lk.__version__ == version("layerkit")


# --- errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("debug", "shown"), [([], False), (["--debug"], True)], ids=["plain", "debug"])
def test_an_error_shows_its_traceback_on_demand(layerkit: CommandLine, debug: list[str], shown: bool) -> None:
    result = layerkit(*debug, "train", "missing.json")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.endswith("missing.json: cannot read the file: No such file or directory\n")
    assert ("Traceback (most recent call last)" in result.stderr) == shown


@pytest.mark.parametrize(("debug", "shown"), [([], False), (["--debug"], True)], ids=["plain", "debug"])
def test_a_process_that_fails_does_the_same(here: Path, debug: list[str], shown: bool) -> None:
    result = subprocess.run([PROGRAM, *debug, "train", "missing.json"], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.endswith("missing.json: cannot read the file: No such file or directory\n")
    assert ("Traceback (most recent call last)" in result.stderr) == shown


# --- an output that cannot be written to --------------------------------------------------------------------------


PRINTING = """
import click
from layerkit import hookimpl

LAYERKIT_API = 2

@click.command()
def loud():
    print("hello")

@hookimpl
def layerkit_commands():
    return [loud]
"""


@pytest.fixture(params=["components", "components relu", "validate spec.json", "train spec.json", "loud"])
def command(
    request: pytest.FixtureRequest,
    spec: dict[str, Any],
    here: Path,
    tmp_path: Path,
    install: Callable[[str, str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> list[str]:
    """Give a command that prints: through rich, through click, step by step, or into a buffer that nobody flushes."""
    (here / "spec.json").write_text(json.dumps(spec))
    monkeypatch.setenv("PYTHONPATH", str(install("layerkit-loud", PRINTING)), prepend=os.pathsep)
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    return [PROGRAM, *request.param.split()]


def test_a_full_disk_ends_with_1(command: list[str]) -> None:
    with open("/dev/full", "w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == "error: cannot write the output: No space left on device"


def test_a_reader_that_has_gone_ends_with_1(command: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as gone:
        result = subprocess.run(command, stdout=gone, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr


@pytest.mark.parametrize("command", ["components", "train spec.json", "--version"])
def test_a_closed_output_is_no_traceback(tmp_path: Path, command: str) -> None:
    specs = Path(__file__).parents[2] / "specs"
    (tmp_path / "spec.json").write_text((specs / "iris.json").read_text())
    result = subprocess.run(f"{PROGRAM} {command} >&-", shell=True, stderr=subprocess.PIPE, text=True, cwd=tmp_path, check=False)
    assert "Traceback" not in result.stderr


def test_debug_shows_the_traceback_of_a_full_disk() -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run([PROGRAM, "--debug", "components"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert "Traceback" in result.stderr
    assert result.returncode == 1


def test_a_type_with_a_very_long_name_is_bad_input(layerkit: CommandLine) -> None:
    assert layerkit("gradcheck", "a" * 300).returncode == 2
