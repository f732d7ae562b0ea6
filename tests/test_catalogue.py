"""The catalogue against PyTorch, Keras and scikit-learn, and at the ends of the floats."""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import layerkit as lk
from layerkit.testing.examples import example_input_shape
from layerkit.testing.lone_nodes import lone_node

REFERENCE = json.loads((Path(__file__).parent / "reference" / "catalogue.json").read_text(encoding="utf-8"))
REGISTRY = lk.builtin_registry()
ELEMENTWISE = [
    item.component
    for item in REGISTRY.registrations
    if issubclass(item.component, lk.Layer) and "element by element" in (item.component.__doc__ or "")
]
MakeNode = Callable[..., lk.Node]


def component(family: type[lk.Component], tag: str, **options: Any) -> Any:
    return REGISTRY.resolve(family, tag).model_validate({"type": tag, **options}, context={"resolver": REGISTRY})


# --- values -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REFERENCE["activations"]["cases"])
def test_activations_are_those_of_pytorch(make_node: MakeNode, name: str) -> None:
    case, inputs = REFERENCE["activations"]["cases"][name], np.array(REFERENCE["activations"]["inputs"])
    node = make_node(component(lk.Layer, name.split(maxsplit=1)[0], **case["options"]), (4,))
    assert_allclose(node.stage.forward(node, inputs), case["outputs"], rtol=1e-11, atol=1e-14)
    d_inputs = node.stage.backward(node, np.array(REFERENCE["activations"]["d_out"]))
    tolerance = 1e-7 if name == "hard_sigmoid" else 1e-10  # PyTorch has its sixth in float32
    assert_allclose(d_inputs, case["d_inputs"], rtol=tolerance, atol=1e-14)


@pytest.mark.parametrize("case", REFERENCE["normalizations"], ids=lambda case: case["type"])
def test_normalizations_are_those_of_pytorch(case: dict[str, Any]) -> None:
    layer = component(lk.Layer, case["type"])
    training, predicting = (lone_node(layer, (4,), np.random.default_rng(0), training=mode) for mode in (True, False))
    names = {"slope": "weight"} if case["type"] == "prelu" else {}
    for node in (training, predicting):
        for name in node.params:
            node.params[name][...] = case["parameters"][names.get(name, name)]
    assert_allclose(layer.forward(training, np.array(case["inputs"])), case["outputs"], rtol=1e-12, atol=1e-13)
    assert_allclose(layer.backward(training, np.array(case["d_out"])), case["d_inputs"], rtol=1e-10, atol=1e-12)
    for name in training.grads:
        assert_allclose(training.grads[name], case["gradients"][names.get(name, name)], rtol=1e-10, atol=1e-12)
    for name, array in training.state.items():
        assert_allclose(array, case[name], rtol=1e-12)
        predicting.state[name][...] = array
    if "predicted" in case:
        assert_allclose(layer.forward(predicting, np.array(case["inputs"])), case["predicted"], rtol=1e-12, atol=1e-13)


def test_batch_normalization_of_keras_is_the_same_but_for_how_it_counts() -> None:
    case = REFERENCE["keras_batch_norm"]  # momentum=0.9, and a running variance that is a mean over the batch
    layer = lk.BatchNorm(momentum=1 - 0.9, epsilon=1e-5)
    node = lone_node(layer, (4,), np.random.default_rng(0))
    node.params.weight, node.params.bias = np.ones(4), np.zeros(4)
    inputs = np.array(case["inputs"])
    assert_allclose(layer.forward(node, inputs), case["outputs"], rtol=2e-6)  # Keras works in float32 there, whatever it is told
    assert_allclose(node.state.mean, case["mean"], rtol=1e-6)
    theirs = 0.9 * 1 + 0.1 * inputs.var(axis=0)
    assert_allclose(theirs, case["variance"], rtol=1e-6)
    assert_allclose(node.state.variance, theirs + 0.1 * (inputs.var(axis=0, ddof=1) - inputs.var(axis=0)), rtol=1e-12)


