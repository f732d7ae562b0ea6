"""One trainer, one network and one training: what belongs together, and what is refused because it does not."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import layerkit as lk
from layerkit.errors import InputError

RNG = np.random.default_rng(0)
INPUTS, LABELS = RNG.standard_normal((30, 4)), RNG.integers(3, size=30)
SOFT, WEIGHT = np.eye(3)[LABELS], RNG.uniform(0.1, 3, 30)
SGD = lk.SGD(learning_rate=0.5, momentum=0.5)


def network(seed: int = 0) -> lk.Sequential:
    layers = [lk.Affine(units=6), lk.ReLU(), lk.Affine(units=3), lk.CategoricalCrossEntropy()]
    return lk.Sequential(layers, input_shape=(4,), dtype="float64", seed=seed)


def trainer(model: lk.Sequential, **options: Any) -> lk.Trainer:
    return lk.Trainer(model, lk.TrainingSpec(**{"optimizer": SGD, "epochs": 2, "batch_size": 10, **options}))


@pytest.mark.parametrize("second", [(LABELS, WEIGHT), (SOFT, None), (SOFT, WEIGHT), (LABELS, None)], ids=["w", "s", "sw", ""])
@pytest.mark.parametrize("first", [(LABELS, WEIGHT), (SOFT, None), (LABELS, None)], ids=["w", "s", ""])
def test_a_second_run_takes_its_own_samples(first: Any, second: Any) -> None:
    one, other = trainer(network()), trainer(network())
    one.fit(INPUTS, *first)
    one.fit(INPUTS, *second)
    other.fit(INPUTS, *first)
    anew = lk.Trainer(other.model, other.spec, training=other.training)  # which remembers nothing of the first samples
    anew.fit(INPUTS, *second)
    assert_array_equal(one.model.parameters, anew.model.parameters)


def test_a_training_of_another_network_is_refused() -> None:
    model = network()
    model.fit(INPUTS, LABELS, optimizer=SGD, epochs=1)
    for other in (copy.copy(model), network(1)):
        before = other.parameters.copy(), model.parameters.copy()
        with pytest.raises(InputError, match="that of another network or optimizer"):
            lk.Trainer(other, lk.TrainingSpec(optimizer=SGD, epochs=1), training=model.training)
        assert_array_equal(other.parameters, before[0])
        assert_array_equal(model.parameters, before[1])
    with pytest.raises(InputError, match="that of another network or optimizer"):
        lk.Trainer(model, lk.TrainingSpec(optimizer=lk.SGD(learning_rate=0.1), epochs=1), training=model.training)


def test_initial_weights_are_for_whole_runs() -> None:
    with pytest.raises(InputError, match=r'call model\.load_weights\("weights\.safetensors"\)'):
        trainer(network(), initial_weights="weights.safetensors")


@pytest.mark.parametrize("batch_size", [None, 10])
def test_after_a_divergence_the_epoch_begins_anew(batch_size: int | None) -> None:
    model = lk.Sequential(network().spec.layers, input_shape=(4,), dtype="float32", seed=0)
    best = model.parameters.copy()
    wild = lk.SGD(learning_rate=1e38)
    with pytest.raises(lk.DivergedError):
        model.fit(INPUTS, LABELS, optimizer=wild, epochs=3, batch_size=batch_size)
    assert model.training is not None
    model.parameters = best
    steps = model.training.step
    with pytest.raises(lk.DivergedError):
        model.fit(INPUTS, LABELS, optimizer=wild, epochs=2, batch_size=batch_size)
    assert model.training.step > steps
    assert model.training.batch == 0


def test_validation_samples_are_looked_at_before_anything_is_trained() -> None:
    one = trainer(network())
    before = one.model.parameters.copy()
    with pytest.raises(lk.DataError, match=r"expected inputs of shape \(N, 4\)"):
        one.train(lk.ArraySamples(INPUTS, LABELS), lk.ArraySamples(INPUTS[:, :3], LABELS))
    assert_array_equal(one.model.parameters, before)


def test_fit_measures_on_validation_samples() -> None:
    model = network()
    (record,) = model.fit(INPUTS, LABELS, optimizer=SGD, epochs=1, validation=(INPUTS, SOFT, WEIGHT), metrics=[lk.Accuracy()])
    wanted = model.evaluate(INPUTS, SOFT, WEIGHT, metrics=[lk.Accuracy()])
    assert record.metrics == {"validation_loss": wanted["loss"], "accuracy": wanted["accuracy"]}
    with pytest.raises(InputError, match=r"metrics are measured on validation samples; give validation="):
        model.fit(INPUTS, LABELS, optimizer=SGD, epochs=1, metrics=[lk.Accuracy()])


class Falling(lk.Schedule):
    """Straight down to nothing."""

    type: Literal["falling"] = "falling"

    def learning_rate(self, initial: float, progress: lk.Progress) -> float:
        return initial * (1 - progress.step / progress.steps)


def test_a_schedule_knows_how_many_steps_there_will_be_whatever_there_were() -> None:
    model = network()
    model.fit(INPUTS, LABELS, optimizer=SGD, epochs=2, batch_size=1, schedule=Falling())
    records = model.fit(INPUTS, LABELS, optimizer=SGD, epochs=2, schedule=Falling())
    assert [record.learning_rate for record in records] == pytest.approx([0.5 * (1 - step / 62) for step in (60, 61)])


class Meddling(lk.Observer):
    """Trains the network that it watches."""

    type: Literal["meddling"] = "meddling"

    @contextmanager
    def watch(self, training: lk.Training, memory: lk.Memory) -> Iterator[lk.Watcher]:
        model = MODELS[0]

        class Training(lk.Watcher):
            def epoch(self, record: lk.EpochRecord) -> None:
                model.fit(INPUTS, LABELS, optimizer=SGD, epochs=1)

        yield Training()


MODELS: list[lk.Sequential] = []


def test_nobody_trains_a_network_in_the_middle_of_an_epoch() -> None:
    model = network()
    MODELS[:] = [model]
    model.fit(INPUTS, LABELS, optimizer=SGD, epochs=1)
    with pytest.raises(lk.ComponentError, match=r"Meddling\.watch .* this training is in the middle of an epoch"):
        model.fit(INPUTS, LABELS, optimizer=SGD, epochs=3, observers=(Meddling(),))


class Counting(lk.Observer):
    """Counts epochs."""

    type: Literal["counting"] = "counting"

    @contextmanager
    def watch(self, training: lk.Training, memory: lk.Memory) -> Iterator[lk.Watcher]:
        class Watching(lk.Watcher):
            def epoch(self, record: lk.EpochRecord) -> None:
                memory["epochs"] = memory.get("epochs", 0) + 1

        yield Watching()


def test_going_back_takes_what_was_remembered_since_away() -> None:
    one = trainer(network(), observers=(Counting(),))
    arrays = {name: array.copy() for name, array in one.training.arrays().items()}
    memory = one.training.memory()
    one.fit(INPUTS, LABELS)
    assert one.training.memory()["observers"] == {"counting_1": {"epochs": 2}}
    one.training.restore(arrays, memory)
    one.fit(INPUTS, LABELS)
    assert one.training.memory()["observers"] == {"counting_1": {"epochs": 2}}


@pytest.mark.parametrize(
    "wrong",
    [{"history": [{"epochs": 3}]}, {"observers": 3}, {"step": "x"}, {"streams": {"affine_1": {"state": 1}}}, {"epoch": None}],
    ids=str,
)
def test_what_is_no_memory_changes_nothing(wrong: dict[str, Any]) -> None:
    one = trainer(network())
    arrays = {name: array + 1 for name, array in one.training.arrays().items()}
    memory, before = one.training.memory(), one.model.parameters.copy()
    with pytest.raises(lk.DataError, match="expected the memory of a training"):
        one.training.restore(arrays, {"epoch": 3})
    with pytest.raises(lk.DataError, match="this is no memory of a training"):
        one.training.restore(arrays, {**memory, **wrong})
    assert_array_equal(one.model.parameters, before)
    assert one.training.memory() == memory
