"""Scores as tables for people: by part of the data, and by class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from layerkit.history import figure
from layerkit.layout import figures
from layerkit.training.report import ClassRow


def part_lines(scores: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Yield a table of scores with a row for each part of the data."""
    names = list(next(iter(scores.values())))
    rows = [(part, *(figure(values[name]) for name in names)) for part, values in scores.items()]
    return figures([("", *names), *rows], right=tuple(range(1, len(names) + 1)))


def class_lines(classes: Iterable[ClassRow]) -> Iterator[str]:
    """Yield a table with a row for each class."""
    rows = [
        (str(row.label), figure(row.precision, 3), figure(row.recall, 3), figure(row.f1, 3), str(row.count)) for row in classes
    ]
    return figures([("class", "precision", "recall", "f1", "samples"), *rows], right=(1, 2, 3, 4))
