"""`Trainer`: batches, orders, updates, refusals and divergence, with layers and losses that it has never seen."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import layerkit as lk
from layerkit.errors import DivergedError, InputError, SpecError, WorkError
from layerkit.streams import random_stream


class Swish(lk.Layer):
    """Swish activation: ``y = x * sigmoid(beta * x)``."""

    type: Literal["swish"] = "swish"
    beta: float = 1.0

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        gate = 1 / (1 + np.exp(-self.beta * inputs))
        node.cache = inputs, gate
        outputs: lk.Array = inputs * gate
        return outputs

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        inputs, gate = node.cache
        d_inputs: lk.Array = d_out * (gate + self.beta * inputs * gate * (1 - gate))
        return d_inputs


class Mean(lk.Optimizer):
    """Steps along the mean of all gradients so far: one slot, and a use for the step's number."""

    type: Literal["mean"] = "mean"

    def slots(self) -> Mapping[str, lk.Slot]:
        return {"total": lk.Slot()}

    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        return {"rate": learning_rate / number}

    def update(self, step: lk.Step) -> None:
        step.slots.total += step.gradients
        step.parameters[...] -= step.coefficients.rate * step.slots.total


class Recorded(lk.Layer):
    """Passes everything on; `batches` hands out what came by."""

    type: Literal["recorded"] = "recorded"

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        node.cache = [*(node.cache or []), inputs[:, 0].astype(int).tolist()]
        return inputs

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        return d_out


STAND_STILL = lk.SGD(learning_rate=1e-300)
"""In float64 a step that moves nothing: what an epoch reports can be compared with the loss of one network."""


def classifier(seed: int = 0, dtype: Literal["float32", "float64"] = "float64") -> lk.Sequential:
    layers = [lk.Affine(units=6, bias_init=lk.Normal()), Swish(), lk.Affine(units=3), lk.CategoricalCrossEntropy()]
    return lk.Sequential(layers, input_shape=(4,), dtype=dtype, seed=seed)


def samples(count: int = 23) -> tuple[lk.Array, lk.Array]:
    rng = np.random.default_rng(count)
    return rng.standard_normal((count, 4)), rng.integers(3, size=count)


def trainer(model: lk.Sequential, optimizer: lk.Optimizer, *, seed: int | None = None, **options: Any) -> lk.Trainer:
    return lk.Trainer(model, lk.TrainingSpec(optimizer=optimizer, **options), seed=seed)


def batches(count: int, epochs: int = 1, seed: int = 0, **options: Any) -> list[list[int]]:
    """Train on samples that carry their row number and return the rows of each step."""
    model = lk.Sequential([Recorded(), lk.Affine(units=2), lk.CategoricalCrossEntropy()], input_shape=(2,), seed=seed)
    inputs = np.stack([np.arange(count), np.zeros(count)], axis=1)
    training = trainer(model, lk.SGD(learning_rate=1e-6), epochs=epochs, **options)
    training.fit(inputs, np.zeros(count, int))
    rows: list[list[int]] = model["recorded_1"].cache
    assert training.training.step == len(rows)
    return rows


# --- batches and orders -------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.data())
def test_an_epoch_sees_every_sample_once_and_only_the_last_batch_is_short(count: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, count))
    steps = batches(count, epochs=2, batch_size=size, shuffle=data.draw(st.booleans()))
    each = math.ceil(count / size)
    for epoch in (steps[:each], steps[each:]):
        assert [len(rows) for rows in epoch] == [min(size, count - start) for start in range(0, count, size)]
        assert sorted(row for rows in epoch for row in rows) == list(range(count))


def test_unshuffled_batches_are_in_order() -> None:
    assert batches(5, epochs=2, batch_size=2, shuffle=False) == [[0, 1], [2, 3], [4], [0, 1], [2, 3], [4]]


@pytest.mark.parametrize("batch_size", [None, 50])
def test_a_full_batch_stays_in_order(batch_size: int | None) -> None:
    assert batches(50, epochs=2, batch_size=batch_size) == [list(range(50))] * 2


