"""What a person sees: whole words at 80 columns, no marks, nothing that a terminal would obey, on any console."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sysconfig
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import layerkit as lk

from ..test_printable import HOSTILE

CommandLine = Callable[..., CompletedProcess[str]]
PROGRAM = str(Path(sysconfig.get_path("scripts")) / "layerkit")
SPECS = Path(__file__).parents[2]

LONG = '''
from typing import Literal
import click
from layerkit import Layer, hookimpl

LAYERKIT_API = 2

class Interminable(Layer):
    """A layer with a summary of ``considerable`` length, which refers to :class:`Layer`, to `Node` and to [1]_ on top of it.

    Its second paragraph is long as well, longer than any terminal of eighty columns would show on one single line of its own::

        outputs = inputs

    References
    ----------
    .. [1] N. N., "On the length of lines in documents that are read by people who sit in front of terminals", 1978.
    """

    type: Literal["interminable_layer_of_a_plugin_with_a_long_name"] = "interminable_layer_of_a_plugin_with_a_long_name"
    rather_long_name_of_a_field: str = "a default that is long, too"
    """What the ``field`` does, told at some length, so that it does not fit beside the other columns of the table."""

    def forward(self, node, inputs):
        return inputs

    def backward(self, node, d_out):
        return d_out

@click.command("long-command-of-a-plugin")
def long():
    """Do something at a length that would not fit beside the name of the command on a terminal of eighty columns at all."""

@hookimpl
def layerkit_components():
    return [Interminable]

@hookimpl
def layerkit_commands():
    return [long]
'''


@pytest.fixture
def long_plugin(install: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a plugin of which everything is long, for other processes too."""
    folder = install("layerkit-with-a-name-that-is-far-too-long-for-a-distribution", LONG)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)


@pytest.fixture
def long_spec(here: Path, spec: dict[str, Any]) -> None:
    """Give a spec with long names, as ``long.json``."""
    spec["name"] = "r" * 64
    for number, layer in enumerate(spec["model"]["layers"]):
        layer["name"] = f"a_rather_long_name_for_a_layer_that_does_nothing_special_{number}"
    (here / "long.json").write_text(json.dumps(spec))


COMMANDS = [
    "--help",
    "--version -v",
    "train --help",
    "validate --help",
    "summary --help",
    "gradcheck --help",
    "components --help",
    "schema --help",
    "doctor --help",
    "plugin --help",
    "plugin new --help",
    "tensorboard-export --help",
    "components",
    "components affine",
    "components conv2d",
    "components residual",
    "components crossentropy",
    "components interminable_layer_of_a_plugin_with_a_long_name",
    "doctor",
    "summary long.json",
    "gradcheck long.json",
    "gradcheck affine",
    "validate long.json",
    "train long.json --out out",
    "plugin new my-very-long-name-for-a-package",
]


OF_PLUGINS = {
    "tensorboard-export --help": "layerkit_tensorboard",
    "components conv2d": "layerkit_vision",
    "components residual": "layerkit_residual",
}


@pytest.fixture(params=COMMANDS, name="command")
def any_command(request: pytest.FixtureRequest) -> str:
    """One of the commands; that of a plugin where it is installed."""
    command: str = request.param
    if command in OF_PLUGINS:
        pytest.importorskip(OF_PLUGINS[command])
    return command


def on_a_terminal(command: str, columns: int) -> str:
    """Return what a command shows on a terminal, without colours and the like; of a bar only what stays."""
    ours, theirs = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"} | {"TERM": "xterm"}
    size = f"stty rows 50 cols {columns}; exec {PROGRAM} {command}"
    with subprocess.Popen(["sh", "-c", size], stdin=theirs, stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other end was closed
                break
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).replace("\r\n", "\n")
    return "\n".join(line.rpartition("\r")[2] for line in text.split("\n") if not line.rpartition("\r")[2].startswith("epochs "))


