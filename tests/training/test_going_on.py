"""Trainings that were left and go on: each end is, bit for bit, that of one that was never left."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import layerkit as lk

Make = Callable[..., lk.Sequential]

INPUTS = np.random.default_rng(1).standard_normal((50, 4))
LABELS = np.random.default_rng(2).integers(3, size=50)
WEIGHT = np.random.default_rng(3).uniform(0.5, 2, 50)
MOMENTUM = lk.SGD(learning_rate=0.05, momentum=0.9, weight_decay=1e-3)
STEPS = 7
"""Batches of 8 in an epoch of 50 samples."""


class Diary(lk.Observer):
    """Remembers what it saw, and the running mean of the parameters; stops the training after some steps."""

    type: Literal["diary"] = "diary"
    stop_after: int | None = None

    @contextmanager
    def watch(self, training: lk.Training, memory: lk.Memory) -> Iterator[lk.Watcher]:
        memory.setdefault("steps", [])
        memory.setdefault("best", {"epoch": None, "loss": 1e9})
        memory.setdefault("mean", np.zeros_like(training.parameters))
        observer = self

        class Writer(lk.Watcher):
            def step(self) -> None:
                memory["steps"].append(training.step)
                memory["mean"] += (training.parameters - memory["mean"]) / len(memory["steps"])
                if training.step == observer.stop_after:
                    training.stop("enough")

            def epoch(self, record: lk.EpochRecord) -> None:
                if record.loss < memory["best"]["loss"]:
                    memory["best"] = {"epoch": record.epoch, "loss": record.loss}

        yield Writer()


def trainer(model: lk.Sequential, epochs: int, *, optimizer: lk.Optimizer = MOMENTUM, **options: Any) -> lk.Trainer:
    options = {"batch_size": 8, "observers": (Diary(),), **options}
    return lk.Trainer(model, lk.TrainingSpec(optimizer=optimizer, epochs=epochs, **options))


def everything(training: lk.Training) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return all that a training owns."""
    return {name: array.tobytes() for name, array in training.arrays().items()}, timeless(training.memory())


def timeless(memory: dict[str, Any]) -> dict[str, Any]:
    """Leave out how long the epochs took."""
    return {**memory, "history": [{**record, "seconds": None} for record in memory["history"]]}


def uninterrupted(model: lk.Sequential, epochs: int, **options: Any) -> lk.Training:
    whole = trainer(model, epochs, **options)
    whole.fit(INPUTS, LABELS, WEIGHT)
    return whole.training


# --- epochs and more epochs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("parts", [(10, 10), (1, 19), (7, 7, 6)], ids=str)
def test_10_epochs_and_10_more_are_20(make_eventful: Make, parts: tuple[int, ...], dtype: str) -> None:
    once, often = make_eventful(dtype=dtype), make_eventful(dtype=dtype)
    options: Any = {"optimizer": MOMENTUM, "batch_size": 8, "observers": (Diary(),)}
    whole = once.fit(INPUTS, LABELS, WEIGHT, epochs=20, **options)
    pieces = [often.fit(INPUTS, LABELS, WEIGHT, epochs=epochs, **options) for epochs in parts]
    assert [len(piece) for piece in pieces] == list(parts)
    assert [record for piece in pieces for record in piece] == list(whole)
    assert once.training is not None
    assert often.training is not None
    assert everything(often.training) == everything(once.training)
    assert often.training.memory()["observers"]["diary_1"]["steps"] == list(range(1, 20 * STEPS + 1))


def test_a_description_that_is_equal_is_the_same_optimizer(make_eventful: Make) -> None:
    model = make_eventful()
    for _ in range(2):
        history = model.fit(INPUTS, LABELS, optimizer=lk.SGD(learning_rate=0.05, momentum=0.9), epochs=2)
    assert [record.epoch for record in history] == [2, 3]


