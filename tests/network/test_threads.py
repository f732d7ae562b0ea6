"""Predictions from many threads at once, and beside a training: each what it would be alone, and none disturbs another."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import layerkit as lk

Make = Callable[..., lk.Sequential]

THREADS = 8
RNG = np.random.default_rng(3)
BATCHES = [RNG.standard_normal((count, 4)) for count in (1, 3, 1, 40, 1500, 2, 7, 1) * 6]
LABELS = [RNG.integers(3, size=len(batch)) for batch in BATCHES]
INPUTS, TARGETS = RNG.standard_normal((60, 4)), RNG.integers(3, size=60)


@pytest.fixture(autouse=True)
def frequent_switches() -> Iterator[None]:
    """Let threads take turns all the time."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture
def model(make_eventful: Make) -> lk.Sequential:
    """Give a network whose state, branches and noise are all in use."""
    network = make_eventful()
    network.fit(INPUTS, TARGETS, optimizer=lk.SGD(learning_rate=0.05), epochs=2, batch_size=16)
    return network


CALLS: dict[str, Callable[[lk.Sequential, int], Any]] = {
    "predict": lambda model, number: model.predict(BATCHES[number]).tolist(),
    "logits": lambda model, number: model.logits(BATCHES[number]).tolist(),
    "loss": lambda model, number: model.loss(BATCHES[number], LABELS[number]),
    "evaluate": lambda model, number: model.evaluate(BATCHES[number], LABELS[number], metrics=[lk.Accuracy()]),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_threads_get_what_one_thread_gets(model: lk.Sequential, call: Callable[[lk.Sequential, int], Any]) -> None:
    alone = [call(model, number) for number in range(len(BATCHES))]
    start = threading.Barrier(THREADS)

    def together(thread: int) -> list[tuple[int, Any]]:
        start.wait()
        return [(number, call(model, number)) for number in range(thread, len(BATCHES), THREADS)]

    with ThreadPoolExecutor(THREADS) as pool:
        results = [result for results in pool.map(together, range(THREADS)) for result in results]
    assert len(results) == len(BATCHES)
    assert [number for number, result in results if result != alone[number]] == []


def test_a_training_is_not_disturbed_by_predictions_beside_it(make_eventful: Make) -> None:
    """Nor do they fail, whatever weights they meet."""

    def train(network: lk.Sequential) -> lk.History:
        optimizer = lk.SGD(learning_rate=0.05, momentum=0.9)
        return network.fit(INPUTS, TARGETS, optimizer=optimizer, epochs=15, batch_size=8)

    quiet, busy = make_eventful(), make_eventful()
    wanted = train(quiet)
    done = threading.Event()

    def predict(thread: int) -> int:
        rounds = 0
        while not done.is_set() or not rounds:
            for number in range(thread, len(BATCHES), THREADS):
                assert np.isfinite(busy.predict(BATCHES[number])).all()
                assert np.isfinite(busy.loss(BATCHES[number], LABELS[number]))
            rounds += 1
        return rounds

    with ThreadPoolExecutor(3) as pool:
        rounds = pool.map(predict, range(3))
        try:
            history = train(busy)
        finally:
            done.set()
        assert all(rounds)
    assert history == wanted
    assert_array_equal(busy.parameters, quiet.parameters)
    for ours, theirs in zip(busy.nodes, quiet.nodes, strict=True):
        for node, other in zip(ours.tree(), theirs.tree(), strict=True):
            assert {name: array.tolist() for name, array in node.state.items()} == {
                name: array.tolist() for name, array in other.state.items()
            }


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_prediction_does_not_disturb_a_backward_pass_still_to_come(
    make_eventful: Make, call: Callable[[lk.Sequential, int], Any]
) -> None:
    disturbed, left_alone = make_eventful(), make_eventful()
    for network in (disturbed, left_alone):
        network.forward_loss(INPUTS, TARGETS)
    call(disturbed, 4)
    for network in (disturbed, left_alone):
        network.backward()
    assert np.any(left_alone.gradients)
    assert_array_equal(disturbed.gradients, left_alone.gradients)


def test_predictions_follow_the_parameters_and_the_state(model: lk.Sequential) -> None:
    """They read those of the network, and not a copy of some earlier moment."""
    before = model.predict(BATCHES[3])
    model["affine_1"].params.weight = 2 * model["affine_1"].params.weight
    after = model.predict(BATCHES[3])
    assert np.any(after != before)
    model["centered_1"].state.mean = model["centered_1"].state.mean + 1
    assert np.any(model.predict(BATCHES[3]) != after)


def test_predictions_draw_no_numbers_of_the_training(make_eventful: Make) -> None:
    class Restless(lk.Layer):
        """Draws in prediction, too."""

        type: Any = "restless"

        def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
            node.cache = node.rng.uniform(0.5, 1.5, inputs.shape).astype(node.dtype)
            outputs: lk.Array = inputs * node.cache
            return outputs

        def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
            d_inputs: lk.Array = d_out * node.cache
            return d_inputs

    layers = [lk.Affine(units=3), Restless(), lk.CategoricalCrossEntropy()]
    disturbed, left_alone = (lk.Sequential(layers, input_shape=(4,), seed=0) for _ in range(2))
    disturbed.predict(INPUTS)
    for network in (disturbed, left_alone):
        network.fit(INPUTS, TARGETS, optimizer=lk.SGD(learning_rate=0.1), epochs=1)
    assert_array_equal(disturbed.parameters, left_alone.parameters)


def test_a_layer_cannot_write_parameters_or_state_in_a_prediction() -> None:
    class Writing(lk.Layer):
        type: Any = "writing"

        def state(self, input_shape: lk.Shape) -> dict[str, lk.State]:
            return {"mean": lk.State(input_shape)}

        def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
            node.state.mean = inputs.mean(axis=0)
            return inputs

        def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
            return d_out

    model = lk.Sequential([Writing(), lk.CategoricalCrossEntropy()], input_shape=(4,), seed=0)
    with pytest.raises(lk.ComponentError, match=r"^writing_1: Writing\.forward .* raised ValueError: .*read-only"):
        model.predict(INPUTS)
    model.loss_and_gradients(INPUTS, TARGETS)
    assert np.any(model["writing_1"].state.mean)