@pytest.mark.usefixtures("long_plugin", "long_spec")
def test_no_word_is_broken_at_80_columns(here: Path, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = on_a_terminal(command, 80)
    monkeypatch.chdir(tmp_path)  # nothing may be there already
    (tmp_path / "long.json").write_text((here / "long.json").read_text())
    whole = on_a_terminal(command, 500)
    figures = r"\d[\d.e,:+-]*"
    words, all_words = (re.sub(figures, "0", text).split() for text in (shown, whole))
    if command == "components":  # which leaves clauses out
        words, all_words = (sorted({word.rstrip(",;:") for word in found}) for found in (words, all_words))
        assert set(words) <= set(all_words)
    else:
        assert words == all_words
    long = [line for line in shown.split("\n") if len(line) > 80]
    assert all(len(line.split()) == 1 for line in long), long
    assert "..." not in shown.replace("SPEC...", "").replace("[ARGS]...", "")


@pytest.mark.usefixtures("long_plugin", "long_spec")
def test_no_mark_is_shown(layerkit: CommandLine, command: str) -> None:
    result = layerkit(*command.split())
    assert result.returncode == 0
    shown = result.stdout + result.stderr
    assert not re.search(r"`|:\w+:`|\]_|\\\*|^\.\. |::$", shown, re.MULTILINE)


def test_a_line_is_a_line_beside_the_bar(here: Path, spec: dict[str, Any]) -> None:
    (here / "spec.json").write_text(json.dumps(spec))
    drawn = on_a_terminal("train spec.json --out out", columns=80)
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|.*\r(?=.)", "", line).strip() for line in drawn.split("\n")]
    told = [line for line in lines if "directory" in line or "training in" in line]
    assert told == ["training in out", "run directory: out"]


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_leaves_the_cursor_to_be_seen(here: Path, spec: dict[str, Any], name: str, code: int) -> None:
    spec["training"]["epochs"] = 10**9
    (here / "spec.json").write_text(json.dumps(spec))
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm"}
    with subprocess.Popen(
        [PROGRAM, "train", "spec.json"], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        shown = b""
        while b"\x1b[?25l" not in shown:
            shown += os.read(ours, 65536)
        process.send_signal(getattr(signal, name))
        with suppress(OSError):  # the other end was closed
            while True:
                shown += os.read(ours, 65536)
    os.close(ours)
    assert process.returncode == code
    assert b"\x1b[?25h" in shown.rpartition(b"\x1b[?25l")[2]
    assert b"Traceback" not in shown


@pytest.mark.parametrize("before", [0, 20, 60, 200])
def test_a_fault_is_marked_on_a_narrow_terminal(here: Path, before: int) -> None:
    (here / "x.json").write_text('{"layerkit": 1, ' + " " * before + '"unknown_key": 1, ' + " " * 100 + '"input_shape": [4]}')
    lines = on_a_terminal("validate x.json", 60).split("\n")
    assert max(map(len, lines)) <= 60
    (place,) = [number for number, line in enumerate(lines) if line.strip() == "^" * len('"unknown_key"')]
    start = lines[place].index("^")
    assert lines[place - 1][start:].startswith('"unknown_key"')


def cells(text: str) -> int:
    """Return the columns that a terminal needs for a text."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


@pytest.mark.parametrize("columns", [60, 80])
def test_wide_characters_are_counted_as_what_they_take(here: Path, columns: int) -> None:
    spec = {"layerkit": 1, "name": "x", "学習率 " * 8: 1, "input_shape": [4]}
    (here / "wide.json").write_text(json.dumps(spec, ensure_ascii=False), encoding="utf-8")
    lines = on_a_terminal("validate wide.json", columns).split("\n")
    assert max(map(cells, lines)) <= columns
    (place,) = [number for number, line in enumerate(lines) if re.fullmatch(r" +\^{9,}", line)]
    before = next(end for end in range(len(lines[place - 1])) if cells(lines[place - 1][:end]) == lines[place].index("^"))
    assert lines[place - 1][before:].startswith('"学習率 学習率 ')
    marked = lines[place - 1][before : before + len(json.dumps("学習率 " * 8, ensure_ascii=False))]
    assert cells(marked) == lines[place].count("^")


def test_nothing_is_broken_for_a_pipe(layerkit: CommandLine, install: Callable[[str, str], Path]) -> None:
    folder = install("layerkit-long", LONG)
    assert f"in {folder}" in [line.strip() for line in layerkit("doctor").stdout.splitlines()]


# --- text out of foreign hands ------------------------------------------------------------------------------------


def hostile_metric(text: str) -> str:
    """Return a plugin that says ``text`` wherever it may."""
    return f"""
from contextlib import contextmanager
from typing import Literal
from pydantic import Field
from layerkit import DataError, Layer, Observer, Watcher, hookimpl

LAYERKIT_API = 2
TEXT = {text!r}

class Bad(Layer):
    type: Literal["bad"] = "bad"
    text: str = TEXT
    def forward(self, node, inputs):
        if node.training:
            raise (DataError if self.text == "refuse" else ValueError)(f"begin{{TEXT}}end")
        return inputs
    def backward(self, node, d_out):
        return d_out

class Talks(Observer):
    type: Literal["talks"] = "talks"
    @contextmanager
    def watch(self, training, memory):
        class Talking(Watcher):
            def epoch(self, record):
                training.stop(f"begin{{TEXT}}end")
        yield Talking()

Bad.__doc__ = f"begin{{TEXT}}end"

@hookimpl
def layerkit_components():
    return [Bad, Talks]
"""


@pytest.fixture(params=HOSTILE.values(), ids=HOSTILE, name="text")
def hostile_text(request: pytest.FixtureRequest) -> str:
    """Give a text that a terminal would obey, or that makes lines."""
    return str(request.param)


def shown(result: CompletedProcess[str]) -> list[str]:
    """Return the lines that were printed, which must be harmless."""
    lines = (result.stdout + result.stderr).split("\n")
    assert all(line.isprintable() for line in lines), lines
    assert not any(line.startswith("error: forged") for line in lines)
    assert "Traceback" not in result.stderr
    return lines


def file_name(text: str) -> str:
    """Return a name of a file with ``text`` in it, as far as the system has such names."""
    if "\0" in text:
        pytest.skip("no file is called so")
    return f"{text}.json" if "\ud800" not in text else text.replace("\ud800", "\udcff") + ".json"


def test_out_of_paths(layerkit: CommandLine, spec: dict[str, Any], here: Path, text: str) -> None:
    name = file_name(text)
    for command in ("train", "validate", "summary", "gradcheck"):
        result = layerkit(command, name)
        assert result.returncode == 2
        assert len(shown(result)) == 2
    (here / name).write_text(json.dumps(spec))
    assert len(shown(layerkit("validate", name))) == 2
    assert layerkit("train", name, "--out", f"{name}-out").returncode == 0
    result = layerkit("train", name, "--out", f"{name}-out")
    assert result.returncode == 2
    assert len(shown(result)) == 2
    result = layerkit("train", f"{name}-out")
    assert len(shown(result)) == 2


def test_out_of_arguments(layerkit: CommandLine, text: str) -> None:
    for arguments in (
        [text],
        ["train", "a.json", text],
        ["train", f"--{text}"],
        ["train", "a.json", "--set", text],
        ["train", "a.json", "--max-memory", text],
        ["components", text],
        ["components", "--format", text],
        ["gradcheck", text],
        ["gradcheck", "--batch", text],
        ["plugin", "new", text],
    ):
        result = layerkit(*arguments)
        assert result.returncode == 2
        shown(result)


def test_out_of_specs(layerkit: CommandLine, spec: dict[str, Any], here: Path, text: str) -> None:
    faulty = {**spec, f"key{text}": text, "name": text}
    (here / "faulty.json").write_text(json.dumps(faulty), encoding="utf-8")
    assert layerkit("validate", "faulty.json").returncode == 2
    shown(layerkit("validate", "faulty.json"))
    (here / "raw.json").write_bytes(json.dumps(faulty, ensure_ascii=False).encode(errors="surrogatepass"))
    shown(layerkit("validate", "raw.json"))
    if "\ud800" in text or "\0" in text:
        return
    spec["training"]["initial_weights"] = f"{text}.safetensors"
    (here / "spec.json").write_text(json.dumps(spec))
    result = layerkit("validate", "--print-resolved", "spec.json")
    shown(result)
    assert json.loads(result.stdout)["training"]["initial_weights"] == f"{text}.safetensors"
    assert len(shown(layerkit("train", "spec.json"))) == 2


def test_out_of_model_files(layerkit: CommandLine, spec: dict[str, Any], here: Path, text: str) -> None:
    if "\ud800" in text:
        return
    save_file({f"affine_1.{text}": np.zeros(3, np.float32)}, here / "start.safetensors", {"spec": f'{{"{text}": 1}}'})
    spec["training"]["initial_weights"] = "start.safetensors"
    (here / "spec.json").write_text(json.dumps(spec))
    result = layerkit("train", "spec.json")
    assert result.returncode == 2
    assert len(shown(result)) == 2
    assert "the network has no affine_1." in result.stderr
    shown(layerkit("summary", "start.safetensors"))
    with pytest.raises(lk.ModelFileError) as error:
        lk.Sequential.load("start.safetensors")
    assert all(line.isprintable() for line in str(error.value).split("\n"))


def test_out_of_plugins(
    layerkit: CommandLine, spec: dict[str, Any], here: Path, install: Callable[[str, str], Path], text: str
) -> None:
    install("layerkit-hostile", hostile_metric(text))
    for command in (["components"], ["gradcheck", "bad"], ["doctor"]):
        shown(layerkit(*command))
    assert all(line.isprintable() for line in layerkit("components", "bad").stdout.split("\n"))  # a docstring has lines
    spec["training"]["observers"] = [{"type": "talks"}]
    (here / "spec.json").write_text(json.dumps(spec))
    lines = shown(layerkit("train", "spec.json"))
    assert any(line.startswith("stopped after epoch 0: begin") and line.endswith("end") for line in lines)
    for how in ("refuse", "raise"):
        spec["model"]["layers"][1] = {"type": "bad", "text": how}
        (here / "spec.json").write_text(json.dumps(spec))
        result = layerkit("train", "spec.json")
        shown(result)
        (said,) = [line for line in result.stderr.split("\n") if "begin" in line]
        assert said.startswith("error: bad_1: ")
        assert "end" in said


def test_out_of_the_metadata_of_plugins(
    layerkit: CommandLine, install: Callable[[str, str], Path], text: str, tmp_path: Path
) -> None:
    folder = install("layerkit-hostile", f"raise ValueError('begin' + {text!r} + 'end')")
    (metadata,) = folder.glob("*.dist-info")
    content = (metadata / "METADATA").read_text()
    for command in (["doctor"], ["components"], ["zzz"], ["--version", "-v"], ["--strict-plugins", "components"]):
        shown(layerkit(*command))
    version = text.replace("\n", " ").replace("\r", " ").replace("\ud800", "?")
    (metadata / "METADATA").write_text(content.replace("2.5", f"2{version}"), newline="")
    for command in (["doctor"], ["components"]):
        shown(layerkit(*command))


def test_out_of_tracebacks(layerkit: CommandLine, spec: dict[str, Any], here: Path, install: Callable[[str, str], Path]) -> None:
    install("layerkit-hostile", hostile_metric("\x1b[2J\x9b\u202e"))
    spec["model"]["layers"][1] = {"type": "bad"}
    (here / "spec.json").write_text(json.dumps(spec))
    result = layerkit("--debug", "train", "spec.json")
    assert "Traceback" in result.stderr
    assert all(line.isprintable() for line in result.stderr.split("\n"))


# --- consoles -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252"])
@pytest.mark.parametrize(
    "command", ["components", "components xavier_uniform", "validate 漢字.json", "validate --print-resolved 漢字.json"]
)
def test_a_console_that_lacks_characters_gets_others(here: Path, spec: dict[str, Any], encoding: str, command: str) -> None:
    spec["training"]["initial_weights"] = "größe-漢字.safetensors"
    (here / "漢字.json").write_text(json.dumps(spec, ensure_ascii=False), encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    result = subprocess.run([PROGRAM, *command.split()], env=environment, capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode("utf-8" if encoding == "ascii" else encoding)  # click takes ASCII for a mistake


def test_a_console_of_the_c_locale(here: Path, spec: dict[str, Any]) -> None:
    (here / "spec.json").write_text(json.dumps({**spec, "名": 1}, ensure_ascii=False), encoding="utf-8")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for command, code in (["components"], 0), (["validate", "spec.json"], 2):
        result = subprocess.run([PROGRAM, *command], env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == code
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize("stderr", ["2>/dev/full", "2>&-"])
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("train spec.json", 0),
        ("train missing.json", 2),
        ("train diverging.json", 1),
        ("validate faulty.json", 2),
        ("zzz", 2),
        ("train", 2),
        ("--debug train missing.json", 2),
    ],
)
def test_complaints_that_cannot_be_written_change_no_exit_code(
    here: Path, spec: dict[str, Any], stderr: str, command: str, code: int
) -> None:
    (here / "spec.json").write_text(json.dumps(spec))
    (here / "faulty.json").write_text("{")
    spec["training"]["optimizer"]["learning_rate"] = 1e30
    (here / "diverging.json").write_text(json.dumps(spec))
    result = subprocess.run(
        f"{PROGRAM} {command} {stderr}", shell=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    )
    assert result.returncode == code
