"""Scores of samples, which need not stand in memory whole."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from layerkit.data.samples import ArraySamples, Batch, Samples
from layerkit.errors import DataError, DivergedError
from layerkit.losses.targets import finite_weights
from layerkit.metrics.base import Metric
from layerkit.network.sequential import Sequential
from layerkit.training.checked_samples import sample_count, taken
from layerkit.typing import Array

_ROWS_AT_ONCE = 1024
_MOST_KEPT = 2**22
"""Most numbers of predictions and targets that are kept for metrics."""


class Measured(NamedTuple):
    """What is known of samples once a network was applied to them.

    Attributes
    ----------
    loss
        Of all samples, a mean by weight.
    predictions, targets, sample_weight
        Of every `metric_step`-th sample; nothing where they were not asked for.
    """

    loss: float
    predictions: Array
    targets: Array
    sample_weight: Array


def sample_scores(model: Sequential, samples: Samples, metrics: Sequence[Metric]) -> dict[str, float]:
    """Return how ``model`` does on samples: its ``loss``, and each metric by its label.

    Of samples that are no arrays the inputs are taken part by part; targets and predictions are kept, of so many that they take
    little memory, see `metric_step`.

    Raises
    ------
    DataError, DivergedError, ComponentError
        As for `Sequential.evaluate`; also if the samples cannot be taken.
    """
    if isinstance(samples, ArraySamples):
        return model.evaluate(samples.inputs, samples.targets, samples.sample_weight, metrics=metrics)
    measured = measure(model, samples, with_predictions=bool(metrics))
    if not metrics:
        return {"loss": measured.loss}
    return {"loss": measured.loss} | model.metrics(measured.predictions, measured.targets, measured.sample_weight, metrics)


def metric_step(model: Sequential, samples: Samples) -> int:
    """Return of which samples metrics are measured: of every one, unless they are in files and more than can be kept."""
    if isinstance(samples, ArraySamples):
        return 1
    numbers = math.prod(model.spec.logits_shape) + 2
    return math.ceil(sample_count(samples) * numbers / _MOST_KEPT)


def measure(model: Sequential, samples: Samples, *, with_predictions: bool) -> Measured:
    """Return the loss of samples, and what metrics are computed from; errors as for `sample_scores`."""
    loss, seen, parts, step, first = 0.0, 0.0, [], metric_step(model, samples), 0
    for inputs, targets, weight in parts_of(model, samples):
        weights = np.ones(len(inputs)) if weight is None else finite_weights(weight, len(inputs))
        part = float(np.add.reduce(weights))
        with np.errstate(all="ignore"):  # overflow shows in what is not finite, and is reported as that
            if part:
                seen += part
                loss += (model.loss(inputs, targets, weight) - loss) * (part / seen)
            if with_predictions:
                kept = slice(-first % step, None, step)
                parts.append((model.predict(inputs)[kept], np.array(targets[kept]), np.array(weights[kept])))
        first += len(inputs)
    if not seen:
        raise DataError("all sample weights are 0, so the loss is a mean over nothing")
    if not math.isfinite(loss):
        raise DivergedError(f"the loss is {loss}, so the samples have no score; the parameters or the inputs are too large")
    if not with_predictions:
        return Measured(loss, *(np.empty(0),) * 3)
    return Measured(loss, *(np.concatenate(kept) for kept in zip(*parts, strict=True)))


def parts_of(model: Sequential, samples: Samples) -> Iterator[Batch]:
    """Yield samples in their order, some at a time, with inputs as the network takes them; errors as for `sample_scores`."""
    count = sample_count(samples)
    for start in range(0, count, _ROWS_AT_ONCE):
        rows = slice(start, min(start + _ROWS_AT_ONCE, count))
        inputs, targets, weight = taken(samples, rows)
        yield Batch(model.checked_inputs(inputs, rows), np.asarray(targets), weight)