def test_the_seed_decides_the_orders() -> None:
    first = batches(50, epochs=3, batch_size=25, seed=1)
    assert batches(50, epochs=3, batch_size=25, seed=1) == first
    assert batches(50, epochs=3, batch_size=25, seed=2) != first
    orders = [first[epoch] + first[epoch + 1] for epoch in (0, 2, 4)]
    assert len({tuple(order) for order in [*orders, list(range(50))]}) == 4


def test_the_trainer_may_have_a_seed_of_its_own() -> None:
    def orders(model_seed: int, seed: int | None = None) -> list[list[int]]:
        model = lk.Sequential([Recorded(), lk.CategoricalCrossEntropy()], input_shape=(2,), seed=model_seed)
        inputs = np.stack([np.arange(50), np.zeros(50)], axis=1)
        trainer(model, STAND_STILL, epochs=1, batch_size=25, seed=seed).fit(inputs, np.zeros(50, int))
        rows: list[list[int]] = model["recorded_1"].cache
        return rows

    assert orders(0, seed=5) == orders(1, seed=5)
    assert orders(0, seed=5) != orders(0, seed=6)
    assert orders(0) == orders(1, seed=0)
    assert orders(0) != orders(1)


def test_the_order_of_an_epoch_depends_on_the_seed_and_the_epoch_alone() -> None:
    """So that a position in the training is two numbers."""
    steps = batches(50, epochs=3, batch_size=25, seed=1)
    for epoch in range(3):
        order = random_stream(1, "shuffle", str(epoch)).permutation(50)
        assert steps[2 * epoch] + steps[2 * epoch + 1] == order.tolist()


def test_a_training_can_be_repeated_bit_for_bit() -> None:
    def trained() -> tuple[list[float], bytes]:
        model = classifier(dtype="float32")
        history = model.fit(*samples(), optimizer=lk.SGD(learning_rate=0.1, momentum=0.9), epochs=6, batch_size=5)
        return history.loss, model.parameters.tobytes()

    assert trained() == trained()


@pytest.mark.parametrize("shuffle", [True, False])
def test_targets_go_with_their_inputs(shuffle: bool) -> None:
    """Each class is told by its own feature; any mix-up of rows would leave a loss."""
    labels = np.random.default_rng(0).integers(3, size=90)
    for targets in (labels, np.eye(3)[labels]):
        model = lk.Sequential([lk.Affine(units=3), lk.CategoricalCrossEntropy()], input_shape=(3,), seed=0)
        options = {"epochs": 60, "batch_size": 7, "shuffle": shuffle}
        history = model.fit(np.eye(3)[labels], targets, optimizer=lk.SGD(learning_rate=1.0), **options)
        assert history.loss[-1] < 0.02


# --- records ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [None, 1, 5, 23])
def test_a_record_is_the_mean_over_samples(batch_size: int | None) -> None:
    model = classifier()
    inputs, targets = samples()
    history = model.fit(inputs, targets, optimizer=STAND_STILL, epochs=2, batch_size=batch_size)
    assert history.loss == pytest.approx([model.loss(inputs, targets)] * 2, rel=1e-12)


def test_steps_with_huge_losses_have_a_finite_mean() -> None:
    """The second step's loss is close to the largest float; times its number of samples it would be infinite."""
    layers = [lk.Affine(units=2, weight_init=lk.Zeros()), lk.CategoricalCrossEntropy()]
    model = lk.Sequential(layers, input_shape=(1,), dtype="float64", seed=0)
    options = {"epochs": 1, "batch_size": 2, "shuffle": False}
    (record,) = model.fit(np.ones((4, 1)), [0, 0, 1, 1], optimizer=lk.SGD(learning_rate=1.7e308), **options)
    assert record.loss == pytest.approx(sys.float_info.max / 2)  # the first step's loss, log(2), is nothing beside it


def test_a_full_batch_reports_the_loss_that_the_epoch_began_with() -> None:
    model = classifier()
    inputs, targets = samples()
    before = model.loss(inputs, targets)
    for record in trainer(model, lk.SGD(learning_rate=0.5), epochs=4).run(inputs, targets):
        assert record.loss == pytest.approx(before, rel=1e-12)
        before = model.loss(inputs, targets)