@pytest.mark.parametrize(
    "optimizer", [lk.SGD(learning_rate=0.05, momentum=0.8, weight_decay=1e-3), lk.SGD(learning_rate=0.06, momentum=0.9)], ids=repr
)
def test_with_another_optimizer_a_training_starts_anew_from_the_present_weights(
    make_eventful: Make, optimizer: lk.Optimizer
) -> None:
    model = make_eventful()
    model.fit(INPUTS, LABELS, optimizer=MOMENTUM, epochs=2, batch_size=8, observers=(Diary(),))
    reference = copy.deepcopy(model)
    del reference.training
    assert reference.training is None
    histories = [
        network.fit(INPUTS, LABELS, optimizer=optimizer, epochs=2, batch_size=8, observers=(Diary(),))
        for network in (model, reference)
    ]
    assert [record.epoch for record in histories[0]] == [0, 1]
    assert histories[0] == histories[1]
    assert model.training is not None
    assert reference.training is not None
    assert everything(model.training) == everything(reference.training)
    assert model.training.memory()["observers"]["diary_1"]["steps"] == list(range(1, 2 * STEPS + 1))


def test_forgetting_the_training_starts_anew_with_the_same_optimizer(make_eventful: Make) -> None:
    model = make_eventful()
    first = model.fit(INPUTS, LABELS, optimizer=MOMENTUM, epochs=2, batch_size=8)
    del model.training
    second = model.fit(INPUTS, LABELS, optimizer=MOMENTUM, epochs=2, batch_size=8)
    assert [record.epoch for record in [*first, *second]] == [0, 1, 0, 1]
    assert second.loss[0] < first.loss[0]


def test_options_and_samples_that_are_refused_leave_the_training_as_it_was(make_eventful: Make) -> None:
    model = make_eventful()
    model.fit(INPUTS, LABELS, optimizer=MOMENTUM, epochs=2, batch_size=8)
    with pytest.raises(lk.SpecError):
        model.fit(INPUTS, LABELS, optimizer=MOMENTUM, epochs=0)
    for optimizer in (MOMENTUM, lk.SGD(learning_rate=1.0)):
        with pytest.raises(lk.DataError):
            model.fit(INPUTS, LABELS[:-1], optimizer=optimizer, epochs=1)
    history = model.fit(INPUTS, LABELS, optimizer=MOMENTUM, epochs=1, batch_size=8)
    assert [record.epoch for record in history] == [2]


# --- left between epochs ------------------------------------------------------------------------------------------


def test_a_training_that_was_left_after_an_epoch_goes_on_with_the_next(make_eventful: Make) -> None:
    left = trainer(make_eventful(), 6)
    first = []
    for record in left.run(INPUTS, LABELS, WEIGHT):
        first.append(record)
        if record.epoch == 2:
            break
    assert left.training.epoch == 3
    assert left.training.step == 3 * STEPS
    assert [record.epoch for record in left.training.history] == [0, 1, 2]
    second = []
    for record in left.run(INPUTS, LABELS, WEIGHT):
        second.append(record)
        if record.epoch == 5:
            break
    assert [record.epoch for record in [*first, *second]] == [0, 1, 2, 3, 4, 5]
    assert left.training.history == [*first, *second]
    assert everything(left.training) == everything(uninterrupted(make_eventful(), 6))


def test_an_observer_stops_a_training_after_an_epoch(make_eventful: Make) -> None:
    class Enough(lk.Observer):
        type: Literal["enough"] = "enough"

        @contextmanager
        def watch(self, training: lk.Training, memory: lk.Memory) -> Iterator[lk.Watcher]:
            class Counter(lk.Watcher):
                def epoch(self, record: lk.EpochRecord) -> None:
                    memory["seen"] = memory.get("seen", 0) + 1
                    if memory["seen"] % 3 == 0:
                        training.stop(f"{memory['seen']} epochs are enough")

            yield Counter()

    model = make_eventful()
    for epochs in ([0, 1, 2], [3, 4, 5]):
        history = model.fit(INPUTS, LABELS, optimizer=MOMENTUM, epochs=100, batch_size=8, observers=(Enough(),))
        assert [record.epoch for record in history] == epochs
        assert model.training is not None
        assert model.training.stopped == f"{epochs[-1] + 1} epochs are enough"


