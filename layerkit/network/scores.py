"""Figures of what a network predicted, one for each metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from layerkit.blame import Blame, number_from
from layerkit.errors import ComponentError, DataError, DivergedError
from layerkit.metrics.base import Metric, Outcome
from layerkit.network.inputs import read_only
from layerkit.typing import Array


def metric_scores(
    metrics: Sequence[Metric],
    predictions: Array,
    targets: Array,
    sample_weight: Array | None,
    decide: Callable[[Array], Array],
) -> dict[str, float]:
    """Return figures of predictions, each by the label of its metric; ``decide`` is what the loss decides from them.

    Raises
    ------
    DivergedError
        If a prediction is not finite.
    ComponentError
        If a metric or the loss fails.
    """
    if not np.isfinite(predictions).all():
        raise DivergedError("the predictions are not finite, so they have no score; the parameters are too large")
    # What one metric sees is what the next one sees.
    outcome = Outcome(targets, read_only(predictions), read_only(decide(predictions)), sample_weight)
    return {metric.label: _score(metric, outcome) for metric in metrics}


def _score(metric: Metric, outcome: Outcome) -> float:
    with Blame(metric, "score", refusals=(DataError,)):
        answer = metric.score(outcome)
    score = number_from(metric, "score", answer)
    if not math.isfinite(score):
        raise ComponentError(metric, "score", f"returned {score}, expected a finite number")
    return score