def test_records_are_handed_out_as_the_training_goes() -> None:
    training = trainer(classifier(), lk.SGD(learning_rate=0.1), epochs=100, batch_size=5)
    records = training.run(*samples())
    assert [next(records).epoch for _ in range(3)] == [0, 1, 2]
    assert training.training.step == 15


def test_a_second_fit_goes_on() -> None:
    """Two times three epochs are six: numbers, orders and velocities go on where they were."""

    momentum = lk.SGD(learning_rate=0.1, momentum=0.9)
    whole, parts = (trainer(classifier(), momentum, epochs=epochs, batch_size=5) for epochs in (6, 3))
    once = whole.fit(*samples())
    twice = [*parts.fit(*samples()), *parts.fit(*samples())]
    assert twice == list(once)
    assert [record.epoch for record in twice] == list(range(6))
    assert (parts.training.step, parts.training.epoch) == (whole.training.step, whole.training.epoch) == (30, 6)
    assert_array_equal(parts.model.parameters, whole.model.parameters)


# --- updates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_updates_follow_the_rule(momentum: float, weight_decay: float) -> None:
    inputs, targets = samples()
    rate = 0.1
    model, reference = classifier(), classifier()
    decays = np.concatenate(
        [np.full(array.size, name == "weight") for node in reference.nodes for name, array in node.params.items()]
    )
    assert decays.sum() == 4 * 6 + 6 * 3
    velocity = np.zeros_like(reference.parameters)
    for _ in range(5):
        reference.loss_and_gradients(inputs, targets)
        velocity = momentum * velocity + reference.gradients + weight_decay * decays * reference.parameters
        reference.parameters -= rate * velocity
    model.fit(inputs, targets, optimizer=lk.SGD(learning_rate=rate, momentum=momentum, weight_decay=weight_decay), epochs=5)
    assert_allclose(model.parameters, reference.parameters, rtol=1e-10, atol=1e-14)


def test_slots_are_the_optimizers_and_kept_by_the_trainer() -> None:
    inputs, targets = samples()
    model, other = classifier(), classifier()
    optimizer = lk.SGD(learning_rate=0.1, momentum=0.9)
    first, second = (trainer(network, optimizer, epochs=1) for network in (model, other))
    assert {name: (slot.shape, slot.dtype) for name, slot in first.training.slots.items()} == {
        "velocity": (model.parameters.shape, model.parameters.dtype)
    }
    assert not first.training.slots.velocity.any()
    first.fit(inputs, targets)
    assert_array_equal(first.training.slots.velocity, model.gradients)  # of the first step
    assert not second.training.slots.velocity.any()
    assert dict(trainer(model, lk.SGD(learning_rate=0.1), epochs=1).training.slots) == {}


def test_an_optimizer_of_a_third_party_gets_slots_and_step_numbers() -> None:
    inputs, targets = samples()
    model, reference = classifier(), classifier()
    gradients = []
    for step in range(1, 5):
        reference.loss_and_gradients(inputs, targets)
        gradients.append(reference.gradients.copy())
        reference.parameters -= 0.2 * np.sum(gradients, axis=0) / step
    training = trainer(model, Mean(learning_rate=0.2), epochs=4)
    training.fit(inputs, targets)
    assert list(training.training.slots) == ["total"]
    assert_allclose(model.parameters, reference.parameters, rtol=1e-10, atol=1e-14)


def test_layers_and_losses_of_a_third_party_train(squared_error: lk.Loss) -> None:
    """A regression on float targets (N, 2) with Swish: neither the layer nor the loss is layerkit's."""
    rng = np.random.default_rng(0)
    inputs = rng.uniform(-1, 1, (200, 3))
    targets = np.stack([np.sin(2 * inputs[:, 0]), inputs[:, 1] * inputs[:, 2]], axis=1)
    layers = [lk.Affine(units=32), Swish(beta=1.5), lk.Affine(units=2), squared_error]
    model = lk.Sequential(layers, input_shape=(3,), seed=0)
    history = model.fit(inputs, targets, optimizer=lk.SGD(learning_rate=0.3, momentum=0.9), epochs=100, batch_size=20)
    assert history.loss[-1] < 0.05 * history.loss[0]
    assert np.abs(model.predict(inputs) - targets).mean() < 0.1
    assert model.loss(inputs, targets) == pytest.approx(float(((model.predict(inputs) - targets) ** 2).mean()), rel=1e-5)