# --- left within an epoch -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, STEPS - 1, STEPS, STEPS + 3, 3 * STEPS])
def test_a_training_that_was_stopped_within_an_epoch_goes_on_with_its_rest(make_eventful: Make, step: int) -> None:
    left = trainer(make_eventful(), 4, observers=(Diary(stop_after=step),))
    first = left.fit(INPUTS, LABELS, WEIGHT)
    assert left.training.stopped == "enough"
    assert (left.training.epoch, left.training.batch) == divmod(step, STEPS)
    assert len(first) == step // STEPS
    rest = trainer(left.model, 4 - len(first))
    rest = lk.Trainer(left.model, rest.spec, training=left.training)
    second = rest.fit(INPUTS, LABELS, WEIGHT)
    whole = uninterrupted(make_eventful(), 4)
    assert [*first, *second] == whole.history
    assert everything(left.training) == everything(whole)


def test_fit_goes_on_within_an_epoch_too(make_eventful: Make) -> None:
    model = make_eventful()
    options: Any = {"optimizer": MOMENTUM, "batch_size": 8}
    model.fit(INPUTS, LABELS, WEIGHT, epochs=4, observers=(Diary(stop_after=STEPS + 3),), **options)
    model.fit(INPUTS, LABELS, WEIGHT, epochs=3, observers=(Diary(),), **options)
    assert model.training is not None
    assert everything(model.training) == everything(uninterrupted(make_eventful(), 4))


