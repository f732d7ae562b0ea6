"""Scores of samples, which need not stand in memory whole."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layerkit.data.samples import ArraySamples, Samples
from layerkit.errors import DataError, DivergedError
from layerkit.losses.targets import finite_weights
from layerkit.metrics.base import Metric
from layerkit.network.sequential import Sequential
from layerkit.training.checked_samples import sample_count, taken

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
    loss, seen, parts, count = 0.0, 0.0, [], sample_count(samples)
    for start in range(0, count, _ROWS_AT_ONCE):
        rows = slice(start, min(start + _ROWS_AT_ONCE, count))
        inputs, targets, weight = taken(samples, rows)
        inputs = model.checked_inputs(inputs, rows)
        weights = np.ones(len(inputs)) if weight is None else finite_weights(weight, len(inputs))
        part = float(np.add.reduce(weights))
        with np.errstate(all="ignore"):  # overflow shows in what is not finite, and is reported as that
            if part:
                seen += part
                loss += (model.loss(inputs, targets, weight) - loss) * (part / seen)
            if metrics:
                parts.append((model.predict(inputs), np.array(targets), np.array(weights)))
    if not seen:
        raise DataError("all sample weights are 0, so the loss is a mean over nothing")
    if not math.isfinite(loss):
        raise DivergedError(f"the loss is {loss}, so the samples have no score; the parameters or the inputs are too large")
    if not metrics:
        return {"loss": loss}
    predictions, wanted, weights = (np.concatenate(kept) for kept in zip(*parts, strict=True))
    return {"loss": loss} | model.metrics(predictions, wanted, weights, metrics)
