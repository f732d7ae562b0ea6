"""`Standardize` against scikit-learn, at the edges of the dtypes, and as part of a network: measured once, saved, and kept."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import StandardScaler

import layerkit as lk

Numbers = np.ndarray[Any, np.dtype[Any]]


@pytest.fixture
def network(squared_error: lk.Loss) -> Callable[..., lk.Sequential]:
    """Give a function that builds networks with a loss that takes any shape."""

    def build(*layers: lk.Layer, **options: Any) -> lk.Sequential:
        return lk.Sequential([*layers, squared_error], **{"seed": 0, "dtype": "float64", **options})

    return build


@pytest.fixture
def standardized(network: Callable[..., lk.Sequential]) -> Callable[..., Numbers]:
    """Give a function that measures ``reference`` and standardizes ``inputs`` by it."""

    def standardize(inputs: Numbers, reference: Numbers, **options: Any) -> Numbers:
        dtype = reference.dtype if reference.dtype.kind == "f" else "float64"
        model = network(lk.Standardize(**options), input_shape=reference.shape[1:], dtype=dtype)
        model.adapt(reference)
        return model.logits(inputs)

    return standardize


def samples(count: int = 3000, features: int = 5) -> Numbers:
    rng = np.random.default_rng(4)
    return rng.normal(rng.uniform(-1e3, 1e3, features), 10.0 ** rng.integers(-3, 4, features), (count, features))


# --- the numbers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 1023, 1024, 1025, 5000])
def test_it_scales_as_scikit_learn_does(standardized: Callable[..., Numbers], count: int) -> None:
    """In blocks too, which the longer ones are measured in."""
    reference, others = samples(count), samples(50)
    wanted = StandardScaler().fit(reference).transform(others)
    assert_allclose(standardized(others, reference), wanted, rtol=1e-9, atol=1e-9)


def test_channels_are_measured_over_all_places(standardized: Callable[..., Numbers]) -> None:
    images = np.random.default_rng(1).normal([5.0, -2.0], [3.0, 0.1], (2000, 4, 3, 2))
    flat = images.reshape(-1, 2)
    wanted = ((flat - flat.mean(axis=0)) / flat.std(axis=0)).reshape(images.shape)
    assert_allclose(standardized(images, images, channels=True), wanted, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [14.62, 0.1, -1e-9, 1e30, 0.0, 3.0])
@pytest.mark.parametrize("count", [3, 100, 10_007])
def test_a_feature_that_is_constant_becomes_0(standardized: Callable[..., Numbers], dtype: str, value: float, count: int) -> None:
    """The mean of many equal numbers is not that number, and their deviation is not 0."""
    column = np.full((count, 1), value, dtype)
    assert_array_equal(standardized(column, column), np.zeros((count, 1)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_feature_that_is_constant_up_to_rounding_is_only_moved(standardized: Callable[..., Numbers], dtype: str) -> None:
    eps = np.finfo(dtype).eps
    column = np.full((1000, 1), 14.62, dtype)
    column[::3] *= 1 + eps
    column[1::3] *= 1 - eps
    assert np.ptp(column) > 0
    assert np.abs(standardized(column, column)).max() < 100 * eps


def test_a_value_beside_a_constant_feature_keeps_its_distance(standardized: Callable[..., Numbers]) -> None:
    reference = np.full((133, 2), [14.62, 5.0])
    reference[:, 1] += np.arange(133)
    others = np.array([[14.63, 71.0], [14.62, 5.0]])
    scaled = standardized(others, reference)
    assert_allclose(scaled[:, 0], [0.01, 0], atol=1e-12)
    assert_allclose(scaled[:, 1], (others[:, 1] - 71) / reference[:, 1].std(), atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_feature_that_varies_little_is_scaled_all_the_same(standardized: Callable[..., Numbers], dtype: str) -> None:
    """Beyond rounding, a deviation is one however small."""
    column = (14.62 + 1e-4 * np.arange(-50, 50)[:, None]).astype(dtype)
    scaled = standardized(column, column)
    assert scaled.std() == pytest.approx(1, rel=1e-2)
    assert scaled.mean() == pytest.approx(0, abs=1e-2)
    tiny = np.array([[1e-30], [2e-30], [3e-30]], dtype)
    assert standardized(tiny, tiny).std() == pytest.approx(1, rel=1e-5)


def test_float32_keeps_what_float64_arithmetic_gives(standardized: Callable[..., Numbers]) -> None:
    """Values whose mean float32 would round by more than their deviation."""
    column = (16_000_000 + np.arange(-50, 50, dtype=np.float64)[:, None]).astype(np.float32)
    wanted = (column.astype(np.float64) - column.mean(dtype=np.float64)) / column.std(dtype=np.float64)
    assert_allclose(standardized(column, column), wanted, rtol=1e-6, atol=1e-6)


def test_integers_are_standardized_too(standardized: Callable[..., Numbers]) -> None:
    pixels = np.array([[0, 7], [16, 7], [8, 7]], np.uint8)
    assert_allclose(standardized(pixels, pixels), [[-math.sqrt(1.5), 0], [math.sqrt(1.5), 0], [0, 0]], rtol=1e-12)


def test_a_deviation_beyond_the_largest_float_is_told(network: Callable[..., lk.Sequential]) -> None:
    model = network(lk.Standardize(), input_shape=(2,))
    with pytest.raises(lk.DataError, match=r"^standardize_1: a feature has values so large that it has no standard deviation"):
        model.adapt([[1e300, 0.0], [-1e300, 1.0]])


# --- in a network -------------------------------------------------------------------------------------------------


def fitted(network: Callable[..., lk.Sequential]) -> lk.Sequential:
    model = network(lk.Standardize(), lk.Affine(units=2), input_shape=(5,))
    model.fit(samples(40), np.ones((40, 2)), epochs=2)
    return model


def measured(model: lk.Sequential) -> tuple[Numbers, Numbers]:
    state = model["standardize_1"].state
    return state.mean.copy(), state.scale.copy()


def test_before_anything_is_measured_inputs_pass_as_they_are(network: Callable[..., lk.Sequential]) -> None:
    inputs = samples(3)
    assert_array_equal(network(lk.Standardize(), input_shape=(5,)).logits(inputs), inputs)


def test_the_first_fit_measures_and_the_next_ones_do_not(network: Callable[..., lk.Sequential]) -> None:
    model, first = fitted(network), samples(40)
    mean, scale = measured(model)
    assert_allclose(mean, first.mean(axis=0), rtol=1e-12)
    assert_allclose(scale, first.std(axis=0), rtol=1e-12)
    for options in ({}, {"optimizer": lk.SGD(learning_rate=0.5)}):
        model.fit(first * 2 + 1, np.ones((40, 2)), epochs=1, **options)
        assert_array_equal(measured(model), (mean, scale))


def test_adapt_measures_anew(network: Callable[..., lk.Sequential]) -> None:
    model = fitted(network)
    model.adapt(samples(40) * 2)
    assert_allclose(measured(model)[1], 2 * samples(40).std(axis=0), rtol=1e-12)


def test_samples_that_are_no_arrays_are_measured_batch_by_batch(network: Callable[..., lk.Sequential]) -> None:
    class Lines(lk.Samples):
        """Samples made as they are taken, into one array."""

        def __len__(self) -> int:
            return 2500

        @property
        def input_shape(self) -> tuple[int, ...]:
            return (1,)

        def take(self, rows: lk.Rows, out: lk.Batch | None = None) -> lk.Batch:
            numbers = np.arange(2500.0)[rows][:, None]
            return lk.Batch(numbers, numbers)

    model = network(lk.Standardize(), lk.Affine(units=1), input_shape=(1,))
    list(lk.Trainer(model, {"optimizer": {"type": "sgd", "learning_rate": 1e-3}, "epochs": 1, "batch_size": 500}).train(Lines()))
    assert_allclose(np.ravel(measured(model)), [1249.5, np.arange(2500).std()], rtol=1e-12)


@pytest.mark.parametrize("way", ["file", "pickle", "copy"])
def test_what_was_measured_goes_with_the_model(tmp_path: Path, way: str) -> None:
    inputs, labels = samples(40), np.arange(40) % 2
    model = lk.Sequential([lk.Standardize(), lk.Affine(units=2), lk.CategoricalCrossEntropy()], input_shape=(5,), seed=0)
    model.fit(inputs, labels, epochs=2)
    model.save(tmp_path / "model.safetensors")
    other = {
        "file": lambda: lk.Sequential.load(tmp_path / "model.safetensors"),
        "pickle": lambda: pickle.loads(pickle.dumps(model)),
        "copy": lambda: copy.deepcopy(model),
    }[way]()
    assert_array_equal(measured(other), measured(model))
    assert_array_equal(other.predict(inputs), model.predict(inputs))
    other.fit(inputs * 9, labels, epochs=1)
    assert_array_equal(measured(other), measured(model))


# --- layers that adapt, whoever wrote them ------------------------------------------------------------------------


class Shift(lk.Layer):
    """Takes the mean away. Shapes: inputs and outputs (N, D)."""

    type: Literal["shift"] = "shift"

    def state(self, input_shape: lk.Shape) -> Mapping[str, lk.State]:
        return {"mean": lk.State(input_shape)}

    def adapt(self, node: lk.Node, batches: Iterable[lk.Array]) -> None:
        seen = np.concatenate([batch.copy() for batch in batches])
        assert len(seen) == sum(len(batch) for batch in batches)  # they can be gone through again
        node.state.mean = seen.mean(axis=0)

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        outputs: lk.Array = inputs - node.state.mean
        return outputs

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        return d_out.copy()


def test_each_layer_measures_what_reaches_it(network: Callable[..., lk.Sequential]) -> None:
    reference = samples()
    model = network(lk.Standardize(), Shift(name="one"), lk.Affine(units=3), Shift(name="two"), input_shape=(5,))
    model.adapt(reference)
    assert np.abs(model["one"].state.mean).max() < 1e-8
    assert np.abs(model["two"].state.mean).max() < 1e-8  # what is centred stays so through a linear map
    assert np.abs(model.logits(reference).mean(axis=0)).max() < 1e-12


class Endless(Shift):
    """Leaves what is no number."""

    type: Literal["endless"] = "endless"

    def adapt(self, node: lk.Node, batches: Iterable[lk.Array]) -> None:
        node.state.mean = np.full(node.input_shape, np.nan)


class Failing(Shift):
    """Cannot do it."""

    type: Literal["failing"] = "failing"

    def adapt(self, node: lk.Node, batches: Iterable[lk.Array]) -> None:
        raise RuntimeError("no")


class Twice(Shift):
    """Declares what the framework declares."""

    type: Literal["twice"] = "twice"

    def state(self, input_shape: lk.Shape) -> Mapping[str, lk.State]:
        return {"adapted": lk.State(())}


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (Endless(), "^endless_1: Endless.adapt .* left mean with values that are not finite$"),
        (Failing(), "^failing_1: Failing.adapt .* raised RuntimeError: no$"),
    ],
)
def test_a_layer_that_fails_is_named(network: Callable[..., lk.Sequential], layer: lk.Layer, says: str) -> None:
    model = network(layer, lk.Affine(units=2), input_shape=(5,))
    with pytest.raises(lk.ComponentError, match=says):
        model.fit(samples(40), np.ones((40, 2)), epochs=1)
    assert not model.nodes[0].state.adapted


def test_the_name_of_the_state_is_taken(network: Callable[..., lk.Sequential]) -> None:
    with pytest.raises(lk.SpecError, match='it declares a state "adapted", which every layer with a method adapt has anyway'):
        network(Twice(), input_shape=(5,))
