"""What the TAB key offers, as a shell asks for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

CommandLine = Callable[..., CompletedProcess[str]]
PROGRAM = str(Path(sysconfig.get_path("scripts")) / "layerkit")


def offered(*words: str) -> list[str]:
    """Return what a bash would be told after these words, the last of which is not done; nothing else may be printed."""
    asked = {"_LAYERKIT_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(("layerkit", *words)), "COMP_CWORD": str(len(words))}
    result = subprocess.run([PROGRAM], env={**os.environ, **asked}, capture_output=True, text=True, check=True)
    assert result.stderr == ""
    return list(filter(None, result.stdout.splitlines()))


def test_commands() -> None:
    assert offered("tr") == ["plain,train"]
    assert set(offered("")) >= {f"plain,{name}" for name in ("train", "validate", "summary", "plugin")}
    assert offered("plugin", "n") == ["plain,new"]


def test_commands_of_plugins() -> None:
    pytest.importorskip("layerkit_tensorboard")
    assert offered("ten") == ["plain,tensorboard-export"]


def test_options() -> None:
    assert offered("train", "--s") == ["plain,--set"]
    assert offered("components", "--format", "j") == ["plain,json"]


@pytest.mark.parametrize("command", ["train", "validate", "summary", "gradcheck"])
def test_files(command: str) -> None:
    assert offered(command, "specs/di") == ["file,specs/di"]


def test_types() -> None:
    assert offered("components", "xavier_") == ["plain,xavier_normal", "plain,xavier_uniform"]
    assert offered("gradcheck", "rel") == ["file,rel", "plain,relu"]


def test_nothing_is_offered_where_nothing_is_known() -> None:
    assert offered("trian", "x") == []


def test_a_broken_plugin_prints_nothing_between(install: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = install("layerkit-broken", "import warnings\nwarnings.warn('noise')\nraise RuntimeError('out of order')")
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    assert offered("zz") == []
    assert offered("tr") == ["plain,train"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_one_line_installs_it(shell: str) -> None:
    environment = {**os.environ, "_LAYERKIT_COMPLETE": f"{shell}_source"}
    script = subprocess.run([PROGRAM], env=environment, capture_output=True, text=True, check=True).stdout
    assert f"{shell}_complete" in script
    help_text = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
    assert f"_LAYERKIT_COMPLETE={shell}_source layerkit" in help_text


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_the_line_in_the_help_works_in_bash() -> None:
    program = Path(PROGRAM).parent
    line = next(
        line.strip()
        for line in subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout.splitlines()
        if "bash_source" in line
    )
    ask = "COMP_WORDS=(layerkit tr); COMP_CWORD=1; _layerkit_completion layerkit; echo ${COMPREPLY[@]}"
    result = subprocess.run(
        ["bash", "-c", f"{line}\n{ask}"],
        env={**os.environ, "PATH": f"{program}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (result.stdout, result.stderr) == ("train\n", "")
