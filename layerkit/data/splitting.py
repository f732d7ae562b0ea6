"""`SplittingDataset`: a data set that comes in one piece and is split at random."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from layerkit.data.base import DataRequest, Dataset, DatasetFacts, Split
from layerkit.data.samples import ArraySamples
from layerkit.data.splits import Size, size_of, split_rows
from layerkit.errors import DataError
from layerkit.stack.loss import Task
from layerkit.typing import Array, Shape


class SplittingDataset(Dataset):
    """A data set in memory, split at random into training and test samples.

    The split is that of ``sklearn.model_selection.train_test_split``, with ``ceil(test_size * N)`` test samples of a share. A
    subclass says what there is, and gives the arrays in `arrays`.
    """

    count: ClassVar[int]
    """Number of samples."""
    task: ClassVar[Task] = "classes"
    """What the targets are."""
    n_classes: ClassVar[int | None] = None
    """How many classes there are, where the targets are classes."""
    target_shape: ClassVar[Shape | None] = None
    """Shape of the target of one sample, where the targets are numbers or sets of labels."""

    test_size: Size | None = 0.25
    """How many samples are kept for testing, a share of all or a number; null trains on all."""
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
            target_shape=self.target_shape,
        )

    def load(self, request: DataRequest) -> Split:
        if self.standardize:
            raise DataError(f"{self.type} hands out its samples as they are; put Standardize() first in the network")
        inputs, targets = self.arrays()
        try:
            parts = split_rows(
                len(inputs),
                seed=request.seed % 2**32 if self.split_seed is None else self.split_seed,
                test_size=self.test_size,
                validation_size=request.validation,
                labels=targets if self.stratify else None,
            )
        except DataError as error:
            raise DataError(f"{self.type} {error}") from None
        train, validation, test = (None if rows is None else ArraySamples(inputs[rows], targets[rows]) for rows in parts)
        assert train is not None
        return Split(train=train, validation=validation, test=test)

    @property
    def _test_count(self) -> int:
        return size_of(self.test_size, self.count)
