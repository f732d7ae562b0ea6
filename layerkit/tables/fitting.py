"""What an `Encoding` learns of the training samples: categories, labels, and what stands for a missing value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from layerkit.description import Description
from layerkit.errors import DataError
from layerkit.stack.loss import Task
from layerkit.tables.encoding import Encoding, Feature, Unseen, class_labels, is_number, listed
from layerkit.tables.table import Column, Kind, Table

MOST_CATEGORIES = 1000
"""Most texts of a category that become inputs of their own."""


class Impute(Description):
    """What stands for a missing value, as measured on the training samples."""

    strategy: Literal["mean", "median", "most_frequent", "constant"] = Field(default="mean", examples=["median"])
    """Of numbers; of truth values and categories the most frequent value stands in, but for a constant."""
    value: float | str | None = None
    """The constant; of categories a text."""
    indicator: bool = False
    """Add an input for each column that is 1 where its value is missing."""
    columns: Annotated[tuple[str, ...], Field(strict=False)] | None = None
    """Which columns; null for all features."""


def fitted(
    table: Table,
    kinds: dict[str, Kind],
    targets: Sequence[str],
    task: Task,
    *,
    codes: bool = False,
    unseen: Unseen = "refuse",
    impute: Impute | None = None,
) -> Encoding:
    """Return the encoding of rows like those of ``table``, which are the training samples.

    Parameters
    ----------
    table
        The training samples.
    kinds
        What the columns of the features hold, in their order.
    targets
        The columns that are to be predicted.
    task
        What they are.
    codes, unseen
        What becomes of categories, see `Feature`.
    impute
        What becomes of missing values; None refuses them.

    Raises
    ------
    DataError
        If a category has too many texts, or the targets are not what ``task`` says.
    """
    features = []
    for name, kind in kinds.items():
        column = table.columns[name]
        filled = impute is not None and (impute.columns is None or name in impute.columns)
        fill = _fill(column, impute, f'{table.sources[0][0]}, column "{name}"') if filled and impute is not None else None
        categories: tuple[str, ...] = ()
        if kind == "category":
            texts = set(column.values[~column.missing]) | ({fill} if isinstance(fill, str) else set())
            categories = tuple(sorted(texts))
            if len(categories) > MOST_CATEGORIES and not codes:
                raise DataError(
                    f'{table.sources[0][0]}, column "{name}": {len(categories)} different texts are no categories; leave the '
                    f'column out: "drop": ["{name}"]'
                )
        indicator = filled and impute is not None and impute.indicator
        features.append(
            Feature(
                name=name,
                kind=kind,
                categories=categories,
                codes=codes and kind == "category",
                unseen=unseen,
                fill=fill,
                indicator=indicator,
            )
        )
    labels = _labels(table, targets, task)
    return Encoding(features=tuple(features), targets=tuple(targets), task=task, labels=labels)


def _fill(column: Column, impute: Impute, place: str) -> float | str:
    there = column.values[~column.missing]
    if impute.strategy == "constant":
        if isinstance(impute.value, str) != (column.kind == "category") or impute.value is None:
            expected = "a text" if column.kind == "category" else "a number"
            raise DataError(f"{place}: a constant for its missing values must be {expected}, received {impute.value!r}")
        return impute.value
    if not len(there):
        raise DataError(f"{place}: all training samples lack a value, so nothing can stand for it; leave the column out")
    if column.kind == "number" and impute.strategy != "most_frequent":
        return float(there.mean() if impute.strategy == "mean" else np.median(there))
    counts = Counter(there.tolist())
    most = max(counts.values())
    return min(value for value, count in counts.items() if count == most)  # type: ignore[no-any-return]


def _labels(table: Table, targets: Sequence[str], task: Task) -> tuple[str, ...]:
    if task == "label_sets":
        return tuple(targets)
    if task == "numbers" or not targets:
        return ()
    if len(targets) > 1:
        raise DataError(f"classes stand in one column, and there are {len(targets)} targets, {listed(targets)}")
    (name,) = targets
    column, place = table.columns[name], f'{table.sources[0][0]}, column "{name}"'
    texts = {str(text).strip() for text in column.values[~column.missing]}
    fractions = all(map(is_number, texts)) and any(float(text) % 1 for text in texts)
    if len(texts) > 20 and (fractions or len(texts) * 2 > len(table)):
        raise DataError(
            f"{place}: {len(texts)} different values in {len(table)} samples are no classes; choose a loss for numbers, or "
            "another target"
        )
    return class_labels(texts, place)
