"""`SplittingDataset`: a data set that comes in one piece and is split at random."""

from __future__ import annotations

import math
from abc import abstractmethod
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from layerkit.data.base import Dataset, DatasetFacts, Split
from layerkit.data.samples import ArraySamples
from layerkit.errors import DataError
from layerkit.stack.loss import Task
from layerkit.typing import Array, Shape


class SplittingDataset(Dataset):
    """A data set in memory, split at random into training and test samples.

    The split is that of ``sklearn.model_selection.train_test_split``, with ``ceil(test_size * N)`` test samples. A subclass says
    what there is, and gives the arrays in `arrays`.
    """

    count: ClassVar[int]
    """Number of samples."""
    task: ClassVar[Task] = "classes"
    """What the targets are."""
    n_classes: ClassVar[int | None] = None
    """How many classes there are, where the targets are classes."""

    test_size: Annotated[float, Field(gt=0, lt=1)] | None = 0.25
    """Share of the samples that is kept for testing; null trains on all."""
    stratify: bool = False
    """Keep the shares of the classes alike in both parts, each of which needs as many samples as there are classes."""
    split_seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    """Seed of the split; null takes the run's seed."""
    standardize: bool = Field(default=False, json_schema_extra={"deprecated": True})
    """Deprecated: in a spec it puts the layer `standardize` before the others; write that layer."""

    @model_validator(mode="after")
    def _can_be_stratified(self) -> Self:
        if not self.stratify:
            return self
        if self.task != "classes":
            raise ValueError("has no classes to stratify by")
        train_count, test_count = self.count - self._test_count, self._test_count
        if test_count and min(train_count, test_count) < (self.n_classes or 0):
            raise ValueError(
                f"stratify puts each of the {self.n_classes} classes into both parts; "
                f"a test_size of {self.test_size} makes parts of {train_count} and {test_count} samples"
            )
        return self

    @property
    @abstractmethod
    def sample_shape(self) -> Shape:
        """Shape of one sample."""

    @abstractmethod
    def arrays(self) -> tuple[Array, Array]:
        """Return all inputs (N, \\*sample_shape) and targets.

        Raises
        ------
        DataError
            If they cannot be had.
        """

    def facts(self) -> DatasetFacts:
        return DatasetFacts(
            train_count=self.count - self._test_count,
            test_count=self._test_count,
            input_shape=self.sample_shape,
            task=self.task,
            n_classes=self.n_classes,
        )

    def load(self, seed: int, folder: Path) -> Split:
        from sklearn.model_selection import train_test_split

        if self.standardize:
            raise DataError(f"{self.type} hands out its samples as they are; put Standardize() first in the network")
        inputs, targets = self.arrays()
        if self.test_size is None:
            return Split(train=ArraySamples(inputs, targets))
        try:
            train_inputs, test_inputs, train_targets, test_targets = train_test_split(
                inputs,
                targets,
                test_size=self.test_size,
                random_state=seed % 2**32 if self.split_seed is None else self.split_seed,
                stratify=targets if self.stratify else None,
            )
        except ValueError as error:
            raise DataError(f"{self.type} cannot be split with a test_size of {self.test_size}: {error}") from None
        return Split(
            train=ArraySamples(train_inputs, train_targets),
            test=ArraySamples(test_inputs, test_targets),
        )

    @property
    def _test_count(self) -> int:
        return math.ceil(self.count * self.test_size) if self.test_size else 0
