"""`Training`: everything that a training owns, in one place."""

from __future__ import annotations

import copy
import math
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from layerkit.errors import DataError, InputError, described
from layerkit.history import EpochRecord
from layerkit.optimizers.base import Optimizer
from layerkit.optimizers.step import Place, Step
from layerkit.stack.arrays import Arrays, assign
from layerkit.stack.node import Node
from layerkit.streams import random_stream
from layerkit.typing import Array

Json: TypeAlias = Any
"""What JSON can write: numbers, texts, truth values, None, and lists and dicts of them."""
Memory: TypeAlias = dict[str, Any]
"""What an observer remembers, by name: JSON and arrays."""


class Training:
    """What a training owns, apart from the samples.

    Attributes
    ----------
    nodes
        The network's nodes.
    parameters, gradients
        The network's flat vectors (P,); assigning copies into them.
    optimizer
        The update rule.
    workplace
        Where it works: its slots and work arrays.
    epoch, epochs
        Number of epochs done, and of those that there will be.
    step
        Number of updates done.
    batch, batches
        Number of batches done in the epoch under way, and of those in an epoch. With ``epoch`` the first is the position in the
        order of the samples.
    mean_loss, seen
        Mean loss of those batches, and the weight of the samples in them.
    history
        The records of the epochs done.
    folder
        Where files go.
    stopped
        Why the training should end; None while it should go on.
    greater_is_better
        Which of two is the better one, of each figure that an epoch has.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        parameters: Array,
        gradients: Array,
        layout: tuple[Place, ...],
        optimizer: Optimizer,
        folder: Path,
    ) -> None:
        self.nodes = tuple(nodes)
        self._parameters = parameters
        self._gradients = gradients
        self.optimizer = optimizer
        self.workplace = Step(parameters, gradients, layout, optimizer.slots())
        self.epoch, self.epochs = 0, 0
        self.batch, self.batches = 0, 0
        self.mean_loss = 0.0
        self.seen = 0.0
        self.history: list[EpochRecord] = []
        self.folder = folder
        self.stopped: str | None = None
        self.greater_is_better: dict[str, bool] = {}
        self._arrangement: list[int] = []
        self._memories: dict[str, Memory] = {}
        self._under_way = False

    @property
    def parameters(self) -> Array:
        """All trainable numbers of the network, shape (P,)."""
        return self._parameters

    @parameters.setter
    def parameters(self, values: Array) -> None:
        assign(self._parameters, values, "parameters")

    @property
    def gradients(self) -> Array:
        """The gradient of the loss of the last step, shape (P,)."""
        return self._gradients

    @gradients.setter
    def gradients(self, values: Array) -> None:
        assign(self._gradients, values, "gradients")

    @property
    def slots(self) -> Arrays:
        """What the optimizer remembers."""
        return self.workplace.slots

    @property
    def step(self) -> int:
        """Number of updates done."""
        return self.workplace.number

    def stop(self, reason: str) -> None:
        """End the training after the step under way, or after the epoch that has just been done.

        Raises
        ------
        TypeError
            If the reason is no text.
        """
        if not (isinstance(reason, str) and reason):
            raise TypeError(f"the reason for a stop must be a text, received {reason!r}")
        self.stopped = reason

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Keep anybody else, such as an observer, from training the network in the middle of an epoch.

        Raises
        ------
        InputError
            If somebody tries to.
        """
        if self._under_way:
            raise InputError("this training is in the middle of an epoch; train another copy of the network")
        self._under_way = True
        try:
            yield
        finally:
            self._under_way = False

    def lay_out(self, count: int, batch_size: int, shuffle: bool) -> None:
        """Say how many samples there are and how they come in batches; where that changed, the epoch under way begins anew."""
        self.batches = math.ceil(count / batch_size)
        arrangement = [count, batch_size, shuffle]
        if arrangement != self._arrangement:
            self.begin_epoch()
        self._arrangement = arrangement

    def count_batch(self, loss: float, weight: float) -> None:
        """Take the loss of a batch into the mean of the epoch under way; ``weight`` is that of its samples."""
        self.batch += 1
        self.seen += weight
        if weight:
            self.mean_loss += (loss - self.mean_loss) * (weight / self.seen)

    def end_epoch(self, record: EpochRecord) -> None:
        """Put the epoch under way into the history, and begin the next."""
        self.history.append(record)
        self.epoch += 1
        self.begin_epoch()

    def begin_epoch(self) -> None:
        """Begin the epoch under way, or begin it anew."""
        self.batch, self.mean_loss, self.seen = 0, 0.0, 0.0

    def every_node(self) -> Iterator[Node]:
        """Yield the nodes, those within branches after the one that they belong to."""
        for node in self.nodes:
            yield from node.tree()

    def memories(self, types: Iterable[str]) -> list[Memory]:
        """Return the memory of each observer, given their types: the second of a type has the memory of the second one."""
        counts: dict[str, int] = {}
        found = []
        for tag in types:
            counts[tag] = counts.get(tag, 0) + 1
            found.append(self._memories.setdefault(f"{tag}_{counts[tag]}", {}))
        return found

    def arrays(self) -> dict[str, Array]:
        """Return every array that the training owns, by name; with `memory` it is all that is needed to go on.

        The arrays are the training's own: copy what is to be kept.
        """
        found: dict[str, Array] = {}
        for node in self.every_node():
            found |= {f"parameters/{node.name}.{name}": array for name, array in node.params.items()}
            found |= {f"state/{node.name}.{name}": array for name, array in node.state.items()}
        found |= {f"slots/{name}": array for name, array in self.slots.items()}
        for observer, memory in self._memories.items():
            remembered = {name: value for name, value in memory.items() if isinstance(value, np.ndarray)}
            found |= {f"observers/{observer}/{name}": array for name, array in remembered.items()}
        return found

    def memory(self) -> dict[str, Json]:
        """Return all that the training owns and that is no array, as JSON of its own."""
        return {
            "epoch": self.epoch,
            "batch": self.batch,
            "step": self.step,
            "mean_loss": self.mean_loss,
            "seen": self.seen,
            "arrangement": list(self._arrangement),
            "history": [asdict(record) for record in self.history],
            "streams": {node.name: node.rng.bit_generator.state for node in self.every_node() if node.has_drawn},
            "observers": {
                observer: {name: copy.deepcopy(value) for name, value in memory.items() if not isinstance(value, np.ndarray)}
                for observer, memory in self._memories.items()
            },
        }

    def restore(self, arrays: Mapping[str, Array], memory: Mapping[str, Json]) -> None:
        """Go back to what `arrays` and `memory` gave, of this training or of one like it; arrays are copied, in place.

        One like it has a network of the same spec and seed: the stream of a node that had not drawn yet starts from the seed.

        Raises
        ------
        DataError
            If they are those of another network or optimizer, or none at all; nothing is written then.
        """
        ours = {name: array for name, array in self.arrays().items() if not name.startswith("observers/")}
        theirs = {name: array for name, array in arrays.items() if not name.startswith("observers/")}
        if memory.keys() != self.memory().keys():
            raise DataError(f"expected the memory of a training, received {sorted(memory)}")
        odd = sorted(ours.keys() ^ theirs.keys()) or [name for name, array in ours.items() if array.shape != theirs[name].shape]
        if odd:
            raise DataError(f"these arrays belong to another training: {', '.join(odd[:5])}")
        try:  # before anything is written
            records = [EpochRecord(**record) for record in memory["history"]]
            memories = {observer: dict(copy.deepcopy(kept)) for observer, kept in memory["observers"].items()}
            position = {name: operator.index(memory[name]) for name in ("epoch", "batch", "step")}
            for state in memory["streams"].values():
                random_stream(0).bit_generator.state = state
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            raise DataError(f"this is no memory of a training: {described(error)}") from None
        for name, array in ours.items():
            array[...] = theirs[name]
        self.epoch, self.batch = position["epoch"], position["batch"]
        self.mean_loss, self.seen = memory["mean_loss"], memory["seen"]
        self._arrangement = list(memory["arrangement"])
        self.workplace.number = position["step"]
        self.history[:] = records
        for node in self.every_node():
            node.restart_stream(memory["streams"].get(node.name))
        for remembered in self._memories.values():
            remembered.clear()
        for observer, kept in memories.items():
            self._memories.setdefault(observer, {}).update(kept)
        for name, array in arrays.items():
            if name.startswith("observers/"):
                _, observer, key = name.split("/", 2)
                self._memories[observer][key] = array.copy()
