"""What a network will take, against what it takes when it is built and trained."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

import layerkit as lk
from layerkit import ModelSpec, Registry, RunSpec, SpecError
from layerkit.errors import InputError, MemoryBudgetError
from layerkit.spec.cost import Cost, cost_of, memory_faults
from layerkit.spec.load import load_spec, parse_spec
from layerkit.spec.run import TrainingSpec

HUGE = json.dumps(
    {
        "layerkit": 1,
        "input_shape": [10**6],
        "layers": [{"type": "relu"}, {"type": "affine", "units": 10**6}, {"type": "crossentropy"}],
    }
)
"""A network of a million million parameters, and a million more."""

SMALL = 2**15
"""Bytes that Python's own objects may take."""


def model_spec(*layers: Any, shape: lk.Shape = (64,), dtype: Any = "float32") -> ModelSpec:
    return ModelSpec(layers=(*layers, lk.CategoricalCrossEntropy()), input_shape=shape, dtype=dtype)


def run_spec(model: ModelSpec, optimizer: lk.Optimizer, batch_size: int | None, data: lk.Dataset | None = None) -> RunSpec:
    training = TrainingSpec(optimizer=optimizer, epochs=1, batch_size=batch_size)
    return RunSpec(data=data or lk.Digits(), model=model, training=training)


@contextmanager
def allocations() -> Iterator[Callable[[], tuple[int, int]]]:
    """Give a function that returns what is allocated now and what was at the most, in bytes since the start."""
    gc.collect()
    tracemalloc.start()
    try:
        yield tracemalloc.get_traced_memory
    finally:
        tracemalloc.stop()


# --- against the built network ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_bytes_are_those_of_the_network_and_its_trainer(source: Any, registry: Registry, seed: int) -> None:
    random, built = Random(seed), 0
    while built < 25:
        document = source.sound_spec(random)
        try:
            spec = RunSpec.model_validate(document, context={"resolver": registry})
        except ValidationError:
            continue
        built += 1
        cost, model = cost_of(spec), lk.build(spec.model, seed=seed)
        slots = lk.Trainer(model, optimizer=spec.training.optimizer, epochs=1).slots
        nodes = [node for top in model.nodes for node in top.tree()]
        assert cost.parameter_count == model.parameters.size
        assert cost.parameters == model.parameters.nbytes == model.gradients.nbytes
        assert cost.slots == sum(slot.nbytes for slot in slots.values())
        assert cost.state == sum(array.nbytes for node in nodes for array in node.state.values())
        assert [(item.name, item.type) for item in cost.nodes] == [(node.name, node.layer.type) for node in nodes]
        assert [item.input_shape for item in cost.nodes] == [node.input_shape for node in nodes]
        assert [item.output_shape for item in cost.nodes] == [node.output_shape for node in nodes]
        assert [item.parameters for item in cost.nodes] == [sum(p.size for p in node.params.values()) for node in nodes]


