"""A first spec for a table: what its columns seem to hold, and a network that suits them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from layerkit.errors import DataError
from layerkit.tables.encoding import class_labels, is_number
from layerkit.tables.fitting import MOST_CATEGORIES
from layerkit.tables.table import Seen, Source, require_columns

MOST_CLASSES = 20
"""Most different whole numbers in a target that are taken for classes."""


def draft(source: Source, path: str, kind: str, target: str | None, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run spec, as JSON has it, that trains on the rows of ``source`` at once.

    Parameters
    ----------
    source
        The rows.
    path
        Where they are, as the spec is to say it.
    kind
        The type of the data set.
    target
        The column to predict; None for the last one.
    name
        Of the run.
    options
        What else the data set is to be told.

    Raises
    ------
    DataError
        If the target is no column, or nothing can be predicted from the others.
    """
    names = list(source.names())
    if target is not None:
        require_columns(source, [target], "the target")
    target = names[-1] if target is None else target
    seen = source.look(names, {})
    if seen[target].missing:
        raise DataError(f'{source.what}: the target "{target}" is missing in {seen[target].missing} rows; leave them out')
    if seen[target].problem is not None:
        raise DataError(str(seen[target].problem))
    features, dropped = _features({column: seen[column] for column in names if column != target})
    if not features:
        raise DataError(f'{source.what}: beside the target "{target}" no column is left to predict from')
    classes = _are_classes(seen[target])
    n_outputs = len(seen[target].texts or ()) if classes else 1
    count = seen[target].count
    width = sum(_width(one) for one in features.values())
    hidden = 16 if width <= 8 else 32 if width <= 32 else 64
    data: dict[str, Any] = {"type": kind, "path": path, "target": target}
    data |= {"drop": dropped} if dropped else {}
    if classes:
        _require_classes(source.what, target, seen[target])
        data["stratify"] = True
    if any(one.kind == "category" for one in features.values()):
        data["unseen"] = "zeros"
    if any(one.missing for one in features.values()):
        data["impute"] = {"strategy": "median", "indicator": True}
    data |= options
    layers: list[dict[str, Any]] = [{"type": "standardize"}]
    for _ in range(2):
        layers += [{"type": "affine", "units": hidden, "weight_init": {"type": "he_normal"}}, {"type": "relu"}]
    rate = 0.02
    if classes:
        layers += [{"type": "affine", "units": n_outputs}, {"type": "crossentropy"}]
    else:
        middle, spread = _middle_and_spread(seen[target])
        rate = float(f"{rate / spread**2:.1g}")
        start = {"weight_init": {"type": "normal", "std": float(f"{spread / hidden**0.5:.2g}")}}
        layers += [{"type": "affine", "units": 1, **start, "bias_init": {"type": "constant", "value": middle}}, {"type": "mse"}]
    training: dict[str, Any] = {
        "optimizer": {"type": "sgd", "learning_rate": rate, "momentum": 0.9, "weight_decay": 0.001},
        "epochs": 200,
        "batch_size": 32 if count >= 100 else max(1, count // 4),
    }
    if classes or count >= LEAST_TO_HOLD_OUT:
        held_out = 0.15 if count * 0.1 >= n_outputs else n_outputs  # one of each class at least
        training["validation"] = {"size": held_out}
        training["metrics"] = [{"type": "accuracy"}, {"type": "f1_macro"}] if classes else [{"type": "r2"}]
        training["early_stopping"] = {"patience": 20}
    else:
        data["test_size"] = None
    return {"layerkit": 1, "name": name, "seed": 0, "data": data, "model": {"layers": layers}, "training": training}


LEAST_TO_HOLD_OUT = 20
"""Rows of a table with numbers to predict below which all are trained on."""


def _features(columns: Mapping[str, Seen]) -> tuple[dict[str, Seen], list[str]]:
    """Return the columns that a network can learn of, and the names of the others: dates, names, what never varies."""
    found: dict[str, Seen] = {}
    dropped = []
    for name, seen in columns.items():
        texts = len(seen.texts or ())
        many = seen.kind == "category" and (texts > MOST_CATEGORIES or (texts > 20 and texts * 2 > seen.count))
        scarce = seen.count * 4 < seen.missing
        if seen.problem is not None or many or scarce or (texts <= 1 and not seen.missing):
            dropped.append(name)
        else:
            found[name] = seen
    return found, dropped


def _require_classes(what: str, name: str, target: Seen) -> None:
    """Refuse classes that cannot be told apart, or of which there are too few to be in each part of a split."""
    labels = target.texts or {}
    class_labels(labels, f'{what}, column "{name}"')
    rarest = min(labels, key=lambda text: labels[text])
    if len(labels) * 2 > target.count:
        raise DataError(
            f'{what}, column "{name}": {len(labels)} different texts in {target.count} rows are no classes; name another --target'
        )
    if labels[rarest] < LEAST_OF_A_CLASS:
        raise DataError(
            f'{what}, column "{name}": the class "{rarest}" has {labels[rarest]} rows, and it takes {LEAST_OF_A_CLASS} to train, '
            "choose and test; leave them out, or join classes"
        )


LEAST_OF_A_CLASS = 4
"""Rows of a class without which it is in no part of a split but one."""


def _middle_and_spread(target: Seen) -> tuple[float, float]:
    """Return about where numbers lie and how far apart: a network starts there, and its steps are as long as suits them.

    Steps of gradient descent on squared differences must shrink with the square of the numbers.
    """
    lowest, highest = target.lowest or 0.0, target.highest or 0.0
    spread = highest / 4 - lowest / 4
    if not 1e-12 < spread < 1e12:
        raise DataError(
            f"the target lies between {lowest:g} and {highest:g}; multiply it by a constant, so that it spreads over some units"
        )
    return float(f"{lowest / 2 + highest / 2:.2g}"), spread


def _are_classes(target: Seen) -> bool:
    """Return whether a target is of classes: texts, truth values, or few whole numbers."""
    if target.kind != "number":
        return True
    return target.whole and len(target.texts or ()) <= MOST_CLASSES and all(map(is_number, target.texts or ()))


def _width(seen: Seen) -> int:
    """Return how many inputs a column becomes."""
    return len(seen.texts or ()) if seen.kind == "category" else 1
