"""The share of samples that are decided rightly."""

from __future__ import annotations

from typing import ClassVar, Literal

from layerkit import Metric, Outcome, Task


class Accuracy(Metric):
    """Share of the samples that are decided as the targets say, weighted by the sample weights.

    Of sets of labels, a sample is right if all of its labels are. One-hot and soft targets count as their most probable class.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("classes", "label_sets")
    type: Literal["accuracy"] = "accuracy"

    def score(self, outcome: Outcome) -> float:
        from sklearn.metrics import accuracy_score

        targets, decisions = outcome.targets, outcome.decisions
        if decisions.ndim == 1 and targets.ndim == 2 and targets.shape[1] > 1:
            targets = targets.argmax(axis=1)
        return float(accuracy_score(targets.reshape(decisions.shape), decisions, sample_weight=outcome.sample_weight))
