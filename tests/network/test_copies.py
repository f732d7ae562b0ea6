"""Copies and pickles of a network: equal, independent, and trained on as the original would be, bit for bit."""

from __future__ import annotations

import copy
import importlib
import io
import multiprocessing
import pickle
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import layerkit as lk

Make = Callable[..., lk.Sequential]
Duplicate = Callable[[lk.Sequential], lk.Sequential]

INPUTS = np.random.default_rng(1).standard_normal((50, 4))
LABELS = np.random.default_rng(2).integers(3, size=50)
MOMENTUM = lk.SGD(learning_rate=0.05, momentum=0.9, weight_decay=1e-3)


def through_pickle(model: lk.Sequential, protocol: int) -> lk.Sequential:
    return pickle.loads(pickle.dumps(model, protocol))


def through_joblib(model: lk.Sequential) -> lk.Sequential:
    stream = io.BytesIO()
    joblib.dump(model, stream)
    stream.seek(0)
    loaded: lk.Sequential = joblib.load(stream)
    return loaded


DUPLICATES: dict[str, Duplicate] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle 2": partial(through_pickle, protocol=2),
    "pickle 5": partial(through_pickle, protocol=5),
    "joblib": through_joblib,
}


@pytest.fixture(params=DUPLICATES)
def duplicate(request: pytest.FixtureRequest) -> Duplicate:
    return DUPLICATES[request.param]


def fit(model: lk.Sequential, epochs: int, **options: Any) -> lk.History:
    return model.fit(INPUTS, LABELS, optimizer=MOMENTUM, epochs=epochs, batch_size=8, **options)


def owned(model: lk.Sequential) -> dict[str, bytes]:
    """Return all that a network holds between steps."""
    nodes = [node for top in model.nodes for node in top.tree()]
    arrays = {f"{node.name}.{name}": array.tobytes() for node in nodes for name, array in node.state.items()}
    streams = {f"{node.name}.rng": repr(node.rng.bit_generator.state).encode() for node in nodes}
    return {"parameters": model.parameters.tobytes(), **arrays, **streams}


@pytest.mark.parametrize("epochs", [0, 3])
def test_a_copy_is_equal(make_eventful: Make, duplicate: Duplicate, epochs: int) -> None:
    model = make_eventful()
    if epochs:
        fit(model, epochs)
    twin = duplicate(model)
    assert type(twin) is lk.Sequential
    assert twin is not model
    assert (twin.spec, twin.seed, twin.layout) == (model.spec, model.seed, model.layout)
    assert [node.name for node in twin.nodes] == [node.name for node in model.nodes]
    assert twin.predict(INPUTS).tobytes() == model.predict(INPUTS).tobytes()
    assert owned(twin) == owned(model)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("epochs", [0, 3])
def test_a_copy_trains_on_as_the_original_bit_for_bit(make_eventful: Make, duplicate: Duplicate, dtype: str, epochs: int) -> None:
    """With the velocity, the order of the samples, random numbers and state, some of it within a branch."""
    model = make_eventful(dtype=dtype)
    if epochs:
        fit(model, epochs)
    twin = duplicate(model)
    first, second = fit(model, 3), fit(twin, 3)
    assert first == second
    assert [record.epoch for record in second] == list(range(epochs, epochs + 3))
    assert first.loss[-1] < first.loss[0]
    assert owned(twin) == owned(model)


def test_training_one_leaves_the_other(make_eventful: Make, duplicate: Duplicate) -> None:
    model = make_eventful()
    fit(model, 2)
    twin = duplicate(model)
    before = owned(model)
    fit(twin, 2)
    assert owned(model) == before
    trained = owned(twin)
    assert trained["parameters"] != before["parameters"]
    fit(model, 4)
    assert owned(twin) == trained


def test_a_copy_shares_no_memory(make_eventful: Make, duplicate: Duplicate) -> None:
    model = make_eventful()
    fit(model, 1)
    twin = duplicate(model)

    def arrays(network: lk.Sequential) -> list[lk.Array]:
        nodes = [node for top in network.nodes for node in top.tree()]
        held = [array for node in nodes for kind in (node.params, node.grads, node.state) for array in kind.values()]
        assert network.training is not None
        return [network.parameters, network.gradients, *held, *network.training.arrays().values()]

    assert not any(np.shares_memory(ours, theirs) for ours in arrays(model) for theirs in arrays(twin))


