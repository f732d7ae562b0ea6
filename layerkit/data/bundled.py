"""The data sets that ship with scikit-learn."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from layerkit import Array, DataError, Dataset, DatasetFacts, Samples, Shape, Split


class Bundled(Dataset):
    """A data set that scikit-learn ships, split at random into training and test samples.

    The split is that of ``sklearn.model_selection.train_test_split``, with ``ceil(test_size * N)`` test samples.
    """

    loader: ClassVar[str]
    """Name of the function in ``sklearn.datasets``."""
    count: ClassVar[int]
    features: ClassVar[int]
    n_classes: ClassVar[int | None]

    test_size: Annotated[float, Field(gt=0, lt=1)] | None = 0.25
    """Share of the samples that is kept for testing; null trains on all."""
    stratify: bool = False
    """Keep the shares of the classes alike in both parts."""
    split_seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    """Seed of the split; null takes the run's seed."""
    standardize: bool = False
    """Give each feature mean 0 and standard deviation 1, as measured on the training samples."""

    def facts(self) -> DatasetFacts:
        test_count = math.ceil(self.count * self.test_size) if self.test_size else 0
        return DatasetFacts(self.count - test_count, self.sample_shape, self.n_classes)

    @property
    def sample_shape(self) -> Shape:
        """Shape of one sample."""
        return (self.features,)

    def load(self, seed: int, folder: Path) -> Split:
        from sklearn import datasets
        from sklearn.model_selection import train_test_split

        inputs, targets = getattr(datasets, self.loader)(return_X_y=True)
        inputs = inputs.reshape(-1, *self.sample_shape)
        if self.stratify and self.n_classes is None:
            raise DataError(f"{self.type} has no classes to stratify by")
        if self.test_size is None:
            return Split(Samples(self._standardized(inputs, inputs), targets), None)
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
            Samples(self._standardized(train_inputs, train_inputs), train_targets),
            Samples(self._standardized(test_inputs, train_inputs), test_targets),
        )

    def _standardized(self, inputs: Array, reference: Array) -> Array:
        if not self.standardize:
            return inputs
        std = reference.std(axis=0)
        scaled: Array = (inputs - reference.mean(axis=0)) / np.where(std > 0, std, 1)
        return scaled


class Digits(Bundled):
    """Handwritten digits: 1797 images of 8 by 8 pixels with values 0 to 16, in 10 classes."""

    type: Literal["digits"] = "digits"
    loader: ClassVar[str] = "load_digits"
    count: ClassVar[int] = 1797
    features: ClassVar[int] = 64
    n_classes: ClassVar[int | None] = 10

    as_images: bool = False
    """Give samples the shape (8, 8, 1), rows by columns by channels, instead of (64,)."""

    @property
    def sample_shape(self) -> Shape:
        return (8, 8, 1) if self.as_images else (64,)


class Iris(Bundled):
    """Iris flowers: 150 samples of 4 lengths in cm, in 3 classes."""

    type: Literal["iris"] = "iris"
    loader: ClassVar[str] = "load_iris"
    count: ClassVar[int] = 150
    features: ClassVar[int] = 4
    n_classes: ClassVar[int | None] = 3


class Wine(Bundled):
    """Wine cultivars: 178 samples of 13 chemical measurements, in 3 classes."""

    type: Literal["wine"] = "wine"
    loader: ClassVar[str] = "load_wine"
    count: ClassVar[int] = 178
    features: ClassVar[int] = 13
    n_classes: ClassVar[int | None] = 3


class BreastCancer(Bundled):
    """Breast cancer, Wisconsin: 569 samples of 30 measurements of cell nuclei, in 2 classes."""

    type: Literal["breast_cancer"] = "breast_cancer"
    loader: ClassVar[str] = "load_breast_cancer"
    count: ClassVar[int] = 569
    features: ClassVar[int] = 30
    n_classes: ClassVar[int | None] = 2


class Diabetes(Bundled):
    """Diabetes progression: 442 samples of 10 standardized measurements, with a number to predict."""

    type: Literal["diabetes"] = "diabetes"
    loader: ClassVar[str] = "load_diabetes"
    count: ClassVar[int] = 442
    features: ClassVar[int] = 10
    n_classes: ClassVar[int | None] = None
