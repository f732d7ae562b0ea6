"""Weights by class: samples of rare classes may count for more."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from layerkit.data.samples import ArraySamples, Batch, Rows, Samples
from layerkit.errors import InputError
from layerkit.tables.encoding import Encoding, listed
from layerkit.typing import Array, Shape


def with_class_weights(samples: Samples, class_weight: Mapping[str, float] | str | None, encoding: Encoding | None) -> Samples:
    """Return samples whose weights are multiplied by those of their classes.

    Parameters
    ----------
    samples
        As a training takes them.
    class_weight
        What each class counts, by its label or its number, 1 where it is left out; ``balanced`` makes all classes count alike,
        ``N / (K * N_k)`` for N_k of N samples of K classes. None changes nothing.
    encoding
        Has the labels, where the samples are rows of a table.

    Raises
    ------
    InputError
        If the targets are no class numbers, or a class is none of theirs.
    """
    if class_weight is None:
        return samples
    counts = _counts(samples)
    count = len(counts) if encoding is None or not encoding.labels else len(encoding.labels)
    counts = np.pad(counts, (0, count - len(counts)))
    weights = _balanced(counts) if isinstance(class_weight, str) else _given(class_weight, count, encoding)
    if isinstance(samples, ArraySamples):
        return ArraySamples(*_weighed(samples.take(slice(0, len(samples))), weights))
    return _Weighed(samples, weights)


class _Weighed(Samples):
    """Samples that count as their classes do."""

    def __init__(self, samples: Samples, weights: Array) -> None:
        self._samples = samples
        self._weights = weights

    def __len__(self) -> int:
        return len(self._samples)

    @property
    def input_shape(self) -> Shape:
        return self._samples.input_shape

    @property
    def block_rows(self) -> int | None:
        return self._samples.block_rows

    def take(self, rows: Rows, out: Batch | None = None) -> Batch:
        return _weighed(self._samples.take(rows, out), self._weights)


def _weighed(batch: Batch, weights: Array) -> Batch:
    factors = weights[batch.targets]
    return batch._replace(sample_weight=factors if batch.sample_weight is None else factors * batch.sample_weight)


def _counts(samples: Samples) -> Array:
    """Return how many samples there are of each class."""
    counts = np.zeros(0, np.int64)
    for start in range(0, len(samples), _ROWS_AT_ONCE):
        targets = samples.take(slice(start, min(start + _ROWS_AT_ONCE, len(samples)))).targets
        if targets.ndim != 1 or targets.dtype.kind not in "iu":
            raise InputError("class_weight is for targets that are class numbers (N,); give a sample_weight instead")
        some = np.bincount(targets)
        counts = np.pad(counts, (0, max(0, len(some) - len(counts))))
        counts[: len(some)] += some
    return counts


_ROWS_AT_ONCE = 8192


def _balanced(counts: Array) -> Array:
    """Return the weights of ``sklearn.utils.class_weight.compute_class_weight("balanced")``, 0 for classes without samples."""
    there = np.count_nonzero(counts)
    return np.where(counts > 0, counts.sum() / (there * np.maximum(counts, 1)), 0.0)


def _given(class_weight: Mapping[str, float], count: int, encoding: Encoding | None) -> Array:
    labels = tuple(map(str, range(count))) if encoding is None or not encoding.labels else encoding.labels
    weights = np.ones(count)
    for label, weight in class_weight.items():
        if label not in labels:
            raise InputError(f'class_weight: "{label}" is none of the classes {listed(labels)}')
        weights[labels.index(label)] = weight
    if not weights.any():
        raise InputError("class_weight: all classes count 0, so that there is nothing to train on")
    return weights
