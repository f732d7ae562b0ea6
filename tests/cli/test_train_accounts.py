"""How ``layerkit train`` accounts for a run: where it is, how it stands, what it scored, and how many lines it prints."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, ClassVar

import pytest

import layerkit as lk

CommandLine = Callable[..., CompletedProcess[str]]
PROGRAM = str(Path(sysconfig.get_path("scripts")) / "layerkit")
PLACES = ["training in out", "run directory: out"]


def train(layerkit: CommandLine, spec: dict[str, Any]) -> CompletedProcess[str]:
    """Train in the run directory ``out``."""
    Path("spec.json").write_text(json.dumps(spec))
    return layerkit("train", "spec.json", "--out", "out")


def status() -> dict[str, Any]:
    """Return how the run in ``out`` stands."""
    return lk.RunDirectory.open("out").status()


# --- how it ends --------------------------------------------------------------------------------------------------

OBSERVERS = """
from contextlib import contextmanager
from shutil import rmtree
from typing import Literal
from layerkit import Observer, Watcher, hookimpl

LAYERKIT_API = 2

class Acts(Observer):
    type: Literal["acts"] = "acts"
    how: str = "stop"

    @contextmanager
    def watch(self, training, memory):
        how = self.how

        class Acting(Watcher):
            def epoch(self, record):
                if record.epoch < 1:
                    return
                if how == "stop":
                    training.stop("that will do")
                elif how == "interrupt":
                    raise KeyboardInterrupt
                elif how == "vanish":
                    rmtree(training.folder, ignore_errors=True)
                else:
                    raise ValueError("no such luck")

        yield Acting()

@hookimpl
def layerkit_components():
    return [Acts]
"""


@pytest.mark.parametrize(
    ("how", "code", "stands", "why", "said"),
    [
        ("stop", 0, "finished", "that will do", "stopped after epoch 1: that will do"),
        ("interrupt", 130, "interrupted", None, "interrupted"),
        ("fail", 1, "failed", "ValueError: no such luck", "error: "),
    ],
)
def test_its_status_says_how_it_ended(
    layerkit: CommandLine,
    spec: dict[str, Any],
    install: Callable[[str, str], Path],
    how: str,
    code: int,
    stands: str,
    why: str | None,
    said: str,
) -> None:
    install("layerkit-acts", OBSERVERS)
    spec["training"]["observers"] = [{"type": "acts", "how": how}]
    result = train(layerkit, spec)
    assert result.returncode == code
    lines = result.stderr.splitlines()
    assert [line for line in lines if "out" in line.split()] == PLACES
    assert any(line.startswith(said) for line in lines)
    found = status()
    assert (found["status"], found["epoch"], found["step"]) == (stands, 2, 14)
    assert found["reason"] == why if why is None or how == "stop" else why in found["reason"]


def test_a_run_that_is_done_is_finished(layerkit: CommandLine, spec: dict[str, Any]) -> None:
    result = train(layerkit, spec)
    assert result.stderr.splitlines() == PLACES
    assert status() == {"status": "finished", "reason": None, "epoch": 7, "step": 49}


def test_a_run_that_diverges_says_so(layerkit: CommandLine, spec: dict[str, Any]) -> None:
    spec["training"]["optimizer"]["learning_rate"] = 1e30
    result = train(layerkit, spec)
    *places, error = result.stderr.splitlines()
    assert places == PLACES
    found = status()
    assert (found["status"], f"error: {found['reason']}") == ("diverged", error)


def test_a_run_under_way_is_running(here: Path, spec: dict[str, Any]) -> None:
    spec["training"] |= {"epochs": 10**9, "report_every": 1}
    (here / "spec.json").write_text(json.dumps(spec))
    command = [PROGRAM, "train", "spec.json", "--out", "out"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert status()["status"] == "running"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130
    assert list(filter(None, errors.splitlines())) == [*PLACES, "interrupted"]
    assert status()["status"] == "interrupted"
    assert status()["epoch"] == len(lk.RunDirectory.open("out").history())


def test_a_run_that_never_began_leaves_nothing(layerkit: CommandLine, spec: dict[str, Any], here: Path) -> None:
    spec["training"]["initial_weights"] = "missing.safetensors"
    result = train(layerkit, spec)
    assert result.returncode == 2
    assert "out" not in result.stderr
    assert not (here / "out").exists()


# --- scores -------------------------------------------------------------------------------------------------------


def test_scores_are_kept(layerkit: CommandLine, spec: dict[str, Any]) -> None:
    result = train(layerkit, spec)
    scores = lk.RunDirectory.open("out").scores()
    assert list(scores) == ["loss", "accuracy"]
    assert result.stdout.splitlines()[-1] == f"test set accuracy = {scores['accuracy']:.3f}"
    assert lk.run("spec.json", out="again").scores == scores
    assert json.loads(Path("out/scores.json").read_text()) == scores


def test_there_are_none_without_test_samples(layerkit: CommandLine, spec: dict[str, Any]) -> None:
    spec["data"]["test_size"] = None
    train(layerkit, spec)
    assert lk.RunDirectory.open("out").scores() == {}


# --- lines --------------------------------------------------------------------------------------------------------


def printed(result: CompletedProcess[str]) -> list[int]:
    """Return the epochs that were printed."""
    return [int(line.split()[1].rstrip(",")) for line in result.stdout.splitlines() if line.startswith("Epoch")]


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        (1, [0]),
        (7, list(range(7))),
        (25, list(range(25))),
        (26, [*range(0, 26, 2), 25]),
        (101, [*range(0, 101, 5)]),
        (130, [*range(0, 130, 10), 129]),
    ],
)
def test_some_twenty_lines_are_printed(layerkit: CommandLine, spec: dict[str, Any], epochs: int, expected: list[int]) -> None:
    spec["training"] |= {"epochs": epochs, "report_every": None}
    assert printed(train(layerkit, spec)) == expected


@pytest.mark.parametrize(("every", "expected"), [(1, [*range(7)]), (3, [0, 3, 6]), (4, [0, 4, 6]), (100, [0, 6])])
def test_the_last_epoch_is_always_printed(layerkit: CommandLine, spec: dict[str, Any], every: int, expected: list[int]) -> None:
    spec["training"]["report_every"] = every
    assert printed(train(layerkit, spec)) == expected


def test_it_is_printed_too_where_the_run_ends_early(
    layerkit: CommandLine, spec: dict[str, Any], install: Callable[[str, str], Path]
) -> None:
    install("layerkit-acts", OBSERVERS)
    spec["training"] |= {"observers": [{"type": "acts"}], "report_every": 5}
    assert printed(train(layerkit, spec)) == [0, 1]


def test_the_bar_shows_the_loss(layerkit: CommandLine, spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    result = train(layerkit, spec)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", result.stdout)
    last = lk.RunDirectory.open("out").history().loss[-1]
    assert re.search(rf"epochs .* 7/7 +loss = {last:.4f} ", shown)
    assert re.findall(r"Epoch +(\d+),", shown) == ["0", "3", "6"]


# --- a full disk --------------------------------------------------------------------------------------------------


@contextmanager
def small_files(size: int) -> Any:
    """Let no file grow beyond ``size`` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Filling:
    """Runs of which one file does not fit."""

    sizes: ClassVar[dict[str, int]] = {"spec.json": 300, "history.jsonl": 1500, "model.safetensors": 3000}


