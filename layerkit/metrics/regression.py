"""Metrics of numbers, as scikit-learn computes them and by its names: a figure that is an error is negative."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from layerkit import Array, Metric, Outcome, Task


class _NumberMetric(Metric):
    """A figure of predicted numbers (N, \\*shape) against those that were wanted, the plain mean over the outputs."""

    tasks: ClassVar[tuple[Task, ...]] = ("numbers",)
    function: ClassVar[str]
    sign: ClassVar[int] = -1

    def score(self, outcome: Outcome) -> float:
        from sklearn import metrics

        wanted, predicted = _flat(outcome)
        return self.sign * float(getattr(metrics, self.function)(wanted, predicted, sample_weight=outcome.sample_weight))


class NegRootMeanSquaredError(_NumberMetric):
    """Minus the square root of the mean squared difference."""

    function: ClassVar[str] = "root_mean_squared_error"
    type: Literal["neg_root_mean_squared_error"] = "neg_root_mean_squared_error"


class NegMeanSquaredError(_NumberMetric):
    """Minus the mean squared difference."""

    function: ClassVar[str] = "mean_squared_error"
    type: Literal["neg_mean_squared_error"] = "neg_mean_squared_error"


class NegMeanAbsoluteError(_NumberMetric):
    """Minus the mean absolute difference."""

    function: ClassVar[str] = "mean_absolute_error"
    type: Literal["neg_mean_absolute_error"] = "neg_mean_absolute_error"


class R2(_NumberMetric):
    """Share of the variance of the targets that is predicted, at most 1; 0 where they do not vary and are not met exactly."""

    function: ClassVar[str] = "r2_score"
    sign: ClassVar[int] = 1
    type: Literal["r2"] = "r2"

    def score(self, outcome: Outcome) -> float:
        if len(outcome.targets) == 1:  # where scikit-learn warns and gives NaN
            return float(np.array_equal(*_flat(outcome)))
        return super().score(outcome)


class MaxError(Metric):
    """Largest absolute difference of any sample that counts at all."""

    tasks: ClassVar[tuple[Task, ...]] = ("numbers",)
    greater_is_better: ClassVar[bool] = False
    type: Literal["max_error"] = "max_error"

    def score(self, outcome: Outcome) -> float:
        wanted, predicted = _flat(outcome)
        counts = slice(None) if outcome.sample_weight is None else outcome.sample_weight > 0
        return float(np.abs(wanted - predicted)[counts].max())


def _flat(outcome: Outcome) -> tuple[Array, Array]:
    """Return what was wanted and what was decided, (N, K) each."""
    predictions = outcome.decisions.astype(np.float64)
    count = len(predictions)
    return outcome.targets.astype(np.float64).reshape(count, -1), predictions.reshape(count, -1)
