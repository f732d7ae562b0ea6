"""What losses have in common: checks of targets and weights that name the first row that offends, and where targets point."""

from __future__ import annotations

from typing import Any

import numpy as np

from layerkit.errors import TargetError
from layerkit.stack.node import Node
from layerkit.typing import Array, Shape

_ROW_SUM_TOLERANCE = 1e-4
"""Rows of float32 probabilities over some thousand classes sum to one no better than this."""


def check_labels(targets: Array, n_classes: int) -> None:
    """Refuse integer labels (N,) that are not in ``0 .. n_classes - 1``.

    Raises
    ------
    TargetError
        Naming the first offending row.
    """
    # Seen as unsigned, a negative label is huge: one pass finds both kinds of fault.
    if len(targets) and np.maximum.reduce(targets.view(targets.dtype.str.replace("i", "u"))) >= n_classes:
        row = int(np.flatnonzero((targets < 0) | (targets >= n_classes))[0])
        raise TargetError(
            f"row {row}: label {targets[row]} is out of range; {n_classes} outputs take labels 0 to {n_classes - 1}"
        )


def check_distributions(targets: Array) -> None:
    """Refuse rows (N, K) that are not one-hot or soft: finite, not negative, summing to one.

    Raises
    ------
    TargetError
        Naming the first offending row.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # infinities are reported below, in words
        sums = targets.sum(axis=1, dtype=np.float64)
    rounding = 2 * float(np.finfo(targets.dtype).eps) if targets.dtype.kind == "f" else 0.0
    wrong = ~((targets >= 0).all(axis=1) & (np.abs(sums - 1) <= max(_ROW_SUM_TOLERANCE, rounding)))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        if not np.isfinite(targets[row]).all():
            fault = "holds NaN or infinity"
        elif (targets[row] < 0).any():
            fault = f"holds the negative probability {targets[row].min()}"
        else:
            fault = f"sums to {sums[row]}"
        raise TargetError(f"row {row} {fault}; one-hot and soft targets are probabilities that sum to 1")


def check_class_targets(targets: Array, logits_shape: Shape) -> None:
    """Refuse targets that are neither labels (N,) nor one-hot or soft rows (N, K) for logits (N, K).

    Raises
    ------
    TargetError
        Saying what was expected, and the first offending row where there is one.
    """
    count, n_classes = logits_shape
    if targets.ndim == 1 and len(targets) == count and targets.dtype.kind in "iu":
        check_labels(targets, n_classes)
    elif targets.shape == logits_shape and targets.dtype.kind in "iuf":
        check_distributions(targets)
    elif targets.ndim == 1 and targets.dtype.kind == "f" and np.isnan(targets).any():
        raise TargetError(f"row {int(np.flatnonzero(np.isnan(targets))[0])}: the label is NaN")
    else:
        raise TargetError(
            f"expected integer labels of shape ({count},), or one-hot or soft rows of shape {logits_shape}; "
            f"received {targets.dtype} of shape {targets.shape}"
        )


def check_sample_weight(sample_weight: Array, count: int) -> None:
    """Refuse weights that are not ``count`` finite numbers, none negative, at least one positive.

    Raises
    ------
    TargetError
        Naming the first offending row.
    """
    if sample_weight.shape != (count,) or sample_weight.dtype.kind not in "iuf":
        raise TargetError(
            f"expected sample weights of shape ({count},), received {sample_weight.dtype} of shape {sample_weight.shape}"
        )
    wrong = ~(np.isfinite(sample_weight) & (sample_weight >= 0))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise TargetError(f"row {row}: sample weight {sample_weight[row]} is not a finite number of 0 or more")
    if not sample_weight.any():
        raise TargetError("all sample weights are 0, so the loss is a mean over nothing")


def batch_share(sample_weight: Array | None, count: int, dtype: np.dtype[Any]) -> Array | float:
    """Return what each sample counts in a weighted mean, ``w / sum(w)``: shape (count,), or the number 1 / count without weights.

    Raises
    ------
    TargetError
        If the weights are not as `check_sample_weight` wants them.
    """
    if sample_weight is None:
        return 1 / count
    given = np.asarray(sample_weight)
    check_sample_weight(given, count)
    weight = given / np.max(given).astype(np.float64)  # a sum of large weights would overflow
    share: Array = (weight / weight.sum()).astype(dtype)
    return share


def flat_index(node: Node, labels: Array, n_classes: int) -> Array:
    """Return where the labels (N,) point in flattened logits (N, K): ``row * n_classes + label``, in a buffer of the node."""
    index = node.buffer("index", labels.shape, np.intp)
    index.fill(n_classes)
    index[:1] = 0
    np.add.accumulate(index, out=index)
    return np.add(index, labels, out=index, casting="unsafe")
