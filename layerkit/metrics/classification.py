"""Metrics of classes, as scikit-learn computes them and by its names."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import Any, ClassVar, Literal

import numpy as np

from layerkit import Array, Metric, Outcome, Task


class ClassMetric(Metric):
    """A figure of decided classes (N,), or of sets of labels (N, K), against those that were wanted."""

    tasks: ClassVar[tuple[Task, ...]] = ("classes", "label_sets")

    def score(self, outcome: Outcome) -> float:
        decisions = outcome.decisions
        with warnings.catch_warnings():  # where a class has no samples, or all are of one
            warnings.simplefilter("ignore")
            return float(self.of(_classes(outcome.targets, decisions), decisions, outcome.sample_weight))

    @abstractmethod
    def of(self, wanted: Array, decided: Array, weight: Array | None) -> Any:
        """Return the figure."""


class _Averaged(ClassMetric):
    """A figure of each class, averaged over the classes."""

    function: ClassVar[str]
    average: ClassVar[str]

    def of(self, wanted: Array, decided: Array, weight: Array | None) -> Any:
        from sklearn import metrics

        function = getattr(metrics, self.function)
        return function(wanted, decided, average=self.average, sample_weight=weight, zero_division=0)


class F1Macro(_Averaged):
    """Harmonic mean of precision and recall, the plain mean over the classes."""

    function: ClassVar[str] = "f1_score"
    average: ClassVar[str] = "macro"
    type: Literal["f1_macro"] = "f1_macro"


class F1Weighted(_Averaged):
    """Harmonic mean of precision and recall, the mean over the classes by their numbers of samples."""

    function: ClassVar[str] = "f1_score"
    average: ClassVar[str] = "weighted"
    type: Literal["f1_weighted"] = "f1_weighted"


class PrecisionMacro(_Averaged):
    """Share of the samples of each decided class that are of it, the plain mean over the classes."""

    function: ClassVar[str] = "precision_score"
    average: ClassVar[str] = "macro"
    type: Literal["precision_macro"] = "precision_macro"


class RecallMacro(_Averaged):
    """Share of the samples of each class that are decided to be of it, the plain mean over the classes."""

    function: ClassVar[str] = "recall_score"
    average: ClassVar[str] = "macro"
    type: Literal["recall_macro"] = "recall_macro"


class _SingleClass(ClassMetric):
    """A figure of classes, of which each sample has one."""

    tasks: ClassVar[tuple[Task, ...]] = ("classes",)
    function: ClassVar[str]

    def of(self, wanted: Array, decided: Array, weight: Array | None) -> Any:
        from sklearn import metrics

        return getattr(metrics, self.function)(wanted, decided, sample_weight=weight)


class BalancedAccuracy(_SingleClass):
    """Share of the samples of each class that are decided rightly, the plain mean over the classes there are."""

    function: ClassVar[str] = "balanced_accuracy_score"
    type: Literal["balanced_accuracy"] = "balanced_accuracy"


class MatthewsCorrelation(_SingleClass):
    """Correlation of the decided classes with the wanted ones, from -1 to 1."""

    function: ClassVar[str] = "matthews_corrcoef"
    type: Literal["matthews_corrcoef"] = "matthews_corrcoef"


class CohenKappa(_SingleClass):
    """Agreement of the decided classes with the wanted ones beyond chance, at most 1; 0 where chance would agree as well."""

    function: ClassVar[str] = "cohen_kappa_score"
    type: Literal["cohen_kappa"] = "cohen_kappa"

    def of(self, wanted: Array, decided: Array, weight: Array | None) -> Any:
        if len(np.union1d(wanted, decided)) == 1:
            return 0.0  # where scikit-learn gives NaN
        return super().of(wanted, decided, weight)


def _classes(targets: Array, decisions: Array) -> Array:
    """Return targets as decisions are: of one-hot and soft rows the most probable class."""
    if decisions.ndim == 1 and targets.ndim == 2 and targets.shape[1] > 1:
        targets = targets.argmax(axis=1)
    return targets.reshape(decisions.shape).astype(decisions.dtype, copy=False)
