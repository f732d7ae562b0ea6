"""Targets and sample weights as losses take them, checked once for a whole fit.

Each function returns a new array, or the given one where it is in the right form already; none writes into its arguments.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from layerkit.errors import TargetError
from layerkit.stack.arrays import is_missing
from layerkit.stack.node import Node
from layerkit.typing import Array, Shape

_ROW_SUM_TOLERANCE = 1e-4
"""Rows of float32 probabilities over some thousand classes sum to one no better than this."""


def class_targets(targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Return class targets for logits (N, K).

    Parameters
    ----------
    targets
        Integer labels (N,), or one-hot or soft rows (N, K): probabilities that sum to one.
    logits_shape
        (N, K).
    dtype
        Of the logits.

    Returns
    -------
    Array
        Labels as integers of the size of a pointer (N,), or rows (N, K) in ``dtype``, divided by their sums: rounding leaves sums
        that are one but nearly, and a loss and its gradient would disagree about such a row.

    Raises
    ------
    TargetError
        Saying what was expected, and the first offending row where there is one.
    """
    count, n_classes = logits_shape
    if targets.ndim == 1 and len(targets) == count and targets.dtype.kind in "iu":
        return _labels(targets, n_classes)
    if targets.shape == logits_shape and targets.dtype.kind in "iuf":
        return _distributions(targets, dtype)
    if targets.ndim == 1 and targets.dtype.kind == "f" and np.isnan(targets).any():
        raise TargetError(f"row {int(np.flatnonzero(np.isnan(targets))[0])}: the label is NaN")
    raise TargetError(
        f"expected integer labels of shape ({count},), or one-hot or soft rows of shape {logits_shape}; "
        f"received {targets.dtype} of shape {targets.shape}{_how_to_label(targets, count)}"
    )


def _how_to_label(targets: Array, count: int) -> str:
    """Say how to make labels of targets that are none, where that is plain to see."""
    kind = targets.dtype.kind
    missing = [row for row, target in enumerate(targets.flat) if is_missing(target)] if kind == "O" else []
    if missing:
        return f"; row {missing[0]} has no target: leave it out"
    if kind in "OSU":
        return "; number the classes: classes, targets = numpy.unique(targets, return_inverse=True)"
    if kind == "f" and not (targets == np.floor(targets)).all():
        return "; these are no classes, and a loss for classes cannot be trained on them"
    if targets.shape == (count, 1):
        return f"; write numpy.ravel(targets){'.astype(int)' if kind in 'bf' else ''}"
    return "; write numpy.asarray(targets, dtype=int)" if kind in "bf" and targets.shape == (count,) else ""


def _labels(targets: Array, n_classes: int) -> Array:
    # Seen as unsigned, a negative label is huge: one pass finds both kinds of fault.
    if len(targets) and np.maximum.reduce(targets.view(targets.dtype.str.replace("i", "u"))) >= n_classes:
        row = int(np.flatnonzero((targets < 0) | (targets >= n_classes))[0])
        raise TargetError(
            f"row {row}: label {targets[row]} is out of range; {n_classes} outputs take labels 0 to {n_classes - 1}"
            f"{_how_to_count(int(targets.min()), int(targets.max()), n_classes)}"
        )
    return targets.astype(np.intp, copy=False)


def _how_to_count(lowest: int, highest: int, n_classes: int) -> str:
    if lowest > 0 and highest - lowest < n_classes:
        return f"; labels count from 0: write targets - {lowest}"
    if lowest < 0:
        return "; number the classes: classes, targets = numpy.unique(targets, return_inverse=True)"
    return f"; labels up to {highest} take {highest + 1} outputs, and labels count from 0"


def _distributions(targets: Array, dtype: np.dtype[Any]) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):  # infinities are reported below, in words
        sums = targets.sum(axis=1, dtype=np.float64, keepdims=True)
    rounding = 2 * float(np.finfo(targets.dtype).eps) if targets.dtype.kind == "f" else 0.0
    wrong = ~((targets >= 0).all(axis=1) & (np.abs(sums[:, 0] - 1) <= max(_ROW_SUM_TOLERANCE, rounding)))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        if not np.isfinite(targets[row]).all():
            fault = "holds NaN or infinity"
        elif (targets[row] < 0).any():
            fault = f"holds the negative probability {targets[row].min()}"
        else:
            fault = f"sums to {sums[row, 0]}"
        raise TargetError(f"row {row} {fault}; one-hot and soft targets are probabilities that sum to 1")
    rows: Array = (targets / sums).astype(dtype, copy=False)
    return rows