def test_a_float32_network_trains_on_float32_and_float64_alike() -> None:
    inputs, targets = samples()
    inputs = inputs.astype(np.float32)
    losses = [
        classifier(dtype="float32").fit(given, targets, optimizer=lk.SGD(learning_rate=0.1), epochs=3, batch_size=5).loss
        for given in (inputs, inputs.astype(np.float64), np.asfortranarray(inputs), inputs.tolist())
    ]
    assert losses[1:] == losses[:-1]


def test_a_training_writes_into_nothing_that_it_was_given() -> None:
    inputs, targets = samples()
    given = inputs.copy(), targets.copy()
    inputs.flags.writeable = targets.flags.writeable = False
    model = classifier()
    for options in ({"batch_size": 5}, {"batch_size": 5, "shuffle": False}, {}):
        history = model.fit(inputs, targets, optimizer=lk.SGD(learning_rate=0.5), epochs=3, **options)
        assert history.loss[-1] < history.loss[0]
    assert_array_equal(inputs, given[0])
    assert_array_equal(targets, given[1])


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("epochs", "batch_size"), [(0, None), (-3, None), (1, 0), (1, -1)])
def test_numbers_that_make_no_training_are_refused(epochs: int, batch_size: int | None) -> None:
    with pytest.raises(SpecError, match="greater than 0"):
        trainer(classifier(), lk.SGD(learning_rate=0.1), epochs=epochs, batch_size=batch_size)
    with pytest.raises(SpecError, match="greater than 0"):
        classifier().fit(*samples(), optimizer=lk.SGD(learning_rate=0.1), epochs=epochs, batch_size=batch_size)


def test_a_batch_larger_than_the_samples_is_refused() -> None:
    with pytest.raises(lk.DataError, match="batch_size 24 is more than the 23 training samples"):
        classifier().fit(*samples(), optimizer=lk.SGD(learning_rate=0.1), epochs=1, batch_size=24)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 17])
def test_inputs_that_are_not_finite_name_their_first_row(value: float, row: int) -> None:
    inputs, targets = samples()
    inputs[[row, 20], 2] = value
    with pytest.raises(lk.DataError, match=f"row {row}, column 2 of the inputs is"):
        classifier().fit(inputs, targets, optimizer=lk.SGD(learning_rate=0.1), epochs=1, batch_size=5)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (np.zeros((6, 5)), np.zeros(6, int), r"\(6, 5\)"),
        (np.zeros((0, 4)), np.zeros(0, int), r"\(0, 4\)"),
        (np.zeros((6, 4)), np.zeros(5, int), r"expected 6 targets, one a sample; received an array of shape \(5,\)"),
        (np.zeros((6, 4)), 1, r"expected 6 targets, one a sample; received an array of shape \(\)"),
        (np.zeros((6, 4)), ["a"] * 6, "expected integer labels"),
        (np.zeros((6, 4)), np.zeros((6, 2)), "expected integer labels"),
        (np.zeros((6, 4)), np.zeros(6), "expected integer labels"),
    ],
    ids=["input shape", "no samples", "too few targets", "one target", "text", "columns", "float labels"],
)
def test_samples_that_do_not_fit_are_refused(inputs: lk.Array, targets: npt.ArrayLike, message: str) -> None:
    model = classifier()
    before = model.parameters.copy()
    with pytest.raises(lk.DataError, match=message):
        model.fit(inputs, targets, optimizer=lk.SGD(learning_rate=0.1), epochs=1)
    assert_array_equal(model.parameters, before)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [(3, "label 3 is out of range"), (-1, "label -1 is out of range")],
)
def test_wrong_labels_name_their_row_among_all_samples(wrong: int, message: str) -> None:
    inputs, targets = samples(100)
    targets[[57, 80]] = wrong
    model = classifier()
    before = model.parameters.copy()
    with pytest.raises(lk.TargetError, match=f"row 57: {message}"):
        model.fit(inputs, targets, optimizer=lk.SGD(learning_rate=0.1), epochs=1, batch_size=10)
    assert_array_equal(model.parameters, before)  # found before the first step