@pytest.mark.parametrize("change", [{"batch_size": 10}, {"shuffle": False}, {"rows": 40}], ids=str)
def test_an_epoch_under_way_begins_anew_where_its_batches_would_be_others(make_eventful: Make, change: dict[str, Any]) -> None:
    """A position in other batches would leave samples out."""
    rows = change.get("rows", 50)
    options: Any = {"batch_size": 8, **{name: value for name, value in change.items() if name != "rows"}}
    model = make_eventful()
    model.fit(INPUTS, LABELS, optimizer=MOMENTUM, epochs=4, batch_size=8, observers=(Diary(stop_after=STEPS + 3),))
    model.fit(INPUTS[:rows], LABELS[:rows], optimizer=MOMENTUM, epochs=1, observers=(Diary(),), **options)
    assert model.training is not None
    batches = -(-rows // options["batch_size"])
    assert model.training.step == STEPS + 3 + batches
    assert [record.epoch for record in model.training.history] == [0, 1]


class Failing(lk.Observer):
    """Fails after some steps."""

    type: Literal["failing"] = "failing"
    after: int

    @contextmanager
    def watch(self, training: lk.Training, memory: lk.Memory) -> Iterator[lk.Watcher]:
        observer = self

        class Failure(lk.Watcher):
            def step(self) -> None:
                if training.step == observer.after:
                    raise KeyboardInterrupt

        yield Failure()


def test_a_training_that_was_interrupted_goes_on_where_it_was(make_eventful: Make) -> None:
    model = make_eventful()
    options: Any = {"optimizer": MOMENTUM, "batch_size": 8}
    with pytest.warns(UserWarning, match="interrupted in epoch 1; fit with an equal optimizer goes on from there"):
        history = model.fit(INPUTS, LABELS, WEIGHT, epochs=4, observers=(Diary(), Failing(after=STEPS + 3)), **options)
    assert len(history) == 1
    model.fit(INPUTS, LABELS, WEIGHT, epochs=3, observers=(Diary(), Failing(after=-1)), **options)
    whole = uninterrupted(make_eventful(), 4, observers=(Diary(), Failing(after=-1)))
    assert model.training is not None
    assert everything(model.training) == everything(whole)


# --- kept and restored --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [0, 1, STEPS + 3, 2 * STEPS])
def test_what_a_training_owns_is_all_that_is_needed_to_go_on(make_eventful: Make, step: int) -> None:
    """Numbers go through JSON, arrays are copied; a network of its own goes on from them."""
    left = trainer(make_eventful(), 4, observers=(Diary(stop_after=step),))
    if step:
        left.fit(INPUTS, LABELS, WEIGHT)
    text = json.dumps(left.training.memory())
    arrays = {name: array.copy() for name, array in left.training.arrays().items()}

    again = trainer(make_eventful(seed=0), 4 - step // STEPS)
    again.model.parameters[:] = 7  # whatever was there
    again.training.restore(arrays, json.loads(text))
    again.fit(INPUTS, LABELS, WEIGHT)
    whole = uninterrupted(make_eventful(), 4)
    assert everything(again.training) == everything(whole)
    assert again.training.history == whole.history


def test_going_back_undoes_what_was_trained_since(make_eventful: Make) -> None:
    model = make_eventful()
    training = trainer(model, 2).training
    runner = lk.Trainer(model, trainer(model, 2).spec, training=training)
    runner.fit(INPUTS, LABELS)
    arrays = {name: array.copy() for name, array in training.arrays().items()}
    memory = training.memory()
    before = everything(training)
    first = runner.fit(INPUTS, LABELS)
    after = everything(training)
    assert after != before
    for _ in range(2):  # what was kept does not wear out
        training.restore(arrays, memory)
        assert everything(training) == before
        assert runner.fit(INPUTS, LABELS) == first
        assert everything(training) == after


def test_everything_that_a_training_owns_has_a_name(make_eventful: Make) -> None:
    left = trainer(make_eventful(), 1)
    left.fit(INPUTS, LABELS)
    names = set(left.training.arrays())
    assert {
        "parameters/affine_1.weight",
        "parameters/skip_1.layers.affine_1.bias",
        "state/centered_1.count",
        "state/skip_1.layers.centered_1.mean",
        "slots/velocity",
        "observers/diary_1/mean",
    } <= names
    assert set(left.training.memory()["streams"]) >= {"noise_1", "skip_1.layers.noise_1"}


def test_what_belongs_to_another_network_or_optimizer_is_refused(make_eventful: Make) -> None:
    first = trainer(make_eventful(), 1).training
    second = trainer(make_eventful(), 1, optimizer=lk.SGD(learning_rate=0.1)).training
    before = everything(second)
    with pytest.raises(lk.DataError, match="another training: slots/velocity"):
        second.restore(first.arrays(), first.memory())
    arrays = {**second.arrays(), "parameters/affine_1.weight": np.zeros((4, 5))}
    with pytest.raises(lk.DataError, match=r"another training: parameters/affine_1\.weight"):
        second.restore(arrays, second.memory())
    assert everything(second) == before


def test_observers_write_where_the_run_is(make_eventful: Make, tmp_path: Path) -> None:
    class Note(lk.Observer):
        type: Literal["note"] = "note"

        @contextmanager
        def watch(self, training: lk.Training, memory: lk.Memory) -> Iterator[lk.Watcher]:
            (training.folder / "note.txt").write_text("here")
            yield lk.Watcher()

    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
    model = make_eventful()
    for folder in ("first", "second"):  # the second goes on from the first
        model.fit(INPUTS, LABELS, folder=tmp_path / folder, optimizer=MOMENTUM, epochs=1, observers=(Note(),))
    assert sorted(path.parent.name for path in tmp_path.glob("*/note.txt")) == ["first", "second"]


def test_a_position_is_an_epoch_and_a_batch(make_eventful: Make) -> None:
    """The same step from the same position, whatever came before it."""
    left = trainer(make_eventful(), 3, observers=(Diary(stop_after=STEPS + 2),))
    left.fit(INPUTS, LABELS)
    other = trainer(make_eventful(), 1, observers=(Diary(stop_after=STEPS + 3),))
    other.training.restore(left.training.arrays(), left.training.memory())
    other.fit(INPUTS, LABELS)
    left.spec = left.spec.model_copy(update={"observers": (Diary(stop_after=STEPS + 3),)})
    left.fit(INPUTS, LABELS)
    assert_array_equal(other.model.parameters, left.model.parameters)