def label_set_targets(targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Return sets of labels for logits (N, K).

    Parameters
    ----------
    targets
        Zeros and ones (N, K), a column a label; for K = 1 also (N,). Booleans are taken.
    logits_shape
        (N, K).
    dtype
        Of the logits.

    Returns
    -------
    Array
        Zeros and ones (N, K) in ``dtype``.

    Raises
    ------
    TargetError
        Saying what was expected, and the first offending row where there is one.
    """
    rows = _in_shape(targets, logits_shape, "biuf", "zeros and ones")
    wrong = ~((rows == 0) | (rows == 1)).reshape(len(rows), -1).all(axis=1)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise TargetError(f"row {row} holds {rows[row].tolist()}; a set of labels is written as zeros and ones, one a label")
    return rows.astype(dtype, copy=False)


def number_targets(targets: Array, logits_shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Return numbers for logits (N, \\*shape).

    Parameters
    ----------
    targets
        Finite numbers (N, \\*shape); (N,) where each sample has but one. Anything else would be broadcast, and is refused.
    logits_shape
        (N, \\*shape).
    dtype
        Of the logits.

    Returns
    -------
    Array
        Numbers (N, \\*shape) in ``dtype``.

    Raises
    ------
    TargetError
        Saying what was expected, and the first offending row where there is one.
    """
    rows = _in_shape(targets, logits_shape, "iuf", "numbers")
    with np.errstate(over="ignore"):
        numbers = rows.astype(dtype, copy=False)
    wrong = ~np.isfinite(numbers).reshape(len(numbers), -1).all(axis=1)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise TargetError(f"row {row} holds {rows[row].tolist()}; expected numbers that are finite in {np.dtype(dtype)}")
    return numbers


def _in_shape(targets: Array, logits_shape: Shape, kinds: str, what: str) -> Array:
    """Return ``targets`` in the shape of the logits, where that leaves no doubt which target belongs to which logit."""
    single = set(logits_shape[1:]) <= {1}
    if targets.dtype.kind in kinds and (targets.shape == logits_shape or (single and targets.shape == logits_shape[:1])):
        return targets.reshape(logits_shape)
    also = f" or {logits_shape[:1]}" if single else ""
    raise TargetError(f"expected {what} of shape {logits_shape}{also}; received {targets.dtype} of shape {targets.shape}")


def label_places(node: Node, labels: Array, n_classes: int) -> Array:
    """Return where labels (N,) point in flattened logits (N, K), ``row * n_classes + label``, in a work array of the node."""
    index = node.buffer("label_places", labels.shape, np.intp)
    index.fill(n_classes)
    index[:1] = 0
    np.add.accumulate(index, out=index)
    return np.add(index, labels, out=index)


def sample_weights(sample_weight: Array, count: int) -> Array:
    """Return sample weights as losses take them.

    Parameters
    ----------
    sample_weight
        ``count`` finite numbers, none negative, at least one positive.
    count
        Number of samples N.

    Returns
    -------
    Array
        Float64 (N,), divided by a power of two that leaves the largest between 0.5 and 1: a sum of large weights would overflow,
        and how weights compare is not touched by such a division.

    Raises
    ------
    TargetError
        Naming the first offending row.
    """
    weights = finite_weights(sample_weight, count)
    if not weights.any():
        raise TargetError("all sample weights are 0, so the loss is a mean over nothing")
    _, exponent = np.frexp(np.max(weights))
    scaled: Array = np.ldexp(weights, -exponent)
    return scaled


def finite_weights(sample_weight: Array, count: int) -> Array:
    """Return sample weights as float64 (N,), as they are: for a part of the samples, which may weigh nothing.

    Parameters and errors are as for `sample_weights`.
    """
    if sample_weight.shape != (count,) or sample_weight.dtype.kind not in "iuf":
        advice = "" if sample_weight.ndim else "; options of fit are given by name, such as epochs=10"
        raise TargetError(
            f"expected sample weights of shape ({count},), received {sample_weight.dtype} of shape {sample_weight.shape}{advice}"
        )
    with np.errstate(over="ignore"):
        weights = sample_weight.astype(np.float64, copy=False)
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise TargetError(f"row {row}: sample weight {sample_weight[row]} is not a finite number of 0 or more")
    return weights
