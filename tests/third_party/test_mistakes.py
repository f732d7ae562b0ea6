"""What authors write in good faith: it does what it says, or is refused, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import layerkit as lk

INPUTS = np.random.default_rng(0).standard_normal((20, 3))
LABELS = np.arange(20) % 2


def network() -> lk.Sequential:
    return lk.Sequential([lk.Affine(units=2), lk.CategoricalCrossEntropy()], input_shape=(3,), dtype="float64", seed=0)


# --- optimizers ---------------------------------------------------------------------------------------------------


class Assigning(lk.Optimizer):
    """Gradient descent with a new array for everything."""

    type: Literal["assigning"] = "assigning"

    def slots(self) -> Mapping[str, lk.Slot]:
        return {"velocity": lk.Slot(), "count": lk.Slot(shape=())}

    def update(self, step: lk.Step) -> None:
        step.slots.velocity = 0.9 * step.slots.velocity + step.gradients
        step.slots["count"] = step.slots.count + 1
        step.parameters = step.parameters - step.coefficients.rate * step.slots.velocity


def test_an_update_may_assign_new_arrays() -> None:
    model, other = network(), network()
    training = lk.Trainer(model, lk.TrainingSpec(optimizer=Assigning(learning_rate=0.1), epochs=3))
    training.fit(INPUTS, LABELS)
    other.fit(INPUTS, LABELS, optimizer=lk.SGD(learning_rate=0.1, momentum=0.9), epochs=3)
    assert_allclose(model.parameters, other.parameters, rtol=1e-12)
    assert training.training.slots.count == 3


class Broadcasting(lk.Optimizer):
    """Assigns one number where there are many."""

    type: Literal["broadcasting"] = "broadcasting"

    def update(self, step: lk.Step) -> None:
        step.parameters = step.parameters.mean()


def test_an_update_may_not_assign_another_shape() -> None:
    with pytest.raises(lk.ComponentError, match=r"array 'parameters' has shape \(8,\), received one of shape \(\)"):
        network().fit(INPUTS, LABELS, optimizer=Broadcasting(learning_rate=0.1), epochs=1)


class OwnDecay(lk.Optimizer):
    """Shrinks what decays, and nothing else."""

    decoupled: ClassVar[bool | None] = None
    type: Literal["own_decay"] = "own_decay"

    def update(self, step: lk.Step) -> None:
        for place in step.layout:
            if place.decays:
                step.parameters[place.segment] *= 1 - self.weight_decay


def test_an_update_may_decay_by_itself() -> None:
    model = network()
    model["affine_1"].params.bias = np.ones(2)
    before = model["affine_1"].params.weight.copy()
    model.fit(INPUTS, LABELS, optimizer=OwnDecay(learning_rate=0.1, weight_decay=0.5), epochs=1)
    assert_array_equal(model["affine_1"].params.weight, 0.5 * before)
    assert_array_equal(model["affine_1"].params.bias, np.ones(2))


class Hiding(lk.Optimizer):
    """Declares what would hide a method of the arrays by name."""

    type: Literal["hiding"] = "hiding"
    slot: str = "velocity"
    coefficient: str = "rate"

    def slots(self) -> Mapping[str, lk.Slot]:
        return {self.slot: lk.Slot()}

    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        return {self.coefficient: learning_rate}

    def update(self, step: lk.Step) -> None:
        """Do nothing."""


@pytest.mark.parametrize("name", ["values", "items", "two words", ""])
def test_names_of_slots_and_coefficients_are_attributes(name: str) -> None:
    with pytest.raises(lk.ComponentError, match=f"Hiding.slots .* it declares '{name}', which cannot be an attribute"):
        network().fit(INPUTS, LABELS, optimizer=Hiding(learning_rate=0.1, slot=name), epochs=1)
    with pytest.raises(lk.ComponentError, match=f"Hiding.coefficients .* it declares '{name}', which cannot be an attribute"):
        network().fit(INPUTS, LABELS, optimizer=Hiding(learning_rate=0.1, coefficient=name), epochs=1)


class Counting(lk.Layer):
    """Counts in steps of ``by``."""

    type: Literal["counting"] = "counting"
    by: float = 1.0

    def state(self, input_shape: lk.Shape) -> Mapping[str, lk.State]:
        return {"count": lk.State((), dtype="int64")}

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        node.state.count = node.state.count + (self.by if self.by % 1 else int(self.by))
        return inputs

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        return d_out


def test_a_fraction_is_not_cut_off_to_fit_a_counter() -> None:
    counts = lk.Sequential([Counting(by=2), *network().spec.layers], input_shape=(3,), seed=0)
    counts.loss_and_gradients(INPUTS, LABELS)
    assert counts["counting_1"].state.count == 2
    with pytest.raises(lk.ComponentError, match=r"counting_1: .* array 'count' is of int64, received float64"):
        lk.Sequential([Counting(by=0.5), *network().spec.layers], input_shape=(3,), seed=0).loss_and_gradients(INPUTS, LABELS)


# --- observers ----------------------------------------------------------------------------------------------------


class Restoring(lk.Observer):
    """Puts the first weights back after every epoch."""

    type: Literal["restoring"] = "restoring"

    @contextmanager
    def watch(self, training: lk.Training, memory: lk.Memory) -> Iterator[lk.Watcher]:
        first = training.parameters.copy()

        class Restorer(lk.Watcher):
            def epoch(self, record: lk.EpochRecord) -> None:
                training.parameters = first

        yield Restorer()


def test_an_observer_may_assign_parameters() -> None:
    model = network()
    before = model.parameters.copy()
    model.fit(INPUTS, LABELS, optimizer=lk.SGD(learning_rate=0.1), epochs=2, observers=(Restoring(),))
    assert_array_equal(model.parameters, before)


# --- data ---------------------------------------------------------------------------------------------------------


class Rows(lk.Samples):
    """Arrays that are taken row by row, as from a file."""

    def __init__(self, *arrays: lk.Array, lost: int = 0) -> None:
        self.arrays, self.lost = arrays, lost

    def __len__(self) -> int:
        return len(self.arrays[0])

    @property
    def input_shape(self) -> lk.Shape:
        return self.arrays[0].shape[1:]

    def take(self, rows: lk.Rows, out: lk.Batch | None = None) -> lk.Batch:
        kept = np.arange(len(self))[rows]
        return lk.Batch(*(array[kept[self.lost :]] for array in self.arrays))


def losses(samples: lk.Samples) -> list[float]:
    trainer = lk.Trainer(network(), lk.TrainingSpec(optimizer=lk.SGD(learning_rate=0.1), epochs=3, batch_size=6, shuffle=False))
    return [record.loss for record in trainer.train(samples)]


def test_weights_from_a_file_count_as_those_from_memory() -> None:
    weights = np.arange(20.0)
    weights[6:12] = 0  # a whole batch
    assert_allclose(losses(Rows(INPUTS, LABELS, weights)), losses(lk.ArraySamples(INPUTS, LABELS, weights)), rtol=1e-12)


def test_samples_that_lose_rows_are_refused() -> None:
    with pytest.raises(lk.ComponentError, match=r"Rows.take .* returned a Batch of \[5, 5\], expected a Batch of 6 samples"):
        losses(Rows(INPUTS, LABELS, lost=1))


class Bare(lk.Dataset):
    """Hands out arrays where samples are expected."""

    type: Literal["bare"] = "bare"

    def load(self, request: lk.DataRequest) -> lk.Split:
        return lk.Split(train=(INPUTS, LABELS))  # type: ignore[arg-type]


def test_a_split_of_arrays_is_refused_by_name(tmp_path: Path) -> None:
    spec = lk.RunSpec(data=Bare(), model=network().spec, training=lk.TrainingSpec(optimizer=lk.SGD(learning_rate=0.1), epochs=1))
    with pytest.raises(lk.ComponentError, match=r"Bare.load .* train must be Samples, such as ArraySamples, received tuple"):
        lk.run(spec, out=tmp_path / "out")


def test_figures_of_weighted_samples_from_a_file_are_those_from_memory() -> None:
    rng = np.random.default_rng(3)
    inputs, labels, weights = rng.standard_normal((2500, 3)), rng.integers(2, size=2500), rng.random(2500)
    weights[1024:2048] = 0  # a whole part
    found = []
    for validation in (Rows(inputs, labels, weights), lk.ArraySamples(inputs, labels, weights)):
        spec = lk.TrainingSpec(optimizer=lk.SGD(learning_rate=0.1), epochs=1, metrics=(lk.Accuracy(),))
        (record,) = lk.Trainer(network(), spec).train(lk.ArraySamples(INPUTS, LABELS), validation)
        found.append(record.metrics)
    assert found[0].keys() == found[1].keys() == {"validation_loss", "accuracy"}
    assert found[0] == pytest.approx(found[1], rel=1e-12)


class Parts(lk.Dataset):
    """Training samples, and others that may not fit."""

    type: Literal["parts"] = "parts"
    width: int = 3
    classes: int = 2
    streamed: bool = False

    def load(self, request: lk.DataRequest) -> lk.Split:
        kind = Rows if self.streamed else lk.ArraySamples
        other = kind(np.ones((6, self.width)), np.arange(6) % self.classes)
        return lk.Split(train=lk.ArraySamples(INPUTS, LABELS), test=other)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (Parts(width=4), r"received shape \(6, 4\)"),
        (Parts(width=4, streamed=True), r"received \(4,\)"),
        (Parts(classes=3), "row 2: label 2 is out of range"),
    ],
)
def test_test_samples_that_do_not_fit_are_refused_before_the_training(data: Parts, match: str, tmp_path: Path) -> None:
    training = lk.TrainingSpec(optimizer=lk.SGD(learning_rate=0.1), epochs=1)
    with pytest.raises(lk.DataError, match=match):
        lk.run(lk.RunSpec(data=data, model=network().spec, training=training), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
