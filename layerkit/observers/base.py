"""`Observer`: what watches a training."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar

from layerkit.component import Component
from layerkit.history import EpochRecord
from layerkit.observers.training import Memory, Training


class Watcher:
    """What an observer does while it watches; each method does nothing where it is not overridden."""

    def step(self) -> None:
        """Called after each update; ``training.step`` is its number."""

    def measuring(self) -> AbstractContextManager[None]:
        """Return a context in which the figures of an epoch are measured, such as one with other parameters in place.

        Within it, too, observers that replace parameters see the epoch, so that they choose among those that were measured.
        """
        return nullcontext()

    def epoch(self, record: EpochRecord) -> None:
        """Called after each epoch, when ``record`` is in the history."""


class Observer(Component):
    """Family of the components that watch a training: they write down what they see, and may stop it."""

    replaces_parameters: ClassVar[bool] = False
    """Whether it puts other parameters and state in place when the training ends, such as the best ones or an average."""

    @abstractmethod
    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        """Return a context that lasts for the training, and gives what watches it.

        What the observer opens it closes when the context ends, also when the training fails. With ``contextlib.contextmanager``
        it is written as one function.

        Parameters
        ----------
        training
            What the training owns: nodes, history, the folder for files, `Training.stop`. Gradients are those of the last step.
        memory
            What the observer remembers: empty at first, saved with the training and handed back when it goes on. Numbers, texts,
            lists and dicts of them, and arrays, each under a name.

        Raises
        ------
        LayerkitError
            If the observer cannot be had here, for want of an extra.
        """
