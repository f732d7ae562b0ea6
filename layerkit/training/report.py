"""How a network does on samples, in every figure that is for such targets, and class by class."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from layerkit.data.base import Split
from layerkit.data.samples import Samples
from layerkit.errors import DataError
from layerkit.metrics.base import Metric
from layerkit.network.sequential import Sequential
from layerkit.registry.discovery import builtin_registry
from layerkit.stack.loss import Loss
from layerkit.training.checked_samples import sample_count
from layerkit.training.sample_scores import measure, metric_step, parts_of, sample_scores


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
    step
        Figures but for the loss are measured on every one, or, where there are too many to be kept, every ``step``-th.
    scores
        The loss, and each figure by its name.
    classes
        A row for each class; nothing where there are no classes.
    confusion
        How many samples of each class, by rows, were decided to be of each, by columns.
    """

    count: int
    step: int
    scores: dict[str, float]
    classes: tuple[ClassRow, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        rows = [{name: getattr(row, name) for name in ClassRow.__slots__} for row in self.classes]
        classes = {"classes": rows, "confusion": [list(row) for row in self.confusion]} if rows else {}
        return {"count": self.count, "step": self.step, "scores": self.scores, **classes}


def report_of(model: Sequential, samples: Samples) -> Report:
    """Return how a network does on samples, in every built-in figure for such targets.

    Raises
    ------
    DataError, DivergedError, ComponentError
        As for `Sequential.evaluate`.
    """
    measured = measure(model, samples, with_predictions=True)
    scores: dict[str, float] = {}
    loss = model.spec.layers[-1]
    assert isinstance(loss, Loss)
    for metric in _metrics_for(loss):
        with suppress(DataError):  # such as that of a ranking of samples that are all of one class
            scores |= model.metrics(measured.predictions, measured.targets, measured.sample_weight, [metric])
    every = sample_count(samples), metric_step(model, samples)
    return Report(*every, {"loss": measured.loss, **scores}, *by_class(model, samples))


def part_scores(model: Sequential, data: Split, metrics: Sequence[Metric]) -> dict[str, dict[str, float]]:
    """Return the loss and some metrics on each part of the data of a run: training, validation and test, where there are such.

    Raises
    ------
    DataError, DivergedError, ComponentError
        As for `Sequential.evaluate`.
    """
    return {name: sample_scores(model, part, metrics) for name, part in data.parts().items()}


def _metrics_for(loss: Loss) -> list[Metric]:
    """Return every built-in metric for the targets of a loss."""
    found: list[Any] = [item.component for item in builtin_registry().registrations if issubclass(item.component, Metric)]
    return [cls() for cls in sorted(found, key=lambda cls: str(cls.tag())) if loss.task in cls.tasks]


def by_class(model: Sequential, samples: Samples) -> tuple[tuple[ClassRow, ...], tuple[tuple[int, ...], ...]]:
    """Return how a network does on the samples of each class, and what was taken for what, see `Report`.

    Nothing where the targets are no class numbers.
    """
    loss = model.spec.layers[-1]
    if not isinstance(loss, Loss) or loss.task != "classes":
        return (), ()
    encoding = model.encoding
    count = len(encoding.labels) if encoding is not None else 0
    confusion = np.zeros((count, count), np.int64)
    for inputs, targets, _ in parts_of(model, samples):
        if targets.ndim != 1:
            return (), ()
        decisions = model.decide(model.predict(inputs))
        more = int(max(targets.max(), decisions.max())) + 1 - len(confusion)
        if more > 0:
            confusion = np.pad(confusion, (0, more))
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
        for number in range(len(confusion))
    )
    return rows, tuple(map(tuple, confusion.tolist()))
