"""TensorBoard: what stands in the event files, read back record by record, and the command that writes them afterwards."""

from __future__ import annotations

import itertools
import json
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from click.testing import CliRunner
from layerkit_tensorboard import TensorBoard
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c

import layerkit as lk
from layerkit import SGD, Affine, CategoricalCrossEntropy, EpochRecord, ReLU, Sequential, Training
from layerkit.cli.program import cli

DISTRIBUTION = "layerkit-tensorboard"

SPEC = Path(__file__).parents[1] / "specs" / "digits_tensorboard.json"


def test_conformance(conformance_check: Callable[[], None]) -> None:
    conformance_check()


# --- reading ------------------------------------------------------------------------------------------------------


def read_events(path: Path) -> list[Any]:
    """Return the events of a file: TFRecord frames of length, checksum of the length, data, checksum of the data."""
    content, events, place = path.read_bytes(), [], 0
    while place < len(content):
        header = content[place : place + 8]
        (length,) = struct.unpack("<Q", header)
        data = content[place + 12 : place + 12 + length]
        checksums = content[place + 8 : place + 12] + content[place + 12 + length : place + 16 + length]
        assert struct.unpack("<II", checksums) == (masked_crc32c(header), masked_crc32c(data))
        events.append(Event.FromString(data))
        place += 16 + length
    return events


class Point(NamedTuple):
    """One value of one tag."""

    tag: str
    step: int
    value: Any


def points(run: Path) -> list[Point]:
    """Return what the one event file of a run directory holds, the version at its head aside."""
    (path,) = (run / "tensorboard").glob("events.out.tfevents.*")
    version, *events = read_events(path)
    assert version.file_version == "brain.Event:2"
    return [Point(value.tag, event.step, value) for event in events for value in event.summary.value]


def curve(run: Path, tag: str) -> list[tuple[int, float]]:
    return [(point.step, point.value.simple_value) for point in points(run) if point.tag == tag]


def losses(run: Path) -> list[tuple[int, float]]:
    return curve(run, "loss")


def histograms(run: Path) -> list[Point]:
    return [point for point in points(run) if point.value.WhichOneof("value") == "histo"]


# --- the observer -------------------------------------------------------------------------------------------------


def trained(folder: Path, epochs: int, **fields: Any) -> tuple[Sequential, list[float]]:
    """Train a small network that is watched; return it and the losses of its epochs."""
    rng = np.random.default_rng(0)
    model = Sequential([Affine(units=4), ReLU(), Affine(units=3), CategoricalCrossEntropy()], input_shape=(5,), seed=0)
    inputs, labels = rng.standard_normal((20, 5)), rng.integers(0, 3, 20)
    watched = (TensorBoard(**fields),)
    history = model.fit(inputs, labels, folder=folder, optimizer=SGD(learning_rate=0.1), epochs=epochs, observers=watched)
    return model, history.loss


def training_of(model: Sequential, folder: Path) -> Training:
    """Return a training that nobody runs, so that a test can say itself what is seen."""
    return Training(model.nodes, model.parameters, model.gradients, model.layout, SGD(learning_rate=0.1), folder)


@pytest.fixture
def training(tmp_path: Path) -> Training:
    return training_of(Sequential([Affine(units=3), CategoricalCrossEntropy()], input_shape=(3,), seed=0), tmp_path)


def test_every_epoch_has_its_loss(tmp_path: Path) -> None:
    _, wanted = trained(tmp_path, epochs=7)
    steps, values = zip(*losses(tmp_path), strict=True)
    assert steps == tuple(range(7))
    np.testing.assert_allclose(values, wanted, rtol=1e-6)
    assert histograms(tmp_path) == []


@pytest.mark.parametrize(("every", "steps"), [(0, []), (1, [0, 1, 2, 3, 4, 5, 6]), (3, [0, 3, 6]), (10, [0])])
def test_histograms_come_as_often_as_asked(tmp_path: Path, every: int, steps: list[int]) -> None:
    trained(tmp_path, epochs=7, histogram_every=every)
    found = histograms(tmp_path)
    tags = {
        f"{kind}/{node}.{array}"
        for kind in ("parameters", "gradients")
        for node in ("affine_1", "affine_2")
        for array in ("weight", "bias")
    }
    assert sorted((point.step, point.tag) for point in found) == sorted((step, tag) for step in steps for tag in tags)
    assert len(losses(tmp_path)) == 7


