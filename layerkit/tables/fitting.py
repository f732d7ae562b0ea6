"""What an `Encoding` learns of the training samples: categories, labels, and what stands for a missing value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any, Literal, Self

from pydantic import Field

from layerkit.description import Description
from layerkit.errors import DataError
from layerkit.stack.loss import Task
from layerkit.tables.encoding import Encoding, Feature, Unseen, class_labels, is_number, listed
from layerkit.tables.moments import Mean, Median
from layerkit.tables.table import Kind, Table
from layerkit.typing import Array

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


class Fitting:
    """A context that learns an encoding of rows, which come block by block.

    Parameters
    ----------
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
    """

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        targets: Sequence[str],
        task: Task,
        *,
        codes: bool = False,
        unseen: Unseen = "refuse",
        impute: Impute | None = None,
    ) -> None:
        self._targets = tuple(targets)
        self._task: Task = task
        self._codes = codes
        self._unseen: Unseen = unseen
        self._impute = impute
        self._place = ""
        self._count = 0
        self._texts: dict[str, set[str]] = {name: set() for name, kind in kinds.items() if kind == "category"}
        self._labels: set[str] = set()
        self._spool = SpooledTemporaryFile(_VALUES_IN_MEMORY)  # noqa: SIM115 (the context closes it)
        self._fills = {
            name: _Fill(kind, impute, self._spool)
            for name, kind in kinds.items()
            if impute is not None and (impute.columns is None or name in impute.columns)
        }
        self._kinds = dict(kinds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._spool.close()

    def add(self, table: Table) -> None:
        """Learn of some of the training samples.

        Raises
        ------
        DataError
            If a category has too many texts.
        """
        self._place = self._place or table.sources[0][0]
        self._count += len(table)
        for name, texts in self._texts.items():
            column = table.columns[name]
            texts.update(column.values[~column.missing].tolist())
            if len(texts) > MOST_CATEGORIES and not self._codes:
                raise DataError(
                    f'{self._place}, column "{name}": more than {MOST_CATEGORIES} different texts are no categories; leave the '
                    f'column out: "drop": ["{name}"]'
                )
        for name, fill in self._fills.items():
            column = table.columns[name]
            fill.add(column.values[~column.missing])
        if self._task == "classes" and len(self._targets) == 1:
            column = table.columns[self._targets[0]]
            self._labels.update(str(text).strip() for text in set(column.values[~column.missing].tolist()))

    def encoding(self) -> Encoding:
        """Return what was learnt.

        Raises
        ------
        DataError
            If nothing can stand for a missing value, or the targets are not what ``task`` says.
        """
        features = []
        for name, kind in self._kinds.items():
            fill = self._fills[name].value(f'{self._place}, column "{name}"') if name in self._fills else None
            texts = self._texts.get(name, set()) | ({fill} if isinstance(fill, str) else set())
            features.append(
                Feature(
                    name=name,
                    kind=kind,
                    categories=tuple(sorted(texts)),
                    codes=self._codes and kind == "category",
                    unseen=self._unseen,
                    fill=fill,
                    indicator=self._impute is not None and name in self._fills and self._impute.indicator,
                )
            )
        return Encoding(features=tuple(features), targets=self._targets, task=self._task, labels=self._found_labels())

    def _found_labels(self) -> tuple[str, ...]:
        if self._task == "label_sets":
            return self._targets
        if self._task == "numbers" or not self._targets:
            return ()
        if len(self._targets) > 1:
            raise DataError(f"classes stand in one column, and there are {len(self._targets)} targets, {listed(self._targets)}")
        texts, place = self._labels, f'{self._place}, column "{self._targets[0]}"'
        fractions = all(map(is_number, texts)) and any(float(text) % 1 for text in texts)
        if len(texts) > 20 and (fractions or len(texts) * 2 > self._count):
            raise DataError(
                f"{place}: {len(texts)} different values in {self._count} samples are no classes; choose a loss for numbers, or "
                "another target"
            )
        return class_labels(texts, place)


_VALUES_IN_MEMORY = 2**23
"""Most bytes of values that stand in memory until their median is known."""


class _Fill:
    """What stands for the missing values of a column, as measured on those that are there."""

    def __init__(self, kind: Kind, impute: Impute, spool: IO[bytes]) -> None:
        self._kind = kind
        self._impute = impute
        self._counts: Counter[Any] = Counter()
        self._there = False
        is_measured = kind == "number" and impute.strategy in ("mean", "median")
        self._measure = None if not is_measured else Mean() if impute.strategy == "mean" else Median(spool)

    def add(self, values: Array) -> None:
        self._there = self._there or len(values) > 0
        if self._measure is not None:
            self._measure.add(values)
        elif self._impute.strategy != "constant":
            self._counts.update(values.tolist())

    def value(self, place: str) -> float | str:
        constant = self._impute.value
        if self._impute.strategy == "constant":
            if isinstance(constant, str) != (self._kind == "category") or constant is None:
                expected = "a text" if self._kind == "category" else "a number"
                raise DataError(f"{place}: a constant for its missing values must be {expected}, received {constant!r}")
            return constant
        if not self._there:
            raise DataError(f"{place}: all training samples lack a value, so nothing can stand for it; leave the column out")
        if self._measure is not None:
            measured = self._measure.value()
            if not isfinite(measured):
                raise DataError(f"{place}: the values are too large for their mean; let the median stand for missing ones")
            return measured
        most = max(self._counts.values())
        return min(value for value, count in self._counts.items() if count == most)  # type: ignore[no-any-return]