@pytest.mark.parametrize("case", REFERENCE["losses"], ids=lambda case: f"{case['type']}-{np.ndim(case['targets'])}")
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_are_those_of_others(make_node: MakeNode, case: dict[str, Any], weighted: bool) -> None:
    logits, wanted = np.array(case["logits"]), np.array(case["losses"])
    node = make_node(component(lk.Loss, case["type"], **case["options"]), logits.shape[1:])
    targets = node.stage.prepare(np.array(case["targets"]), logits.shape, node.dtype)
    assert_allclose(node.stage.losses(node, logits, targets), wanted, rtol=1e-10, atol=1e-13)
    if not weighted:
        assert node.stage.forward(node, logits, targets) == pytest.approx(wanted.mean(), rel=1e-12)
        assert_allclose(node.stage.backward(node), case["d_logits"], rtol=1e-10, atol=1e-13)
        return
    weight = lk.sample_weights(np.linspace(0, 3, len(logits)), len(logits))
    assert node.stage.forward(node, logits, targets, weight) == pytest.approx(np.average(wanted, weights=weight), rel=1e-12)
    share = (weight / weight.sum() * len(logits)).reshape(-1, 1)
    assert_allclose(node.stage.backward(node, -2.0), -2 * share * case["d_logits"], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", REFERENCE["optimizers"]["cases"])
def test_optimizers_go_where_those_of_pytorch_go(name: str) -> None:
    known = REFERENCE["optimizers"]
    case = known["cases"][name]
    optimizer = component(lk.Optimizer, case["type"], **case["options"])
    parameters, trajectory = np.array(known["start"]), []
    step = lk.Step(parameters, np.zeros(4), (), optimizer.slots())
    for gradients, rate in zip(known["gradients"], known["rates"], strict=True):
        step.gradients[...] = gradients
        step.begin(optimizer.coefficients(rate, step.number + 1), 0.0, None)
        optimizer.update(step)
        trajectory.append(parameters.tolist())
    assert_allclose(trajectory[::7] + trajectory[-1:], case["trajectory"], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", REFERENCE["schedules"])
def test_schedules_give_the_rates_of_pytorch(name: str) -> None:
    case = REFERENCE["schedules"][name]
    schedule = component(lk.Schedule, case["type"], **case["options"])
    figures = case.get("figures", [1.0] * 50)
    history = [lk.EpochRecord(number, figure) for number, figure in enumerate(figures)]
    rates = [schedule.learning_rate(0.1, lk.Progress(step, 50, step, 50, history[:step])) for step in range(50)]
    assert_allclose(rates, case["rates"], rtol=1e-12)


# --- what docstrings say ------------------------------------------------------------------------------------------

TABLES = {item.tag: item.component for item in REGISTRY.registrations if item.family is lk.Schedule}


@pytest.mark.parametrize("tag", TABLES)
def test_the_table_of_a_schedule_is_right(tag: str) -> None:
    steps, rates = (
        line.split()[1:]
        for word in ("step", "rate")
        for line in (TABLES[tag].__doc__ or "").splitlines()
        if line.startswith(f"        {word} ")
    )
    assert [steps[0], steps[1], steps[-1]] == ["0", "1", "99"]
    assert len(steps) == len(rates) >= 4
    schedule = next(iter(TABLES[tag].examples()))
    assert isinstance(schedule, lk.Schedule)
    for step, rate in zip(map(int, steps), map(float, rates), strict=True):
        history = [lk.EpochRecord(number, 1.0) for number in range(step // 10)]
        found = schedule.learning_rate(1.0, lk.Progress(step, 100, step // 10, 10, history))
        assert found == pytest.approx(rate, rel=1e-6), step


def test_epochs_and_steps_are_counted_alike() -> None:
    for tag, options in (("step", {"every": 3}), ("exponential", {"factor": 0.8}), ("polynomial", {}), ("cosine", {})):
        by_epoch, by_step = (component(lk.Schedule, tag, unit=unit, **options) for unit in ("epoch", "step"))
        for step in range(0, 40, 10):
            begun = lk.Progress(step, 40, step // 10, 4, [])
            alike = lk.Progress(step // 10, 4, step // 10, 4, [])
            assert by_epoch.learning_rate(0.3, begun) == by_step.learning_rate(0.3, alike)
            within = lk.Progress(step + 9, 40, step // 10, 4, [])
            assert by_epoch.learning_rate(0.3, within) == by_epoch.learning_rate(0.3, begun)


def test_what_follows_a_warm_up_begins_after_it() -> None:
    warmup = lk.Warmup(length=2, unit="epoch", then=lk.ReduceOnPlateau(monitor="loss", patience=0))
    history = [lk.EpochRecord(number, 1.0) for number in range(6)]
    rates = [warmup.learning_rate(1.0, lk.Progress(5 * n, 30, n, 6, history[:n])) for n in range(6)]
    assert rates == pytest.approx([0.1, 0.55, 1, 1, 0.1, 0.01])


# --- the ends of the floats ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", [*ELEMENTWISE, lk.Softmax], ids=lambda cls: cls.tag())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations_are_finite_at_every_float(layer: type[lk.Layer], dtype: Literal["float32", "float64"]) -> None:
    limits = np.finfo(dtype)
    ends = [limits.max, 1e30, 1e4, 100, 30, 1, limits.eps, limits.tiny, limits.smallest_subnormal, 0.0]
    inputs = np.array([[sign * end for sign in (1, -1)] for end in ends], dtype)
    for example in layer.examples():
        assert isinstance(example, lk.Layer)
        node = lone_node(example, (2,), np.random.default_rng(0), dtype=dtype)
        outputs = example.forward(node, inputs)
        assert np.isfinite(outputs).all() or layer is lk.SELU, outputs  # which grows the largest floats
        assert outputs.dtype == dtype
        d_inputs = example.backward(node, np.ones_like(inputs))
        assert d_inputs is not None
        assert np.isfinite(d_inputs).all()
        assert np.abs(d_inputs).max() < 2
        inputs_with_nan = inputs.copy()
        inputs_with_nan[3] = np.nan
        assert np.isnan(example.forward(node, inputs_with_nan)[3]).all()


@pytest.mark.parametrize("case", REFERENCE["losses"], ids=lambda case: f"{case['type']}-{np.ndim(case['targets'])}")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_losses_are_finite_at_extreme_logits(make_node: MakeNode, case: dict[str, Any], dtype: str) -> None:
    largest = float(np.finfo(dtype).max)
    rows = [[end, -end, 0.0] for end in (largest, 1e30, 1e4, 100.0, 0.0, -1e4)]
    logits = np.array(rows, dtype)
    node = make_node(component(lk.Loss, case["type"], **case["options"]), (3,), dtype)
    targets = node.stage.prepare(np.array(case["targets"]), logits.shape, node.dtype)
    losses = node.stage.losses(node, logits, targets)
    assert np.isfinite(losses).all()
    assert losses.max() <= sys.float_info.max
    assert np.isfinite(node.stage.d_logits(node, np.full(6, 1 / 6, dtype))).all()
    predictions = node.stage.predict(node, logits)
    assert np.isfinite(predictions).all()
    assert len(node.stage.decide(predictions)) == 6


# --- chance -------------------------------------------------------------------------------------------------------


def test_dropout_leaves_out_its_share_and_keeps_the_mean() -> None:
    layer = lk.Dropout(rate=0.3)
    node = lone_node(layer, (1000,), np.random.default_rng(0), dtype="float32")
    outputs = layer.forward(node, np.full((100, 1000), 2, np.float32))
    assert set(np.unique(outputs)) == {0, np.float32(2) * np.float32(1 / 0.7)}
    assert np.mean(outputs == 0) == pytest.approx(0.3, abs=0.01)
    assert outputs.mean() == pytest.approx(2, abs=0.02)
    assert_array_equal(layer.backward(node, np.ones_like(outputs)) == 0, outputs == 0)
    before = outputs.copy()
    assert not np.array_equal(layer.forward(node, np.full((100, 1000), 2, np.float32)), before)  # drawn anew


def test_dropout_for_selu_keeps_mean_and_variance() -> None:
    layer = lk.AlphaDropout(rate=0.2)
    node = lone_node(layer, (1000,), np.random.default_rng(0))
    inputs = np.random.default_rng(1).standard_normal((200, 1000))
    outputs = layer.forward(node, inputs)
    assert outputs.mean() == pytest.approx(0, abs=0.01)
    assert outputs.var() == pytest.approx(1, abs=0.02)
    values, counts = np.unique(outputs, return_counts=True)
    assert counts.max() / outputs.size == pytest.approx(0.2, abs=0.01)
    assert values[counts.argmax()] < -1


def test_noise_has_its_deviation() -> None:
    layer = lk.GaussianNoise(std=0.5)
    node = lone_node(layer, (1000,), np.random.default_rng(0))
    noise = layer.forward(node, np.zeros((100, 1000)))
    assert (noise.mean(), noise.std()) == pytest.approx((0, 0.5), abs=0.01)


# --- layers that shape --------------------------------------------------------------------------------------------


def test_codes_become_their_vectors_and_others_pass() -> None:
    layer = lk.Embedding(count=4, size=2, columns=(1, 2))
    node = lone_node(layer, (3,), np.random.default_rng(0))
    node.params.weight = np.arange(16.0).reshape(8, 2)
    inputs = np.array([[0.5, 0, 3], [-1, 2, 0], [9, 2, 2]])
    outputs = layer.forward(node, inputs)
    assert_array_equal(outputs, [[0.5, 0, 1, 14, 15], [-1, 4, 5, 8, 9], [9, 4, 5, 12, 13]])
    d_out = np.arange(15.0).reshape(3, 5)
    d_inputs = layer.backward(node, d_out)
    wanted = np.zeros((8, 2))
    for row, code in ((0, 0), (1, 2), (2, 2)):
        wanted[code] += d_out[row, 1:3]
    for row, code in ((0, 7), (1, 4), (2, 6)):
        wanted[code] += d_out[row, 3:5]
    assert_array_equal(node.grads.weight, wanted)
    if d_inputs is not None:
        assert_array_equal(d_inputs, np.column_stack([d_out[:, 0], np.zeros((3, 2))]))


@pytest.mark.parametrize("code", [-1, 4, 0.5, np.nan])
def test_a_code_that_is_none_is_refused(code: float) -> None:
    model = lk.Sequential([lk.Embedding(count=4, size=2), lk.Affine(units=2), "crossentropy"], input_shape=2, seed=0)
    with pytest.raises(lk.DataError, match=r"row 1"):
        model.predict([[0, 1], [2, code]])


def test_a_batch_of_one_at_batch_norm_is_found_before() -> None:
    document = {
        "layerkit": 1,
        "data": {"type": "iris", "test_size": 50},
        "model": {
            "layers": [{"type": "affine", "units": 8}, "batch_norm", "relu", {"type": "affine", "units": 3}, "crossentropy"]
        },
        "training": {"optimizer": "adam", "epochs": 1, "batch_size": 33},
    }
    with pytest.raises(lk.SpecError, match=r"batch_norm_1 takes batches of 2 .* 100 training samples .* has 1; write 34"):
        lk.parse_spec(json.dumps(document))
    lk.parse_spec(json.dumps(document), overrides=["training.batch_size=34"])
    model = lk.Sequential([lk.BatchNorm(), lk.Affine(units=2), "crossentropy"], input_shape=3, seed=0)
    with pytest.raises(lk.DataError, match="needs two numbers of a channel"):
        model.fit(np.zeros((3, 3)), [0, 1, 0], optimizer="adam", batch_size=2, shuffle=False, epochs=1)


@pytest.mark.parametrize("end", ["softmax", "sigmoid"])
@pytest.mark.parametrize("loss", ["crossentropy", "binary_crossentropy", "focal"])
def test_probabilities_before_a_loss_that_makes_them_are_refused(end: str, loss: str) -> None:
    with pytest.raises(lk.SpecError, match=rf"layers\[1\]: {loss} takes logits .*, and {end} has made some; take it out"):
        lk.Sequential([lk.Affine(units=2), end, loss], input_shape=3)
    lk.Sequential([lk.Affine(units=2), end, "mse"], input_shape=3)


# --- work ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def traced() -> Iterator[None]:
    size = np.setbufsize(16)
    tracemalloc.start()
    yield
    tracemalloc.stop()
    np.setbufsize(size)


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize(
    "layer",
    [
        item.component
        for item in REGISTRY.registrations
        if issubclass(item.component, lk.Layer) and item.component not in (lk.Standardize,)
    ],
    ids=lambda cls: cls.tag(),
)
def test_a_warm_pass_of_a_layer_allocates_nothing_that_grows_with_the_batch(layer: type[lk.Layer]) -> None:
    for example in layer.examples():
        assert isinstance(example, lk.Layer)
        shape, peaks = example_input_shape(example), []
        node = lone_node(example, shape, np.random.default_rng(0), dtype="float32")
        for count in (64, 4096):
            inputs = example.example_inputs(shape, count, np.random.default_rng(1)).astype(np.float32)
            d_out = np.ones((count, *node.output_shape), np.float32)
            for number in range(4):
                example.forward(node, inputs)
                example.backward(node, d_out)
                if number == 2:
                    tracemalloc.reset_peak()
                    began = tracemalloc.get_traced_memory()[0]
            peaks.append(tracemalloc.get_traced_memory()[1] - began)
        assert peaks[1] - peaks[0] < 2000, example


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize(
    "loss", [item.component for item in REGISTRY.registrations if issubclass(item.component, lk.Loss)], ids=lambda cls: cls.tag()
)
def test_a_warm_pass_of_a_loss_allocates_nothing_that_grows_with_the_batch(loss: type[lk.Loss]) -> None:
    for example in loss.examples():
        assert isinstance(example, lk.Loss)
        shape, peaks = example_input_shape(example), []
        node = lone_node(example, shape, np.random.default_rng(0), dtype="float32")
        for count in (64, 4096):
            logits = np.random.default_rng(1).standard_normal((count, *shape)).astype(np.float32)
            targets = example.prepare(
                example.example_targets(shape, count, np.random.default_rng(2)), logits.shape, np.dtype(np.float32)
            )
            for number in range(4):
                example.forward(node, logits, targets)
                example.backward(node)
                if number == 2:
                    tracemalloc.reset_peak()
                    began = tracemalloc.get_traced_memory()[0]
            peaks.append(tracemalloc.get_traced_memory()[1] - began)
        assert peaks[1] - peaks[0] < 2000, example
