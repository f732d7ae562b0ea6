"""Right losses: with a parameter, for labels, and one that is no mean over samples; and wrong ones made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from layerkit import (
    Array,
    Loss,
    Node,
    Normal,
    Parameter,
    Shape,
    ShapeError,
    TargetError,
    Task,
    class_targets,
    label_set_targets,
    number_targets,
)
from layerkit.testing.conformance import losses, stages

from .catalogue import caught_by, sound


@sound
class SquaredError(Loss):
    """Half the squared distance. Shapes: logits and targets (N, \\*shape)."""

    task: ClassVar[Task | None] = "numbers"
    type: Literal["squared_error"] = "squared_error"

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return number_targets(targets, logits_shape, dtype)

    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        node.cache = logits - targets
        losses: Array = (node.cache**2).reshape(len(logits), -1).sum(axis=1) / 2
        return losses

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        d_logits: Array = node.cache * d_losses.reshape(-1, *[1] * (node.cache.ndim - 1))
        return d_logits

    def predict(self, node: Node, logits: Array) -> Array:
        return logits.copy()


@sound
class ScaledError(SquaredError):
    """Half the squared distance of scaled logits. Shapes: logits and targets (N, \\*shape)."""

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {"scale": Parameter(input_shape, Normal(mean=1.0))}

    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        losses = super().losses(node, logits * node.params.scale, targets)
        node.cache = logits, node.cache
        return losses

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        logits, gaps = node.cache
        slopes = gaps * d_losses.reshape(-1, *[1] * (gaps.ndim - 1))
        node.grads.scale = (logits * slopes).sum(axis=0)
        d_logits: Array = slopes * node.params.scale
        return d_logits

    def predict(self, node: Node, logits: Array) -> Array:
        predictions: Array = logits * node.params.scale
        return predictions


@sound
class Logistic(Loss):
    """Logistic loss of one logit. Shapes: logits (N, 1), targets (N,), each 0 or 1."""

    task: ClassVar[Task | None] = "classes"
    type: Literal["logistic"] = "logistic"

    def output_shape(self, input_shape: Shape) -> Shape:
        if input_shape != (1,):
            raise ShapeError(f"logistic expects one logit, received shape {input_shape}")
        return ()

    def class_count(self, input_shape: Shape) -> int | None:
        return 2

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        if targets.ndim != 1:
            raise TargetError(f"expected labels (N,), received shape {targets.shape}")
        return class_targets(targets, (logits_shape[0], 2), dtype)

    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        signs = (1 - 2 * targets).astype(node.dtype)
        node.cache = signs, logits[:, 0]
        losses: Array = np.logaddexp(0, signs * logits[:, 0])
        return losses

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        signs, logits = node.cache
        d_logits: Array = d_losses * signs / (1 + np.exp(-signs * logits))
        return d_logits[:, np.newaxis]

    def predict(self, node: Node, logits: Array) -> Array:
        probabilities: Array = 1 / (1 + np.exp(-logits[:, 0]))
        return probabilities

    def decide(self, predictions: Array) -> Array:
        return (predictions > 0.5).astype(int)

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(2, size=count)


@sound
class Ranking(Loss):
    """Pairs that stand in the wrong order, each weighted by both of its samples. Shapes: logits and targets (N, 1)."""

    task: ClassVar[Task | None] = "numbers"
    type: Literal["ranking"] = "ranking"

    def output_shape(self, input_shape: Shape) -> Shape:
        if input_shape != (1,):
            raise ShapeError(f"ranking expects one score, received shape {input_shape}")
        return ()

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return number_targets(targets, logits_shape, dtype)

    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        weight = np.ones(len(logits)) if sample_weight is None else sample_weight
        pairs = self.share((targets > targets.T) * np.outer(weight, weight))
        gaps = (logits - logits.T).astype(np.float64)
        slopes = -pairs / (1 + np.exp(gaps))
        node.cache = (slopes.sum(axis=1) - slopes.sum(axis=0)).astype(node.dtype)
        return float((pairs * np.logaddexp(0, -gaps)).sum())

    def share(self, pairs: Array) -> Array:
        """Return what each pair counts."""
        return pairs / (pairs.sum() or 1.0)

    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        d_logits: Array = node.cache[:, np.newaxis] * d_out
        return d_logits

    def predict(self, node: Node, logits: Array) -> Array:
        return logits.copy()


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
    def d_logits(self, node: Node, d_losses: Array) -> Array:
        d_logits = super().d_logits(node, d_losses)
        node.grads.scale = node.grads.scale * 2
        return d_logits


@caught_by(losses.logit_gradients, "inputs: .* DISAGREE")
class IgnoresTheGradientsOfItsSamples(SquaredError):
    def d_logits(self, node: Node, d_losses: Array) -> Array:
        d_logits: Array = node.cache / len(d_losses)
        return d_logits


@caught_by(losses.logit_gradients, "inputs: .* for a random d_losses DISAGREE")
class AveragesTheGradientsOfItsSamples(SquaredError):
    """Right as long as all samples weigh the same."""

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        return super().d_logits(node, np.full_like(d_losses, d_losses.mean()))


@caught_by(losses.logit_gradients, "inputs: .* for a random d_losses DISAGREE")
class TakesGradientsForWeights(SquaredError):
    """Right as long as nobody hands in a negative number."""

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        return super().d_logits(node, np.abs(d_losses) * np.sign(d_losses.sum()))


@caught_by(losses.logit_gradients, r"squared_error_1\.scale: .* for a random d_losses DISAGREE")
class ForgetsItsSamplesInItsParameter(ScaledError):
    def d_logits(self, node: Node, d_losses: Array) -> Array:
        super().d_logits(node, np.full_like(d_losses, d_losses.mean()))
        scale = node.grads.scale.copy()
        d_logits = super().d_logits(node, d_losses)
        node.grads.scale = scale
        return d_logits


@caught_by(losses.logit_gradients, "inputs: .* DISAGREE")
class RanksWithoutWeightsOnTheWayBack(Ranking):
    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        loss = super().forward(node, logits, targets, sample_weight)
        super().forward(node, logits, targets)
        return loss


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
        scale = node.grads.scale.copy()
        d_logits = super().backward(node, d_out)
        node.grads.scale = scale
        return d_logits


@caught_by(losses.upstream_gradient, r"backward raised TypeError")
class WantsAnUpstream(SquaredError):
    def backward(self, node: Node, d_out: float) -> Array:  # type: ignore[override]  # the default that is missing is the mistake
        return super().backward(node, d_out)


@caught_by(stages.gradients_are_overwritten, r"grads\.scale")
class AccumulatesItsParameter(ScaledError):
    def d_logits(self, node: Node, d_losses: Array) -> Array:
        before = node.grads.scale.copy()
        d_logits = super().d_logits(node, d_losses)
        node.grads.scale += before
        return d_logits


@caught_by(stages.backward_twice, "the second backward pass: d_inputs")
class GrowsWithEachBackward(SquaredError):
    def d_logits(self, node: Node, d_losses: Array) -> Array:
        node.cache *= d_losses.reshape(-1, *[1] * (node.cache.ndim - 1))
        d_logits: Array = node.cache
        return d_logits


# --- the losses of samples ----------------------------------------------------------------------------------------


@caught_by(losses.losses_by_sample, r"what LossesInAColumn\.losses returns have shape \(4, 1\), expected \(4,\)")
class LossesInAColumn(SquaredError):
    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        return super().losses(node, logits, targets)[:, np.newaxis]


@caught_by(losses.losses_by_sample, r"what LossesInAList\.losses returns must be an array, received list")
class LossesInAList(SquaredError):
    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        values: Any = super().losses(node, logits, targets).tolist()
        return values  # type: ignore[no-any-return]  # a list is the mistake


@caught_by(losses.losses_by_sample, r"what WholeLosses\.losses returns are int64, expected float64")
class WholeLosses(SquaredError):
    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        return super().losses(node, logits, targets).astype(np.int64)


@caught_by(losses.losses_by_sample, "of each sample alone: losses")
class ComparesWithItsBatch(SquaredError):
    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        return super().losses(node, logits, targets - targets.mean(axis=0))


@caught_by(losses.losses_by_sample, r"after WritesTheGradientsOfItsSamples\.d_logits: d_losses")
class WritesTheGradientsOfItsSamples(SquaredError):
    def d_logits(self, node: Node, d_losses: Array) -> Array:
        d_logits = super().d_logits(node, d_losses)
        d_losses *= 0
        return d_logits


@caught_by(losses.losses_by_sample, r"the gradients of TransposedGradients\.d_logits have shape \(5, 4\), expected \(4, 5\)")
class TransposedGradients(SquaredError):
    def d_logits(self, node: Node, d_losses: Array) -> Array:
        return super().d_logits(node, d_losses).T


@caught_by(losses.mean_of_the_losses, "as the weighted mean of its losses: the loss")
class AddsAPenalty(SquaredError):
    """Adds to the mean what no sample loses."""

    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        return super().forward(node, logits, targets, sample_weight) + 0.01


# --- the mean -----------------------------------------------------------------------------------------------------


@caught_by(losses.mean_over_the_batch, "of the same batch said twice: the loss")
class SumsOverTheBatch(SquaredError):
    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        return super().forward(node, logits, targets, sample_weight) * len(logits)


@caught_by(losses.mean_over_the_batch, "as the mean over the samples one by one: the loss")
class RootOfTheMean(SquaredError):
    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        loss = super().forward(node, logits, targets, sample_weight)
        node.cache /= 2 * np.sqrt(loss)
        return float(np.sqrt(loss))


@caught_by(losses.sample_weights, "with weights 2, 1, 0 and 3, against repeated rows")
class IgnoresWeights(SquaredError):
    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        return super().forward(node, logits, targets)


class Reweighted(SquaredError):
    """Gives the weighted mean a factor of its own."""

    def factor(self, weight: Array) -> float:
        """Return the factor."""
        return 1.0

    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        factor = self.factor(np.ones(len(logits)) if sample_weight is None else sample_weight)
        loss = super().forward(node, logits, targets, sample_weight)
        node.cache = (node.cache * factor).astype(node.dtype)
        return loss * factor


@caught_by(losses.sample_weights, "with weights 2, 1, 0 and 3, against repeated rows")
class DividesByTheCount(Reweighted):
    def factor(self, weight: Array) -> float:
        return float(weight.mean())


@caught_by(losses.sample_weights, r"with weights of 0\.1 each, against no weights: the loss")
class GuardsAgainstSmallWeights(Reweighted):
    def factor(self, weight: Array) -> float:
        return float(weight.sum() / max(weight.sum(), 1))


@caught_by(losses.sample_weights, "with weights 2, 1, 0 and 3, against repeated rows")
class LeavesNothingOut(SquaredError):
    """Takes a weight of 0 for a weight that is missing."""

    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        weight = None if sample_weight is None else np.where(sample_weight, sample_weight, 1)
        return super().forward(node, logits, targets, weight)


@caught_by(losses.no_weight_at_all, r"with weights of 0: outputs is nan, expected 0")
class RanksNothing(Ranking):
    def share(self, pairs: Array) -> Array:
        with np.errstate(invalid="ignore"):
            return np.asarray(pairs / pairs.sum())


# --- targets ------------------------------------------------------------------------------------------------------


@caught_by(losses.number_of_targets, r"AcceptsAnyNumber\.prepare accepts 1 targets for 4 rows of logits")
class AcceptsAnyNumber(SquaredError):
    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return super().prepare(np.resize(targets, logits_shape), logits_shape, dtype)


@caught_by(losses.number_of_targets, r"ChecksNoTargets\.prepare accepts 1 targets")
class ChecksNoTargets(SquaredError):
    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return targets.astype(dtype)


@caught_by(losses.number_of_targets, r"RefusesWithAnotherError\.prepare raised ValueError")
class RefusesWithAnotherError(SquaredError):
    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        if targets.shape != logits_shape:
            raise ValueError("shapes differ")
        return super().prepare(targets, logits_shape, dtype)


@caught_by(losses.refused_targets, "LetsNaNThrough.prepare accepts NaN as targets")
class LetsNaNThrough(SquaredError):
    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return super().prepare(np.nan_to_num(targets) if targets.dtype.kind == "f" else targets, logits_shape, dtype)


@caught_by(losses.refused_targets, "prepare raised ValueError: could not convert string to float")
class ConvertsWhateverItGets(SquaredError):
    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return super().prepare(targets.astype(dtype), logits_shape, dtype)


@caught_by(losses.refused_targets, "LetsMinusOneThrough.prepare accepts the label -1 as targets")
class LetsMinusOneThrough(Logistic):
    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return super().prepare(abs(targets) if targets.dtype.kind == "i" else targets, logits_shape, dtype)


@caught_by(losses.refused_targets, "LetsALabelTooManyThrough.prepare accepts the label 2 as targets")
class LetsALabelTooManyThrough(Logistic):
    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return class_targets(targets, (logits_shape[0], 3), dtype)


@caught_by(losses.prepared_targets, "some targets, prepared by CentresTargets alone: targets")
class CentresTargets(SquaredError):
    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        prepared = super().prepare(targets, logits_shape, dtype)
        return np.asarray(prepared - prepared.mean(axis=0))


@caught_by(losses.prepared_targets, r"prepare raised ValueError: .*read-only")
class PreparesInPlace(SquaredError):
    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        targets *= 1
        return super().prepare(targets, logits_shape, dtype)


@caught_by(losses.prepared_targets, r"prepare returned list for 4 targets, expected a row for each")
class PreparesAList(SquaredError):
    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        rows: Any = list(super().prepare(targets, logits_shape, dtype))
        return rows  # type: ignore[no-any-return]  # a list is the mistake


@caught_by(losses.prepared_targets, r"targets that PreparesTwice\.prepare gave, prepared again")
class PreparesTwice(SquaredError):
    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return super().prepare(targets, logits_shape, dtype) / 2


@caught_by(losses.example_targets, r"example_targets gives 2 targets, asked for 1")
class TooManyExamples(SquaredError):
    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return super().example_targets(input_shape, count + 1, rng)


@caught_by(losses.example_targets, r"prepare raised TargetError")
class ExamplesItRefuses(SquaredError):
    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(2, size=count)


@caught_by(losses.example_targets, "gives other targets though rng is the same")
class ExamplesOfItsOwn(SquaredError):
    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return super().example_targets(input_shape, count, np.random.default_rng())


@caught_by(losses.task, r"task is 'regression', expected one of \('classes', 'label_sets', 'numbers', None\)")
class NamesATaskOfItsOwn(SquaredError):
    task: ClassVar[Any] = "regression"


# --- predictions --------------------------------------------------------------------------------------------------


@caught_by(losses.predictions, "predict returns the memory of its argument")
class PredictsItsArgument(SquaredError):
    def predict(self, node: Node, logits: Array) -> Array:
        return logits


@caught_by(losses.predictions, r"after WritesLogits\.predict: logits")
class WritesLogits(SquaredError):
    def predict(self, node: Node, logits: Array) -> Array:
        logits -= logits.max()
        return np.exp(logits)


@caught_by(losses.predictions, "after another call of .*predict: predictions")
class PredictsIntoOneArray(SquaredError):
    def predict(self, node: Node, logits: Array) -> Array:
        memory = node.buffer("predictions", logits.shape)
        np.copyto(memory, logits)
        return memory


@caught_by(losses.predictions, r"have shape \(5,\), expected \(4,\)")
class PredictsByColumn(SquaredError):
    def predict(self, node: Node, logits: Array) -> Array:
        return logits.argmax(axis=0)


@caught_by(losses.predictions, "of each row alone: predictions")
class NormalizesOverTheBatch(SquaredError):
    def predict(self, node: Node, logits: Array) -> Array:
        probabilities: Array = np.exp(logits) / np.exp(logits).sum()
        return probabilities


@caught_by(losses.predictions, r"predict raised ValueError: .*read-only")
class PredictsIntoItsParameter(ScaledError):
    def predict(self, node: Node, logits: Array) -> Array:
        node.params.scale = abs(node.params.scale)
        return super().predict(node, logits)


@caught_by(losses.decisions, r"are float64 of shape \(4,\), expected one of 2 classes a sample")
class DecidesNothing(Logistic):
    """Leaves out `decide`, so that a score compares labels with probabilities."""

    def decide(self, predictions: Array) -> Array:
        return predictions


@caught_by(losses.decisions, r"are float64 of shape \(4,\), expected one of the classes a sample")
class KnowsNoClasses(Logistic):
    """Says that it is for classes, not how many, and decides nothing."""

    def class_count(self, input_shape: Shape) -> int | None:
        return None

    def decide(self, predictions: Array) -> Array:
        return predictions


@sound
class Tags(SquaredError):
    """Half the squared distance to zeros and ones. Shapes: logits and targets (N, K)."""

    task: ClassVar[Task | None] = "label_sets"
    type: Literal["tags"] = "tags"  # type: ignore[assignment]  # another tag

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return label_set_targets(targets, logits_shape, dtype)

    def decide(self, predictions: Array) -> Array:
        return (predictions > 0.5).astype(int)

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(2, size=(count, *input_shape))


@caught_by(losses.decisions, r"are float64 of shape \(4, 5\), expected zeros and ones, as whole numbers")
class DecidesNoSets(Tags):
    def decide(self, predictions: Array) -> Array:
        return predictions


@caught_by(losses.decisions, "of each row alone: decisions")
class DecidesByTheMedian(Logistic):
    def decide(self, predictions: Array) -> Array:
        return (predictions > np.median(predictions)).astype(int)


@caught_by(losses.decisions, r"after DecidesInPlace\.decide: predictions")
class DecidesInPlace(SquaredError):
    def decide(self, predictions: Array) -> Array:
        return np.round(predictions, out=predictions)


# --- what all stages promise --------------------------------------------------------------------------------------


@caught_by(stages.arguments_are_kept, r"after WritesTargets\.forward: targets")
class WritesTargets(SquaredError):
    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        losses = super().losses(node, logits, targets)
        targets -= logits
        return losses


@caught_by(stages.arguments_are_kept, r"after WritesWeights\.forward: sample_weight")
class WritesWeights(SquaredError):
    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        if sample_weight is not None:
            sample_weight /= sample_weight.sum()
        return super().forward(node, logits, targets, sample_weight)


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


@caught_by(stages.shapes_and_dtypes, r"forward returned float64, expected float")
class GivesANumPyFloat(SquaredError):
    """Gives what passes for a float, and is none."""

    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        return np.float64(super().forward(node, logits, targets, sample_weight))


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
    """Keeps its targets in float64, which make its gradients float64 in a float32 network."""

    def prepare(self, targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return super().prepare(targets, logits_shape, np.dtype(np.float64))


@caught_by(stages.interleaved_nodes, "d_inputs")
class LossCacheOnTheClass(SquaredError):
    cached: ClassVar[Any] = None

    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        losses = super().losses(node, logits, targets)
        type(self).cached = node.cache
        return losses

    def d_logits(self, node: Node, d_losses: Array) -> Array:
        node.cache = self.cached
        return super().d_logits(node, d_losses)


@caught_by(stages.batches_of_any_size, "after others at the same node")
class KeepsItsFirstTargets(SquaredError):
    first: ClassVar[dict[Node, Array]] = {}

    def losses(self, node: Node, logits: Array, targets: Array) -> Array:
        kept = self.first.setdefault(node, targets)
        return super().losses(node, logits, kept if kept.shape == targets.shape else targets)


@caught_by(stages.work_size, r"CountsNothing takes \d+ bytes for 64 samples in float32; work_size\(\(5,\)\) = 0 numbers a sample")
class CountsNothing(SquaredError):
    """Uses no work arrays itself; the base class does."""

    def work_size(self, input_shape: Shape) -> int:
        return 0
