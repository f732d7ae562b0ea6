"""The observer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Literal, Self

from pydantic import NonNegativeInt

from layerkit import EpochRecord, Memory, Observer, Training, Watcher
from layerkit_tensorboard.events import FOLDER, EventFile


class TensorBoard(Observer):
    """TensorBoard events: the figures of each epoch, and histograms of parameters and gradients.

    They go to the folder ``tensorboard`` of the run directory; ``tensorboard --logdir runs`` shows all runs side by side. Steps
    are epochs, tags are ``loss``, ``learning_rate``, ``metrics/accuracy``, ``parameters/affine_1.weight``,
    ``gradients/affine_1.weight`` and so on. Gradients are those of the last step of an epoch, weight decay included. An array
    whose range is not finite has no histogram.
    """

    type: Literal["tensorboard"] = "tensorboard"
    histogram_every: NonNegativeInt = 0
    """Epochs between two histograms of each array; 0 writes none."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls()
        yield cls(histogram_every=2)

    @contextmanager
    def watch(self, training: Training, memory: Memory) -> Iterator[Watcher]:
        with closing(EventFile(training.folder / FOLDER)) as events:
            yield _Writer(training, events, self.histogram_every)


class _Writer(Watcher):
    """Writes what it sees of a training into an event file."""

    def __init__(self, training: Training, events: EventFile, histogram_every: int) -> None:
        self._training = training
        self._events = events
        self._histogram_every = histogram_every

    def epoch(self, record: EpochRecord) -> None:
        self._events.add_record(record)
        if self._histogram_every and record.epoch % self._histogram_every == 0:
            for node in self._training.every_node():
                for kind, arrays in (("parameters", node.params), ("gradients", node.grads)):
                    for name, array in arrays.items():
                        self._events.add_histogram(f"{kind}/{node.name}.{name}", array, record.epoch)
