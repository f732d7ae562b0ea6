"""`Observer`: watches a training, epoch by epoch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from layerkit.component import Component
from layerkit.stack.node import Node


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One epoch.

    Attributes
    ----------
    epoch
        Number of the epoch, from 0.
    loss
        Mean of the losses of its steps, each weighted by its number of samples. A step's loss is taken before its update, so
        with a full batch this is the loss that the epoch began with.
    """

    epoch: int
    loss: float

    def __str__(self) -> str:
        return f"Epoch {self.epoch:4d}, loss = {self.loss:.4f}"


class Observer(Component):
    """Family of the components that watch a training and write down what they see."""

    @abstractmethod
    def watch(self, nodes: Sequence[Node], folder: Path) -> AbstractContextManager[Callable[[EpochRecord], None]]:
        """Return a context that lasts for the training, and gives a function to call after each epoch.

        What the observer opens it closes when the context ends, also when the training fails. With
        ``contextlib.contextmanager`` it is written as one function.

        Parameters
        ----------
        nodes
            The network's nodes; their params and grads are those of the last step whenever the function is called.
        folder
            Where files go: the run directory.
        """
