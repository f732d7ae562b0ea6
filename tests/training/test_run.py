"""`layerkit.run`: what a run spec describes is trained, written down and scored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import layerkit as lk
from layerkit.errors import InputError, ModelFileError, RunDirectoryError
from layerkit.spec.canonical import resolved_json


def run_spec(**changes: Any) -> lk.RunSpec:
    """Return a run on iris, with changes of its top-level blocks."""
    document = {
        "layerkit": 1,
        "seed": 3,
        "data": {"type": "iris", "standardize": True},
        "model": {
            "input_shape": [4],
            "layers": [
                {"type": "affine", "units": 8},
                {"type": "relu"},
                {"type": "affine", "units": 3},
                {"type": "crossentropy"},
            ],
        },
        "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 3, "batch_size": 16},
    }
    return lk.RunSpec.model_validate_json(json.dumps({**document, **changes}))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty directory, where run directories go."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def test_every_setting_reaches_the_training() -> None:
    training = {
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "momentum": 0.5},
        "epochs": 7,
        "batch_size": 16,
        "shuffle": False,
    }
    run = lk.run(run_spec(training=training))
    assert [record.epoch for record in run.history] == list(range(7))
    assert run.model.seed == 3
    assert len(run.data.train) == 112

    by_hand = lk.build(run.spec.model, seed=3)
    batch = run.data.train.take(slice(0, 112))
    optimizer = lk.SGD(learning_rate=0.1, momentum=0.5)
    history = by_hand.fit(*batch, optimizer=optimizer, epochs=7, batch_size=16, shuffle=False)
    assert history == run.history
    assert_array_equal(by_hand.parameters, run.model.parameters)


def test_a_run_is_what_python_would_do_by_hand(tmp_path: Path) -> None:
    spec = run_spec()
    run = lk.run(spec)
    split = spec.data.load(lk.DataRequest(seed=3, folder=tmp_path))
    model = lk.build(spec.model, seed=3)
    batch = split.train.take(slice(0, len(split.train)))
    history = model.fit(*batch, optimizer=lk.SGD(learning_rate=0.1), epochs=3, batch_size=16)
    assert history == run.history
    assert_array_equal(model.parameters, run.model.parameters)


def test_the_seed_decides_split_weights_and_order() -> None:
    first, again, other = (lk.run(run_spec(seed=seed)).history for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_initial_weights_come_from_beside_the_spec(tmp_path: Path, here: Path) -> None:
    start = lk.build(run_spec().model, seed=99)
    start.save(tmp_path / "start.safetensors")
    optimizer = {"type": "sgd", "learning_rate": 1e-60}  # which is 0 in float32
    spec = run_spec(training={"optimizer": optimizer, "epochs": 1, "initial_weights": "start.safetensors"})
    run = lk.run(spec, folder=tmp_path)
    assert_array_equal(run.model.parameters, start.parameters)
    again = lk.run(run.directory / "spec.json")  # they came along
    assert_array_equal(again.model.parameters, start.parameters)
    with pytest.raises(ModelFileError, match=r"start\.safetensors"):
        lk.run(spec, out=here / "out")
    assert not (here / "out").exists()


# --- what it takes and leaves -------------------------------------------------------------------------------------


def test_a_run_leaves_a_directory_that_stands_on_its_own(here: Path) -> None:
    run = lk.run(run_spec(name="flowers"))
    assert run.directory == Path("runs/flowers-001")
    assert lk.load_spec(run.directory / "spec.json") == run.spec
    lines = (run.directory / "history.jsonl").read_text().splitlines()
    assert lk.History(lk.EpochRecord(**json.loads(line)) for line in lines) == run.history
    saved = lk.Sequential.load(run.directory / "model.safetensors")
    assert_array_equal(saved.parameters, run.model.parameters)


def test_out_is_where_the_run_goes(here: Path) -> None:
    run = lk.run(run_spec(), out="some/place")
    assert run.directory == Path("some/place")
    assert (here / "some" / "place" / "model.safetensors").exists()
    with pytest.raises(RunDirectoryError, match="not empty"):
        lk.run(run_spec(), out="some/place")


def test_a_path_says_the_spec_and_where_its_files_are(tmp_path: Path, here: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    spec = run_spec(training={**run_spec().training.model_dump(), "initial_weights": "start.safetensors"})
    lk.build(spec.model, seed=8).save(folder / "start.safetensors")
    (folder / "spec.json").write_text(resolved_json(spec))
    for path in (folder / "spec.json", str(folder / "spec.json")):
        assert lk.run(path).spec == spec


MODEL = '{"layerkit": 1, "input_shape": [4], "layers": [{"type": "crossentropy"}]}'


@pytest.mark.parametrize(("text", "error"), [("{", lk.SpecError), (MODEL, InputError)], ids=["no JSON", "a model"])
def test_a_file_without_a_run_in_it_is_refused(tmp_path: Path, here: Path, text: str, error: type[Exception]) -> None:
    (tmp_path / "spec.json").write_text(text)
    with pytest.raises(error, match=r"spec\.json"):
        lk.run(tmp_path / "spec.json")
    with pytest.raises(lk.SpecError, match=r"nowhere\.json"):
        lk.run(tmp_path / "nowhere.json")
    assert list(here.iterdir()) == []


def test_each_record_is_told_when_it_is_in_the_file(here: Path) -> None:
    told = []

    def tell(record: lk.EpochRecord) -> None:
        lines = (here / "out" / "history.jsonl").read_text().splitlines()
        assert len(lines) == record.epoch + 1
        told.append(record)

    assert lk.run(run_spec(), out="out", tell=tell).history == tuple(told)


# --- scores -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [{"type": "iris"}, {"type": "iris", "test_size": 0.5, "stratify": True}])
def test_classes_are_scored_by_loss_and_accuracy(data: dict[str, Any]) -> None:
    run = lk.run(run_spec(data=data))
    assert run.data.test is not None
    inputs, targets, _ = run.data.test.take(slice(0, len(run.data.test)))
    right = np.mean(run.model.predict(inputs).argmax(axis=1) == targets)
    assert run.scores == {"loss": run.model.loss(inputs, targets), "accuracy": right}


def test_numbers_are_scored_by_the_loss(squared_error: lk.Loss) -> None:
    spec = lk.RunSpec.model_validate(
        {
            "data": lk.Diabetes(),
            "model": lk.ModelSpec(input_shape=(10,), layers=(lk.Standardize(), lk.Affine(units=1), squared_error)),
            "training": {"optimizer": lk.SGD(learning_rate=0.01), "epochs": 20, "batch_size": 32},
        }
    )
    run = lk.run(spec)
    assert run.history.loss[-1] < 0.5 * run.history.loss[0]
    assert run.data.test is not None
    inputs, targets, _ = run.data.test.take(slice(0, len(run.data.test)))
    assert run.scores == {"loss": run.model.loss(inputs, targets)}


def test_without_test_samples_there_is_no_score() -> None:
    run = lk.run(run_spec(data={"type": "iris", "test_size": None}))
    assert len(run.data.train) == 150
    assert run.scores == {}


class BinaryCrossEntropy(lk.Loss):
    """Logistic loss on one logit; the targets are classes 0 and 1."""

    task: ClassVar[lk.Task | None] = "classes"
    type: Literal["binary"] = "binary"

    def class_count(self, input_shape: lk.Shape) -> int | None:
        return 2

    def prepare(self, targets: lk.Array, logits_shape: lk.Shape, dtype: np.dtype[Any]) -> lk.Array:
        return lk.label_set_targets(targets, logits_shape, dtype)

    def losses(self, node: lk.Node, logits: lk.Array, targets: lk.Array) -> lk.Array:
        node.cache = logits, targets
        losses: lk.Array = np.logaddexp(0, logits) - targets * logits
        return losses[:, 0]

    def d_logits(self, node: lk.Node, d_losses: lk.Array) -> lk.Array:
        logits, targets = node.cache
        d_logits: lk.Array = (1 / (1 + np.exp(-logits)) - targets) * d_losses[:, None]
        return d_logits

    def predict(self, node: lk.Node, logits: lk.Array) -> lk.Array:
        probabilities: lk.Array = 1 / (1 + np.exp(-logits[:, 0]))
        return probabilities

    def decide(self, predictions: lk.Array) -> lk.Array:
        return (predictions > 0.5).astype(np.intp)


class Labels(lk.Metric):
    """How many labels are missed, of sets of them."""

    tasks: ClassVar[tuple[lk.Task, ...]] = ("label_sets",)
    greater_is_better: ClassVar[bool] = False
    type: Literal["labels"] = "labels"

    def score(self, outcome: lk.Outcome) -> float:
        return float((outcome.decisions != outcome.targets).sum())


class LabelSets(BinaryCrossEntropy):
    """The logistic loss for each of several labels."""

    task: ClassVar[lk.Task | None] = "label_sets"
    type: Literal["label_sets"] = "label_sets"

    def class_count(self, input_shape: lk.Shape) -> int | None:
        return None

    def losses(self, node: lk.Node, logits: lk.Array, targets: lk.Array) -> lk.Array:
        node.cache = logits, targets
        losses: lk.Array = (np.logaddexp(0, logits) - targets * logits).sum(axis=1)
        return losses

    def predict(self, node: lk.Node, logits: lk.Array) -> lk.Array:
        probabilities: lk.Array = 1 / (1 + np.exp(-logits))
        return probabilities


def test_two_classes_of_one_logit_are_scored_by_what_the_loss_decides() -> None:
    spec = lk.RunSpec.model_validate(
        {
            "data": lk.BreastCancer(),
            "model": lk.ModelSpec(input_shape=(30,), layers=(lk.Standardize(), lk.Affine(units=1), BinaryCrossEntropy())),
            "training": {"optimizer": lk.SGD(learning_rate=0.1), "epochs": 10, "batch_size": 32},
        }
    )
    run = lk.run(spec)
    assert run.data.test is not None
    inputs, targets, _ = run.data.test.take(slice(0, len(run.data.test)))
    assert run.scores["accuracy"] == np.mean((run.model.predict(inputs) > 0.5) == targets)
    assert run.scores["accuracy"] > 0.9


class ThreeLabels(lk.Dataset):
    """Three labels, each told by the sign of one number."""

    type: Literal["three_labels"] = "three_labels"

    def load(self, request: lk.DataRequest) -> lk.Split:
        inputs = np.random.default_rng(request.seed).standard_normal((60, 3))
        train, test = (lk.ArraySamples(part, (part > 0).astype(int)) for part in (inputs[:40], inputs[40:]))
        return lk.Split(train=train, test=test, validation=test)

    def facts(self) -> lk.DatasetFacts:
        return lk.DatasetFacts(train_count=40, input_shape=(3,), task="label_sets")


def test_sets_of_labels_are_right_where_all_of_them_are() -> None:
    spec = lk.RunSpec.model_validate(
        {
            "data": ThreeLabels(),
            "model": lk.ModelSpec(input_shape=(3,), layers=(lk.Affine(units=3, weight_init=lk.Zeros()), LabelSets())),
            "training": {"optimizer": lk.SGD(learning_rate=0.5), "epochs": 2, "batch_size": 8, "metrics": (Labels(),)},
        }
    )
    run = lk.run(spec)
    assert run.data.test is not None
    inputs, targets, _ = run.data.test.take(slice(0, 20))
    wrong = (run.model.predict(inputs) > 0.5) != targets
    assert run.scores["accuracy"] == np.mean(~wrong.any(axis=1))
    assert run.scores["labels"] == wrong.sum()
    assert [list(record.metrics) for record in run.history] == [["validation_loss", "labels"]] * 2
    assert run.history[-1].metrics["labels"] == wrong.sum()  # of the same samples, after the last epoch
    assert run.history[-1].metrics["validation_loss"] == run.scores["loss"]


class Enough(lk.Observer):
    """Stops after an epoch."""

    type: Literal["enough"] = "enough"
    reason: str | None = "that will do"

    @contextmanager
    def watch(self, training: lk.Training, memory: lk.Memory) -> Iterator[lk.Watcher]:
        reason: Any = self.reason

        class Stopping(lk.Watcher):
            def epoch(self, record: lk.EpochRecord) -> None:
                training.stop(reason)

        yield Stopping()


def with_observer(observer: lk.Observer) -> lk.RunSpec:
    spec = run_spec()
    return spec.model_copy(update={"training": spec.training.model_copy(update={"observers": (observer,)})})


def test_a_run_says_why_it_was_stopped() -> None:
    done = lk.run(with_observer(Enough()))
    assert (len(done.history), done.stopped) == (1, "that will do")
    assert lk.run(run_spec()).stopped is None


@pytest.mark.parametrize("reason", [None, ""])
def test_a_stop_has_a_reason(reason: str | None) -> None:
    with pytest.raises(lk.ComponentError, match="the reason for a stop must be a text, received"):
        lk.run(with_observer(Enough(reason=reason)))


class Parts(lk.Dataset):
    """Three parts, one of which is spoilt."""

    type: Literal["parts"] = "parts"
    spoilt: str = "train"

    def load(self, request: lk.DataRequest) -> lk.Split:
        parts = {name: np.random.default_rng(request.seed).standard_normal((20, 4)) for name in ("train", "validation", "test")}
        parts[self.spoilt][3, 1] = np.nan
        return lk.Split(**{name: lk.ArraySamples(inputs, np.arange(20) % 3) for name, inputs in parts.items()})


@pytest.mark.parametrize(("part", "named"), [("train", "training"), ("validation", "validation"), ("test", "test")])
def test_samples_that_do_not_fit_are_named(here: Path, part: str, named: str) -> None:
    spec = run_spec().model_copy(update={"data": Parts(spoilt=part)})
    with pytest.raises(lk.DataError, match=f"^parts, {named} samples: row 3, column .* of the inputs is nan"):
        lk.run(spec)
    assert not (here / "runs").exists()


class Failing(lk.Observer):
    """Fails after the last epoch, or where it closes."""

    type: Literal["failing"] = "failing"
    where: Literal["epoch", "end"] = "end"

    @contextmanager
    def watch(self, training: lk.Training, memory: lk.Memory) -> Iterator[lk.Watcher]:
        where = self.where

        class Watching(lk.Watcher):
            def epoch(self, record: lk.EpochRecord) -> None:
                if where == "epoch" and training.epoch == training.epochs:
                    raise OSError("the disk is full")

        yield Watching()
        if where == "end":
            raise OSError("the disk is full")


@pytest.mark.parametrize("stopped", [False, True])
@pytest.mark.parametrize("where", ["epoch", "end"])
def test_a_training_that_is_done_is_kept_whatever_an_observer_does_then(here: Path, stopped: bool, where: Any) -> None:
    spec = with_observer(Failing(where=where))
    if stopped:
        spec = spec.model_copy(update={"training": spec.training.model_copy(update={"observers": (Enough(), Failing())})})
    with pytest.raises(lk.ComponentError, match="the disk is full"):
        lk.run(spec, out=here / "out")
    wanted = run_spec()
    if stopped:
        wanted = wanted.model_copy(update={"training": wanted.training.model_copy(update={"epochs": 1})})
    done = lk.run(wanted, out=here / "wanted")
    for name in ("model.safetensors", "history.jsonl"):
        ours, theirs = ((here / folder / name).read_bytes() for folder in ("out", "wanted"))
        assert ours == theirs or name == "history.jsonl"
    lines = (here / "out" / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["loss"] for line in lines] == done.history.loss
