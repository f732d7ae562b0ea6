"""What every loss gets from its base class: the weighted mean over samples, and the gradient of that mean."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import layerkit as lk

MakeNode = Callable[..., lk.Node]

INPUTS = np.random.default_rng(1).standard_normal((12, 4))
LABELS = np.random.default_rng(2).integers(3, size=12)
NUMBERS = np.random.default_rng(3).standard_normal((12, 3))


def targets_for(loss: lk.Loss) -> lk.Array:
    return LABELS if loss.type == "crossentropy" else NUMBERS


def network(loss: lk.Loss, dtype: Literal["float32", "float64"] = "float64") -> lk.Sequential:
    layers = [lk.Affine(units=6), lk.ReLU(), lk.Affine(units=3), loss]
    return lk.Sequential(layers, input_shape=(4,), dtype=dtype, seed=0)


# --- the mean over samples ----------------------------------------------------------------------------------------


def test_a_loss_is_the_weighted_mean_of_what_each_sample_loses(make_node: MakeNode, either_loss: lk.Loss) -> None:
    node = make_node(either_loss, (3,))
    logits = np.random.default_rng(4).standard_normal((12, 3))
    targets = either_loss.prepare(targets_for(either_loss), (12, 3), node.dtype)
    each = np.array(either_loss.losses(node, logits, targets))
    assert each.shape == (12,)
    weight = np.random.default_rng(5).uniform(size=12)
    assert either_loss.forward(node, logits, targets) == pytest.approx(each.mean(), rel=1e-14)
    assert either_loss.forward(node, logits, targets, weight) == pytest.approx(np.average(each, weights=weight), rel=1e-14)
    alone = [either_loss.forward(node, logits[row : row + 1], targets[row : row + 1]) for row in range(12)]
    assert_allclose(alone, each, rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gradient_of_its_own_for_each_sample_comes_back_for_each(make_node: MakeNode, either_loss: lk.Loss, dtype: str) -> None:
    node = make_node(either_loss, (3,), dtype)
    logits = np.random.default_rng(4).standard_normal((12, 3)).astype(dtype)
    targets = either_loss.prepare(targets_for(either_loss), (12, 3), node.dtype)
    d_losses = np.random.default_rng(6).standard_normal(12).astype(dtype)
    either_loss.losses(node, logits, targets)
    d_logits = either_loss.d_logits(node, d_losses).copy()
    assert (d_logits.shape, d_logits.dtype) == ((12, 3), dtype)
    for row in range(12):
        only = slice(row, row + 1)
        either_loss.losses(node, logits[only], targets[only])
        unit = either_loss.d_logits(node, np.ones(1, dtype))
        assert_allclose(d_logits[only], d_losses[row] * unit, rtol=1e-5 if dtype == "float32" else 1e-13)


# --- sample weights -----------------------------------------------------------------------------------------------


def test_a_weight_of_2_is_the_sample_twice_in_a_training_too(either_loss: lk.Loss) -> None:
    weight = np.ones(12)
    weight[[2, 7]] = 2, 3
    often = np.repeat(np.arange(12), weight.astype(int))
    weighted, repeated = network(either_loss), network(either_loss)
    targets = targets_for(either_loss)
    optimizer = lk.SGD(learning_rate=0.1, momentum=0.9)
    first = weighted.fit(INPUTS, targets, weight, optimizer=optimizer, epochs=10)
    second = repeated.fit(INPUTS[often], targets[often], optimizer=optimizer, epochs=10)
    assert_allclose(first.loss, second.loss, rtol=1e-12)
    assert_allclose(weighted.parameters, repeated.parameters, rtol=1e-9, atol=1e-12)
    assert_allclose(weighted.loss(INPUTS, targets, weight), repeated.loss(INPUTS[often], targets[often]), rtol=1e-12)


def test_weights_go_with_their_samples_into_shuffled_batches(either_loss: lk.Loss) -> None:
    """Samples of weight 0 are as good as absent: whatever they hold, nothing changes."""
    weight = (np.arange(12) % 3 > 0).astype(float)
    spoilt = targets_for(either_loss).copy()
    spoilt[weight == 0] = 0
    models = [network(either_loss) for _ in range(2)]
    histories = [
        model.fit(INPUTS, targets, weight, optimizer=lk.SGD(learning_rate=0.1), epochs=4, batch_size=5)
        for model, targets in zip(models, (targets_for(either_loss), spoilt), strict=True)
    ]
    assert histories[0] == histories[1]
    assert_array_equal(models[0].parameters, models[1].parameters)


def test_a_batch_of_weight_0_moves_nothing_and_counts_nothing(either_loss: lk.Loss) -> None:
    weight = np.repeat([0.0, 1.0, 0.0], 4)
    model, reference = network(either_loss), network(either_loss)
    targets = targets_for(either_loss)
    options: Any = {"epochs": 3, "batch_size": 4, "shuffle": False}
    history = model.fit(INPUTS, targets, weight, optimizer=lk.SGD(learning_rate=0.1), **options)
    alone = reference.fit(INPUTS[4:8], targets[4:8], optimizer=lk.SGD(learning_rate=0.1), **options)
    assert_allclose(history.loss, alone.loss, rtol=1e-14)
    assert_allclose(model.parameters, reference.parameters, rtol=1e-13)


def test_a_record_is_the_mean_weighted_by_the_samples(either_loss: lk.Loss) -> None:
    weight = np.random.default_rng(7).uniform(size=12)
    model = network(either_loss)
    targets = targets_for(either_loss)
    history = model.fit(INPUTS, targets, weight, optimizer=lk.SGD(learning_rate=1e-300), epochs=1, batch_size=5)
    assert history.loss == [pytest.approx(model.loss(INPUTS, targets, weight), rel=1e-12)]


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_only_how_weights_compare_matters(either_loss: lk.Loss, scale: float) -> None:
    weight = np.random.default_rng(8).uniform(0.5, 1, size=12)
    targets = targets_for(either_loss)
    models = [network(either_loss) for _ in range(2)]
    for model, given in zip(models, (weight, scale * weight), strict=True):
        model.fit(INPUTS, targets, given, optimizer=lk.SGD(learning_rate=0.1), epochs=2, batch_size=5)
    assert_allclose(models[0].parameters, models[1].parameters, rtol=1e-12)


# --- the ends of the floats ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_that_are_finite_have_a_finite_mean(make_node: MakeNode, dtype: str, weighted: bool) -> None:
    class Largest(lk.CategoricalCrossEntropy):
        def losses(self, node: lk.Node, logits: lk.Array, targets: lk.Array) -> lk.Array:
            return np.full(len(logits), sys.float_info.max)

    node = make_node(Largest(), (3,), dtype)
    weight = np.linspace(0.1, 1, 7) if weighted else None
    mean = Largest().forward(node, np.zeros((7, 3), dtype), np.zeros(7, np.intp), weight)
    assert mean == pytest.approx(sys.float_info.max, rel=1e-14)


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_loss_that_is_infinite_stays_so(make_node: MakeNode, squared_error: lk.Loss) -> None:
    node = make_node(squared_error, (3,))
    assert squared_error.forward(node, np.full((2, 3), 1e200), np.zeros((2, 3))) == np.inf


@pytest.mark.parametrize("kind", ["labels", "soft"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extreme_logits_have_finite_losses_and_gradients(dtype: Literal["float32", "float64"], kind: str) -> None:
    largest = float(np.finfo(dtype).max)
    logits = np.array([[largest, -largest, 0], [-largest, largest, largest], [0, 0, largest]], dtype)
    targets = np.array([1, 2, 0]) if kind == "labels" else np.array([[0.5, 0.25, 0.25], [0, 0.5, 0.5], [1, 0, 0]])
    model = lk.Sequential([lk.Affine(units=3), lk.CategoricalCrossEntropy()], input_shape=(3,), dtype=dtype, seed=0)
    model["affine_1"].params.weight = np.eye(3)
    loss = model.loss_and_gradients(logits / 8, targets)
    assert np.isfinite(loss)
    assert np.isfinite(model["affine_1"].grads.bias).all()
    assert model["affine_1"].grads.bias.sum() == pytest.approx(0, abs=1e-6)


# --- rows that sum to nearly one ----------------------------------------------------------------------------------


@pytest.mark.parametrize("excess", [9.9e-5, -9.9e-5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_gradient_of_nearly_a_distribution_is_that_of_the_loss(dtype: Literal["float32", "float64"], excess: float) -> None:
    """They are made distributions first; else the loss counted what the gradient did not."""
    count = 1000
    rows = np.full((2, count), (1 + excess) / count)
    model = lk.Sequential([lk.CategoricalCrossEntropy()], input_shape=(count,), dtype=dtype, seed=0)
    assert model.loss(np.zeros((2, count)), rows) == pytest.approx(np.log(count), rel=1e-6 if dtype == "float32" else 1e-14)

    layers = [lk.Affine(units=count, weight_init=lk.Zeros()), lk.CategoricalCrossEntropy()]
    trained = lk.Sequential(layers, input_shape=(1,), dtype=dtype, seed=0)
    trained.loss_and_gradients(np.ones((2, 1)), rows)
    bias = trained["affine_1"].grads.bias
    assert abs(float(bias.sum(dtype=np.float64))) < (1e-7 if dtype == "float32" else 1e-15)
    assert np.abs(bias).max() < 1e-8


def test_loss_and_gradient_of_nearly_distributions_agree_by_differences() -> None:
    rng = np.random.default_rng(9)
    rows = rng.dirichlet(np.ones(5), 3) * np.array([[1 + 9.9e-5], [1 - 9.9e-5], [1 + 5e-5]])
    layers = [lk.Affine(units=5, weight_init=lk.Zeros()), lk.CategoricalCrossEntropy()]
    model = lk.Sequential(layers, input_shape=(1,), dtype="float64", seed=0)
    inputs = np.ones((3, 1))
    model.parameters = 3 * rng.standard_normal(model.parameters.size)
    model.loss_and_gradients(inputs, rows)
    gradients = model.gradients.copy()
    for index in range(model.parameters.size):
        sides = []
        for step in (1e-6, -2e-6):
            model.parameters[index] += step
            sides.append(model.loss(inputs, rows))
        model.parameters[index] += 1e-6
        assert (sides[0] - sides[1]) / 2e-6 == pytest.approx(gradients[index], rel=1e-6, abs=1e-9)


# --- a loss that is no mean over samples --------------------------------------------------------------------------


def test_a_loss_over_pairs_of_samples_trains() -> None:
    class Ranking(lk.Loss):
        """Logistic loss of every pair of samples that the targets put in order."""

        type: Literal["ranking"] = "ranking"

        def prepare(self, targets: lk.Array, logits_shape: lk.Shape, dtype: np.dtype[Any]) -> lk.Array:
            return lk.number_targets(targets, logits_shape, dtype)

        def forward(self, node: lk.Node, logits: lk.Array, targets: lk.Array, sample_weight: lk.Array | None = None) -> float:
            before, after = np.nonzero(targets < targets.T)
            margins = (logits[after] - logits[before])[:, 0]
            node.cache = before, after, margins, logits.shape
            return float(np.logaddexp(0, -margins).mean())

        def backward(self, node: lk.Node, d_out: float = 1.0) -> lk.Array:
            before, after, margins, shape = node.cache
            slopes = -d_out / (1 + np.exp(margins)) / len(margins)
            d_logits = np.zeros(shape, node.dtype)
            np.add.at(d_logits[:, 0], after, slopes)
            np.add.at(d_logits[:, 0], before, -slopes)
            return d_logits

        def predict(self, node: lk.Node, logits: lk.Array) -> lk.Array:
            return logits.copy()

    model = lk.Sequential([lk.Affine(units=1), Ranking()], input_shape=(4,), seed=0)
    ranks = INPUTS[:, 0] - 2 * INPUTS[:, 3]
    history = model.fit(INPUTS, ranks, optimizer=lk.SGD(learning_rate=1.0), epochs=200)
    assert history.loss[-1] < 0.1 * history.loss[0]
    assert_array_equal(np.argsort(model.predict(INPUTS)[:, 0]), np.argsort(ranks))
