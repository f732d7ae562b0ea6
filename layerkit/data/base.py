"""`Dataset`: where the samples of a run come from."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from layerkit.component import Component
from layerkit.data.samples import Samples
from layerkit.stack.loss import Task
from layerkit.typing import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Samples to train on, samples to choose by, and samples that nothing is fitted or chosen by."""

    train: Samples
    validation: Samples | None = None
    test: Samples | None = None

    def __post_init__(self) -> None:
        for name in ("train", "validation", "test"):
            part = getattr(self, name)
            if not (isinstance(part, Samples) or (part is None and name != "train")):
                raise TypeError(f"{name} must be Samples, such as ArraySamples, received {type(part).__name__}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFacts:
    """What is known of a dataset before it is loaded; None where it is not.

    Attributes
    ----------
    train_count, test_count
        Numbers of training samples and of test samples.
    input_shape
        Shape of one sample.
    task
        What the targets are.
    n_classes
        How many classes there are, where the targets are classes.

    Raises
    ------
    TypeError
        If they are nothing of the kind.
    """

    train_count: int | None = None
    test_count: int | None = None
    input_shape: Shape | None = None
    task: Task | None = None
    n_classes: int | None = None

    def __post_init__(self) -> None:
        for name in ("train_count", "test_count", "n_classes"):
            count = getattr(self, name)
            if count is not None and not (type(count) is int and count >= 0):
                raise TypeError(f"{name} must be a whole number, received {count!r}")
        shape, tasks = self.input_shape, get_args(Task)
        if shape is not None and not (type(shape) is tuple and all(type(length) is int and length > 0 for length in shape)):
            raise TypeError(f"input_shape must be a tuple of positive whole numbers, received {shape!r}")
        if self.task not in (None, *tasks):
            raise TypeError(f"task must be one of {', '.join(tasks)}, received {self.task!r}")


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
