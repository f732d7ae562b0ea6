"""`TableDataset`: rows with named columns, split, and encoded as learnt of those that are trained on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from layerkit.data.base import DataRequest, Dataset, Split
from layerkit.data.found_files import found_files
from layerkit.data.gathering import Gathering, most_in_memory
from layerkit.data.samples import Batch, Samples
from layerkit.data.splits import Parts, Size, split_rows
from layerkit.errors import DataError
from layerkit.stack.loss import Task
from layerkit.tables.encoding import Encoding, Unseen, listed
from layerkit.tables.fitting import Fitting, Impute
from layerkit.tables.ranks import in_order, ranks
from layerkit.tables.table import Kind, Seen, Source, Table, require_columns
from layerkit.tables.writing import Writing
from layerkit.typing import Array, SpecPath

Names = Annotated[tuple[str, ...], Field(strict=False)]


class TableDataset(Dataset):
    """A table: one row a sample, its columns the features and the target.

    What is learnt of the rows, categories, labels and what stands for missing values, is learnt of those that are trained on, and
    saved with the model. A subclass says in `source` where the rows come from.
    """

    path: SpecPath = Field(examples=["flowers.csv"])
    """The file, relative to the spec; ``~`` is the home folder, and ``part-*.csv`` all such files in the order of their names."""
    target: str | Annotated[tuple[str, ...], Field(strict=False, min_length=1)] = Field(examples=["species"])
    """The column to predict, or several."""
    features: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None
    """The columns to predict from; null takes all others."""
    drop: Names = ()
    """Columns to leave out."""
    kinds: dict[str, Kind] = Field(default={})
    """What columns hold, where it is not what it seems: number, boolean or category."""
    categories: Literal["one_hot", "codes"] = "one_hot"
    """What becomes of a category: an input for each of its texts, or one input with the number of the text."""
    unseen: Unseen = "refuse"
    """What becomes of a text that no training sample has: refuse, or zeros for none of the categories."""
    impute: Impute | None = None
    """What stands for a missing value; null refuses them."""
    weight: str | None = None
    """The column with what each sample counts; null weighs all alike."""
    test_size: Size | None = 0.25
    """How many rows are kept for testing, a share of all or a number; null trains on all."""
    test_path: SpecPath | None = None
    """A file of its own with the rows for testing; null keeps some of these, as test_size says."""
    validation_path: SpecPath | None = None
    """A file of its own with the rows to choose by."""
    stratify: bool = False
    """Keep the shares of the classes alike in all parts."""
    group: str | None = None
    """A column: rows with the same value there are never on both sides of a split."""
    order: str | None = None
    """A column: the last rows in its order are for the test, those before them to choose by."""
    split_seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    """Seed of the split; null takes the run's seed."""
    in_memory: bool | None = None
    """Whether all samples stand in memory; null keeps up to 2**23 numbers of inputs there, and more in temporary files."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        (first,) = super().examples()
        filled = first.model_copy(update={"impute": Impute(strategy="most_frequent", indicator=True)})
        yield filled.model_copy(update={"stratify": True, "unseen": "zeros"})
        yield filled.model_copy(update={"drop": ("colour",), "group": "patient", "test_size": 0.3})
        yield filled.model_copy(update={"categories": "codes", "order": "patient", "target": ("column_1", "column_2")})

    @model_validator(mode="after")
    def _one_way_to_split(self) -> Self:
        ways = {"stratify": self.stratify, "group": self.group is not None, "order": self.order is not None}
        chosen = [name for name, chosen in ways.items() if chosen]
        if len(chosen) > 1:
            raise ValueError(f"splits by {' and by '.join(chosen)}; choose one of them")
        if self.categories == "codes" and self.unseen == "zeros":
            raise ValueError("has no code for unseen categories; leave unseen out, or let categories be one_hot")
        lost = [name for name in self.targets if name in self.drop]
        if lost:
            raise ValueError(f'drops its target "{lost[0]}"; take it out there')
        twice = [name for name in self.targets if name in (self.features or ())]
        if twice:
            raise ValueError(f'has the target "{twice[0]}" among its features; take it out there')
        for name, names in (("target", self.targets), ("features", self.features or ()), ("drop", self.drop)):
            again = [column for index, column in enumerate(names) if column in names[:index]]
            if again:
                raise ValueError(f'has the column "{again[0]}" twice among {name}; take one out')
        useless = [name for name in self.kinds if name in self.drop]
        if useless:
            raise ValueError(f'says the kind of "{useless[0]}" and drops it; take one of them out')
        return self

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns to predict."""
        return (self.target,) if isinstance(self.target, str) else self.target

    @property
    def writing(self) -> Writing | None:
        """How the files of the table are written, for rows that come later; None where there is nothing to say."""
        return None

    @abstractmethod
    def source(self, paths: Sequence[Path]) -> Source:
        """Return the rows of files.

        Raises
        ------
        DataError
            If they cannot be read.
        """

    def load(self, request: DataRequest) -> Split:
        source = self.source(found_files(self.path, request.folder))
        names = self._feature_names(source)
        seen = self._seen(source, names, request.task)
        kinds: dict[str, Kind] = {name: seen[name].kind for name in names}
        task = request.task or _task_of([seen[name] for name in self.targets])
        target_kind: Kind = "category" if task == "classes" else "number"
        wanted = {**kinds, **dict.fromkeys(self.targets, target_kind), **self._helpers()}
        count = seen[names[0]].count + seen[names[0]].missing
        blocks = partial(source.blocks, wanted)
        if count * len(wanted) <= most_in_memory(self.in_memory):
            kept = list(blocks())
            blocks = partial(iter, kept)
        parts = self._parts(source, blocks, count, request)
        trains = np.zeros(count, bool)
        trains[parts.train] = True
        codes, start = self.categories == "codes", 0
        with Fitting(kinds, self.targets, task, codes=codes, unseen=self.unseen, impute=self.impute) as fitting:
            for table in blocks():
                fitting.add(table.take(np.flatnonzero(trains[start : start + len(table)])))
                start += len(table)
            encoding = fitting.encoding().model_copy(update={"writing": self.writing})
        gathered = self._gathered(blocks(), encoding)
        samples: dict[str, Samples | None] = {
            name: None if rows is None else gathered.samples(rows) for name, rows in parts._asdict().items()
        }
        for name, path in {"validation": self.validation_path, "test": self.test_path}.items():
            if path is not None:
                other = self.source(found_files(path, request.folder))
                needed = {column: kind for column, kind in wanted.items() if column not in (self.group, self.order)}
                require_columns(other, needed, "the column")
                samples[name] = self._gathered(other.blocks(needed), encoding).samples()
        train = samples.pop("train")
        assert train is not None
        notices = tuple(
            f'{source.what}, column "{name}": all rows have the same value, so nothing can be learnt of it: "drop": ["{name}"]'
            for name in names
            if seen[name].is_constant
        )
        return Split(train=train, encoding=encoding, notices=notices, **samples)

    def look(self, folder: Path, task: Task | None = None) -> dict[str, tuple[str, Seen]]:
        """Return the role of each feature and target, and what it holds, in all rows; errors as for `load`."""
        source = self.source(found_files(self.path, folder))
        names = self._feature_names(source)
        seen = self._seen(source, names, task)
        return {name: ("target" if name in self.targets else "feature", seen[name]) for name in [*names, *self.targets]}

    def _feature_names(self, source: Source) -> list[str]:
        """Return the columns of the features, having looked whether all that are named are there."""
        require_columns(source, self.targets, "the target")
        require_columns(source, [*(self.features or ()), *self.drop, *self.kinds, *self._helpers()], "the column")
        if self.impute is not None:
            require_columns(source, self.impute.columns or (), "the column")
        apart = {*self.targets, *self.drop, *self._helpers()}
        names = [name for name in (self.features or source.names()) if name not in apart]
        for name in (self.impute and self.impute.columns) or ():
            if name not in names:
                raise DataError(f'{source.what}: impute.columns has "{name}", which is no feature here; take it out')
        if not names:
            raise DataError(f"{source.what}: no column is left to predict from; there are {listed(source.names())}")
        return names

    def _seen(self, source: Source, names: Sequence[str], task: Task | None) -> Mapping[str, Seen]:
        known: dict[str, Kind] = {**self.kinds}
        if task == "classes":
            for name in self.targets:
                if known.get(name, "category") != "category":
                    advice = "take it out of kinds, or choose a loss for numbers"
                    raise DataError(
                        f'{source.what}: kinds says that "{name}" is a {known[name]}, and the loss is for classes; {advice}'
                    )
            known |= dict.fromkeys(self.targets, "category")
        seen = source.look([*names, *self.targets], known)
        for one in seen.values():
            if one.problem is not None:
                raise DataError(one.problem)
        for name in self.targets:
            if task == "numbers" and seen[name].kind != "number":
                texts = listed(list(seen[name].texts or ()))
                raise DataError(
                    f'{source.what}: the target "{name}" holds {texts}, and the loss is for numbers; choose one for classes, '
                    "such as crossentropy"
                )
        return seen

    def _helpers(self) -> dict[str, Kind]:
        """Return the columns that are neither features nor targets, and what they hold."""
        helpers: dict[str, Kind] = {name: "category" for name in (self.group, self.order) if name is not None}
        return helpers if self.weight is None else {**helpers, self.weight: "number"}

    def _parts(self, source: Source, blocks: Callable[[], Iterator[Table]], count: int, request: DataRequest) -> Parts:
        """Return which rows are in which part, as far as they stand in these files."""
        labels = ranks(blocks(), self.targets[0])[0] if self.stratify else None
        groups = None if self.group is None else ranks(blocks(), self.group)[0]
        order = None
        if self.order is not None:
            numbers, texts = ranks(blocks(), self.order)
            order = in_order(texts, f'{source.what}, column "{self.order}"')[numbers]
        try:
            return split_rows(
                count,
                seed=request.seed % 2**32 if self.split_seed is None else self.split_seed,
                test_size=None if self.test_path is not None else self.test_size,
                validation_size=None if self.validation_path is not None else request.validation,
                labels=labels,
                groups=groups,
                order=order,
            )
        except DataError as error:
            raise DataError(f"{source.what} {error}") from None

    def _gathered(self, blocks: Iterable[Table], encoding: Encoding) -> Gathering:
        gathering = Gathering(most_in_memory(self.in_memory))
        for table in blocks:
            weight = None if self.weight is None else _weights(table, self.weight)
            gathering.add(Batch(encoding.inputs(table), encoding.target_values(table), weight))
        return gathering


def _weights(table: Table, name: str) -> Array:
    column = table.columns[name]
    wrong = np.flatnonzero(column.missing | ~(column.values >= 0))
    if len(wrong):
        raise DataError(f"{table.place(int(wrong[0]), name)}: a weight is a number of 0 or more")
    return column.values


def _task_of(targets: Sequence[Seen]) -> Task:
    """Return what targets seem to be, where the loss does not say."""
    if len(targets) == 1:
        return "numbers" if targets[0].kind == "number" else "classes"
    return "numbers" if all(seen.kind == "number" for seen in targets) else "label_sets"
