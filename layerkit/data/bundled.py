"""The data sets that ship with scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal, Self

from layerkit import Array, Shape, SplittingDataset, Task


class Bundled(SplittingDataset):
    """A data set that scikit-learn ships."""

    loader: ClassVar[str]
    """Name of the function in ``sklearn.datasets``."""
    features: ClassVar[int]
    """Numbers a sample."""

    @property
    def sample_shape(self) -> Shape:
        return (self.features,)

    def arrays(self) -> tuple[Array, Array]:
        from sklearn import datasets

        inputs, targets = getattr(datasets, self.loader)(return_X_y=True)
        return inputs.reshape(-1, *self.sample_shape), targets


class Digits(Bundled):
    """Handwritten digits: 1797 images of 8 by 8 pixels with values 0 to 16, in 10 classes."""

    type: Literal["digits"] = "digits"
    loader: ClassVar[str] = "load_digits"
    count: ClassVar[int] = 1797
    features: ClassVar[int] = 64
    n_classes: ClassVar[int | None] = 10

    as_images: bool = False
    """Give samples the shape (8, 8, 1), rows by columns by channels, instead of (64,)."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls()
        yield cls(as_images=True, stratify=True)

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

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls()
        yield cls(test_size=None)


class Wine(Bundled):
    """Wine cultivars: 178 samples of 13 chemical measurements, in 3 classes."""

    type: Literal["wine"] = "wine"
    loader: ClassVar[str] = "load_wine"
    count: ClassVar[int] = 178
    features: ClassVar[int] = 13
    n_classes: ClassVar[int | None] = 3

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls()
        yield cls(split_seed=5, test_size=0.5)


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
    task: ClassVar[Task] = "numbers"
    target_shape: ClassVar[Shape | None] = ()


class Linnerud(Bundled):
    """Linnerud's exercises: 20 men with 3 counts of exercises, and 3 measurements of each to predict."""

    type: Literal["linnerud"] = "linnerud"
    loader: ClassVar[str] = "load_linnerud"
    count: ClassVar[int] = 20
    features: ClassVar[int] = 3
    task: ClassVar[Task] = "numbers"
    target_shape: ClassVar[Shape | None] = (3,)
