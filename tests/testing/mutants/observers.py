"""A right observer, and wrong ones made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Literal

import numpy as np

from layerkit import EpochRecord, LayerkitError, Node, Observer
from layerkit.testing.conformance import observers

from .catalogue import caught_by, sound


@sound
class Diary(Observer):
    """Writes each epoch into a file."""

    type: Literal["diary"] = "diary"

    @contextmanager
    def watch(self, nodes: Sequence[Node], folder: Path) -> Iterator[Callable[[EpochRecord], None]]:
        with (folder / "diary.txt").open("a") as file:
            yield lambda record: print(record, file=file)


@sound
class MissingDiary(Diary):
    """Writes with what an extra would bring."""

    def watch(self, nodes: Sequence[Node], folder: Path) -> AbstractContextManager[Callable[[EpochRecord], None]]:
        raise LayerkitError("missing_diary needs an extra")


@caught_by(observers.only_watches, "after a training that was watched: parameters")
class MovesParameters(Diary):
    @contextmanager
    def watch(self, nodes: Sequence[Node], folder: Path) -> Iterator[Callable[[EpochRecord], None]]:
        def tell(record: EpochRecord) -> None:
            for array in nodes[0].params.values():
                array *= 0.999

        yield tell


@caught_by(observers.only_watches, r"watch writes outside of its folder: diary\.txt")
class WritesElsewhere(Diary):
    def watch(self, nodes: Sequence[Node], folder: Path) -> AbstractContextManager[Callable[[EpochRecord], None]]:
        return super().watch(nodes, Path())


@caught_by(observers.only_watches, "uses global random state")
class DrawsSamples(Diary):
    @contextmanager
    def watch(self, nodes: Sequence[Node], folder: Path) -> Iterator[Callable[[EpochRecord], None]]:
        yield lambda record: np.random.shuffle([1, 2, 3])  # noqa: NPY002 (the mistake)


@caught_by(observers.only_watches, "KeyError: 'loss'")
class FailsToWatch(Diary):
    @contextmanager
    def watch(self, nodes: Sequence[Node], folder: Path) -> Iterator[Callable[[EpochRecord], None]]:
        values: dict[str, float] = {}
        yield lambda record: print(values["loss"])


@caught_by(observers.closes_when_the_training_fails, "leaves open what it opened: unclosed file")
class ForgetsToClose(Diary):
    @contextmanager
    def watch(self, nodes: Sequence[Node], folder: Path) -> Iterator[Callable[[EpochRecord], None]]:
        file = (folder / "diary.txt").open("a")
        yield lambda record: print(record, file=file)
        file.close()


@caught_by(observers.closes_when_the_training_fails, "swallows what ends a training")
class SwallowsFailures(Diary):
    @contextmanager
    def watch(self, nodes: Sequence[Node], folder: Path) -> Iterator[Callable[[EpochRecord], None]]:
        with suppress(Exception):
            yield lambda record: None
