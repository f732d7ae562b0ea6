"""How a network does on samples, in every figure that is for such targets, and class by class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from layerkit.data.base import Split
from layerkit.data.samples import Samples
from layerkit.errors import DataError
from layerkit.metrics.base import Metric
from layerkit.network.rows import EncodedRows
from layerkit.network.sequential import Sequential
from layerkit.registry.discovery import builtin_registry
from layerkit.stack.loss import Loss
from layerkit.training.checked_samples import sample_count, taken
from layerkit.training.sample_scores import sample_scores
from layerkit.typing import Array


@dataclass(frozen=True, slots=True)
class ClassRow:
    """How a network does on the samples of one class.

    Attributes
    ----------
    label
        The class.
    precision, recall, f1
        Share of the samples decided for it that are of it; of the samples of it that are decided for it; their harmonic mean.
    count
        Samples of it.
    """

    label: Any
    precision: float
    recall: float
    f1: float
    count: int


@dataclass(frozen=True, slots=True)
class Report:
    """How a network does on samples.

    Attributes
    ----------
    count
        How many there are.
    scores
        The loss, and each figure by its name.
    classes
        A row for each class; nothing where there are no classes.
    confusion
        How many samples of each class, by rows, were decided to be of each, by columns.
    """

    count: int
    scores: dict[str, float]
    classes: tuple[ClassRow, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        rows = [{name: getattr(row, name) for name in ClassRow.__slots__} for row in self.classes]
        classes = {"classes": rows, "confusion": [list(row) for row in self.confusion]} if rows else {}
        return {"count": self.count, "scores": self.scores, **classes}


def report_of(model: Sequential, rows: Iterable[EncodedRows]) -> Report:
    """Return how a network does on rows with targets, in every built-in figure for such targets.

    Raises
    ------
    DataError, DivergedError, ComponentError
        As for `Sequential.evaluate`.
    """
    parts = [(some.inputs, some.targets) for some in rows]
    inputs = np.concatenate([part for part, _ in parts])
    targets = np.concatenate([part for _, part in parts if part is not None])
    scores, predictions = model.evaluate(inputs, targets), model.predict(inputs)
    loss = model.spec.layers[-1]
    assert isinstance(loss, Loss)
    for metric in _metrics_for(loss):
        with suppress(DataError):  # such as that of a ranking of samples that are all of one class
            scores |= model.metrics(predictions, targets, None, [metric])
    if loss.task != "classes":
        return Report(len(targets), scores)
    return Report(len(targets), scores, *_by_class(model, targets, model.decide(predictions)))


def part_scores(model: Sequential, data: Split, metrics: Sequence[Metric]) -> dict[str, dict[str, float]]:
    """Return the loss and some metrics on each part of the data of a run: training, validation and test, where there are such.

    Raises
    ------
    DataError, DivergedError, ComponentError
        As for `Sequential.evaluate`.
    """
    parts = {"training": data.train, "validation": data.validation, "test": data.test}
    return {name: sample_scores(model, part, metrics) for name, part in parts.items() if part is not None}


def class_rows(model: Sequential, samples: Samples) -> tuple[ClassRow, ...]:
    """Return how a network does on the samples of each class; nothing where targets are no class numbers."""
    batch = taken(samples, slice(0, sample_count(samples)))
    targets, loss = np.asarray(batch.targets), model.spec.layers[-1]
    if not isinstance(loss, Loss) or loss.task != "classes" or targets.ndim != 1:
        return ()
    return _by_class(model, targets, model.decide(model.predict(batch.inputs)))[0]


def _metrics_for(loss: Loss) -> list[Metric]:
    """Return every built-in metric for the targets of a loss."""
    found: list[Any] = [item.component for item in builtin_registry().registrations if issubclass(item.component, Metric)]
    return [cls() for cls in sorted(found, key=lambda cls: str(cls.tag())) if loss.task in cls.tasks]


def _by_class(model: Sequential, targets: Array, decisions: Array) -> tuple[tuple[ClassRow, ...], tuple[tuple[int, ...], ...]]:
    encoding = model.encoding
    count = len(encoding.labels) if encoding is not None and encoding.labels else int(max(targets.max(), decisions.max())) + 1
    confusion = np.zeros((count, count), np.int64)
    np.add.at(confusion, (targets, decisions), 1)
    right, wanted, decided = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    precision, recall = right / np.maximum(decided, 1), right / np.maximum(wanted, 1)
    f1 = 2 * right / np.maximum(wanted + decided, 1)
    rows = tuple(
        ClassRow(
            encoding.label(number) if encoding is not None and encoding.labels else number,
            float(precision[number]),
            float(recall[number]),
            float(f1[number]),
            int(wanted[number]),
        )
        for number in range(count)
    )
    return rows, tuple(map(tuple, confusion.tolist()))
