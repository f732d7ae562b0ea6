"""`Dataset`: where the samples of a run come from."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from layerkit.component import Component
from layerkit.data.samples import Samples
from layerkit.stack.loss import Task
from layerkit.tables.encoding import Encoding
from layerkit.typing import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRequest:
    """What a run asks a data set for.

    Attributes
    ----------
    seed
        The run's seed, for a random split.
    folder
        Where the spec stands; relative paths start there.
    validation
        How many of the training samples are to be held out to choose by, a share or a number; None for none of them.
    task
        What targets the loss is for; None where it does not say.
    """

    seed: int = 0
    folder: Path = Path()
    validation: float | None = None
    task: Task | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Samples to train on, samples to choose by, and samples that nothing is fitted or chosen by.

    Attributes
    ----------
    train, validation, test
        The samples; None where there are none of a part.
    encoding
        How rows of a table became these samples, as learnt of those to train on; None where they are no rows of a table.
    notices
        What the writer of a spec should know of the data though nothing is wrong.
    """

    train: Samples
    validation: Samples | None = None
    test: Samples | None = None
    encoding: Encoding | None = None
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("train", "validation", "test"):
            part = getattr(self, name)
            if not (isinstance(part, Samples) or (part is None and name != "train")):
                raise TypeError(f"{name} must be Samples, such as ArraySamples, received {type(part).__name__}")

    def parts(self) -> dict[str, Samples]:
        """Return the parts that there are, by the words that people have for them."""
        named = {"training": self.train, "validation": self.validation, "test": self.test}
        return {name: part for name, part in named.items() if part is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFacts:
    """What is known of a dataset before it is loaded; None where it is not.

    Attributes
    ----------
    train_count, test_count
        Numbers of training samples, those included that are held out to choose by, and of test samples.
    input_shape
        Shape of one sample.
    task
        What the targets are.
    n_classes
        How many classes there are, where the targets are classes.
    target_shape
        Shape of the target of one sample, where the targets are numbers or sets of labels.

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
    target_shape: Shape | None = None

    def __post_init__(self) -> None:
        for name in ("train_count", "test_count", "n_classes"):
            count = getattr(self, name)
            if count is not None and not (type(count) is int and count >= 0):
                raise TypeError(f"{name} must be a whole number, received {count!r}")
        tasks = get_args(Task)
        for name in ("input_shape", "target_shape"):
            shape = getattr(self, name)
            if shape is not None and not (type(shape) is tuple and all(type(length) is int and length > 0 for length in shape)):
                raise TypeError(f"{name} must be a tuple of positive whole numbers, received {shape!r}")
        if self.task not in (None, *tasks):
            raise TypeError(f"task must be one of {', '.join(tasks)}, received {self.task!r}")


class Dataset(Component):
    """Family of the data sources."""

    @abstractmethod
    def load(self, request: DataRequest) -> Split:
        """Return the samples.

        Parameters
        ----------
        request
            What the run asks for: its seed, its folder, and how many samples are to be held out to choose by. A data set that
            has validation samples of its own, or fits nothing to its samples, need not look at the last: the run then holds some
            out at random.

        Raises
        ------
        DataError
            If they cannot be had.
        """

    def facts(self) -> DatasetFacts:
        """Return what is known without loading anything, so that a spec can be checked against it."""
        return DatasetFacts()
