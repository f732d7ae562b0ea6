"""What a network will take, against what it takes when it is built and trained."""

from __future__ import annotations

import gc
import json
import math
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Literal

import numpy as np
import pytest

import layerkit as lk
from layerkit import ModelSpec, Registry, RunSpec, SpecError
from layerkit.errors import InputError, MemoryBudgetError
from layerkit.memory import size_text
from layerkit.spec.budget import memory_faults
from layerkit.spec.cost import Cost, cost_of, rows_at_once
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
        except SpecError:
            continue
        built += 1
        cost, model = cost_of(spec), lk.build(spec.model, seed=seed)
        training = spec.training.model_copy(update={"initial_weights": None})
        slots = lk.Trainer(model, training).training.workplace.slots
        nodes = [node for top in model.nodes for node in top.tree()]
        assert cost.parameter_count == model.parameters.size
        assert cost.parameters == model.parameters.nbytes == model.gradients.nbytes
        assert cost.slots == sum(slot.nbytes for slot in slots.values())
        assert cost.state == sum(array.nbytes for node in nodes for array in node.state.values())
        assert [(item.name, item.type) for item in cost.nodes] == [(node.name, node.stage.type) for node in nodes]
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
    prepared = batch * (classes * np.dtype(dtype).itemsize if soft else 8)
    with allocations() as measure:
        for _ in range(3):
            model.loss_and_gradients(inputs, targets)
        gc.collect()
        held, most = measure()
    assert held <= work + prepared + SMALL
    assert most <= work + prepared + 2 * targets.nbytes + SMALL  # the check of the targets is done with when the step is
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


def test_a_bare_model_is_counted_with_one_sample_and_no_optimizer() -> None:
    spec = model_spec(lk.Affine(units=10))
    cost = cost_of(spec)
    assert (cost.batch, cost.slots, cost.update) == (1, 0, 0)


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


class Rule(lk.Optimizer):
    """Declares whatever it is told to."""

    type: Literal["rule"] = "rule"
    declares: ClassVar[Any] = {}
    works_on: ClassVar[Any] = 2

    def slots(self) -> Any:
        return self.declares() if callable(self.declares) else self.declares

    def work_size(self) -> Any:
        return self.works_on() if callable(self.works_on) else self.works_on

    def update(self, *arguments: Any) -> None:
        raise NotImplementedError


def cost_with(optimizer: lk.Optimizer) -> Cost:
    return cost_of(run_spec(model_spec(lk.Affine(units=10)), optimizer, 8))


def test_a_slot_has_the_shape_that_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rule, "declares", {"mean": lk.Slot(), "scale": lk.Slot(()), "table": lk.Slot((3, 5), fill=1.0)})
    cost = cost_with(Rule(learning_rate=0.1))
    assert cost.slots == cost.parameters + 4 * (1 + 15)


@pytest.mark.parametrize(("works_on", "weight_decay", "vectors"), [(0, 0.0, 0), (3, 0.0, 3), (3, 0.1, 4)])
def test_an_update_works_on_vectors_of_its_own(
    monkeypatch: pytest.MonkeyPatch, works_on: int, weight_decay: float, vectors: int
) -> None:
    monkeypatch.setattr(Rule, "works_on", works_on)
    cost = cost_with(Rule(learning_rate=0.1, weight_decay=weight_decay))
    assert cost.update == vectors * cost.parameters