def test_a_histogram_is_of_the_array_after_the_epoch(tmp_path: Path) -> None:
    model, _ = trained(tmp_path, epochs=4, histogram_every=3)
    node = model["affine_1"]
    last = {point.tag: point.value.histo for point in histograms(tmp_path) if point.step == 3}
    for tag, array in {"parameters/affine_1.weight": node.params.weight, "gradients/affine_1.weight": node.grads.weight}.items():
        histogram, values = last[tag], array.astype(np.float64).ravel()
        assert (histogram.min, histogram.max) == (values.min(), values.max())
        assert histogram.num == sum(histogram.bucket) == values.size
        assert histogram.sum == pytest.approx(values.sum())
        assert histogram.sum_squares == pytest.approx((values**2).sum())
        below = [np.count_nonzero(values < limit) for limit in histogram.bucket_limit[:-1]]
        np.testing.assert_array_equal(np.cumsum(histogram.bucket)[:-1], below)


def test_learning_rate_and_metrics_are_curves_too(training: Training, tmp_path: Path) -> None:
    with TensorBoard().watch(training, {}) as watcher:
        watcher.epoch(EpochRecord(0, 2.0, {"accuracy": 0.25, "validation_loss": 3.0}, learning_rate=0.5))
        watcher.epoch(EpochRecord(1, 1.0, {"accuracy": 0.75}, learning_rate=0.125))
    assert curve(tmp_path, "learning_rate") == [(0, 0.5), (1, 0.125)]
    assert curve(tmp_path, "metrics/accuracy") == [(0, 0.25), (1, 0.75)]
    assert curve(tmp_path, "metrics/validation_loss") == [(0, 3.0)]


class Twin(lk.Layer):
    """Runs one inner stack."""

    type: str = "twin"
    inner: tuple[lk.Layer, ...]

    def branches(self, input_shape: lk.Shape) -> dict[str, lk.Branch]:
        return {"inner": lk.Branch(self.inner)}

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        return node.branches["inner"].forward(inputs)

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array | None:
        return node.branches["inner"].backward(d_out)


def test_nodes_within_branches_are_watched_too(tmp_path: Path) -> None:
    model = Sequential([Twin(inner=(Affine(units=3),)), CategoricalCrossEntropy()], input_shape=(3,), seed=0)
    with TensorBoard(histogram_every=1).watch(training_of(model, tmp_path), {}) as watcher:
        watcher.epoch(EpochRecord(0, 1.0))
    assert {point.tag for point in histograms(tmp_path)} == {
        f"{kind}/twin_1.inner.affine_1.{array}" for kind in ("parameters", "gradients") for array in ("weight", "bias")
    }


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38], ids=str)
def test_values_that_cannot_be_drawn_have_no_histogram(training: Training, tmp_path: Path, value: float) -> None:
    training.nodes[0].params.weight[0, :2] = value, -3e38
    with TensorBoard(histogram_every=1).watch(training, {}) as watcher:
        watcher.epoch(EpochRecord(0, 1.0))
    tags = {point.tag for point in histograms(tmp_path)}
    assert tags == {"parameters/affine_1.bias", "gradients/affine_1.weight", "gradients/affine_1.bias"}


def test_what_was_seen_before_a_failure_is_kept(training: Training, tmp_path: Path) -> None:
    def fail() -> None:
        with TensorBoard().watch(training, {}) as watcher:
            watcher.epoch(EpochRecord(0, 2.0))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert losses(tmp_path) == [(0, 2.0)]


