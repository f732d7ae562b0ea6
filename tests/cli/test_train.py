"""``layerkit train``: what it prints and leaves behind, how it fails, and with which exit code."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

import layerkit as lk

CommandLine = Callable[..., CompletedProcess[str]]
PROGRAM = str(Path(sysconfig.get_path("scripts")) / "layerkit")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """Give a function that writes a spec to a file."""

    def to_file(document: dict[str, Any]) -> Path:
        path = tmp_path / "spec.json"
        path.write_text(json.dumps(document))
        return path

    return to_file


def records(run: Path) -> list[lk.EpochRecord]:
    """Return what a run wrote down of its epochs."""
    return [lk.EpochRecord(**json.loads(line)) for line in (run / "history.jsonl").read_text().splitlines()]


def history(run: Path) -> list[float]:
    """Return the losses that a run wrote down."""
    return [record.loss for record in records(run)]


# --- what it prints and leaves ------------------------------------------------------------------------------------


def test_it_prints_the_reported_epochs_and_the_score(
    layerkit: CommandLine, spec: dict[str, Any], write: Callable[[dict[str, Any]], Path], here: Path
) -> None:
    result = layerkit("train", write(spec))
    assert result.returncode == 0
    *epochs, score = result.stdout.splitlines()
    losses = history(here / "runs" / "small-001")
    assert len(losses) == 7
    assert epochs == [f"Epoch {epoch:4d}, loss = {losses[epoch]:.4f}" for epoch in (0, 3, 6)]
    assert losses[-1] < losses[0]
    assert score.startswith("test set accuracy = ")
    assert float(score.split()[-1]) > 0.8
    assert result.stderr == "training in runs/small-001\nrun directory: runs/small-001\n"


def test_it_leaves_spec_history_and_model(
    layerkit: CommandLine, spec: dict[str, Any], write: Callable[[dict[str, Any]], Path], here: Path
) -> None:
    path = write(spec)
    score = layerkit("train", path, "--out", here / "out").stdout.splitlines()[-1]
    out = here / "out"
    assert {"spec.json", "history.jsonl", "model.safetensors"} <= {entry.name for entry in out.iterdir()}
    asked = lk.load_spec(path)
    assert isinstance(asked, lk.RunSpec)
    assert lk.load_spec(out / "spec.json") == asked
    model = lk.Sequential.load(out / "model.safetensors")
    test = asked.data.load(lk.DataRequest(seed=asked.seed, folder=out)).test
    assert test is not None
    inputs, targets, _ = test.take(slice(0, len(test)))
    accuracy = np.mean(model.predict(inputs).argmax(axis=1) == targets)
    assert score == f"test set accuracy = {accuracy:.3f}"


def test_what_it_leaves_trains_again_to_the_same_history(
    layerkit: CommandLine, spec: dict[str, Any], write: Callable[[dict[str, Any]], Path], here: Path, tmp_path: Path
) -> None:
    """The directory stands on its own: the initial weights came along, and their file may be gone."""
    start = tmp_path / "weights" / "start.safetensors"
    start.parent.mkdir()
    asked = lk.load_spec(write(spec))
    assert isinstance(asked, lk.RunSpec)
    lk.build(asked.model, seed=77).save(start)
    spec["training"]["initial_weights"] = "weights/start.safetensors"
    assert layerkit("train", write(spec), "--out", "first").returncode == 0
    start.unlink()
    assert layerkit("train", "first/spec.json", "--out", "second").returncode == 0
    assert (here / "first" / "spec.json").read_bytes() == (here / "second" / "spec.json").read_bytes()
    assert records(here / "first") == records(here / "second")
    first, second = (lk.Sequential.load(here / run / "model.safetensors") for run in ("first", "second"))
    assert first.parameters.tobytes() == second.parameters.tobytes()


def test_each_run_gets_a_directory_of_its_own(
    layerkit: CommandLine, spec: dict[str, Any], write: Callable[[dict[str, Any]], Path], here: Path
) -> None:
    path = write(spec)
    said = [layerkit("train", path).stderr.splitlines()[-1] for _ in range(2)]
    assert said == ["run directory: runs/small-001", "run directory: runs/small-002"]
    assert history(here / "runs" / "small-001") == history(here / "runs" / "small-002")


def test_data_without_test_samples_gets_no_score(
    layerkit: CommandLine, spec: dict[str, Any], write: Callable[[dict[str, Any]], Path]
) -> None:
    spec["data"]["test_size"] = None
    result = layerkit("train", write(spec))
    assert result.returncode == 0
    assert [line.split(",")[0] for line in result.stdout.splitlines()] == ["Epoch    0", "Epoch    3", "Epoch    6"]


def test_a_terminal_shows_the_same_lines_and_a_bar(
    layerkit: CommandLine, spec: dict[str, Any], write: Callable[[dict[str, Any]], Path], here: Path
) -> None:
    path = write(spec)
    plain = layerkit("train", path).stdout
    ours, theirs = pty.openpty()
    with subprocess.Popen([PROGRAM, "train", str(path)], stdout=theirs, stderr=subprocess.DEVNULL) as process:
        os.close(theirs)
        shown = b""
        while chunk := read_terminal(ours):
            shown += chunk
        assert process.wait() == 0
    os.close(ours)
    text = shown.decode().replace("\r", "")
    for line in plain.splitlines():
        assert line in text
    assert "epochs" in text
    assert "7/7" in text
    assert "epochs" not in plain


def read_terminal(descriptor: int) -> bytes:
    """Return what a terminal shows next; nothing where the other end was closed."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def test_a_bar_shows_the_reported_epochs(
    layerkit: CommandLine, spec: dict[str, Any], write: Callable[[dict[str, Any]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(spec)
    plain = layerkit("train", path).stdout
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    shown = layerkit("train", path).stdout
    lines = r"Epoch +\d+, loss = [\d.]+|test set accuracy = [\d.]+"
    assert re.findall(lines, shown) == plain.splitlines()


# --- how it fails -------------------------------------------------------------------------------------------------


def test_a_faulty_spec_trains_nothing(layerkit: CommandLine, faulty: tuple[Path, Sequence[str]], here: Path) -> None:
    path, phrases = faulty
    result = layerkit("train", path)
    assert result.returncode == 2
    assert result.stdout == ""
    for phrase in [str(path), *phrases]:
        assert phrase in result.stderr
    assert "Traceback" not in result.stderr
    assert list(here.iterdir()) == []


def test_a_bare_model_spec_is_no_run(
    layerkit: CommandLine, spec: dict[str, Any], write: Callable[[dict[str, Any]], Path], here: Path
) -> None:
    path = write({"layerkit": 1, **spec["model"]})
    result = layerkit("train", path)
    assert result.returncode == 2
    assert str(path) in result.stderr
    assert '"data"' in result.stderr
    assert '"training"' in result.stderr
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("damage", ["missing", "damaged", "of another network"])
def test_initial_weights_that_cannot_be_used_train_nothing(
    layerkit: CommandLine,
    spec: dict[str, Any],
    write: Callable[[dict[str, Any]], Path],
    here: Path,
    tmp_path: Path,
    damage: str,
) -> None:
    weights = tmp_path / "start.safetensors"
    if damage == "damaged":
        weights.write_bytes(b"no weights")
    elif damage == "of another network":
        lk.Sequential([lk.Affine(units=3), lk.CategoricalCrossEntropy()], input_shape=(4,), seed=0).save(weights)
    spec["training"]["initial_weights"] = "start.safetensors"
    result = layerkit("train", write(spec))
    assert result.returncode == 2
    assert str(weights) in result.stderr
    assert "Traceback" not in result.stderr
    assert list(here.iterdir()) == []


def test_a_directory_that_is_not_empty_is_left_alone(
    layerkit: CommandLine, spec: dict[str, Any], write: Callable[[dict[str, Any]], Path], here: Path
) -> None:
    (here / "out").mkdir()
    (here / "out" / "precious.txt").write_text("mine")
    result = layerkit("train", write(spec), "--out", "out")
    assert result.returncode == 2
    assert result.stdout == ""
    assert "out is not empty" in result.stderr
    assert [entry.name for entry in (here / "out").iterdir()] == ["precious.txt"]
    assert [entry.name for entry in here.iterdir()] == ["out"]


def test_a_diverging_training_ends_with_1(
    layerkit: CommandLine, spec: dict[str, Any], write: Callable[[dict[str, Any]], Path], here: Path
) -> None:
    spec["training"] |= {"optimizer": {"type": "sgd", "learning_rate": 1e30}, "report_every": 1}
    result = layerkit("train", write(spec))
    assert result.returncode == 1
    assert "smaller learning_rate" in result.stderr
    assert "Warning" not in result.stderr
    assert "Traceback" not in result.stderr
    assert "accuracy" not in result.stdout
    assert len(result.stdout.splitlines()) == len(history(here / "runs" / "small-001"))
    assert not (here / "runs" / "small-001" / "model.safetensors").exists()


def test_an_interrupt_ends_with_130(
    layerkit: CommandLine, spec: dict[str, Any], write: Callable[[dict[str, Any]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("layerkit.network.sequential.Sequential.evaluate", interrupted)
    result = layerkit("train", write(spec))
    assert result.returncode == 130
    assert "interrupted" in result.stderr
    assert "Traceback" not in result.stderr


MISBEHAVING = """
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from layerkit import Dataset, Layer, Observer, SGD, Watcher, hookimpl

LAYERKIT_API = 2

class Unprintable(Exception):
    def __str__(self):
        raise SystemExit(0)

def fail(how):
    if how == "SystemExit":
        raise SystemExit(0)
    if how == "RecursionError":
        fail(how)
    if how == "Unprintable":
        raise Unprintable
    raise ValueError("no such luck")

class Leaves(Layer):
    type: Literal["leaves"] = "leaves"
    how: str = "ValueError"
    result: bool = False
    def forward(self, node, inputs):
        if node.training and not self.result:
            fail(self.how)
        return inputs
    def backward(self, node, d_out):
        return None

class Halts(SGD):
    type: Literal["halts"] = "halts"
    how: str = "ValueError"
    def update(self, step):
        if step.number == 10:
            fail(self.how)

class Hides(Observer):
    type: Literal["hides"] = "hides"
    how: str = "ValueError"
    @contextmanager
    def watch(self, training, memory):
        class Failing(Watcher):
            def epoch(_, record):
                fail(self.how)
        try:
            yield Failing()
        except BaseException:
            pass

class Lost(Dataset):
    type: Literal["lost"] = "lost"
    how: str = "ValueError"
    def load(self, request):
        fail(self.how)

@hookimpl
def layerkit_components():
    return [Leaves, Halts, Hides, Lost]
"""


@pytest.mark.parametrize("how", ["ValueError", "SystemExit", "RecursionError", "Unprintable"])
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("leaves", "leaves_1: Leaves.forward of misbehaving 2.5 raised {how}"),
        ("halts", "Halts.update of misbehaving 2.5 raised {how}"),
        ("hides", "Hides.watch of misbehaving 2.5 raised {how}"),
        ("lost", "Lost.load of misbehaving 2.5 raised {how}"),
    ],
)
def test_a_plugin_that_misbehaves_ends_with_1_and_is_named(
    layerkit: CommandLine,
    spec: dict[str, Any],
    write: Callable[[dict[str, Any]], Path],
    here: Path,
    install: Callable[[str, str], None],
    kind: str,
    said: str,
    how: str,
) -> None:
    """Not even one that asks to end everything in good order ends a training so."""
    install("misbehaving", MISBEHAVING)
    odd = {"type": kind, "how": how}
    if kind == "leaves":
        spec["model"]["layers"].insert(1, odd)
    elif kind == "lost":
        spec["data"] = odd
    else:
        spec["training"] |= {"optimizer": {**odd, "learning_rate": 0.1}} if kind == "halts" else {"observers": [odd]}
    result = layerkit("train", write(spec))
    assert result.returncode == 1
    *_, line = result.stderr.splitlines()
    assert line.startswith("error: " + said.format(how=how))
    when = {"leaves": "(epoch 0, after 0 steps)", "halts": "(epoch 1, after 9 steps)", "hides": "(epoch 1, after 7 steps)"}
    assert when.get(kind, "") in line
    assert "accuracy" not in result.stdout
    assert list(here.rglob("model.safetensors")) == []


def test_a_plugin_that_returns_nothing_ends_with_1_and_is_named(
    layerkit: CommandLine,
    spec: dict[str, Any],
    write: Callable[[dict[str, Any]], Path],
    here: Path,
    install: Callable[[str, str], None],
) -> None:
    install("misbehaving", MISBEHAVING)
    spec["model"]["layers"].insert(1, {"type": "leaves", "result": True})
    result = layerkit("train", write(spec))
    assert result.returncode == 1
    assert result.stderr == (
        "training in runs/small-001\n"
        "run directory: runs/small-001\n"
        "error: leaves_1: Leaves.backward of misbehaving 2.5 returned NoneType, expected float32 of shape (16, 8) "
        "(epoch 0, after 0 steps)\n"
    )
    assert list(here.rglob("model.safetensors")) == []


def test_a_layer_without_a_trained_one_before_it_may_return_nothing(
    layerkit: CommandLine,
    spec: dict[str, Any],
    write: Callable[[dict[str, Any]], Path],
    install: Callable[[str, str], None],
) -> None:
    install("misbehaving", MISBEHAVING)
    spec["model"]["layers"].insert(0, {"type": "leaves", "result": True})
    assert layerkit("train", write(spec)).returncode == 0


# --- as a process of its own --------------------------------------------------------------------------------------


def test_a_process_that_diverges_ends_with_1(spec: dict[str, Any], write: Callable[[dict[str, Any]], Path], here: Path) -> None:
    spec["training"]["optimizer"]["learning_rate"] = 1e30
    result = subprocess.run([PROGRAM, "train", str(write(spec))], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    *places, error = result.stderr.splitlines()
    assert places == ["training in runs/small-001", "run directory: runs/small-001"]
    assert "smaller learning_rate" in error


@pytest.mark.parametrize(
    ("name", "code", "word"), [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated"), ("SIGHUP", 129, "hung up")]
)
@pytest.mark.parametrize("times", [1, 2, 50])
def test_a_process_that_a_signal_ends_says_so(
    spec: dict[str, Any], write: Callable[[dict[str, Any]], Path], here: Path, name: str, code: int, word: str, times: int
) -> None:
    spec["training"] |= {"epochs": 10**9, "report_every": 1}
    command = [PROGRAM, "train", str(write(spec)), "--out", "out"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Epoch    0, loss = ")
        for _ in range(times):  # a terminal and a wrapper both send it
            process.send_signal(getattr(signal, name))
        _, errors = process.communicate()
    # One that comes when Python has put its own handlers away ends what is left of the process; shells call both the same.
    assert process.returncode in ((code,) if times == 1 else (code, 128 - code))
    assert [line for line in errors.splitlines() if line] == ["training in out", "run directory: out", word]
    run = lk.RunDirectory.open(here / "out")
    assert run.status()["status"] == "interrupted"
    assert run.status()["epoch"] == len(run.history())  # every line is whole
    assert not list((here / "out").glob(".*"))


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_a_process_that_was_told_to_ignore_a_signal_does(
    spec: dict[str, Any], write: Callable[[dict[str, Any]], Path], here: Path, name: str
) -> None:
    spec["training"] |= {"epochs": 2_000, "report_every": 1}
    command = ["sh", "-c", f'trap "" {name[3:]}; exec "$0" "$@"', PROGRAM, "train", str(write(spec)), "--out", "out"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(getattr(signal, name))
        process.communicate()
    assert process.returncode == 0
    assert lk.RunDirectory.open(here / "out").status()["status"] == "finished"