def test_the_arrays_of_a_copys_nodes_are_views_of_its_vectors(make_eventful: Make, duplicate: Duplicate) -> None:
    twin = duplicate(make_eventful())
    twin.parameters[:] = np.arange(twin.parameters.size)
    params = [array.ravel() for top in twin.nodes for node in top.tree() for array in node.params.values()]
    assert_array_equal(np.concatenate(params), twin.parameters)
    twin.loss_and_gradients(INPUTS, LABELS)
    grads = [array.ravel() for top in twin.nodes for node in top.tree() for array in node.grads.values()]
    assert_array_equal(np.concatenate(grads), twin.gradients)


def test_saving_a_copy_that_was_trained_writes_its_weights(duplicate: Duplicate, tmp_path: Path) -> None:
    layers = [lk.Affine(units=6), lk.ReLU(), lk.Affine(units=3), lk.CategoricalCrossEntropy()]
    model = lk.Sequential(layers, input_shape=(4,), seed=0)
    twin = duplicate(model)
    fit(twin, 2)
    twin.save(tmp_path / "model.safetensors")
    saved = lk.Sequential.load(tmp_path / "model.safetensors")
    assert saved.parameters.tobytes() == twin.parameters.tobytes() != model.parameters.tobytes()


def test_a_pickle_holds_spec_arrays_and_streams_and_no_work_arrays(make_eventful: Make) -> None:
    model = make_eventful()
    fresh = len(pickle.dumps(model))
    inputs, labels = np.tile(INPUTS, (200, 1)), np.tile(LABELS, 200)
    for call in (model.loss_and_gradients, model.loss):
        call(inputs, labels)
    model.predict(inputs)
    worked = len(pickle.dumps(model))
    buffers = sum(node.buffered_bytes for top in model.nodes for node in top.tree())
    assert buffers > 10**6
    # The streams have drawn by now, and some counters have more digits.
    assert worked - fresh < 3000
    assert worked < model.parameters.nbytes + 20_000


def test_a_copy_of_a_copy_is_one(make_eventful: Make, duplicate: Duplicate) -> None:
    model = make_eventful()
    fit(model, 1)
    twin = duplicate(duplicate(model))
    assert fit(twin, 2) == fit(model, 2)
    assert owned(twin) == owned(model)


class Collecting(lk.Observer):
    """Remembers the losses, in a list and in an array."""

    type: str = "collecting"

    def watch(self, training: lk.Training, memory: lk.Memory) -> Any:
        memory.setdefault("losses", [])
        memory.setdefault("sum", np.zeros(1))

        class Collector(lk.Watcher):
            def epoch(self, record: lk.EpochRecord) -> None:
                memory["losses"].append(record.loss)
                memory["sum"] += record.loss

        return nullcontext(Collector())


def test_what_observers_remember_is_copied(make_eventful: Make, duplicate: Duplicate) -> None:
    model = make_eventful()
    losses = fit(model, 2, observers=(Collecting(),)).loss
    twin = duplicate(model)
    later = fit(twin, 1, observers=(Collecting(),)).loss

    def remembered(network: lk.Sequential) -> tuple[list[float], float]:
        assert network.training is not None
        return network.training.memory()["observers"]["collecting_1"]["losses"], float(
            network.training.arrays()["observers/collecting_1/sum"][0]
        )

    assert remembered(model) == (losses, pytest.approx(sum(losses)))
    assert remembered(twin) == (losses + later, pytest.approx(sum(losses + later)))


SPAWNED = """
from typing import Literal
import layerkit as lk


class Jitter(lk.Layer):
    type: Literal["jitter"] = "jitter"

    def forward(self, node, inputs):
        node.cache = node.rng.uniform(0.5, 1.5, inputs.shape).astype(node.dtype) if node.training else 1
        return inputs * node.cache

    def backward(self, node, d_out):
        return d_out * node.cache


def train(model, inputs, labels):
    history = model.fit(inputs, labels, optimizer=lk.SGD(learning_rate=0.05, momentum=0.9), epochs=2, batch_size=8)
    return model, list(history)
"""


def test_a_network_goes_to_another_process_and_comes_back_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spawned_for_copies.py").write_text(SPAWNED)
    monkeypatch.syspath_prepend(tmp_path)
    spawned = importlib.import_module("spawned_for_copies")
    layers = [lk.Affine(units=6), spawned.Jitter(), lk.Affine(units=3), lk.CategoricalCrossEntropy()]
    model = lk.Sequential(layers, input_shape=(4,), seed=0)
    spawned.train(model, INPUTS, LABELS)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there, records = pool.apply(spawned.train, (model, INPUTS, LABELS))
    here, wanted = spawned.train(model, INPUTS, LABELS)
    assert [record.epoch for record in records] == [2, 3]
    assert records == wanted
    assert owned(there) == owned(here)
