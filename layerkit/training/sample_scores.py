"""Scores of samples, which need not stand in memory whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layerkit.data.samples import ArraySamples, Samples
from layerkit.metrics.base import Metric
from layerkit.network.sequential import Sequential
from layerkit.training.checked_samples import taken

_ROWS_AT_ONCE = 1024


def sample_scores(model: Sequential, samples: Samples, metrics: Sequence[Metric]) -> dict[str, float]:
    """Return how ``model`` does on samples: its ``loss``, and each metric by its label.

    Of samples that are no arrays the inputs are taken part by part; targets and predictions are kept.

    Raises
    ------
    DataError, DivergedError, ComponentError
        As for `Sequential.evaluate`; also if the samples cannot be taken.
    """
    if isinstance(samples, ArraySamples):
        return model.evaluate(samples.inputs, samples.targets, samples.sample_weight, metrics=metrics)
    loss, seen, parts = 0.0, 0.0, []
    for start in range(0, len(samples), _ROWS_AT_ONCE):
        inputs, targets, weight = taken(samples, slice(start, min(start + _ROWS_AT_ONCE, len(samples))))
        counted = float(len(inputs) if weight is None else np.add.reduce(weight))
        if counted:
            seen += counted
            loss += (model.loss(inputs, targets, weight) - loss) * (counted / seen)
        if metrics:
            parts.append((model.predict(inputs), np.array(targets), np.ones(len(inputs)) if weight is None else np.array(weight)))
    if not metrics:
        return {"loss": loss}
    predictions, wanted, weights = (np.concatenate(kept) for kept in zip(*parts, strict=True))
    return {"loss": loss} | model.metrics(predictions, wanted, weights, metrics)
