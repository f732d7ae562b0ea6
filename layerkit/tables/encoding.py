"""`Encoding`: how the rows of a table become inputs and targets, and how predictions become labels again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from pydantic import Field

from layerkit.description import Description
from layerkit.diagnostics.diagnostic import shortened
from layerkit.errors import DataError
from layerkit.stack.loss import Task
from layerkit.tables.table import Column, Kind, Table
from layerkit.tables.writing import Writing
from layerkit.typing import Array

Unseen: TypeAlias = Literal["refuse", "zeros"]


class Feature(Description):
    """One column of a table among the inputs of a network.

    A number or a truth value is one input. A category is one input for each text that the training samples have, 1 where the
    column holds that text and 0 elsewhere; or, as ``codes``, one input with the number of the text.
    """

    name: str
    """Of the column."""
    kind: Kind
    """What it holds."""
    categories: tuple[str, ...] = Field(default=(), strict=False)
    """The texts of a category, in the order of their inputs."""
    codes: bool = False
    """Whether a category is one input, the number of the text."""
    unseen: Unseen = "refuse"
    """What becomes of a text that the training samples do not have."""
    fill: float | str | None = None
    """What stands for a missing value; null refuses them."""
    indicator: bool = False
    """Whether a further input is 1 where the value is missing."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs that it becomes."""
        own: tuple[str, ...] = (self.name,)
        if self.kind == "category" and not self.codes:
            own = tuple(f"{self.name}={text}" for text in self.categories)
        return (*own, f"{self.name} is missing") if self.indicator else own

    def write(self, table: Table, out: Array) -> None:
        """Write the inputs of all rows into ``out`` (N, len(inputs)).

        Raises
        ------
        DataError
            If a value is missing or unseen, where that is refused; names the first such row.
        """
        column = table.columns[self.name]
        if self.fill is None and column.missing.any():
            row = int(np.argmax(column.missing))
            raise DataError(
                f"{table.place(row, self.name)}: there is no value; leave the row out, or let impute fill such places in"
            )
        if self.kind == "category":
            self._write_category(table, column, out)
        else:
            out[:, 0] = np.where(column.missing, self.fill, column.values) if self.fill is not None else column.values
        if self.indicator:
            out[:, -1] = column.missing

    def _write_category(self, table: Table, column: Column, out: Array) -> None:
        texts = column.values
        if self.fill is not None:
            texts = np.where(column.missing, self.fill, texts)
        codes = numbered(texts.tolist(), self.categories)
        if (codes < 0).any() and self.unseen == "refuse":
            row = int(np.argmax(codes < 0))
            raise DataError(
                f'{table.place(row, self.name)}: "{shortened(str(texts[row]), 40)}" is none of the categories that were trained '
                f'on, {listed(self.categories)}; "unseen": "zeros" takes such ones for none of them'
            )
        if self.codes:
            out[:, 0] = codes
            return
        out[:, : len(self.categories)] = 0
        rows = np.flatnonzero(codes >= 0)
        out[rows, codes[rows]] = 1


