"""Weights by class: samples of rare classes may count for more."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from layerkit.data.samples import ArraySamples, Samples
from layerkit.errors import InputError
from layerkit.tables.encoding import Encoding, listed
from layerkit.typing import Array


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
        If the targets are no class numbers in memory, or a class is none of theirs.
    """
    if class_weight is None:
        return samples
    if not isinstance(samples, ArraySamples) or samples.targets.ndim != 1 or samples.targets.dtype.kind not in "iu":
        raise InputError("class_weight is for targets that are class numbers (N,), in memory; give a sample_weight instead")
    targets = samples.targets
    count = int(targets.max()) + 1 if encoding is None or not encoding.labels else len(encoding.labels)
    weights = _balanced(targets, count) if isinstance(class_weight, str) else _given(class_weight, count, encoding)
    factors = weights[targets]
    return ArraySamples(samples.inputs, targets, factors if samples.sample_weight is None else factors * samples.sample_weight)


def _balanced(targets: Array, count: int) -> Array:
    """Return the weights of ``sklearn.utils.class_weight.compute_class_weight("balanced")``, 0 for classes without samples."""
    counts = np.bincount(targets, minlength=count)
    there = np.count_nonzero(counts)
    return np.where(counts > 0, len(targets) / (there * np.maximum(counts, 1)), 0.0)


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
