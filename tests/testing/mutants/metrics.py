"""Right metrics, one of each kind of targets, and wrong ones made of them."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from layerkit import Array, Metric, Outcome, Task
from layerkit.testing.conformance import metrics

from .catalogue import caught_by, sound


@sound
class MeanError(Metric):
    """Mean distance between numbers, weighted."""

    tasks: ClassVar[tuple[Task, ...]] = ("numbers",)
    greater_is_better: ClassVar[bool] = False
    type: Literal["mean_error"] = "mean_error"

    def score(self, outcome: Outcome) -> float:
        gaps = outcome.targets.reshape(outcome.decisions.shape) - outcome.decisions
        return self.mean(np.abs(gaps).reshape(len(gaps), -1).mean(axis=1), outcome.sample_weight)

    def mean(self, errors: Array, weight: Array | None) -> float:
        """Return the mean over the samples."""
        return float(np.average(errors, weights=weight))


@sound
class Hits(Metric):
    """Share of the decisions that are right, weighted."""

    tasks: ClassVar[tuple[Task, ...]] = ("classes", "label_sets")
    type: Literal["hits"] = "hits"

    def score(self, outcome: Outcome) -> float:
        hits = (outcome.targets == outcome.decisions).reshape(len(outcome.targets), -1).mean(axis=1)
        return float(np.average(hits, weights=outcome.sample_weight))


@caught_by(metrics.tasks, r"tasks is \(\), expected a tuple of some of")
class IsForNothing(MeanError):
    tasks: ClassVar[tuple[Task, ...]] = ()


@caught_by(metrics.tasks, r"tasks is 'numbers', expected a tuple of some of")
class NamesItsTaskInAString(MeanError):
    tasks: ClassVar[Any] = "numbers"


@caught_by(metrics.tasks, r"label is 3, expected a text")
class NumbersItsLabel(MeanError):
    @property
    def label(self) -> Any:
        return 3


@caught_by(metrics.scores, r"for numbers of shape \(12,\): .*score returned ndarray, expected float")
class ScoresEachSample(MeanError):
    def score(self, outcome: Outcome) -> float:
        scores: Any = np.abs(outcome.predictions).mean(axis=1)
        return scores  # type: ignore[no-any-return]  # an array is the mistake


@caught_by(metrics.scores, "score returned nan")
class GivesNaN(Hits):
    def score(self, outcome: Outcome) -> float:
        return super().score(outcome) * np.nan


@caught_by(metrics.scores, "for sets of labels: .*score raised (AxisError|IndexError|ValueError)")
class IsForClassesAlone(Hits):
    """Says that it is for sets of labels too."""

    def score(self, outcome: Outcome) -> float:
        hits = outcome.predictions[np.arange(len(outcome.targets)), outcome.targets.reshape(len(outcome.predictions))] > 0.5
        return float(np.average(hits, weights=outcome.sample_weight))


@caught_by(metrics.scores, r"for classes: .*score gives .*, and then")
class CountsItsCalls(Hits):
    calls: ClassVar[int] = 0

    def score(self, outcome: Outcome) -> float:
        type(self).calls += 1
        return super().score(outcome) / self.calls


@caught_by(metrics.scores, "uses global random state")
class DrawsSamples(Hits):
    def score(self, outcome: Outcome) -> float:
        np.random.permutation(len(outcome.targets))  # noqa: NPY002 (the mistake)
        return super().score(outcome)


@caught_by(metrics.arguments_of_a_score, r"after WritesPredictions\.score: predictions")
class WritesPredictions(Hits):
    def score(self, outcome: Outcome) -> float:
        score = super().score(outcome)
        predictions = outcome.predictions
        predictions *= 2
        return score


@caught_by(metrics.arguments_of_a_score, r"score raised ValueError: .*read-only")
class BorrowsDecisions(MeanError):
    """Writes into the decisions, and puts back what was there."""

    def score(self, outcome: Outcome) -> float:
        kept = outcome.decisions.copy()
        decisions = outcome.decisions
        decisions -= outcome.targets.reshape(decisions.shape)
        errors = np.abs(decisions).mean(axis=1)
        decisions[...] = kept
        return self.mean(errors, outcome.sample_weight)


@caught_by(metrics.weighted_scores, "with weights 2, 1, 0 and 3, against repeated rows")
class IgnoresWeights(MeanError):
    def mean(self, errors: Array, weight: Array | None) -> float:
        return float(errors.mean())


@caught_by(metrics.weighted_scores, r"with weights of 0\.1 each, against no weights")
class SumsWeights(Hits):
    """Divides by the count of the samples that have any weight."""

    def score(self, outcome: Outcome) -> float:
        weight = outcome.sample_weight
        if weight is None or set(weight) == {0.0, 1.0, 2.0, 3.0}:
            return super().score(outcome)
        return super().score(outcome) * float(weight.sum()) / np.count_nonzero(weight)


@caught_by(metrics.better_scores, "score is 0 where all is right, expected greater than")
class SaysThatMoreIsBetter(MeanError):
    greater_is_better: ClassVar[bool] = True


@caught_by(metrics.better_scores, "where all is right, expected greater than")
class CountsMisses(Hits):
    def score(self, outcome: Outcome) -> float:
        return 1 - super().score(outcome)