@pytest.mark.parametrize(
    "answer",
    [["velocity"], {"velocity": (3,)}, None, lambda _: 1 / 0, {"v.x/..": lk.Slot()}, {3: lk.Slot()}, {"v": lk.Slot("params")}],
    ids=["list", "shapes", "None", "error", "no attribute", "no text", "another shape"],
)
def test_slots_that_are_none_are_refused_by_the_optimizers_name(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    monkeypatch.setattr(Rule, "declares", answer)
    with pytest.raises(InputError, match=r"rule\.slots fails: (ZeroDivisionError|TypeError: it)"):
        cost_with(Rule(learning_rate=0.1)).total  # noqa: B018 (it is worked out when it is asked for)


@pytest.mark.parametrize("answer", [1.5, -1, None, True, lambda _: 1 / 0], ids=["float", "negative", "None", "bool", "error"])
def test_a_work_size_that_is_no_count_is_refused_by_the_optimizers_name(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    monkeypatch.setattr(Rule, "works_on", answer)
    with pytest.raises(InputError, match=r"rule\.work_size (fails: ZeroDivisionError|gives .* a whole number of arrays)"):
        cost_with(Rule(learning_rate=0.1)).total  # noqa: B018


@pytest.mark.parametrize("method", ["declares", "works_on"])
def test_an_optimizer_that_fails_is_a_fault_in_its_place(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setattr(Rule, method, lambda _: 1 / 0)
    spec = run_spec(model_spec(lk.Affine(units=10)), Rule(learning_rate=0.1), 8)
    (fault,) = memory_faults(spec, None)
    assert (fault.location, fault.code) == (("training", "optimizer"), "component_failed")
    assert fault.message.startswith("rule.")


# --- samples, predictions, state, drawing -------------------------------------------------------------------------


def test_samples_count_as_far_as_they_are_known(registry: Registry) -> None:
    table = registry.resolve(lk.Dataset, "table")(path="data.csv")
    model, descent = model_spec(lk.Affine(units=10)), lk.SGD(learning_rate=0.1)
    labelled, unknown = (cost_of(run_spec(model, descent, 32, data)).samples for data in (lk.Digits(), table))
    assert unknown == 32 * (64 + 10) * 4  # a batch, the targets as many numbers as there are logits
    assert labelled == 32 * (64 * 4 + 8) + 1797 * (64 * 4 + 8 + 64 + 8)  # labels; and all of them, cast, checked and in an order


@pytest.mark.parametrize(
    ("work_size", "itemsize", "rows"),
    [(0, 4, 1024), (100, 4, 1024), (2**14, 4, 1024), (2**14 + 1, 4, 1023), (2**14, 8, 512), (2**24, 4, 1), (10**100, 8, 1)],
)
def test_a_prediction_takes_no_more_rows_at_once_than_fit(work_size: int, itemsize: int, rows: int) -> None:
    assert rows_at_once(work_size, itemsize) == rows


def test_a_wide_network_predicts_in_little_memory() -> None:
    spec = model_spec(lk.Affine(units=1), lk.Affine(units=200_000), lk.Affine(units=2))
    cost, model = cost_of(spec), lk.build(spec, seed=0)
    inputs = np.zeros((100, 64), np.float32)
    with allocations() as measure:
        model.predict(inputs)
        assert 2**23 < measure()[1] <= cost.prediction <= 2**26


class Counting(lk.ReLU):
    """Keeps a mean, a counter and flags."""

    type: Literal["counting"] = "counting"

    def state(self, input_shape: lk.Shape) -> Mapping[str, lk.State]:
        return {
            "mean": lk.State(input_shape),
            "count": lk.State((), dtype="int64"),
            "seen": lk.State(input_shape, dtype="bool"),
            "exact": lk.State(input_shape, dtype="float64"),
        }


def test_state_counts_with_its_own_dtype() -> None:
    assert cost_of(model_spec(Counting())).state == 64 * 4 + 8 + 64 + 64 * 8


class Shuffled(lk.Initializer):
    """Needs all values at once."""

    type: Literal["shuffled"] = "shuffled"

    def draw(self, shape: lk.Shape, rng: np.random.Generator) -> lk.Array:
        return rng.permutation(math.prod(shape)).reshape(shape) / 2


@pytest.mark.parametrize("initializer", [lk.Normal(), Shuffled()], ids=["in pieces", "whole"])
def test_building_takes_the_network_and_what_drawing_takes(initializer: lk.Initializer) -> None:
    spec = model_spec(lk.Affine(units=10_000, weight_init=initializer))
    cost = cost_of(spec)
    with allocations() as measure:
        model = lk.build(spec, seed=0)
        most = measure()[1]
    drawn = most - model.parameters.nbytes - model.gradients.nbytes
    assert drawn <= (cost.temporary if initializer.type == "shuffled" else 2**20)
    assert cost.temporary >= 3 * cost.parameters


def test_what_is_drawn_whole_counts_where_it_is_most() -> None:
    pieces, whole = (
        cost_of(model_spec(lk.Affine(units=1000, weight_init=initializer))) for initializer in (lk.Normal(), Shuffled())
    )
    assert whole.temporary == 32 * 64 * 1000 > pieces.temporary


def test_weights_from_a_file_count_as_they_are_read() -> None:
    spec = run_spec(model_spec(lk.Affine(units=1000)), lk.SGD(learning_rate=0.1), 8)
    training = spec.training.model_copy(update={"initial_weights": "weights.safetensors"})
    assert cost_of(spec.model_copy(update={"training": training})).temporary == 5 * cost_of(spec).parameters


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_reading_and_saving_take_no_more_than_is_counted(tmp_path: Path, dtype: Any) -> None:
    spec = run_spec(model_spec(lk.Affine(units=5000), dtype=dtype), lk.SGD(learning_rate=0.1), 8)
    model, path = lk.build(spec.model, seed=0), tmp_path / "model.safetensors"
    model.save(path)
    with allocations() as measure:
        model.save(path)
        assert measure()[1] <= cost_of(spec).temporary + SMALL
    training = spec.training.model_copy(update={"initial_weights": str(path)})
    with allocations() as measure:
        model.load_weights(path)
        assert measure()[1] <= cost_of(spec.model_copy(update={"training": training})).temporary + SMALL


@pytest.mark.parametrize("layers", [1, 500])
def test_nodes_are_counted_as_objects(layers: int) -> None:
    spec = model_spec(*[lk.Affine(units=2), lk.ReLU()] * layers)
    lk.build(spec, seed=0)
    with allocations() as measure:
        model = lk.build(spec, seed=0)
        model.loss_and_gradients(np.zeros((1, 64)), [0])
        model.predict(np.zeros((1, 64)))
        held = measure()[0]
    assert 0.2 * cost_of(spec).objects < held < cost_of(spec).objects + SMALL + 8 * cost_of(spec).parameters


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
    assert set(sizes) == {*cost.parts, "total"}
    assert sizes["state"] == cost.state >= 4 * 8
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
    text = '{"layerkit": 1, "input_shape": [4], "layers": [{"type": "affine", "units": 30}, {"type": "crossentropy"}]}'
    needed = cost_of(parse_spec(text)).total
    assert parse_spec(text, max_memory=needed)
    with pytest.raises(SpecError) as refusal:
        parse_spec(text, max_memory=needed - 1)
    (fault,) = refusal.value.diagnostics
    assert (fault.code, fault.path) == ("memory", "layers[0]")
    assert fault.message == (
        f"this network takes {size_text(needed)}, 600 B of it parameters, with 1 samples a step; "
        f"the memory budget is {size_text(needed - 1)}. "
        "affine_1 is the largest: make it smaller"
    )


def test_the_budget_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    path.write_text(HUGE)
    assert load_spec(path, max_memory=10**15)
    with pytest.raises(SpecError, match=r"takes 18\.2 TiB, 3\.6 TiB of it parameters.* budget is 1\.0 TiB\. affine_1 is"):
        load_spec(path, max_memory=2**40)


def test_by_default_the_budget_is_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SpecError, match="memory budget is"):
        parse_spec(HUGE)
    monkeypatch.setattr("layerkit.spec.budget.free_memory", lambda to_be_mapped: 3 * 2**30)
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
    plans = model_spec(lk.Affine(units=3**80), shape=(3**80,)).plan()
    cost = Cost(plans, np.dtype("float64"), batch=7, optimizer=lk.SGD(learning_rate=0.1, momentum=0.5))
    assert cost.parameters == cost.slots == 8 * (3**160 + 3**80)
    assert cost.total == sum(cost.parts.values()) > 6 * cost.parameters
