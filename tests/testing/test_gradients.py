"""The gradient check: green for what is right, kinks, noise and state included, and red for every kind of mistake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from layerkit import (
    Affine,
    Array,
    CategoricalCrossEntropy,
    Layer,
    Loss,
    Node,
    Normal,
    Parameter,
    ReLU,
    Sequential,
    Shape,
    State,
    number_targets,
)
from layerkit.errors import ComponentError, GradientError, TargetError
from layerkit.testing import GradientCheck, check_layer_gradients, check_loss_gradients, check_network_gradients
from layerkit.testing.derivatives import require_passed


class Scale(Layer):
    """``y = scale * x``: right, and the base of the wrong ones."""

    type: Literal["scale"] = "scale"

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {"scale": Parameter(input_shape, Normal(mean=2.0))}

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs
        outputs: Array = inputs * node.params.scale
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array | None:
        node.grads.scale = (node.cache * d_out).sum(axis=0)
        d_inputs: Array = d_out * node.params.scale
        return d_inputs


class WrongInputs(Scale):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        super().backward(node, d_out)
        return d_out * node.params.scale * 1.001


class WrongSign(Scale):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        super().backward(node, d_out)
        return -d_out * node.params.scale


class WrongParameter(Scale):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs = super().backward(node, d_out)
        node.grads.scale = node.grads.scale / len(d_out)
        return d_inputs


class WrongInOneElement(Scale):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs = super().backward(node, d_out)
        node.grads.scale[3] += 1e-3
        return d_inputs


class RightForOnes(Scale):
    """Forgets which upstream gradient belongs to which element; an upstream gradient of ones would not show it."""

    def backward(self, node: Node, d_out: Array) -> Array | None:
        return super().backward(node, np.full_like(d_out, d_out.mean()))


class ForgetsUpstream(Scale):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        return super().backward(node, np.ones_like(d_out))


class Accumulates(Scale):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        before = node.grads.scale.copy()
        d_inputs = super().backward(node, d_out)
        node.grads.scale += before
        return d_inputs


class NeverFills(Scale):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs: Array = d_out * node.params.scale
        return d_inputs


class GivesNaN(Scale):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        super().backward(node, d_out)
        return np.full_like(d_out, np.nan)


class GivesInfinity(Scale):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        super().backward(node, d_out)
        return np.full_like(d_out, np.inf)


class GivesMinusInfinityForTheParameter(Scale):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs = super().backward(node, d_out)
        node.grads.scale[0] = -np.inf
        return d_inputs


class NaNOutputs(Scale):
    def forward(self, node: Node, inputs: Array) -> Array:
        return super().forward(node, inputs) * np.nan


class GivesNone(Scale):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        super().backward(node, d_out)
        return None


class GivesAnotherShape(Scale):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        super().backward(node, d_out)
        return d_out[:, :1]


class WrongAtTheKink(Layer):
    """A rectifier whose derivative at 0 is 2."""

    type: Literal["wrong_at_the_kink"] = "wrong_at_the_kink"

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs
        return np.maximum(inputs, 0)

    def backward(self, node: Node, d_out: Array) -> Array:
        slopes: Array = (node.cache > 0) + 2.0 * (node.cache == 0)
        return d_out * slopes


class Absolute(Layer):
    """``y = |x|``, with a derivative at 0 that may be chosen."""

    type: Literal["absolute"] = "absolute"
    at_zero: float = 0.0

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs
        return np.abs(inputs)

    def backward(self, node: Node, d_out: Array) -> Array:
        slopes: Array = np.where(node.cache == 0, self.at_zero, np.sign(node.cache))
        return d_out * slopes


class Dropout(Layer):
    """Drops half of the inputs during training."""

    type: Literal["half_dropout"] = "half_dropout"

    def forward(self, node: Node, inputs: Array) -> Array:
        kept = node.rng.integers(2, size=inputs.shape) * 2 if node.training else np.ones(inputs.shape)
        node.cache = kept.astype(node.dtype)
        outputs: Array = inputs * node.cache
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        d_inputs: Array = d_out * node.cache
        return d_inputs


class ForgetfulDropout(Dropout):
    """Draws another mask for the way back."""

    def backward(self, node: Node, d_out: Array) -> Array:
        d_inputs: Array = d_out * node.rng.integers(2, size=d_out.shape) * 2.0
        return d_inputs


class Centre(Layer):
    """Subtracts a running mean, which each training pass moves before it is used."""

    type: Literal["centre"] = "centre"

    def state(self, input_shape: Shape) -> Mapping[str, State]:
        return {"mean": State(input_shape, Normal(mean=1.0)), "passes": State((), dtype="int64")}

    def forward(self, node: Node, inputs: Array) -> Array:
        if node.training:
            node.state.passes += 1
            node.state.mean = 0.75 * node.state.mean + 0.25 * inputs.mean(axis=0)
        outputs: Array = (inputs - node.state.mean) * node.state.passes
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array:
        moved = 0.25 * d_out.mean(axis=0) if node.training else 0.0
        d_inputs: Array = (d_out - moved) * node.state.passes
        return d_inputs


class IgnoresTheState(Centre):
    """Takes the mean for a constant."""

    def backward(self, node: Node, d_out: Array) -> Array:
        d_inputs: Array = d_out * node.state.passes
        return d_inputs


class ScaledSquares(Loss):
    """Mean over the samples of ``mean((scale * z - t)**2)``: a loss with a parameter and with targets of its own."""

    type: Literal["scaled_squares"] = "scaled_squares"

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {"scale": Parameter(input_shape, Normal(mean=1.0))}

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return number_targets(targets, logits_shape, dtype)

    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        gaps = logits * node.params.scale - targets
        node.cache = logits, gaps
        losses: Array = np.mean(gaps**2, axis=1)
        return losses

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        logits, gaps = node.cache
        slopes = 2 * gaps * d_losses[:, np.newaxis] / gaps.shape[1]
        node.grads.scale = (slopes * logits).sum(axis=0)
        d_logits: Array = slopes * node.params.scale
        return d_logits

    def predict(self, node: Node, logits: Array) -> Array:
        predictions: Array = logits * node.params.scale
        return predictions


class WrongLossParameter(ScaledSquares):
    def d_logits(self, node: Node, d_losses: Array) -> Array:
        d_logits = super().d_logits(node, d_losses)
        node.grads.scale = node.grads.scale * 2
        return d_logits


class IgnoresUpstream(CategoricalCrossEntropy):
    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        return super().backward(node)


class IgnoresSignOfUpstream(CategoricalCrossEntropy):
    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        return super().backward(node, abs(d_out))


class AveragesUpstream(CategoricalCrossEntropy):
    """Right where all samples weigh the same."""

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        return super().d_logits(node, np.full_like(d_losses, d_losses.mean()))


class ForgetsWeights(CategoricalCrossEntropy):
    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        loss = super().forward(node, logits, targets, sample_weight)
        super().forward(node, logits, targets)  # leaves a cache that knows of no weights
        return loss


class Spread(Loss):
    """Variance of the logits within a batch, weighted: no mean over samples."""

    type: Literal["spread"] = "spread"

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return number_targets(targets, logits_shape, dtype)

    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        weight = np.ones(len(logits)) if sample_weight is None else sample_weight
        share = (weight / (weight.sum() or 1.0)).reshape(-1, *[1] * (logits.ndim - 1))
        gaps = logits - (share * logits).sum(axis=0)
        node.cache = (share * gaps).astype(node.dtype)
        return float((share * gaps**2).sum())

    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        d_logits: Array = 2 * d_out * node.cache
        return d_logits

    def predict(self, node: Node, logits: Array) -> Array:
        return logits.copy()


class Halved(Scale):
    """Rounds to half precision on the way back of a float32 network."""

    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs = super().backward(node, d_out)
        if node.dtype == np.float32:
            node.grads.scale = node.grads.scale.astype(np.float16) * np.float32(1.01)
        return d_inputs


class Table(Layer):
    """A row of numbers for each of 7 words, (N, T) to (N, T, 2): takes whole numbers, and has no derivative by them."""

    type: Literal["table"] = "table"

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, 2)

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {"rows": Parameter((7, 2), Normal(std=1.0))}

    def example_inputs(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(7, size=(count, *input_shape))

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs.astype(np.intp)
        outputs: Array = node.params.rows[node.cache]
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array | None:
        node.grads.rows[...] = 0
        np.add.at(node.grads.rows, node.cache, d_out)
        return None


class WrongTable(Table):
    """Counts a word once, however often it stands in a batch."""

    def backward(self, node: Node, d_out: Array) -> Array | None:
        node.grads.rows[...] = 0
        node.grads.rows[node.cache] += d_out
        return None


def verdicts(checks: list[GradientCheck]) -> dict[str, bool]:
    """Say of each array whether everything that was compared of it agrees."""
    found = dict.fromkeys((check.array for check in checks), True)
    for check in checks:
        found[check.array] &= check.passed
    return found


@pytest.mark.parametrize("layer", [Scale(), Affine(units=2), ReLU(), Absolute(), Dropout(), Centre()], ids=repr)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_right_layers_pass(layer: Layer, training: bool, seed: int) -> None:
    checks = check_layer_gradients(layer, (5,), training=training, seed=seed)
    assert checks[0].array == "inputs"
    assert all(check.passed and check.error < 1e-6 for check in checks), "\n".join(map(str, checks))


@pytest.mark.parametrize(
    ("layer", "inputs", "scale"),
    [
        (WrongInputs(), False, True),
        (WrongSign(), False, True),
        (WrongParameter(), True, False),
        (WrongInOneElement(), True, False),
        (RightForOnes(), False, False),
        (ForgetsUpstream(), False, False),
        (Accumulates(), True, False),
        (NeverFills(), True, False),
        (GivesNaN(), False, True),
        (GivesInfinity(), False, True),
        (GivesMinusInfinityForTheParameter(), True, False),
        (NaNOutputs(), False, False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Layer) else None,
)
@pytest.mark.parametrize("seed", range(3))
def test_wrong_layers_fail_where_they_are_wrong(layer: Layer, inputs: bool, scale: bool, seed: int) -> None:
    checks = check_layer_gradients(layer, (5,), seed=seed)
    assert verdicts(checks) == {"inputs": inputs, "scale_1.scale": scale}


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (GivesNone(), r"^scale_1: GivesNone\.backward .* returned NoneType, expected float64 of shape \(3, 5\)$"),
        (GivesAnotherShape(), r"^scale_1: .* returned float64 of shape \(3, 1\), expected float64 of shape \(3, 5\)$"),
    ],
    ids=repr,
)
def test_no_gradient_and_one_of_another_shape_are_errors(layer: Layer, message: str) -> None:
    with pytest.raises(ComponentError, match=message):
        check_layer_gradients(layer, (5,))


def test_a_failure_shows_the_worst_element() -> None:
    _, check = check_layer_gradients(WrongInOneElement(), (5,))
    assert check.index == (3,)
    assert check.analytical - check.numerical == pytest.approx(1e-3, rel=1e-3)
    assert check.error == pytest.approx(1e-3 / max(abs(check.analytical), abs(check.numerical)), rel=1e-3)
    assert str(check) == (
        "scale_1.scale: analytical and numerical gradients DISAGREE on 5 elements; the largest relative error is "
        f"{check.error:.1e}, at scale_1.scale[3]: {check.analytical:.6g} analytical, {check.numerical:.6g} numerical"
    )


def test_a_failure_with_nan_shows_it() -> None:
    check, _ = check_layer_gradients(GivesNaN(), (5,))
    assert check.error == np.inf
    assert np.isnan(check.analytical)
    assert np.isfinite(check.numerical)


def test_the_text_of_a_pass() -> None:
    check, _ = check_layer_gradients(Scale(), (5,))
    assert str(check).startswith("inputs: analytical and numerical gradients agree on 15 elements; the largest")


def test_all_failures_are_raised_together() -> None:
    good, bad = check_layer_gradients(Scale(), (5,)), check_layer_gradients(ForgetsUpstream(), (5,))
    require_passed(good)
    with pytest.raises(GradientError) as error:
        require_passed([*good, *bad])
    assert str(error.value).splitlines() == [str(check) for check in bad]


@pytest.mark.parametrize(("elements", "checked"), [(4, [4, 4, 2]), (100, [18, 12, 2])])
def test_no_more_elements_than_asked_for_are_compared(elements: int, checked: list[int]) -> None:
    checks = check_layer_gradients(Affine(units=2), (6,), elements=elements)
    assert [check.checked for check in checks] == checked


def test_the_seed_decides_what_is_compared() -> None:
    runs = [check_layer_gradients(Affine(units=2), (6,), elements=2, seed=seed) for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


@pytest.mark.parametrize("at_zero", [-1.0, 0.0, 0.3, 1.0])
def test_at_a_kink_any_value_between_the_slopes_passes(at_zero: float) -> None:
    assert verdicts(kinked(Absolute(at_zero=at_zero))) == {"inputs": True}


@pytest.mark.parametrize("layer", [Absolute(at_zero=1.5), Absolute(at_zero=-1.01), WrongAtTheKink()], ids=repr)
def test_at_a_kink_a_value_outside_the_slopes_fails(layer: Layer) -> None:
    assert verdicts(kinked(layer)) == {"inputs": False}


@pytest.mark.parametrize("distance", [1e-4, 2e-6, 4e-7, -4e-7, -2e-6, -1e-4])
def test_near_a_kink_only_the_slope_of_its_side_passes(distance: float) -> None:
    assert verdicts(kinked(ReLU(), distance)) == {"inputs": True}
    assert verdicts(kinked(Absolute(), distance)) == {"inputs": True}


@pytest.mark.parametrize("distance", [1e-4, -1e-4])
def test_a_wrong_slope_beside_a_kink_is_not_excused(distance: float) -> None:
    class Zero(Absolute):
        def backward(self, node: Node, d_out: Array) -> Array:
            return np.zeros_like(d_out)

    assert verdicts(kinked(Zero(), distance)) == {"inputs": False}


def kinked(layer: Layer, at: float = 0.0) -> list[GradientCheck]:
    """Check ``layer`` under a loss, on inputs that are at or beside 0; the others are far from it."""
    model = Sequential([layer, CategoricalCrossEntropy()], input_shape=(3,), dtype="float64", seed=0)
    return check_network_gradients(model, np.array([[at, 1.0, 2.0], [0.5, at, -1.0]]), np.array([0, 2]))


def test_a_dropout_that_changes_its_mask_fails() -> None:
    assert verdicts(check_layer_gradients(ForgetfulDropout(), (5,))) == {"inputs": False}


def test_a_layer_that_ignores_how_its_state_moves_fails_in_training_alone() -> None:
    assert verdicts(check_layer_gradients(IgnoresTheState(), (5,))) == {"inputs": False}
    assert verdicts(check_layer_gradients(IgnoresTheState(), (5,), training=False)) == {"inputs": True}


@pytest.mark.parametrize("size", [1e-6, 1e6])
def test_large_and_small_values_pass(size: float) -> None:
    class Sized(Layer):
        type: Literal["sized"] = "sized"

        def forward(self, node: Node, inputs: Array) -> Array:
            node.cache = inputs
            outputs: Array = size * inputs**2
            return outputs

        def backward(self, node: Node, d_out: Array) -> Array:
            d_inputs: Array = d_out * 2 * size * node.cache
            return d_inputs

    assert verdicts(check_layer_gradients(Sized(), (5,), batch=20)) == {"inputs": True}


def test_the_rounding_of_a_large_value_is_no_disagreement() -> None:
    class Offset(Layer):
        type: Literal["offset"] = "offset"

        def forward(self, node: Node, inputs: Array) -> Array:
            return inputs + 1e6

        def backward(self, node: Node, d_out: Array) -> Array:
            return d_out.copy()

    assert verdicts(check_layer_gradients(Offset(), (5,), batch=20)) == {"inputs": True}


def test_a_slope_between_two_near_kinks_passes() -> None:
    class Ramp(Layer):
        type: Literal["ramp"] = "ramp"

        def forward(self, node: Node, inputs: Array) -> Array:
            node.cache = np.abs(inputs) < 2e-6
            return np.clip(inputs, -2e-6, 2e-6)

        def backward(self, node: Node, d_out: Array) -> Array:
            d_inputs: Array = d_out * node.cache
            return d_inputs

    assert verdicts(kinked(Ramp())) == {"inputs": True}


def test_no_gradient_agrees_with_an_infinite_one() -> None:
    class Cliff(Layer):
        type: Literal["cliff"] = "cliff"

        def forward(self, node: Node, inputs: Array) -> Array:
            return np.where(inputs > 1, np.inf, inputs)

        def backward(self, node: Node, d_out: Array) -> Array:
            return 7 * d_out

    model = Sequential([Cliff(), ScaledSquares()], input_shape=(1,), dtype="float64", seed=0)
    check, _ = check_network_gradients(model, np.array([[1.0]]), np.array([[0.0]]))
    assert not check.passed


@pytest.mark.parametrize("seed", range(3))
def test_right_losses_pass(seed: int) -> None:
    assert verdicts(check_loss_gradients(ScaledSquares(), (4,), seed=seed)) == {"inputs": True, "scaled_squares_1.scale": True}
    assert verdicts(check_loss_gradients(CategoricalCrossEntropy(), (4,), seed=seed)) == {"inputs": True}


def test_a_loss_is_checked_on_the_targets_and_weights_that_are_given() -> None:
    mean, by_sample = check_loss_gradients(CategoricalCrossEntropy(), (4,), targets=[3, 0], sample_weight=[0.5, 3.0])
    assert (mean.passed, mean.checked, mean.upstream) == (True, 8, "d_out")
    assert (by_sample.passed, by_sample.checked, by_sample.upstream) == (True, 8, "d_losses")


def test_the_targets_and_weights_that_are_given_are_checked_like_any_other() -> None:
    with pytest.raises(TargetError, match=r"^row 1: label 4 is out of range"):
        check_loss_gradients(CategoricalCrossEntropy(), (4,), targets=[3, 4])
    with pytest.raises(TargetError, match=r"^row 0: sample weight -1\.0 is not"):
        check_loss_gradients(CategoricalCrossEntropy(), (4,), targets=[3, 0], sample_weight=[-1.0, 1.0])


def test_a_loss_that_averages_the_gradients_of_its_samples_fails_for_random_ones() -> None:
    mean, by_sample = check_loss_gradients(AveragesUpstream(), (4,))
    assert (mean.passed, by_sample.passed) == (True, False)
    assert str(by_sample).startswith("inputs: analytical and numerical gradients for a random d_losses DISAGREE on 12 elements;")


@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 0.0]])
def test_a_loss_that_is_no_mean_over_samples_is_checked_by_its_passes_alone(weight: list[float] | None) -> None:
    (check,) = check_loss_gradients(Spread(), (4,), sample_weight=weight)
    assert (check.passed, check.upstream) == (True, "d_out")


def test_integer_inputs_have_no_derivative_and_reach_the_layer_in_its_dtype() -> None:
    assert verdicts(check_layer_gradients(Table(), (9,))) == {"table_1.rows": True}
    assert verdicts(check_layer_gradients(WrongTable(), (9,))) == {"table_1.rows": False}
    model = Sequential([Table(), Spread()], input_shape=(9,), seed=0)
    checks = check_network_gradients(model, np.arange(18).reshape(2, 9) % 7, np.zeros((2, 9, 2)))
    assert verdicts(checks) == {"table_1.rows": True}


@pytest.mark.parametrize("stage", [Scale(), Dropout(), Affine(units=2), Table()], ids=repr)
def test_right_layers_pass_in_float32_too(stage: Layer) -> None:
    checks = check_layer_gradients(stage, (5,), dtype="float32")
    arrays = [check.array for check in checks]
    assert arrays[: len(arrays) // 2] == arrays[len(arrays) // 2 :]
    assert [check.compared for check in checks[len(arrays) // 2 :]] == [("float32", "float64")] * (len(arrays) // 2)
    assert all(check.passed for check in checks), "\n".join(map(str, checks))


def test_what_is_wrong_in_float32_alone_is_found_there() -> None:
    assert verdicts(check_layer_gradients(Halved(), (5,))) == {"inputs": True, "scale_1.scale": True}
    _, right, _, wrong = check_layer_gradients(Halved(), (5,), dtype="float32")
    assert (right.passed, wrong.passed) == (True, False)
    assert str(wrong).startswith("scale_1.scale: float32 and float64 gradients DISAGREE on 5 elements;")


def test_losses_are_compared_in_float32_too() -> None:
    checks = check_loss_gradients(CategoricalCrossEntropy(), (4,), dtype="float32", sample_weight=[1, 2, 3])
    assert [check.upstream for check in checks] == ["d_out", "d_losses"] * 2
    assert [check.compared[0] for check in checks] == ["analytical"] * 2 + ["float32"] * 2
    assert all(check.passed for check in checks), "\n".join(map(str, checks))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("loss", [IgnoresUpstream(), ForgetsWeights()], ids=lambda loss: type(loss).__name__)
def test_wrong_losses_fail(loss: Loss, seed: int) -> None:
    weight = np.array([1.0, 2.0, 0.5])
    assert verdicts(check_loss_gradients(loss, (4,), seed=seed, sample_weight=weight)) == {"inputs": False}


def test_a_loss_that_forgets_the_sign_of_the_upstream_gradient_fails_for_a_negative_one() -> None:
    found = {check.passed for seed in range(20) for check in check_loss_gradients(IgnoresSignOfUpstream(), (4,), seed=seed)}
    assert found == {True, False}


def test_a_loss_with_a_wrong_parameter_gradient_fails_there() -> None:
    wanted = {"inputs": True, "scaled_squares_1.scale": False}
    assert verdicts(check_loss_gradients(WrongLossParameter(), (4,))) == wanted


def stack(*layers: Layer, loss: Loss | None = None) -> Sequential:
    return Sequential([*layers, loss or CategoricalCrossEntropy()], input_shape=(4,), dtype="float64", seed=1)


INPUTS = np.random.default_rng(0).standard_normal((6, 4))
LABELS = np.array([0, 1, 2, 3, 0, 1])


def test_a_right_network_passes_everywhere() -> None:
    model = stack(Affine(units=5), ReLU(), Dropout(), Centre(), Affine(units=4), loss=CategoricalCrossEntropy())
    checks = check_network_gradients(model, INPUTS, LABELS)
    names = ["inputs", "affine_1.weight", "affine_1.bias", "affine_2.weight", "affine_2.bias"]
    assert verdicts(checks) == dict.fromkeys(names, True), "\n".join(map(str, checks))


def test_one_wrong_layer_fails_all_that_stands_before_it() -> None:
    checks = check_network_gradients(stack(Affine(units=5), WrongInputs(), Affine(units=4)), INPUTS, LABELS)
    assert [check.array for check in checks if not check.passed] == ["inputs", "affine_1.weight", "affine_1.bias"]
    assert [check.array for check in checks if check.passed] == ["scale_1.scale", "affine_2.weight", "affine_2.bias"]


@pytest.mark.parametrize("layer", [WrongParameter(), NeverFills(), Accumulates()], ids=lambda layer: type(layer).__name__)
def test_one_wrong_parameter_gradient_fails_alone(layer: Layer) -> None:
    checks = check_network_gradients(stack(layer, Affine(units=4)), INPUTS, LABELS)
    assert [check.array for check in checks if not check.passed] == ["scale_1.scale"]


def test_a_network_whose_loss_ignores_the_upstream_gradient_fails_everywhere() -> None:
    checks = check_network_gradients(stack(Affine(units=4), loss=IgnoresUpstream()), INPUTS, LABELS)
    assert not any(check.passed for check in checks)


def test_a_check_leaves_a_network_as_it_was() -> None:
    model = stack(Affine(units=5), Dropout(), Centre(), Affine(units=4))
    before = stack(Affine(units=5), Dropout(), Centre(), Affine(units=4))
    inputs = INPUTS.copy()
    check_network_gradients(model, inputs, LABELS)
    assert_array_equal(model.parameters, before.parameters)
    assert_array_equal(inputs, INPUTS)
    for node, twin in zip(model.nodes, before.nodes, strict=True):
        assert node.needs_input_gradient == twin.needs_input_gradient
        assert node.rng.bit_generator.state == twin.rng.bit_generator.state
        assert dict(node.state).keys() == dict(twin.state).keys()
        for name, array in node.state.items():
            assert_array_equal(array, twin.state[name])
    assert model.loss_and_gradients(INPUTS, LABELS) == before.loss_and_gradients(INPUTS, LABELS)
    assert_array_equal(model.gradients, before.gradients)


def test_a_check_that_breaks_off_leaves_a_network_as_it_was() -> None:
    model = stack(GivesNone(), Affine(units=4))
    parameters = model.parameters.copy()
    with pytest.raises(ComponentError, match=r"^scale_1: GivesNone\.backward of .* returned NoneType, expected float64"):
        check_network_gradients(model, INPUTS, LABELS)
    assert [node.needs_input_gradient for node in model.nodes] == [False, True, True]
    assert_array_equal(model.parameters, parameters)


def test_a_check_does_not_disturb_a_backward_that_is_still_to_come() -> None:
    model, undisturbed = (stack(Affine(units=5), Centre(), Affine(units=4)) for _ in range(2))
    for network in (model, undisturbed):
        network.forward_loss(INPUTS, LABELS)
    check_network_gradients(model, INPUTS, LABELS)
    for network in (model, undisturbed):
        network.backward()
    assert_array_equal(model.gradients, undisturbed.gradients)


def test_weights_are_taken_into_account() -> None:
    model = stack(Affine(units=4), loss=ForgetsWeights())
    assert all(verdicts(check_network_gradients(model, INPUTS, LABELS)).values())
    assert not any(verdicts(check_network_gradients(model, INPUTS, LABELS, [1, 2, 3, 4, 5, 6])).values())


def test_a_float32_network_is_checked_in_both_dtypes() -> None:
    model = Sequential([Affine(units=5), Dropout(), Halved(), CategoricalCrossEntropy()], input_shape=(4,), seed=0)
    before = model.parameters.copy()
    checks = check_network_gradients(model, INPUTS, LABELS)
    names = ["inputs", "affine_1.weight", "affine_1.bias", "scale_1.scale"]
    assert [(check.array, check.compared[0]) for check in checks] == [
        *((name, "analytical") for name in names),
        *((name, "float32") for name in names),
    ]
    assert [check.array for check in checks if not check.passed] == ["scale_1.scale"]
    assert_array_equal(model.parameters, before)
    assert model.parameters.dtype == np.float32


class MeanFree(Layer):
    """Takes the mean over the batch away, so that a bias before it has no gradient. Shapes: (N, D)."""

    type: Literal["mean_free"] = "mean_free"

    def forward(self, node: Node, inputs: Array) -> Array:
        return inputs - inputs.mean(axis=0)

    def backward(self, node: Node, d_out: Array) -> Array:
        return d_out - d_out.mean(axis=0)


@pytest.mark.parametrize("seed", range(3))
def test_a_gradient_that_is_nothing_but_rounding_raises_no_alarm(seed: int) -> None:
    layers = [Affine(units=4), MeanFree(), Affine(units=4), CategoricalCrossEntropy()]
    model = Sequential(layers, input_shape=(4,), dtype="float32", seed=seed)
    checks = check_network_gradients(model, INPUTS, LABELS, seed=seed)
    require_passed(checks)
    assert max(abs(check.numerical) for check in checks if check.array == "affine_1.bias") < 1e-6


def test_samples_that_are_none_are_the_layers_fault() -> None:
    class Lists(MeanFree):
        def example_inputs(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Any:
            return [[0.0] * 4] * count

    with pytest.raises(ComponentError, match=r"Lists\.example_inputs .* returned list, expected numbers of shape \(1, 4\)"):
        check_layer_gradients(Lists(), (4,))
