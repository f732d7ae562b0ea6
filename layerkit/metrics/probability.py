"""Metrics of probabilities, as scikit-learn computes them and by its names."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import ClassVar, Literal

import numpy as np

from layerkit import Array, DataError, Metric, Outcome, Task


class ProbabilityMetric(Metric):
    """A figure of the probabilities (N, K) of classes."""

    tasks: ClassVar[tuple[Task, ...]] = ("classes",)

    def score(self, outcome: Outcome) -> float:
        probabilities = outcome.predictions.astype(np.float64)
        if probabilities.ndim == 1 or probabilities.shape[1] == 1:  # that of the second of two classes
            second = probabilities.reshape(-1)
            probabilities = np.stack([1 - second, second], axis=1)
        wanted = outcome.targets
        if wanted.ndim == 2 and wanted.shape[1] > 1:
            wanted = wanted.argmax(axis=1)
        hot = np.zeros(probabilities.shape)
        hot[np.arange(len(hot)), wanted.reshape(-1).astype(np.intp)] = 1
        weight = np.ones(len(hot)) if outcome.sample_weight is None else outcome.sample_weight
        return float(self.of(hot, probabilities / probabilities.sum(axis=1, keepdims=True), weight))

    @abstractmethod
    def of(self, wanted: Array, probabilities: Array, weight: Array) -> float:
        """Return the figure; ``wanted`` is 1 for the class of each sample and 0 for the others, (N, K)."""


class LogLoss(ProbabilityMetric):
    """Mean of minus the logarithm of the probability of the class that was wanted, which counts as the least float at least."""

    greater_is_better: ClassVar[bool] = False
    type: Literal["log_loss"] = "log_loss"

    def of(self, wanted: Array, probabilities: Array, weight: Array) -> float:
        least = np.finfo(np.float64).eps
        of_wanted = np.clip((wanted * probabilities).sum(axis=1), least, 1)
        return float(np.average(-np.log(of_wanted), weights=weight))


class Brier(ProbabilityMetric):
    """Mean of the squared differences of the probabilities from 1 for the class that was wanted and 0 for the others.

    It is the sum over the classes; of two classes half of that, as it is of one probability.

    References
    ----------
    G. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78, 1950.
    """

    greater_is_better: ClassVar[bool] = False
    type: Literal["brier"] = "brier"

    def of(self, wanted: Array, probabilities: Array, weight: Array) -> float:
        scale = 0.5 if wanted.shape[1] == 2 else 1.0
        return scale * float(np.average(((probabilities - wanted) ** 2).sum(axis=1), weights=weight))


class _Ranking(ProbabilityMetric):
    """A figure of how the probabilities rank the samples; the mean over the classes that some samples are of, and some not."""

    function: ClassVar[str]

    def of(self, wanted: Array, probabilities: Array, weight: Array) -> float:
        from sklearn import metrics

        mixed = [number for number in range(wanted.shape[1]) if 0 < wanted[:, number].sum() < len(wanted)]
        if wanted.shape[1] == 2:
            mixed = [number for number in mixed if number == 1]
        if not mixed:
            raise DataError(f"{self.type} ranks samples of several classes, and these are all of one")
        function = getattr(metrics, self.function)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores = [function(wanted[:, number], probabilities[:, number], sample_weight=weight) for number in mixed]
        return float(np.mean(scores))


class RocAuc(_Ranking):
    """Area under the curve of true against false positives, one class against the others."""

    function: ClassVar[str] = "roc_auc_score"
    type: Literal["roc_auc"] = "roc_auc"


class AveragePrecision(_Ranking):
    """Mean of the precisions at each recall, one class against the others."""

    function: ClassVar[str] = "average_precision_score"
    type: Literal["average_precision"] = "average_precision"
