"""A right loss with weights, one with a parameter, and wrong ones made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from layerkit import Array, Loss, Node, Normal, Parameter, Shape, ShapeError
from layerkit.errors import TargetError
from layerkit.testing.conformance import losses, stages

from .catalogue import caught_by, sound


@sound
class SquaredError(Loss):
    """Half the squared distance. Shapes: logits and targets (N, \\*shape)."""

    type: Literal["squared_error"] = "squared_error"

    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        self.check_targets(targets, logits.shape)
        share = self.share(sample_weight, len(logits)).reshape(-1, *[1] * (logits.ndim - 1))
        gaps = logits - targets
        node.cache = (gaps * share).astype(node.dtype)
        return float(np.sum(share * gaps**2) / 2)

    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        d_logits: Array = node.cache * d_out
        return d_logits

    def predict(self, logits: Array) -> Array:
        return logits.copy()

    def check_targets(self, targets: Array, logits_shape: Shape) -> None:
        if targets.shape != logits_shape:
            raise TargetError(f"expected targets of shape {logits_shape}, received {targets.shape}")

    def share(self, sample_weight: Array | None, count: int) -> Array:
        """Return what each sample counts."""
        weight = np.ones(count) if sample_weight is None else sample_weight
        return weight / weight.sum()


@sound
class ScaledError(SquaredError):
    """Half the squared distance of scaled logits. Shapes: logits and targets (N, \\*shape)."""

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {"scale": Parameter(input_shape, Normal(mean=1.0))}

    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        loss = super().forward(node, logits * node.params.scale, targets, sample_weight)
        node.cache = logits, node.cache
        return loss

    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        logits, gaps = node.cache
        node.grads.scale = (logits * gaps).sum(axis=0) * d_out
        d_logits: Array = gaps * node.params.scale * d_out
        return d_logits


@sound
class Logistic(Loss):
    """Logistic loss of one logit. Shapes: logits (N, 1), targets (N,), each 0 or 1."""

    type: Literal["logistic"] = "logistic"

    def output_shape(self, input_shape: Shape) -> Shape:
        if input_shape != (1,):
            raise ShapeError(f"logistic expects one logit, received shape {input_shape}")
        return ()

    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        self.check_targets(targets, logits.shape)
        weight = np.ones(len(logits)) if sample_weight is None else sample_weight
        share = (weight / weight.sum()).astype(node.dtype)
        signs = (1 - 2 * targets).astype(node.dtype)
        node.cache = signs, share, logits[:, 0]
        return float(share @ np.logaddexp(0, signs * logits[:, 0]))

    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        signs, share, logits = node.cache
        d_logits: Array = d_out * share * signs / (1 + np.exp(-signs * logits))
        return d_logits[:, np.newaxis]

    def predict(self, logits: Array) -> Array:
        return (logits[:, 0] > 0).astype(int)

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(2, size=count)


# --- gradients ----------------------------------------------------------------------------------------------------


@caught_by(losses.logit_gradients, "inputs: .* DISAGREE")
class GradientOfTheSum(SquaredError):
    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        return super().backward(node, d_out) * len(node.cache)


@caught_by(losses.logit_gradients, "inputs: .* DISAGREE")
class GradientWithoutWeights(SquaredError):
    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        loss = super().forward(node, logits, targets, sample_weight)
        super().forward(node, logits, targets)
        return loss


@caught_by(losses.logit_gradients, r"squared_error_1\.scale: .* DISAGREE")
class WrongParameterGradient(ScaledError):
    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        d_logits = super().backward(node, d_out)
        node.grads.scale = node.grads.scale * 2
        return d_logits


@caught_by(losses.upstream_gradient, "with d_out = 0: d_inputs")
class IgnoresUpstream(SquaredError):
    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        return super().backward(node)


@caught_by(losses.upstream_gradient, "with d_out = -1: d_inputs")
class IgnoresTheSignOfUpstream(SquaredError):
    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        return super().backward(node, abs(d_out))


@caught_by(losses.upstream_gradient, "with d_out = 0: d_inputs")
class TakesZeroForNothing(SquaredError):
    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        return super().backward(node, d_out or 1.0)


@caught_by(losses.upstream_gradient, r"grads\.scale")
class IgnoresUpstreamInItsParameter(ScaledError):
    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        super().backward(node)
        d_logits: Array = node.cache[1] * node.params.scale * d_out
        return d_logits


@caught_by(losses.upstream_gradient, r"backward raised TypeError")
class WantsAnUpstream(SquaredError):
    def backward(self, node: Node, d_out: float) -> Array:  # type: ignore[override]  # the default that is missing is the mistake
        return super().backward(node, d_out)


@caught_by(stages.gradients_are_overwritten, r"grads\.scale")
class AccumulatesItsParameter(ScaledError):
    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        before = node.grads.scale.copy()
        d_logits = super().backward(node, d_out)
        node.grads.scale += before
        return d_logits


@caught_by(stages.backward_twice, "the second backward pass: d_inputs")
class GrowsWithEachBackward(SquaredError):
    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        node.cache *= d_out
        d_logits: Array = node.cache
        return d_logits


# --- the mean -----------------------------------------------------------------------------------------------------


@caught_by(losses.mean_over_the_batch, "of the same batch said twice: the loss")
class SumsOverTheBatch(SquaredError):
    def share(self, sample_weight: Array | None, count: int) -> Array:
        return np.ones(count) if sample_weight is None else sample_weight


@caught_by(losses.mean_over_the_batch, "as the mean over the samples one by one: the loss")
class RootOfTheMean(SquaredError):
    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        loss = super().forward(node, logits, targets, sample_weight)
        node.cache /= 2 * np.sqrt(loss)
        return float(np.sqrt(loss))


@caught_by(losses.sample_weights, "with weights 2, 1, 0 and 3, against repeated rows")
class IgnoresWeights(SquaredError):
    def share(self, sample_weight: Array | None, count: int) -> Array:
        return super().share(None, count)


@caught_by(losses.sample_weights, "with weights 2, 1, 0 and 3, against repeated rows")
class DividesByTheCount(SquaredError):
    def share(self, sample_weight: Array | None, count: int) -> Array:
        return (np.ones(count) if sample_weight is None else sample_weight) / count


@caught_by(losses.sample_weights, r"with weights of 0\.1 each, against no weights: the loss")
class GuardsAgainstSmallWeights(SquaredError):
    def share(self, sample_weight: Array | None, count: int) -> Array:
        weight = np.ones(count) if sample_weight is None else sample_weight
        return weight / max(weight.sum(), 1)


@caught_by(losses.sample_weights, "with weights 2, 1, 0 and 3, against repeated rows")
class LeavesNothingOut(SquaredError):
    """Takes a weight of 0 for a weight that is missing."""

    def share(self, sample_weight: Array | None, count: int) -> Array:
        return super().share(None if sample_weight is None else np.where(sample_weight, sample_weight, 1), count)


# --- targets and predictions --------------------------------------------------------------------------------------


@caught_by(losses.number_of_targets, r"AcceptsAnyNumber\.forward accepts 1 targets for 4 rows of logits")
class AcceptsAnyNumber(SquaredError):
    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        return super().forward(node, logits, np.resize(targets, logits.shape), sample_weight)


@caught_by(losses.number_of_targets, r"ChecksNoTargets\.check_targets accepts 1 targets")
class ChecksNoTargets(SquaredError):
    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        super().check_targets(targets, logits.shape)
        return super().forward(node, logits, targets, sample_weight)

    def check_targets(self, targets: Array, logits_shape: Shape) -> None:
        pass


@caught_by(losses.number_of_targets, r"RefusesWithAnotherError\.forward raised ValueError")
class RefusesWithAnotherError(SquaredError):
    def check_targets(self, targets: Array, logits_shape: Shape) -> None:
        if targets.shape != logits_shape:
            raise ValueError("shapes differ")


@caught_by(losses.example_targets, r"example_targets gives 2 targets, asked for 1")
class TooManyExamples(SquaredError):
    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return super().example_targets(input_shape, count + 1, rng)


@caught_by(losses.example_targets, r"check_targets raised TargetError")
class ExamplesItRefuses(SquaredError):
    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(2, size=count)


@caught_by(losses.example_targets, "gives other targets though rng is the same")
class ExamplesOfItsOwn(SquaredError):
    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return super().example_targets(input_shape, count, np.random.default_rng())


@caught_by(losses.predictions, "predict returns the memory of its argument")
class PredictsItsArgument(SquaredError):
    def predict(self, logits: Array) -> Array:
        return logits


@caught_by(losses.predictions, r"after WritesLogits\.predict: logits")
class WritesLogits(SquaredError):
    def predict(self, logits: Array) -> Array:
        logits -= logits.max()
        return np.exp(logits)


@caught_by(losses.predictions, "after another call of .*predict: predictions")
class PredictsIntoOneArray(SquaredError):
    memory: ClassVar[dict[Any, Array]] = {}

    def predict(self, logits: Array) -> Array:
        memory = self.memory.setdefault((logits.shape, logits.dtype), logits.copy())
        np.copyto(memory, logits)
        return memory


@caught_by(losses.predictions, r"have shape \(5,\), expected \(4,\)")
class PredictsByColumn(SquaredError):
    def predict(self, logits: Array) -> Array:
        return logits.argmax(axis=0)


@caught_by(losses.predictions, "of each row alone: predictions")
class NormalizesOverTheBatch(SquaredError):
    def predict(self, logits: Array) -> Array:
        probabilities: Array = np.exp(logits) / np.exp(logits).sum()
        return probabilities


@caught_by(stages.arguments_are_kept, r"after WritesTargets\.forward: targets")
class WritesTargets(SquaredError):
    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        loss = super().forward(node, logits, targets, sample_weight)
        targets -= logits
        return loss


@caught_by(stages.arguments_are_kept, r"after WritesWeights\.forward: sample_weight")
class WritesWeights(SquaredError):
    def share(self, sample_weight: Array | None, count: int) -> Array:
        weight = np.ones(count) if sample_weight is None else sample_weight
        weight /= weight.sum()
        return weight


# --- what all stages promise --------------------------------------------------------------------------------------


@caught_by(stages.shapes_and_dtypes, r"forward returned ndarray, expected float")
class GivesAnArray(SquaredError):
    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        loss: Any = np.array(super().forward(node, logits, targets, sample_weight))
        return loss  # type: ignore[no-any-return]  # an array is the mistake


@caught_by(stages.shapes_and_dtypes, r"forward returned float32, expected float")
class GivesAFloat32(SquaredError):
    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        loss: Any = node.dtype.type(super().forward(node, logits, targets, sample_weight))
        return loss  # type: ignore[no-any-return]  # another type is the mistake


@caught_by(stages.shapes_and_dtypes, "forward returned inf")
class GivesInfinity(SquaredError):
    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        super().forward(node, logits, targets, sample_weight)
        return float("inf")


@caught_by(stages.shapes_and_dtypes, r"backward returned None, though node\.needs_input_gradient is true")
class GivesNoGradient(SquaredError):
    def backward(self, node: Node, d_out: float = 1.0) -> Any:
        return None


@caught_by(stages.shapes_and_dtypes, "are float64, expected float32")
class GradientOfItsTargetsType(SquaredError):
    """Float64 targets make its gradients float64 in a float32 network."""

    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        loss = super().forward(node, logits, targets, sample_weight)
        node.cache = (logits - targets) / len(logits)
        return loss


@caught_by(stages.interleaved_nodes, "d_inputs")
class LossCacheOnTheClass(SquaredError):
    cached: ClassVar[Any] = None

    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        loss = super().forward(node, logits, targets, sample_weight)
        type(self).cached = node.cache
        return loss

    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        d_logits: Array = self.cached * d_out
        return d_logits


@caught_by(stages.batches_of_any_size, "after others at the same node")
class KeepsItsFirstTargets(SquaredError):
    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        kept: Any = node.__dict__.setdefault("targets", targets)
        return super().forward(node, logits, kept if kept.shape == targets.shape else targets, sample_weight)