AFFINE_AND_RELU = [lk.Affine(units=256), lk.ReLU(), lk.Affine(units=128), lk.ReLU(), lk.Affine(units=10)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("soft", [False, True], ids=["labels", "soft targets"])
@pytest.mark.parametrize("layers", [AFFINE_AND_RELU, [lk.Affine(units=10)], [lk.ReLU()] * 5, []], ids=len)
def test_work_arrays_are_bounded_and_not_by_far(layers: list[lk.Layer], dtype: Any, soft: bool) -> None:
    spec, batch = model_spec(*layers, dtype=dtype), 512
    model, rng = lk.build(spec, seed=1), np.random.default_rng(1)
    inputs = rng.standard_normal((batch, 64)).astype(dtype)
    classes = spec.logits_shape[0]
    targets = rng.dirichlet(np.ones(classes), batch) if soft else rng.integers(classes, size=batch)
    work = cost_of(run_spec(spec, lk.SGD(learning_rate=0.1), batch)).work
    with allocations() as measure:
        for _ in range(3):
            model.loss_and_gradients(inputs, targets)
        gc.collect()
        held, most = measure()
    assert held <= work + SMALL
    assert most <= 1.5 * work + SMALL  # the check of the targets is done with when the step is
    assert work <= 3.3 * held


def test_work_arrays_grow_with_the_batch() -> None:
    spec = model_spec(lk.Affine(units=10))
    one, many = (cost_of(run_spec(spec, lk.SGD(learning_rate=0.1), batch)).work for batch in (1, 100))
    assert many == 100 * one > 0


# --- FLOPs --------------------------------------------------------------------------------------------------------


def test_flops_of_affine_layers_are_those_counted_by_hand() -> None:
    """A product of (N, D) and (D, H) takes 2 N D H; forward does one, backward one for the weight and one for the inputs."""
    spec = model_spec(lk.Affine(units=32), lk.ReLU(), lk.Affine(units=10))
    cost = cost_of(run_spec(spec, lk.SGD(learning_rate=0.1), 100))
    flops = {node.name: node.flops for node in cost.nodes}
    assert flops["affine_1"] == 2 * (2 * 64 * 32 + 32)  # the first layer's inputs need no gradient
    assert flops["relu_1"] == 2 * 32
    assert flops["affine_2"] == 3 * (2 * 32 * 10 + 10)
    assert flops["crossentropy_1"] == 2 * (5 * 10 + 3)
    assert cost.flops == 100 * sum(flops.values())


def test_backward_costs_nothing_where_nothing_is_trained_before() -> None:
    cost = cost_of(model_spec(lk.ReLU(), lk.ReLU(), lk.Affine(units=10)))
    assert [node.flops for node in cost.nodes[:3]] == [64, 64, 2 * (2 * 64 * 10 + 10)]


@pytest.mark.parametrize("answer", [1.5, -1, None, True, "many", ZeroDivisionError("no batch")], ids=repr)
def test_flops_that_are_no_count_are_refused_by_the_layers_name(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    def flops(layer: lk.ReLU, input_shape: lk.Shape) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(lk.ReLU, "flops", flops)
    with pytest.raises(InputError, match=r"relu\.flops"):
        cost_of(model_spec(lk.ReLU())).flops  # noqa: B018 (it is worked out when it is asked for)


# --- which batch, which optimizer ---------------------------------------------------------------------------------


def test_a_bare_model_is_counted_with_one_sample_and_plain_descent() -> None:
    spec = model_spec(lk.Affine(units=10))
    cost = cost_of(spec)
    assert (cost.batch, cost.slots) == (1, 0)
    assert cost.total == 2 * cost.parameters + cost.work


@pytest.mark.parametrize(("batch_size", "batch"), [(32, 32), (None, 1347)])
def test_a_full_batch_is_as_large_as_the_data(batch_size: int | None, batch: int) -> None:
    spec = run_spec(model_spec(lk.Affine(units=10)), lk.SGD(learning_rate=0.1), batch_size)
    assert cost_of(spec).batch == batch


def test_data_of_unknown_length_count_as_one_sample(registry: Registry) -> None:
    table = registry.resolve(lk.Dataset, "table")(path="data.csv")
    spec = run_spec(model_spec(lk.Affine(units=10)), lk.SGD(learning_rate=0.1), None, table)
    assert cost_of(spec).batch == 1


@pytest.mark.parametrize(("momentum", "vectors"), [(0.0, 0), (0.9, 1)])
def test_slots_are_the_optimizers(momentum: float, vectors: int) -> None:
    cost = cost_of(run_spec(model_spec(lk.Affine(units=10)), lk.SGD(learning_rate=0.1, momentum=momentum), 8))
    assert cost.slots == vectors * cost.parameters
    assert cost.total == (2 + vectors) * cost.parameters + cost.work


def test_the_figures_come_as_json(registry: Registry) -> None:
    gain = registry.resolve(lk.Layer, "gain")()
    sandwich = registry.resolve(lk.Layer, "sandwich")(layers=(lk.Affine(units=8), gain))
    cost = cost_of(run_spec(model_spec(sandwich, lk.Affine(units=10)), lk.SGD(learning_rate=0.1, momentum=0.5), 8))
    figures = json.loads(json.dumps(cost.as_json()))
    assert [node["name"] for node in figures["nodes"]] == [
        *("sandwich_1", "sandwich_1.layers.affine_1", "sandwich_1.layers.gain_1", "affine_1", "crossentropy_1")
    ]
    assert figures["nodes"][1]["input_shape"] == [64]
    assert sum(node["parameters"] for node in figures["nodes"]) == figures["parameter_count"] == 520 + 8 + 90
    assert sum(node["flops"] for node in figures["nodes"]) * 8 == figures["flops"] == cost.flops
    sizes = figures["bytes"]
    assert sizes["parameters"] == sizes["gradients"] == sizes["slots"] == 4 * 618
    assert sizes["state"] == 4 * 8
    assert sizes["total"] == sum(size for name, size in sizes.items() if name != "total")


# --- nothing is allocated -----------------------------------------------------------------------------------------


def test_the_figures_of_a_huge_network_take_no_memory() -> None:
    parse_spec(HUGE, max_memory=10**15)
    with allocations() as measure:
        spec = parse_spec(HUGE, max_memory=10**15)
        cost = cost_of(spec)
        figures = cost.as_json()
        assert measure()[1] < 2**18
    assert figures["parameter_count"] == 10**12 + 10**6
    assert figures["bytes"]["parameters"] == 4 * (10**12 + 10**6)
    assert cost.flops == 10**6 + 2 * (2 * 10**12 + 10**6) + 2 * (5 * 10**6 + 3)


# --- the budget ---------------------------------------------------------------------------------------------------


def test_a_spec_within_the_budget_is_read_and_one_beyond_is_not() -> None:
    text = '{"layerkit": 1, "input_shape": [4], "layers": [{"type": "affine", "units": 3}, {"type": "crossentropy"}]}'
    needed = cost_of(parse_spec(text)).total
    assert parse_spec(text, max_memory=needed)
    with pytest.raises(SpecError) as refusal:
        parse_spec(text, max_memory=needed - 1)
    (fault,) = refusal.value.diagnostics
    assert (fault.code, fault.path) == ("memory", "layers[0]")
    assert fault.message == (
        f"this network takes {needed} B, 60 B of it parameters, with 1 samples a step; the memory budget is {needed - 1} B. "
        "affine_1 is the largest"
    )


def test_the_budget_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    path.write_text(HUGE)
    assert load_spec(path, max_memory=10**15)
    with pytest.raises(SpecError, match=r"takes 7\.3 TiB, 3\.6 TiB of it parameters.* budget is 1\.0 TiB\. affine_1 is"):
        load_spec(path, max_memory=2**40)


def test_by_default_the_budget_is_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SpecError, match="memory budget is"):
        parse_spec(HUGE)
    monkeypatch.setattr("layerkit.spec.cost.free_memory", lambda: 3 * 2**30)
    with pytest.raises(SpecError, match=r"memory budget is 3\.0 GiB"):
        parse_spec(HUGE)
    spec = parse_spec(HUGE, max_memory=10**15)
    (fault,) = memory_faults(spec, None)
    assert fault.location == ("layers", 1)


def test_the_largest_layer_is_named_in_a_run_too() -> None:
    spec = run_spec(model_spec(lk.Affine(units=20), lk.Affine(units=10)), lk.SGD(learning_rate=0.1), 8)
    (fault,) = memory_faults(spec, 1000)
    assert fault.location == ("model", "layers", 0)
    assert "with 8 samples a step" in fault.message


def test_without_parameters_the_largest_is_the_one_that_works_most() -> None:
    text = '{"layerkit": 1, "input_shape": [1000000000000000], "layers": [{"type": "relu"}, {"type": "crossentropy"}]}'
    with pytest.raises(SpecError, match="crossentropy_1 is the largest"):
        parse_spec(text)


def test_within_a_branch_the_largest_is_found_at_its_layer(registry: Registry) -> None:
    sandwich = registry.resolve(lk.Layer, "sandwich")(layers=(lk.Affine(units=5000), lk.Affine(units=4)))
    (fault,) = memory_faults(model_spec(lk.Affine(units=10), sandwich), 1)
    assert fault.location == ("layers", 1)
    assert "sandwich_1 is the largest" in fault.message


@pytest.mark.parametrize("units", [10**6, 2**63, 10**100])
def test_python_is_refused_too_and_nothing_is_allocated(units: int) -> None:
    with allocations() as measure:
        with pytest.raises(MemoryBudgetError, match=r"iB are free$"):
            lk.Sequential([lk.Affine(units=units), lk.CategoricalCrossEntropy()], input_shape=(units,))
        assert measure()[1] < 2**20


def test_costs_are_exact_beyond_what_floats_hold() -> None:
    cost = Cost(model_spec(lk.Affine(units=3**80), shape=(3**80,)).plan(), 8, 7, 2)
    assert cost.parameters == 8 * (3**160 + 3**80)
    assert cost.slots == 2 * cost.parameters