def test_a_slow_training_can_be_watched_as_it_goes(training: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", itertools.count(step=60).__next__)  # a minute each time that anyone asks
    with TensorBoard().watch(training, {}) as watcher:
        for epoch in range(3):
            watcher.epoch(EpochRecord(epoch, 2.0))
            assert losses(tmp_path)[-1] == (epoch, 2.0)


def test_two_trainings_into_one_folder_have_two_files(tmp_path: Path) -> None:
    for _ in range(2):
        trained(tmp_path, epochs=2)
    files = list((tmp_path / "tensorboard").iterdir())
    assert [len(read_events(path)) for path in files] == [5, 5]


def test_a_full_disk_ends_the_training_and_does_not_block_it() -> None:
    """In a process of its own, whose files may not grow beyond a few bytes."""
    program = """
import resource, signal, tempfile
from pathlib import Path
import numpy as np
from layerkit import SGD, EpochRecord, Training
from layerkit_tensorboard import TensorBoard

with tempfile.TemporaryDirectory() as folder:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    training = Training((), np.zeros(0), np.zeros(0), (), SGD(learning_rate=0.1), Path(folder))
    with TensorBoard().watch(training, {}) as watcher:
        for epoch in range(1000):
            watcher.epoch(EpochRecord(epoch, 1.0))
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("OSError: [Errno 27]")


@pytest.mark.parametrize("histogram_every", [-1, 1.5, True, "5"])
def test_the_interval_is_a_number_of_epochs(histogram_every: Any) -> None:
    with pytest.raises(ValueError, match="histogram_every"):
        TensorBoard(histogram_every=histogram_every)


# --- the command line ---------------------------------------------------------------------------------------------


def layerkit(*arguments: object) -> tuple[int, str, str]:
    """Run a command line and return its exit code and what it printed."""
    result = CliRunner().invoke(cli, [*map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def history(run: Path) -> list[tuple[int, float]]:
    records = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    return [(record["epoch"], pytest.approx(record["loss"])) for record in records]


def test_a_watched_run_has_its_events_in_the_run_directory(tmp_path: Path) -> None:
    run = tmp_path / "run"
    code, out, _ = layerkit("train", SPEC, "--out", run, "--set", "training.epochs=6")
    assert code == 0
    assert "test set accuracy" in out
    assert len(losses(run)) == 6
    assert losses(run) == history(run)
    assert {point.step for point in histograms(run)} == {0, 5}
    assert json.loads((run / "spec.json").read_text())["plugins"] == {"tensorboard": "layerkit-tensorboard==0.1.0"}


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """Give the directory of a run that nobody watched."""
    run = tmp_path / "run"
    assert layerkit("train", SPEC, "--out", run, "--set", "training.epochs=4", "--set", "training.observers=[]")[0] == 0
    assert not (run / "tensorboard").exists()
    return run


def test_a_finished_run_is_exported(finished: Path) -> None:
    code, out, err = layerkit("tensorboard-export", finished)
    assert (code, err) == (0, "")
    assert out == f"4 epochs: tensorboard --logdir {finished / 'tensorboard'}\n"
    assert len(losses(finished)) == 4
    assert losses(finished) == history(finished)
    assert curve(finished, "learning_rate") == [(epoch, pytest.approx(0.05)) for epoch in range(4)]


def test_metrics_of_a_history_are_exported(tmp_path: Path) -> None:
    line = {"epoch": 3, "loss": 1.0, "metrics": {"accuracy": 0.5}, "learning_rate": 0.25, "seconds": 0.1}
    (tmp_path / "history.jsonl").write_text(json.dumps(line))
    assert layerkit("tensorboard-export", tmp_path)[0] == 0
    assert curve(tmp_path, "metrics/accuracy") == [(3, 0.5)]


def test_no_events_are_written_twice(finished: Path) -> None:
    layerkit("tensorboard-export", finished)
    before = points(finished)
    code, out, err = layerkit("tensorboard-export", finished)
    assert (code, out) == (2, "")
    assert "has events already" in err
    assert points(finished) == before


@pytest.mark.parametrize(
    ("content", "phrase"),
    [
        (None, "is no run directory: history.jsonl: No such file"),
        ('{"epoch": 0, "loss": 1.0}\n{"epoch": 1, "lo', "line 2: this is no record"),
        ("\n", "line 1: this is no record"),
        ('{"epoch": 0}\n', "line 1: this is no record"),
        ('{"epoch": -1, "loss": 1.0}\n', "line 1: this is no record"),
        ('{"epoch": 9223372036854775808, "loss": 1.0}\n', "line 1: this is no record"),
        ('{"epoch": 0, "loss": "low"}\n', "line 1: this is no record"),
        ("[0, 1.0]\n", "line 1: this is no record"),
    ],
    ids=["no history", "cut off", "empty line", "no loss", "negative", "too large", "no number", "no object"],
)
def test_what_is_no_run_is_refused(tmp_path: Path, content: str | None, phrase: str) -> None:
    if content is not None:
        (tmp_path / "history.jsonl").write_text(content)
    code, out, err = layerkit("tensorboard-export", tmp_path)
    assert (code, out) == (2, "")
    assert phrase in err
    assert not (tmp_path / "tensorboard").exists()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    code, _, err = layerkit("tensorboard-export", tmp_path / "nowhere")
    assert code == 2
    assert "nowhere" in err


def test_the_command_is_listed() -> None:
    code, out, _ = layerkit("--help")
    assert code == 0
    assert "tensorboard-export" in out


def test_plugins_load_without_tensorboard() -> None:
    """tensorboardX takes long to import, and only a training that is watched needs it."""
    program = "import sys, layerkit_tensorboard as plugin; plugin.layerkit_commands(); print('tensorboardX' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"