def test_wrong_soft_targets_name_their_row_among_all_samples() -> None:
    inputs, targets = samples(100)
    soft = np.eye(3)[targets]
    soft[57] = np.nan
    with pytest.raises(lk.TargetError, match="row 57 holds NaN"):
        classifier().fit(inputs, soft, optimizer=lk.SGD(learning_rate=0.1), epochs=1, batch_size=10)


# --- divergence ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [None, 5])
def test_a_diverging_training_stops_without_a_warning(
    dtype: Literal["float32", "float64"], either_loss: lk.Loss, batch_size: int | None
) -> None:
    inputs, labels = samples()
    targets = labels if either_loss.type == "crossentropy" else np.eye(3)[labels]
    layers = [lk.Affine(units=6), lk.ReLU(), lk.Affine(units=3), either_loss]
    model = lk.Sequential(layers, input_shape=(4,), dtype=dtype, seed=0)
    diverging = trainer(model, lk.SGD(learning_rate=1e38), epochs=50, batch_size=batch_size)
    with pytest.raises(
        DivergedError, match=r"the loss is (nan|inf) in epoch \d+, after \d+ steps.*smaller learning_rate"
    ) as caught:
        list(diverging.run(inputs, targets))
    assert isinstance(caught.value, WorkError)
    training = diverging.training
    assert f"in epoch {training.epoch}, after {training.step} steps" in str(caught.value)
    with np.errstate(all="ignore"):
        assert not math.isfinite(model.forward_loss(inputs, targets))  # the parameters are those that gave that loss


class Largest(lk.Loss):
    """The largest float, whatever the logits are."""

    type: Literal["largest"] = "largest"

    def prepare(self, targets: lk.Array, logits_shape: lk.Shape, dtype: np.dtype[Any]) -> lk.Array:
        return targets

    def forward(self, node: lk.Node, logits: lk.Array, targets: lk.Array, sample_weight: lk.Array | None = None) -> float:
        return sys.float_info.max

    def backward(self, node: lk.Node, d_out: float = 1.0) -> lk.Array:
        return np.zeros((1, *node.input_shape), node.dtype)

    def predict(self, node: lk.Node, logits: lk.Array) -> lk.Array:
        return logits.copy()


def test_finite_losses_of_steps_make_a_finite_loss_of_the_epoch() -> None:
    model = lk.Sequential([Largest()], input_shape=(4,), seed=0)
    history = model.fit(np.zeros((11, 4)), np.zeros(11), optimizer=lk.SGD(learning_rate=0.1), epochs=1, batch_size=1)
    assert history.loss == [sys.float_info.max]


def test_a_negative_seed_is_refused() -> None:
    model = lk.Sequential([Largest()], input_shape=(4,), seed=0)
    with pytest.raises(InputError, match="seed"):
        trainer(model, lk.SGD(learning_rate=0.1), epochs=1, seed=-1)


def test_an_observer_knows_how_far_the_training_is_and_how_far_it_will_go() -> None:
    seen: list[tuple[int, int, int, int]] = []

    class Gauge(lk.Observer):
        """Writes down how far the training is."""

        type: Literal["gauge"] = "gauge"

        @contextmanager
        def watch(self, training: lk.Training, memory: lk.Memory) -> Iterator[lk.Watcher]:
            class Reading(lk.Watcher):
                def step(self) -> None:
                    seen.append((training.epoch, training.epochs, training.batch, training.batches))

            yield Reading()

    model = lk.Sequential([lk.Affine(units=3), lk.CategoricalCrossEntropy()], input_shape=(2,), seed=0)
    for _ in range(2):
        model.fit(
            np.zeros((5, 2)), np.zeros(5, int), optimizer=lk.SGD(learning_rate=0.1), epochs=1, batch_size=2, observers=[Gauge()]
        )
    assert seen == [(0, 1, 1, 3), (0, 1, 2, 3), (0, 1, 3, 3), (1, 2, 1, 3), (1, 2, 2, 3), (1, 2, 3, 3)]
