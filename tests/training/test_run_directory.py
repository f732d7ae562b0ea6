"""Run directories: each belongs to one run, none is ever overwritten, and each stands on its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import layerkit as lk
from layerkit import EpochRecord, RunDirectory
from layerkit.errors import RunDirectoryError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty directory."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def run_spec(**training: object) -> lk.RunSpec:
    """Return a run with few things said and many left to their defaults."""
    document = {
        "layerkit": 1,
        "data": {"type": "iris"},
        "model": {"input_shape": [4], "layers": [{"type": "affine", "units": 3}, {"type": "crossentropy"}]},
        "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 3, **training},
    }
    return lk.RunSpec.model_validate_json(json.dumps(document))


# --- places -------------------------------------------------------------------------------------------------------


def test_runs_are_numbered_by_name(here: Path) -> None:
    paths = [RunDirectory.create(name).path for name in ("a", "a", "b", "a")]
    assert paths == [Path("runs/a-001"), Path("runs/a-002"), Path("runs/b-001"), Path("runs/a-003")]
    assert all((here / path).is_dir() for path in paths)


def test_the_next_free_number_is_taken(here: Path) -> None:
    (here / "runs" / "a-001").mkdir(parents=True)
    (here / "runs" / "a-002").touch()
    (here / "runs" / "a-999").mkdir()
    assert RunDirectory.create("a").path == Path("runs/a-003")


def test_numbers_go_on_beyond_three_digits(here: Path) -> None:
    for number in range(1, 1000):
        (here / "runs" / f"a-{number:03d}").mkdir(parents=True)
    assert RunDirectory.create("a").path == Path("runs/a-1000")


@pytest.mark.parametrize("exists", [True, False], ids=["empty", "new"])
def test_out_may_be_new_or_empty(here: Path, exists: bool) -> None:
    out = here / "some" / "place"
    if exists:
        out.mkdir(parents=True)
    assert RunDirectory.create("a", out).path == out
    assert out.is_dir()
    assert not (here / "runs").exists()


@pytest.mark.parametrize("entry", ["spec.json", ".hidden"])
def test_out_that_holds_something_is_left_alone(here: Path, entry: str) -> None:
    (here / "out").mkdir()
    (here / "out" / entry).write_text("mine")
    with pytest.raises(RunDirectoryError, match=r"out is not empty.*choose a new directory"):
        RunDirectory.create("a", here / "out")
    assert [path.name for path in (here / "out").iterdir()] == [entry]
    assert (here / "out" / entry).read_text() == "mine"


@pytest.mark.parametrize("out", ["file", "file/below"])
def test_out_that_cannot_be_made_says_why(here: Path, out: str) -> None:
    (here / "file").write_text("mine")
    with pytest.raises(RunDirectoryError, match=f"cannot make the run directory {out}: "):
        RunDirectory.create("a", Path(out))
    assert (here / "file").read_text() == "mine"


def test_runs_that_cannot_be_made_says_why(here: Path) -> None:
    (here / "runs").write_text("a file where the directory of runs should be")
    with pytest.raises(RunDirectoryError, match="cannot make the run directory runs: "):
        RunDirectory.create("a")


MAKE_MANY = """
import sys
from layerkit.training.run_directory import RunDirectory

print("ready", flush=True)
sys.stdin.readline()
for _ in range(40):
    print(RunDirectory.create("race").path)