class Encoding(Description):
    """How rows of a table become the inputs (N, D) and the targets of a network.

    It is learnt of the training samples, and saved with the model.
    """

    features: Annotated[tuple[Feature, ...], Field(strict=False, min_length=1)]
    """The columns that become inputs, in their order."""
    targets: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """The columns that are to be predicted."""
    task: Task = "numbers"
    """What the targets are: classes, sets of labels or numbers."""
    labels: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """The classes, by their numbers, as the table spells them."""
    writing: Writing | None = Field(default=None, exclude_if=lambda writing: writing is None)
    """How the CSV file of the table was written, as far as it was said."""

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs, one for each number of a sample."""
        return tuple(name for feature in self.features for name in feature.inputs)

    @property
    def kinds(self) -> dict[str, Kind]:
        """What the columns of the features hold."""
        return {feature.name: feature.kind for feature in self.features}

    @property
    def target_kinds(self) -> dict[str, Kind]:
        """As what the columns of the targets are read."""
        kind: Kind = "category" if self.task == "classes" else "number"
        return dict.fromkeys(self.targets, kind)

    def inputs(self, table: Table) -> Array:
        """Return the inputs of rows, float64 (N, D).

        Raises
        ------
        DataError
            If a value is missing or unseen, where that is refused.
        """
        out = np.empty((len(table), len(self.input_names)))
        start = 0
        for feature in self.features:
            stop = start + len(feature.inputs)
            feature.write(table, out[:, start:stop])
            start = stop
        return out

    def target_values(self, table: Table) -> Array:
        """Return the targets of rows: class numbers (N,), numbers (N,) or (N, K), zeros and ones (N, K).

        Raises
        ------
        DataError
            If one is missing, or no class that was trained on.
        """
        columns = []
        for name in self.targets:
            column = table.columns[name]
            if column.missing.any():
                row = int(np.argmax(column.missing))
                raise DataError(f"{table.place(row, name)}: the target is missing; leave the row out")
            columns.append(self._classes(table, name) if self.task == "classes" else column.values)
        if self.task == "classes":
            return columns[0]
        if self.task == "label_sets":
            for name, values in zip(self.targets, columns, strict=True):
                odd = np.flatnonzero((values != 0) & (values != 1))
                if len(odd):
                    raise DataError(f"{table.place(int(odd[0]), name)}: expected 0 or 1, received {values[odd[0]]:g}")
        return columns[0] if len(columns) == 1 and self.task == "numbers" else np.stack(columns, axis=1)

    def _classes(self, table: Table, name: str) -> Array:
        texts = [str(text).strip() for text in table.columns[name].values]
        numbers = numbered(texts, self.labels)
        if (numbers < 0).any():
            row = int(np.argmax(numbers < 0))
            raise DataError(
                f'{table.place(row, name)}: "{shortened(str(texts[row]), 40)}" is none of the classes that were trained on, '
                f"{listed(self.labels)}"
            )
        return numbers

    def label(self, number: int) -> str | int | float:
        """Return a class as the table has it: as a number where all classes are spelt as such, else as a text."""
        text = self.labels[number]
        if all(_spelt_as(int, label) and abs(int(label)) < 2**63 for label in self.labels):
            return int(text)
        if all(_spelt_as(float, label) and np.isfinite(float(label)) for label in self.labels):
            return float(text)
        return text


def _spelt_as(kind: type[int] | type[float], text: str) -> bool:
    """Return whether a text is how Python writes such a number."""
    try:
        return str(kind(text)) == text
    except ValueError:
        return False


def alike(text: str) -> str:
    """Return what texts of one meaning have in common, whatever the format: ``True`` and ``true``, ``1`` and ``1.0``."""
    if text.casefold() in ("true", "false"):
        return text.casefold()
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)


def numbered(texts: Sequence[str], known: Sequence[str]) -> Array:
    """Return the place of each text among the known ones, (N,); -1 for those that are none of them."""
    places = {text: place for place, text in enumerate(known)}
    numbers = np.fromiter((places.get(text, -1) for text in texts), np.intp, len(texts))
    if (numbers < 0).any():  # of another format, perhaps
        meant = {alike(text): place for place, text in enumerate(known)}
        if len(meant) == len(known):
            for row in np.flatnonzero(numbers < 0).tolist():
                numbers[row] = meant.get(alike(texts[row]), -1)
    return numbers


def listed(texts: Sequence[str]) -> str:
    """Return the first few of some texts, in quotes."""
    more = f" and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    return ", ".join(f'"{shortened(text, 40)}"' for text in texts[:_LISTED]) + more


_LISTED = 8
"""Most texts that a message shows."""


def class_labels(texts: Mapping[str, int] | set[str], place: str) -> tuple[str, ...]:
    """Return the classes that are spelt in a column, in order: of numbers by their size, else of the alphabet.

    Raises
    ------
    DataError
        If there is one only, or two are one number.
    """
    labels = sorted({text.strip() for text in texts})
    if len(labels) < 2:
        raise DataError(f"{place}: all samples are of one class, {listed(labels)}; there is nothing to tell apart")
    numbers: list[tuple[float, str]] = []
    for label in labels:
        try:
            numbers.append((float(label), label))
        except ValueError:
            return tuple(labels)
    numbers.sort()
    for (one, first), (other, second) in pairwise(numbers):
        if one == other:
            raise DataError(f'{place}: the classes "{first}" and "{second}" are one number; spell them alike')
    return tuple(label for _, label in numbers)


def is_number(text: Any) -> bool:
    """Return whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