@pytest.mark.parametrize("name", Filling.sizes)
def test_a_full_disk_says_what_was_being_written(layerkit: CommandLine, spec: dict[str, Any], here: Path, name: str) -> None:
    spec["training"]["epochs"] = 40 if name == "history.jsonl" else 1
    spec["model"]["layers"][0]["units"] = 500 if name == "model.safetensors" else 8
    (here / "spec.json").write_text(json.dumps(spec))
    with small_files(Filling.sizes[name]):
        result = layerkit("train", "spec.json", "--out", "out")
    *_, place, error = result.stderr.splitlines()
    assert place == "run directory: out"
    assert f"out/{name}" in error
    assert "File too large" in error
    assert "Traceback" not in result.stderr
    assert error.endswith("; make room there, or choose another place")
    assert result.returncode == 1
    assert not (here / "out" / "model.safetensors").exists()
    found = json.loads((here / "out" / "status.json").read_text())
    assert (found["status"], f"error: {found['reason']}") == ("failed", error)
    if name == "history.jsonl":
        kept = lk.RunDirectory.open("out").history()
        assert [record.epoch for record in kept] == list(range(len(kept)))
        assert 5 < len(kept) < 40


def test_a_status_that_cannot_be_written_hides_nothing(layerkit: CommandLine, spec: dict[str, Any], here: Path) -> None:
    (here / "spec.json").write_text(json.dumps(spec))
    with small_files(20):
        result = layerkit("train", "spec.json", "--out", "out")
    assert result.returncode == 1
    assert "error: cannot write out/status.json: File too large" in result.stderr


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A function after whose call no file can be made any more; those that are there can be written."""
    really_open = os.open

    def opened(path: Any, flags: int, *args: Any, **options: Any) -> int:
        if flags & os.O_CREAT and not Path(path).exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        return really_open(path, flags, *args, **options)

    return lambda: monkeypatch.setattr(os, "open", opened)


def test_a_disk_that_is_full_still_takes_how_the_run_ended(spec: dict[str, Any], here: Path, full: Callable[[], None]) -> None:
    with pytest.raises(lk.WorkError, match=r"out/model.safetensors: .*No space left.*; make room there") as caught:
        lk.run(spec, out="out", tell=lambda record: full())
    assert status() == {"status": "failed", "reason": str(caught.value), "epoch": 7, "step": 49}
    assert not list(here.glob("out/.*"))


def test_what_cannot_even_be_noted_is_said(
    layerkit: CommandLine, spec: dict[str, Any], here: Path, install: Callable[[str, str], Path]
) -> None:
    install("layerkit-acts", OBSERVERS)
    spec["training"]["observers"] = [{"type": "acts", "how": "vanish"}]
    result = train(layerkit, spec)
    *_, error, note = result.stderr.splitlines()
    assert error.startswith("error: ")
    assert note.startswith("the run is failed, and could not say so: cannot write out/status.json: ")
    assert result.returncode == 1


def test_a_model_is_kept_where_only_the_output_is_full(here: Path, spec: dict[str, Any]) -> None:
    spec["training"] |= {"epochs": 1}
    (here / "spec.json").write_text(json.dumps(spec))
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [PROGRAM, "train", "spec.json", "--out", "out"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert result.returncode == 1
    assert result.stderr.splitlines() == [*PLACES, "error: cannot write the output: No space left on device"]
    found = lk.RunDirectory.open("out")
    assert found.status()["status"] == "failed"
    assert len(found.model().nodes) == 4
