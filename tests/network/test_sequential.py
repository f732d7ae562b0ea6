"""`Sequential` as its callers see it: passes, modes, predictions and refusals."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import layerkit as lk
from layerkit.network.builder import assemble
from layerkit.network.passes import Passes
from layerkit.testing import check_network_gradients


class Recenter(lk.Layer):
    """Subtracts a running mean, which training moves: a layer with state, a parameter and two modes."""

    type: Literal["recenter"] = "recenter"

    def parameters(self, input_shape: lk.Shape) -> Mapping[str, lk.Parameter]:
        return {"shift": lk.Parameter(input_shape, lk.Normal())}

    def state(self, input_shape: lk.Shape) -> Mapping[str, lk.State]:
        return {"mean": lk.State(input_shape)}

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        outputs = node.buffer("outputs", inputs.shape)
        np.subtract(inputs, node.state.mean, out=outputs)
        outputs += node.params.shift
        if node.training:
            node.state.mean = 0.5 * node.state.mean + 0.5 * inputs.mean(axis=0)
        return outputs

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        node.grads.shift = d_out.sum(axis=0)
        return d_out


class Unweighted(lk.Loss):
    """Mean of squared differences over the whole batch, which checks and weighs nothing: a loss that is not one of samples."""

    type: Literal["unweighted"] = "unweighted"

    def prepare(self, targets: lk.Array, logits_shape: lk.Shape, dtype: np.dtype[Any]) -> lk.Array:
        return targets

    def forward(self, node: lk.Node, logits: lk.Array, targets: lk.Array, sample_weight: lk.Array | None = None) -> float:
        node.cache = (logits - targets) / logits.size
        return float(((logits - targets) ** 2).mean())

    def backward(self, node: lk.Node, d_out: float = 1.0) -> lk.Array:
        difference: lk.Array = node.cache
        return 2 * d_out * difference

    def predict(self, node: lk.Node, logits: lk.Array) -> lk.Array:
        return logits.copy()


def classifier(seed: int = 0, dtype: Literal["float32", "float64"] = "float64") -> lk.Sequential:
    """Two hidden layers, one of which has state, on samples (4,) in 3 classes."""
    layers = [lk.Affine(units=6), lk.ReLU(), Recenter(), lk.Affine(units=3), lk.CategoricalCrossEntropy()]
    return lk.Sequential(layers, input_shape=(4,), dtype=dtype, seed=seed)


def samples(count: int, seed: int = 0) -> tuple[lk.Array, lk.Array]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, 4)), rng.integers(3, size=count)


# --- each position owns what it needs -----------------------------------------------------------------------------

_SHARED: tuple[lk.Layer, ...] = (lk.Affine(units=5), lk.ReLU(), Recenter())
"""Description objects that stand in a stack again and again; the shape stays (5,)."""

stacks = st.lists(
    st.one_of(st.sampled_from(_SHARED), st.builds(lk.Affine, units=st.just(5)), st.builds(lk.ReLU), st.builds(Recenter)),
    max_size=8,
)


def owned_arrays(node: lk.Node) -> Iterator[lk.Array]:
    """Yield everything that the node keeps; what it has no buffer for yet, it gets."""
    for arrays in (node.params, node.grads, node.state):
        yield from arrays.values()
    for buffer in ("outputs", "active", "d_inputs", "shifted", "losses", "d_logits"):
        yield node.buffer(buffer, (1,), np.uint8)


@settings(max_examples=60, deadline=None)
@given(stacks, st.integers(1, 4), st.integers(0, 2**32))
def test_no_two_positions_share_anything(layers: list[lk.Layer], count: int, seed: int) -> None:
    model = lk.Sequential([*layers, lk.CategoricalCrossEntropy()], input_shape=(5,), seed=seed)
    rng = np.random.default_rng(seed)
    model.loss_and_gradients(rng.standard_normal((count, 5)), rng.integers(5, size=count))

    assert len({id(node) for node in model.nodes}) == len(layers) + 1
    assert len({node.name for node in model.nodes}) == len(layers) + 1
    owned = [list(owned_arrays(node)) for node in model.nodes]
    for ours, theirs in itertools.combinations(owned, 2):
        assert not any(np.shares_memory(a, b) for a in ours for b in theirs)
    for node in model.nodes:
        assert not any(np.shares_memory(node.params[name], node.grads[name]) for name in node.params)


@settings(max_examples=60, deadline=None)
@given(stacks, st.integers(0, 2**32))
def test_parameters_and_gradients_are_views_that_tile_the_flat_vectors(layers: list[lk.Layer], seed: int) -> None:
    model = lk.Sequential([*layers, lk.CategoricalCrossEntropy()], input_shape=(5,), seed=seed)
    model.parameters[:] = np.arange(model.parameters.size)
    model.gradients[:] = -np.arange(model.gradients.size)

    params = [array.ravel() for node in model.nodes for array in node.params.values()]
    grads = [array.ravel() for node in model.nodes for array in node.grads.values()]
    assert_array_equal(np.concatenate([*params, []]), np.arange(model.parameters.size))
    assert_array_equal(np.concatenate([*grads, []]), -np.arange(model.gradients.size))


def test_one_description_twice_keeps_two_caches() -> None:
    """What the forward pass of the second position keeps must not reach the backward pass of the first."""
    shared = lk.Affine(units=4, bias_init=lk.Normal())
    layers = [shared, lk.ReLU(), shared, lk.CategoricalCrossEntropy()]
    model = lk.Sequential(layers, input_shape=(4,), dtype="float64", seed=3)
    inputs, targets = samples(6)
    assert model.nodes[0].stage is model.nodes[2].stage
    assert all(check.passed for check in check_network_gradients(model, inputs, targets))


# --- passes -------------------------------------------------------------------------------------------------------


def test_gradients_of_the_whole_network_are_right() -> None:
    checks = check_network_gradients(classifier(), *samples(5))
    assert [check.array for check in checks] == [
        "inputs",
        "affine_1.weight",
        "affine_1.bias",
        "recenter_1.shift",
        "affine_2.weight",
        "affine_2.bias",
    ]
    assert all(check.passed for check in checks)


def test_backward_overwrites_the_gradients() -> None:
    model = classifier()
    inputs, targets = samples(5)
    model.gradients[:] = np.nan
    model.forward_loss(inputs, targets)
    model.backward()
    first = model.gradients.copy()
    model.backward()
    assert np.isfinite(first).all()
    assert_array_equal(model.gradients, first)


def test_the_upstream_derivative_scales_the_gradients() -> None:
    model = classifier()
    model.loss_and_gradients(*samples(5))
    first = model.gradients.copy()
    model.backward(-2.5)
    assert_allclose(model.gradients, -2.5 * first, rtol=1e-12)


def test_backward_gives_the_input_gradient_only_where_it_was_asked_for() -> None:
    model = classifier()
    batch = model.checked(*samples(5))
    model.batch_loss(batch)
    assert model.backward() is None
    asked = Passes(assemble(model.spec.plan(), "float64", 0, needs_input_gradient=True).nodes)
    asked.loss(batch)
    d_inputs = asked.backward()
    assert d_inputs is not None
    assert d_inputs.shape == (5, 4)


def test_backward_stops_at_the_first_layer_that_is_trained() -> None:
    layers = [lk.ReLU(), lk.Affine(units=3), lk.CategoricalCrossEntropy()]
    model = lk.Sequential(layers, input_shape=(4,), seed=0)
    assert [node.needs_input_gradient for node in model.nodes] == [False, False, True]
    model.forward_loss(*samples(5))
    assert model.backward() is None
    assert np.any(model.gradients)


def test_a_network_of_a_loss_alone_has_nothing_to_train() -> None:
    model = lk.Sequential([lk.CategoricalCrossEntropy()], input_shape=(3,), seed=0)
    assert model.parameters.shape == (0,)
    assert model.layout == ()
    assert model.loss_and_gradients(np.zeros((2, 3)), [0, 1]) == pytest.approx(np.log(3))


def test_sample_weights_weigh_the_loss_and_its_gradients() -> None:
    layers = [lk.Affine(units=6), lk.ReLU(), lk.Affine(units=3), lk.CategoricalCrossEntropy()]
    model = lk.Sequential(layers, input_shape=(4,), dtype="float64", seed=0)
    inputs, targets = samples(5)
    alone = model.loss_and_gradients(inputs[2:3], targets[2:3])
    gradients = model.gradients.copy()
    weight = [0, 0, 2, 0, 0]
    assert model.loss(inputs, targets, weight) == pytest.approx(alone, rel=1e-12)
    assert model.loss_and_gradients(inputs, targets, weight) == pytest.approx(alone, rel=1e-12)
    assert_allclose(model.gradients, gradients, rtol=1e-12, atol=1e-15)


# --- modes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["predict", "logits", "loss"])
def test_state_moves_in_training_and_stands_still_in_prediction(method: str) -> None:
    model = classifier()
    inputs, targets = samples(8)
    mean = model["recenter_1"].state.mean
    assert_array_equal(mean, np.zeros(6))
    for _ in range(2):
        before = mean.copy()
        model.loss_and_gradients(inputs, targets)
        trained = mean.copy()
        assert np.any(trained != before)
        getattr(model, method)(inputs, *([targets] if method == "loss" else []))
        assert_array_equal(mean, trained)


def test_loss_and_forward_loss_agree_where_no_layer_has_modes() -> None:
    model = lk.Sequential([lk.Affine(units=3), lk.CategoricalCrossEntropy()], input_shape=(4,), dtype="float64", seed=0)
    inputs, targets = samples(7)
    assert model.loss(inputs, targets) == pytest.approx(model.forward_loss(inputs, targets), rel=1e-15)


# --- predictions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 1023, 1024, 1025, 2500])
def test_predictions_do_not_depend_on_how_many_rows_go_together(count: int) -> None:
    model = classifier()
    inputs, _ = samples(count)
    rows = np.unique(np.linspace(0, count - 1, 40).astype(int))
    predictions = model.predict(inputs)
    assert predictions.shape == (count, 3)
    assert_allclose(predictions[rows], np.concatenate([model.predict(inputs[row : row + 1]) for row in rows]), rtol=1e-12)
    assert_allclose(predictions.sum(axis=1), 1)


@pytest.mark.parametrize("sizes", [(4, 3), (64, 32, 10), (300, 400, 7), (13, 7, 5, 2)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_that_go_together_move_a_prediction_by_rounding_alone(
    dtype: Literal["float32", "float64"], sizes: tuple[int, ...]
) -> None:
    """BLAS sums in an order that depends on the number of rows: the bound is 20 roundings of the largest logit."""
    stack = [layer for size in sizes[1:] for layer in (lk.Affine(units=size, bias_init=lk.Normal(std=1.0)), lk.ReLU())][:-1]
    model = lk.Sequential([*stack, lk.CategoricalCrossEntropy()], input_shape=sizes[:1], dtype=dtype, seed=1)
    inputs = np.random.default_rng(0).standard_normal((2500, sizes[0])).astype(dtype)
    together, eps = model.logits(inputs), np.finfo(dtype).eps
    bound = 20 * eps * np.abs(together).max()
    probabilities = model.predict(inputs)
    for size, step in ((1, 100), (3, 90), (700, 700), (1024, 900)):
        for start in range(0, 2500, step):
            part = slice(start, start + size)
            assert np.abs(model.logits(inputs[part]) - together[part]).max() <= bound
            assert np.abs(model.predict(inputs[part]) - probabilities[part]).max() <= 20 * eps


@pytest.mark.parametrize("weigh", ["alike", "first chunk not at all", "at random"])
def test_the_loss_of_many_rows_is_their_weighted_mean(weigh: str) -> None:
    model = classifier()
    inputs, targets = samples(2500)
    weight = {
        "alike": None,
        "first chunk not at all": (np.arange(2500) >= 1024).astype(float),
        "at random": np.random.default_rng(1).uniform(size=2500),
    }[weigh]
    by_row = -np.log(model.predict(inputs)[np.arange(2500), targets])
    assert model.loss(inputs, targets, weight) == pytest.approx(np.average(by_row, weights=weight), rel=1e-12)


@pytest.mark.parametrize("method", ["predict", "logits"])
@pytest.mark.parametrize("layers", [[], [lk.ReLU()], [lk.Affine(units=4)]], ids=["loss alone", "relu", "affine"])
def test_what_was_predicted_stays(method: str, layers: list[lk.Layer], either_loss: lk.Loss) -> None:
    model = lk.Sequential([*layers, either_loss], input_shape=(4,), dtype="float64", seed=0)
    inputs, _ = samples(6)
    given = inputs.copy()
    first = getattr(model, method)(inputs)
    kept = first.copy()
    second = getattr(model, method)(samples(6, seed=1)[0])
    assert_array_equal(first, kept)
    assert not np.shares_memory(first, second)
    first[...] = 0  # the caller's to write on
    assert_array_equal(inputs, given)
    assert_array_equal(getattr(model, method)(inputs), kept)


def test_predict_is_the_losss_view_of_the_logits() -> None:
    model = classifier()
    inputs, _ = samples(4)
    logits = model.logits(inputs)
    assert logits.shape == (4, 3)
    assert_allclose(model.predict(inputs), np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_everything_has_the_networks_dtype(dtype: Literal["float32", "float64"]) -> None:
    model = classifier(dtype=dtype)
    inputs, targets = samples(4)
    model.loss_and_gradients(inputs, targets)
    arrays = [model.parameters, model.gradients, model["recenter_1"].state.mean, model.predict(inputs), model.logits(inputs)]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


# --- what can be handed in ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "inputs",
    [
        [[1, 2, 3, 4], [5, 6, 7, 8]],
        np.asfortranarray(np.arange(1, 9).reshape(2, 4)),
        np.repeat(np.arange(1, 9).reshape(2, 4), 2, axis=1)[:, ::2],
        np.arange(1, 9, dtype=np.uint8).reshape(2, 4),
        np.arange(1, 9, dtype=">f4").reshape(2, 4),
    ],
    ids=["list", "fortran", "strided", "uint8", "big-endian"],
)
def test_inputs_may_be_any_array_of_numbers(inputs: npt.ArrayLike) -> None:
    model = classifier()
    wanted = model.predict(np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]]))
    assert_allclose(model.predict(inputs), wanted, rtol=1e-15)


def test_inputs_and_targets_that_cannot_be_written_are_fine() -> None:
    inputs, targets = samples(6)
    one_hot = np.eye(3)[targets]
    for array in (inputs, targets, one_hot):
        array.flags.writeable = False
    model = classifier()
    for wanted in (targets, one_hot):
        assert np.isfinite(model.loss_and_gradients(inputs, wanted, np.ones(6)))
        assert np.isfinite(model.loss(inputs, wanted))


@pytest.mark.parametrize("layers", [[], [lk.ReLU()], [lk.Affine(units=3)]], ids=["loss alone", "relu", "affine"])
def test_a_pass_writes_into_nothing_that_it_was_given(layers: list[lk.Layer]) -> None:
    spec = lk.ModelSpec(layers=(*layers, lk.CategoricalCrossEntropy()), input_shape=(4,), dtype="float64")
    passes = Passes(assemble(spec.plan(), "float64", 0, needs_input_gradient=True).nodes)
    inputs, labels = samples(6)
    for targets in (labels, np.eye(4 if not layers or isinstance(layers[0], lk.ReLU) else 3)[labels]):
        given = inputs.copy(), targets.copy()
        passes.loss(lk.Batch(inputs, passes.prepare(targets)))
        assert passes.backward() is not None
        assert_array_equal(inputs, given[0])
        assert_array_equal(targets, given[1])


@pytest.mark.parametrize(
    ("inputs", "fault"),
    [
        (np.zeros((3, 5)), "(N, 4), received shape (3, 5); the network is made for samples of shape (4,)"),
        (np.zeros(4), "(N, 4), received shape (4,), which is one sample; write inputs[None] for a batch of one"),
        (np.zeros((2, 4, 1)), "(N, 4), received shape (2, 4, 1); write numpy.reshape(inputs, (-1, 4))"),
        (np.zeros((0, 4)), "(N, 4) with N of 1 or more, received shape (0, 4)"),
        (7.0, "(N, 4), received shape ()"),
        ([["1", "2", "3", "4"]], "inputs must be real numbers, received texts (<U1)"),
        ([[1, 2, 3, {}]], "inputs must be real numbers, received {} in row 0, column 3"),
        (np.full((1, 4), 1 + 1j), "inputs must be real numbers, received complex numbers (complex128)"),
        (np.zeros((1, 4), "datetime64[s]"), "inputs must be real numbers, received dates (datetime64[s])"),
        ([[1, 2, 3, 1e300]], "row 0, column 3 of the inputs is 1e+300, which is too large for float32"),
        ([[1, 2, 3, 4], [5]], "inputs make no array: the rows differ in length"),
        ([[1, 2, 3, np.nan]], "row 0, column 3 of the inputs is nan; fill it in or leave the row out"),
        (np.array([[1, 2, 3, 4], [1, -np.inf, 3, np.nan]]), "row 1, column 1 of the inputs is -inf; fill it in"),
        (None, "inputs are None; expected an array"),
        ("numbers.csv", "inputs must be real numbers, received 'numbers.csv'"),
    ],
    ids=[
        "features",
        "no batch",
        "axes",
        "empty",
        "scalar",
        "text",
        "objects",
        "complex",
        "dates",
        "too large",
        "ragged",
        "nan",
        "infinity",
        "none",
        "name of a file",
    ],
)
@pytest.mark.parametrize("method", ["predict", "logits", "loss", "forward_loss", "loss_and_gradients"])
def test_inputs_that_do_not_fit_are_refused(method: str, inputs: npt.ArrayLike, fault: str) -> None:
    targets = () if method in ("predict", "logits") else ([0],)
    with pytest.raises(lk.DataError, match=re.escape(fault)):
        getattr(classifier(dtype="float32"), method)(inputs, *targets)


def test_sums_that_overflow_are_of_finite_numbers() -> None:
    inputs = np.full((3, 4), 3e38, np.float32)
    assert_array_equal(classifier(dtype="float32").checked_inputs(inputs), inputs)


def test_inputs_that_fit_are_not_copied() -> None:
    inputs, _ = samples(3)
    assert np.shares_memory(classifier().checked_inputs(inputs), inputs)


@pytest.mark.parametrize("method", ["loss", "forward_loss", "loss_and_gradients"])
def test_targets_that_do_not_fit_are_refused(method: str) -> None:
    inputs, targets = samples(2000)
    targets[1500] = 3
    with pytest.raises(lk.TargetError, match=r"row 1500.*label 3"):
        getattr(classifier(), method)(inputs, targets)
    with pytest.raises(lk.TargetError, match=r"2000"):
        getattr(classifier(), method)(inputs, targets[:1000])


def test_checked_targets_are_an_array() -> None:
    model = classifier()
    assert_array_equal(model.checked_targets([0, 2, 1], 3), np.array([0, 2, 1]))
    with pytest.raises(lk.TargetError, match="row 1"):
        model.checked_targets([0, -1, 1], 3)


@pytest.mark.parametrize("targets", [3.0, np.zeros((4, 4)), np.zeros((6, 4))], ids=["one", "too few", "too many"])
@pytest.mark.parametrize("call", ["checked_targets", "loss", "fit"])
def test_a_loss_that_checks_nothing_gets_one_target_a_sample(call: str, targets: npt.ArrayLike) -> None:
    """Broadcasting could make a loss of them all the same."""
    model = lk.Sequential([lk.Affine(units=4), Unweighted()], input_shape=(4,), dtype="float64", seed=0)
    inputs, _ = samples(5)
    calls: dict[str, Callable[[], object]] = {
        "checked_targets": lambda: model.checked_targets(targets, 5),
        "loss": lambda: model.loss(inputs, targets),
        "fit": lambda: model.fit(inputs, targets, optimizer=lk.SGD(learning_rate=0.1), epochs=1),
    }
    with pytest.raises(
        lk.TargetError, match=re.escape(f"expected 5 targets, one a sample; received an array of shape {np.shape(targets)}")
    ):
        calls[call]()


def test_ragged_targets_are_refused() -> None:
    inputs, _ = samples(3)
    ragged: Any = [[1], [2, 3], 1]
    for call in (classifier().loss, partial(classifier().fit, optimizer=lk.SGD(learning_rate=0.1), epochs=1)):
        with pytest.raises(lk.DataError, match="targets make no array"):
            call(inputs, ragged)


@pytest.mark.parametrize(
    ("weight", "fault"),
    [
        (np.ones(9), "expected sample weights of shape (5,), received float64 of shape (9,)"),
        (1.0, "expected sample weights of shape (5,), received float64 of shape ()"),
        (["1"] * 5, "expected sample weights of shape (5,), received <U1 of shape (5,)"),
        ([1, 0, -1, 0, 0], "row 2: sample weight -1 is not"),
        ([1, np.nan, 1, 1, 1], "row 1: sample weight nan is not"),
        (np.zeros(5), "all sample weights are 0"),
    ],
    ids=["long", "scalar", "text", "negative", "nan", "zeros"],
)
@pytest.mark.parametrize("method", ["loss", "forward_loss", "loss_and_gradients"])
def test_sample_weights_that_do_not_fit_are_refused(method: str, weight: npt.ArrayLike, fault: str) -> None:
    with pytest.raises(lk.TargetError, match=re.escape(fault)):
        getattr(classifier(), method)(*samples(5), weight)


def test_weights_of_a_loss_that_ignores_them_are_checked_too() -> None:
    model = lk.Sequential([Unweighted()], input_shape=(4,), dtype="float64", seed=0)
    with pytest.raises(lk.TargetError, match="expected sample weights"):
        model.loss(np.zeros((5, 4)), np.zeros((5, 4)), np.ones(9))


# --- names --------------------------------------------------------------------------------------------------------


def test_nodes_are_found_by_name() -> None:
    layers = [lk.Affine(units=3, name="first"), lk.Affine(units=3), lk.CategoricalCrossEntropy()]
    model = lk.Sequential(layers, input_shape=(4,), seed=0)
    assert [node.name for node in model.nodes] == ["first", "affine_2", "crossentropy_1"]
    assert model["affine_2"] is model.nodes[1]
    with pytest.raises(KeyError, match=r"'affine_1'.*first, affine_2, crossentropy_1"):
        model["affine_1"]


def test_repr_tells_the_stack_and_its_size() -> None:
    assert repr(classifier()) == (
        "<Sequential (4,) affine_1 -> relu_1 -> recenter_1 -> affine_2 -> crossentropy_1, 57 parameters, float64>"
    )


def test_fit_trains_and_gives_the_history() -> None:
    model = classifier()
    inputs, targets = samples(30)
    before = model.loss(inputs, targets)
    history = model.fit(inputs, targets, optimizer=lk.SGD(learning_rate=0.1), epochs=20)
    assert [record.epoch for record in history] == list(range(20))
    assert history.loss[-1] < history.loss[0]
    assert model.loss(inputs, targets) < before


RAGGED: Any = [[1], [2, 3], 1, 1, 1]


@pytest.mark.parametrize("method", ["loss", "forward_loss", "loss_and_gradients"])
@pytest.mark.parametrize("arguments", [(RAGGED,), (np.zeros(5, int), RAGGED)], ids=["targets", "weights"])
def test_what_makes_no_array_is_refused(method: str, arguments: tuple[Any, ...]) -> None:
    model = lk.Sequential([lk.CategoricalCrossEntropy()], input_shape=(4,), seed=0)
    with pytest.raises(lk.DataError, match="make no array"):
        getattr(model, method)(np.ones((5, 4)), *arguments)


def test_the_mean_of_huge_losses_is_finite() -> None:
    model = lk.Sequential([lk.CategoricalCrossEntropy()], input_shape=(2,), dtype="float64", seed=0)
    logits = np.array([[1.5e308, 0.0]] * 2)
    assert model.loss(logits, [1, 1]) == model.forward_loss(logits, [1, 1]) == 1.5e308


@pytest.mark.parametrize("method", ["loss", "forward_loss"])
def test_weights_whose_sum_overflows_still_weigh_alike(method: str) -> None:
    model = lk.Sequential([lk.CategoricalCrossEntropy()], input_shape=(3,), dtype="float64", seed=0)
    inputs, targets = samples(5)
    inputs, targets = inputs[:, :3], targets % 3
    assert getattr(model, method)(inputs, targets, np.full(5, 1e308)) == pytest.approx(model.loss(inputs, targets))


@pytest.mark.parametrize("scale", [1.0, 1e306, 5e-324])
def test_metrics_weigh_samples_as_the_loss_does(scale: float) -> None:
    model = lk.Sequential([lk.CategoricalCrossEntropy()], input_shape=(3,), dtype="float64", seed=0)
    logits, labels = np.random.default_rng(0).standard_normal((300, 3)), np.random.default_rng(1).integers(3, size=300)
    wanted = model.evaluate(logits, labels, metrics=[lk.Accuracy()])
    assert model.evaluate(logits, labels, np.full(300, scale), metrics=[lk.Accuracy()]) == pytest.approx(wanted)


def test_weights_are_finite_in_the_dtype_that_they_are_used_in() -> None:
    model = lk.Sequential([lk.CategoricalCrossEntropy()], input_shape=(3,), dtype="float64", seed=0)
    weight = np.full(3, np.longdouble("1e400"))
    if not np.isfinite(weight).all():
        pytest.skip("a long double is a double here")
    with pytest.raises(lk.TargetError, match=r"row 0: sample weight .* is not a finite number"):
        model.loss(np.eye(3), [0, 1, 2], weight)
