"""`Dataset`: where the samples of a run come from."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path

from layerkit.component import Component
from layerkit.typing import Array, Shape


@dataclass(frozen=True, slots=True)
class Samples:
    """Inputs (N, \\*input_shape) and their N targets."""

    inputs: Array
    targets: Array

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True, slots=True)
class Split:
    """Samples to train on, and samples that the training never sees."""

    train: Samples
    test: Samples | None


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """What is known of a dataset before it is loaded; None where it is not."""

    train_count: int | None = None
    input_shape: Shape | None = None
    n_classes: int | None = None


class Dataset(Component):
    """Family of the data sources."""

    @abstractmethod
    def load(self, seed: int, folder: Path) -> Split:
        """Return the samples.

        Parameters
        ----------
        seed
            The run's seed, for a random split.
        folder
            Where the spec stands; relative paths start there.

        Raises
        ------
        DataError
            If they cannot be had.
        """

    def facts(self) -> DatasetFacts:
        """Return what is known without loading anything, so that a spec can be checked against it."""
        return DatasetFacts()
