"""Residual: the formula, the nodes within, faults in their places, and a depth that a plain stack cannot learn."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layerkit_residual import Residual

import layerkit as lk
from layerkit import Affine, Array, CategoricalCrossEntropy, Layer, ReLU, Sequential
from layerkit.cli.program import cli
from layerkit.testing import check_network_gradients

DISTRIBUTION = "layerkit-residual"

SPEC = Path(__file__).parents[1] / "specs" / "digits_residual.json"


def test_conformance(conformance_check: Callable[[], None]) -> None:
    conformance_check()


def network(*layers: Layer, width: int = 4, seed: int = 0) -> Sequential:
    return Sequential([*layers, CategoricalCrossEntropy()], input_shape=(width,), dtype="float64", seed=seed)


def affine(model: Sequential, name: str, inputs: Array) -> Array:
    params = model[name].params
    outputs: Array = inputs @ params.weight + params.bias
    return outputs


@pytest.fixture
def inputs() -> Array:
    return np.random.default_rng(0).standard_normal((6, 4))


# --- the formula --------------------------------------------------------------------------------------------------


def test_what_goes_through_is_added_to_what_goes_past(inputs: Array) -> None:
    model = network(Residual(layers=(ReLU(), Affine(units=4))))
    expected = inputs + affine(model, "residual_1.layers.affine_1", np.maximum(inputs, 0))
    np.testing.assert_allclose(model.logits(inputs), expected, rtol=1e-13)


def test_a_shortcut_may_project(inputs: Array) -> None:
    model = network(Residual(layers=(Affine(units=3), ReLU()), shortcut=(Affine(units=3),)))
    through = np.maximum(affine(model, "residual_1.layers.affine_1", inputs), 0)
    past = affine(model, "residual_1.shortcut.affine_1", inputs)
    np.testing.assert_allclose(model.logits(inputs), through + past, rtol=1e-13)


def test_with_no_weight_it_is_the_identity(inputs: Array) -> None:
    layer = Residual(layers=(Affine(units=4, weight_init=lk.Zeros()),))
    np.testing.assert_array_equal(network(layer, Residual(layers=(layer, layer))).logits(inputs), 2 * inputs)


@pytest.mark.parametrize(
    "layers",
    [
        [Residual(layers=(Affine(units=4), ReLU()))],
        [Residual(layers=(Affine(units=3),), shortcut=(Affine(units=3), ReLU()))],
        [Affine(units=5), Residual(layers=(Residual(layers=(ReLU(), Affine(units=5))), Affine(units=5)))],
        [Residual(layers=(ReLU(),), shortcut=(Residual(layers=(Affine(units=4),)),)), Residual(layers=(ReLU(),))],
    ],
    ids=["identity", "projection", "nested", "nested shortcut"],
)
def test_gradients_of_networks_are_right(layers: list[Layer], inputs: Array) -> None:
    model = network(*layers)
    model.parameters += 0.1 * np.random.default_rng(1).standard_normal(model.parameters.shape)
    checks = check_network_gradients(model, inputs, np.array([0, 1, 2, 0, 1, 2]))
    assert [str(check) for check in checks if not check.passed] == []
    names = {f"{node.name}.{array}" for top in model.nodes for node in top.tree() for array in node.params}
    assert {check.array for check in checks} == {"inputs", *names}


def test_no_input_gradient_is_made_where_none_is_needed(inputs: Array) -> None:
    stack = [Residual(layers=(ReLU(), Affine(units=4)), shortcut=(Affine(units=4),)), CategoricalCrossEntropy()]
    models = [
        Sequential(stack, input_shape=(4,), dtype="float64", seed=0, needs_input_gradient=needed) for needed in (False, True)
    ]
    for model in models:
        model.forward_loss(inputs, np.zeros(6, np.int64))
    without, gradient = [model.backward() for model in models]
    assert without is None
    assert gradient is not None
    assert gradient.shape == inputs.shape
    np.testing.assert_array_equal(models[0].gradients, models[1].gradients)


# --- the nodes within ---------------------------------------------------------------------------------------------


def test_one_description_in_many_places_has_many_nodes(inputs: Array) -> None:
    block = Residual(layers=(ReLU(), Affine(units=4)))
    model = network(block, block, Residual(layers=(block, block)))
    nodes = [node for top in model.nodes for node in top.tree() if isinstance(node.stage, Affine)]
    assert [node.name for node in nodes] == [
        "residual_1.layers.affine_1",
        "residual_2.layers.affine_1",
        "residual_3.layers.residual_1.layers.affine_1",
        "residual_3.layers.residual_2.layers.affine_1",
    ]
    for index, node in enumerate(nodes):
        for other in nodes[index + 1 :]:
            assert not np.shares_memory(node.params.weight, other.params.weight)
            assert not np.array_equal(node.params.weight, other.params.weight)
    model.loss_and_gradients(inputs, np.zeros(6, np.int64))
    assert all(node.grads.weight.any() for node in nodes)


def test_initial_weights_do_not_depend_on_siblings() -> None:
    def weights(*layers: Layer, shortcut: tuple[Layer, ...] = ()) -> Array:
        model = network(Residual(layers=layers, shortcut=shortcut))
        return model["residual_1.layers.affine_1"].params.weight

    alone = weights(Affine(units=4))
    for model in (
        weights(ReLU(), Affine(units=4)),
        weights(Affine(units=4), Affine(units=4)),
        weights(Residual(layers=(Affine(units=4),)), Affine(units=4)),
        weights(Affine(units=4), shortcut=(Affine(units=4),)),
    ):
        np.testing.assert_array_equal(model, alone)
    past = network(Residual(layers=(Affine(units=4),), shortcut=(Affine(units=4),)))["residual_1.shortcut.affine_1"]
    assert not np.array_equal(past.params.weight, alone)


def test_arrays_are_saved_under_the_names_of_their_nodes(tmp_path: Path, inputs: Array) -> None:
    from safetensors.numpy import load_file

    inner = Residual(name="inner", layers=(Affine(units=3),), shortcut=(Affine(units=3),))
    model = network(Residual(layers=(ReLU(), inner, Affine(units=4))))
    model.save(tmp_path / "model.safetensors")
    arrays = load_file(tmp_path / "model.safetensors")
    assert arrays.keys() == {
        f"residual_1.layers.{place}.{array}"
        for place in ("inner.layers.affine_1", "inner.shortcut.affine_1", "affine_1")
        for array in ("weight", "bias")
    }
    np.testing.assert_array_equal(arrays["residual_1.layers.affine_1.weight"], model["residual_1.layers.affine_1"].params.weight)
    loaded = Sequential.load(tmp_path / "model.safetensors")
    assert loaded.spec == model.spec
    np.testing.assert_array_equal(loaded.predict(inputs), model.predict(inputs))


def test_it_maps_to_json_and_back() -> None:
    layer = Residual(name="first", layers=(ReLU(), Residual(layers=(Affine(units=4),))), shortcut=(Affine(units=4),))
    spec = network(layer).spec
    assert lk.ModelSpec.model_validate_json(spec.model_dump_json()) == spec
    (document, _) = json.loads(spec.model_dump_json())["layers"]
    assert document.keys() == {"type", "name", "layers", "shortcut"}
    assert [item["type"] for item in document["layers"]] == ["relu", "residual"]
    assert [item["units"] for item in document["shortcut"]] == [4]


@pytest.fixture
def traced() -> Iterator[None]:
    size = np.setbufsize(16)
    tracemalloc.start()
    yield
    tracemalloc.stop()
    np.setbufsize(size)


@pytest.mark.usefixtures("traced")
def test_a_warm_step_allocates_nothing_that_grows_with_the_batch() -> None:
    def peak(batch: int) -> int:
        inner = Residual(layers=(ReLU(), Affine(units=4)), shortcut=(Affine(units=4),))
        model = network(Affine(units=4), Residual(layers=(inner, Affine(units=4))))
        rng = np.random.default_rng(0)
        samples, labels = rng.standard_normal((batch, 4)), rng.integers(0, 4, batch)
        peaks = []
        for _ in range(8):
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            model.loss_and_gradients(samples, labels)
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
        return min(peaks[3:])

    assert peak(4096) - peak(64) < 1000  # one byte a sample would be 4032


# --- specs --------------------------------------------------------------------------------------------------------

AFFINE = {"type": "affine", "units": 4}


def residual(*layers: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "residual", "layers": list(layers), **fields}


@pytest.mark.parametrize(
    ("layer", "place", "code", "phrase"),
    [
        (residual({"type": "affine", "units": 0}), "layers[0].layers[0].units", "out_of_range", "greater than 0"),
        (residual({"type": "affine"}), "layers[0].layers[0]", "missing_key", '"units"'),
        (residual(AFFINE, {"type": "rleu"}), "layers[0].layers[1].type", "unknown_type", '"relu"'),
        (residual(AFFINE, {"type": "crossentropy"}), "layers[0].layers[1].type", "wrong_family", "a loss; expected a layer"),
        (residual(residual({**AFFINE, "unit": 1})), "layers[0].layers[0].layers[0].unit", "unknown_key", '"units"'),
        (residual(AFFINE, shortcut=[AFFINE, 5]), "layers[0].shortcut[1]", "wrong_type", "expected a layer"),
        (residual(AFFINE, shortcuts=[]), "layers[0].shortcuts", "unknown_key", '"shortcut"'),
        (residual(), "layers[0].layers", "out_of_range", "1 or more items"),
        ({"type": "residual"}, "layers[0]", "missing_key", '"layers"'),
        ({"type": "residual", "layers": AFFINE}, "layers[0].layers", "wrong_type", "a list"),
        (
            residual({"type": "affine", "units": 3}),
            "layers[0]",
            "shape_mismatch",
            "shape (3,), to what goes past them, shape (4,)",
        ),
        (residual(AFFINE, shortcut=[{"type": "affine", "units": 5}]), "layers[0]", "shape_mismatch", "shape (5,)"),
        (
            residual(AFFINE, residual({"type": "affine", "units": 3}), AFFINE),
            "layers[0].layers[1]",
            "shape_mismatch",
            "(from residual_1.layers.affine_1)",
        ),
        (
            residual({**AFFINE, "name": "a"}, {**AFFINE, "name": "a"}),
            "layers[0].layers[1]",
            "duplicate_name",
            'the name "a" belongs to layers[0]',
        ),
    ],
)
def test_a_fault_within_is_shown_in_its_place(layer: dict[str, Any], place: str, code: str, phrase: str, tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text(json.dumps({"layerkit": 1, "input_shape": [4], "layers": [layer, {"type": "crossentropy"}]}, indent=1))
    with pytest.raises(lk.SpecError) as refusal:
        lk.load_spec(path)
    (fault,) = refusal.value.diagnostics
    assert (fault.path, fault.code) == (place, code)
    assert phrase in fault.message
    assert fault.line is not None


@pytest.mark.parametrize("branch", ["layers", "shortcut"])
@pytest.mark.parametrize(
    ("before", "giver"),
    [([{"type": "relu"}], "residual_1.{}.relu_1"), ([], "the input of residual_1.{}")],
    ids=["second", "first"],
)
def test_a_shape_that_does_not_fit_within_is_shown_in_its_place(
    branch: str, before: list[Any], giver: str, tmp_path: Path
) -> None:
    layer = residual({"type": "relu"}, shortcut=[{"type": "relu"}])
    layer[branch] = [*before, {"type": "affine", "units": 4}]
    path = tmp_path / "net.json"
    path.write_text(json.dumps({"layerkit": 1, "input_shape": [2, 2], "layers": [layer, {"type": "crossentropy"}]}))
    with pytest.raises(lk.SpecError) as refusal:
        lk.load_spec(path)
    first = refusal.value.diagnostics[0]
    assert (first.path, first.code) == (f"layers[0].{branch}[{len(before)}]", "shape_mismatch")
    assert f"(from {giver.format(branch)})" in first.message


def test_names_may_be_alike_in_different_branches() -> None:
    one = Affine(units=4, name="one")
    model = network(Residual(layers=(one,), shortcut=(one,)), Residual(layers=(one,)))
    names = [node.name for top in model.nodes for node in top.tree() if node.stage is one]
    assert names == ["residual_1.layers.one", "residual_1.shortcut.one", "residual_2.layers.one"]


@pytest.fixture
def spec() -> lk.RunSpec:
    spec = lk.load_spec(SPEC)
    assert isinstance(spec, lk.RunSpec)
    return spec


def test_the_summary_shows_the_nodes_within(capsys: pytest.CaptureFixture[str], spec: lk.RunSpec) -> None:
    cli.main(["summary", str(SPEC), "--format", "json"], standalone_mode=False)
    summary = json.loads(capsys.readouterr().out)
    nodes = {node["name"]: node for node in summary["nodes"]}
    inner = nodes["residual_2.layers.affine_1"]
    assert (inner["input_shape"], inner["output_shape"], inner["parameters"]) == ([32], [32], 32 * 32 + 32)
    assert nodes["residual_1"]["output_shape"] == [32]
    assert nodes["residual_1"]["parameters"] == 0
    built = lk.build(spec.model, seed=0)
    assert list(nodes) == [node.name for top in built.nodes for node in top.tree()]
    assert summary["parameter_count"] == built.parameters.size


def test_the_deep_spec_learns_what_its_plain_stack_does_not(spec: lk.RunSpec, tmp_path: Path) -> None:
    plain = [inner for layer in spec.model.layers for inner in (layer.layers if isinstance(layer, Residual) else (layer,))]
    assert sum(isinstance(layer, Affine) for layer in plain) == 21

    def trained(layers: tuple[Any, ...]) -> tuple[float, float]:
        training = spec.training.model_copy(update={"epochs": 11})
        model = spec.model.model_copy(update={"layers": layers})
        run = lk.run(spec.model_copy(update={"model": model, "training": training}), out=tmp_path / str(len(layers)))
        return run.history.loss[-1], run.scores["accuracy"]

    loss, accuracy = trained(spec.model.layers)
    plain_loss, plain_accuracy = trained(tuple(plain))
    assert loss < 0.1
    assert accuracy > 0.9
    assert plain_loss > 1
    assert plain_accuracy < 0.5