"""


def test_processes_that_start_together_get_directories_of_their_own(here: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", MAKE_MANY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=here)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    made = [line for process in processes for line in process.communicate()[0].split()]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted(made) == [f"runs/race-{number:03d}" for number in range(1, 121)]


# --- contents -----------------------------------------------------------------------------------------------------


def test_the_spec_is_resolved(here: Path) -> None:
    spec = run_spec()
    directory = RunDirectory.create("a", here / "out")
    directory.write_spec(spec, here)
    written = json.loads((here / "out" / "spec.json").read_text())
    assert written["layerkit"] == 1
    assert written["seed"] == 0
    assert written["data"]["test_size"] == 0.25
    assert written["model"]["dtype"] == "float32"
    assert written["model"]["layers"][0]["weight_init"] == {"type": "xavier_uniform"}
    assert written["training"]["optimizer"]["momentum"] == 0.0
    assert written["training"]["shuffle"] is True
    assert "layerkit" not in written["model"]
    assert lk.load_spec(here / "out" / "spec.json") == spec


def test_initial_weights_are_brought_along(here: Path) -> None:
    source = here / "elsewhere"
    source.mkdir()
    lk.build(run_spec().model, seed=8).save(source / "start.safetensors")
    spec = run_spec(initial_weights="start.safetensors")
    directory = RunDirectory.create("a", here / "out")
    directory.write_spec(spec, source)
    again = lk.load_spec(here / "out" / "spec.json")
    assert isinstance(again, lk.RunSpec)
    copied = here / "out" / str(again.training.initial_weights)
    assert copied.parent == here / "out"
    assert copied.read_bytes() == (source / "start.safetensors").read_bytes()
    assert again.model == spec.model
    assert spec.training.initial_weights == "start.safetensors"


def test_the_model_that_is_saved_loads(here: Path) -> None:
    model = lk.build(run_spec().model, seed=8)
    RunDirectory.create("a", here / "out").save_model(model)
    loaded = lk.Sequential.load(here / "out" / "model.safetensors")
    assert loaded.parameters.tobytes() == model.parameters.tobytes()
    assert loaded.spec == model.spec


def test_a_history_reads_back_as_the_same_floats(here: Path) -> None:
    losses = np.random.default_rng(0).lognormal(sigma=20, size=50).tolist()
    directory = RunDirectory.create("a", here / "out")
    with directory.open_history() as append:
        for epoch, loss in enumerate(losses):
            append(EpochRecord(epoch, loss, {"accuracy": loss / 3}, learning_rate=loss / 7, seconds=loss / 9))
    records = directory.history()
    assert [(record.metrics, record.learning_rate, record.seconds) for record in records] == [
        ({"accuracy": loss / 3}, loss / 7, loss / 9) for loss in losses
    ]
    assert records.loss == losses
    assert [record.epoch for record in records] == list(range(50))


def test_each_record_reaches_the_file_as_it_comes(here: Path) -> None:
    directory = RunDirectory.create("a", here / "out")
    with directory.open_history() as append:
        for epoch in range(3):
            append(EpochRecord(epoch, 0.5))
            lines = (here / "out" / "history.jsonl").read_text().splitlines()
            assert [json.loads(line)["epoch"] for line in lines] == list(range(epoch + 1))


# --- found again --------------------------------------------------------------------------------------------------


def test_a_finished_run_is_found_again(here: Path) -> None:
    done = lk.run(run_spec(), out="out")
    found = RunDirectory.open("out")
    assert found.path == Path("out")
    assert found.spec() == done.spec
    assert found.history() == done.history
    assert found.scores() == done.scores
    assert found.status() == {"status": "finished", "reason": None, "epoch": 3, "step": 3}
    assert found.model().parameters.tobytes() == done.model.parameters.tobytes()


def test_scores_read_back_as_the_same_floats(here: Path) -> None:
    scores = {"loss": 0.1 + 0.2, "accuracy": 1 / 3, "tiny": 5e-324, "large": 1.7976931348623157e308}
    RunDirectory.create("a", here / "out").write_scores(scores)
    (here / "out" / "spec.json").touch()
    assert RunDirectory.open("out").scores() == scores


@pytest.mark.parametrize("tail", ["", '{"epoch": 3, "lo', '{"epoch": 3, "loss": 0.5}'], ids=["whole", "cut", "no end"])
def test_a_line_that_was_cut_is_left_out(here: Path, tail: str) -> None:
    done = lk.run(run_spec(), out="out")
    with open("out/history.jsonl", "a", encoding="utf-8") as history:
        history.write(tail)
    assert RunDirectory.open("out").history() == done.history


@pytest.mark.parametrize("line", ["{", "[1]", '{"epoch": 0}', '{"epoch": 0, "loss": 1, "colour": 2}', "\x80"])
def test_damage_in_a_history_is_told(here: Path, line: str) -> None:
    lk.run(run_spec(), out="out")
    path = here / "out" / "history.jsonl"
    path.write_bytes(line.encode("latin-1") + b"\n" + path.read_bytes())
    with pytest.raises(RunDirectoryError, match=r"^out: history\.jsonl.* is damaged: "):
        RunDirectory.open("out").history()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere", "there is no directory nowhere; run directories are in runs/ unless they were put elsewhere"),
        (".", r"\. is no run directory: it has no spec\.json"),
        ("out/model.safetensors", r"out/model\.safetensors is a file, and no run directory; its directory out is one"),
        ("other.txt", "other.txt is a file, and no run directory$"),
    ],
)
def test_what_is_no_run_directory_is_told(here: Path, path: str, message: str) -> None:
    lk.run(run_spec(), out="out")
    (here / "other.txt").touch()
    with pytest.raises(RunDirectoryError, match=f"^{message}"):
        RunDirectory.open(path)


def test_what_a_run_has_not_saved_is_told(here: Path) -> None:
    hopeless = run_spec(optimizer={"type": "sgd", "learning_rate": 1e38})
    with pytest.raises(lk.DivergedError) as raised:
        lk.run(hopeless, out="out")
    found = RunDirectory.open("out")
    assert found.status() == {"status": "diverged", "reason": str(raised.value), "epoch": 1, "step": 1}
    assert found.spec() == hopeless
    assert [record.epoch for record in found.history()] == [0]
    with pytest.raises(RunDirectoryError, match=r"^out has no trained model: the run is said to be diverged \(.*learning_rate"):
        found.model()
    with pytest.raises(RunDirectoryError, match=r"^out has no scores\.json: the run is said to be diverged"):
        found.scores()


def test_a_run_of_an_earlier_layerkit_is_read_as_far_as_it_goes(here: Path) -> None:
    done = lk.run(run_spec(), out="out")
    for name in ("status.json", "scores.json"):
        (here / "out" / name).unlink()
    found = RunDirectory.open("out")
    assert found.model().parameters.tobytes() == done.model.parameters.tobytes()
    for read, name in ((found.status, "status"), (found.scores, "scores")):
        with pytest.raises(
            RunDirectoryError, match=rf"^out has no {name}\.json: the run was cut off, or made by an earlier layerkit"
        ):
            read()


@pytest.mark.parametrize("text", ["", "{", "[]", "\udcff"])
def test_damage_in_a_status_is_told(here: Path, text: str) -> None:
    lk.run(run_spec(), out="out")
    (here / "out" / "status.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(RunDirectoryError, match=r"^out: status\.json is damaged: "):
        RunDirectory.open("out").status()
