"""Adaptation: layers that learn something of the training samples before the first step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from layerkit.blame import Blame
from layerkit.errors import ComponentError, DataError
from layerkit.network.builder import prediction_twins
from layerkit.network.inputs import read_only
from layerkit.stack.chain import Chain
from layerkit.stack.layer import Layer, adapts
from layerkit.stack.node import Node
from layerkit.typing import Array


class InputBatches:
    """The inputs of samples, some at a time, in order; can be gone through again and again.

    Parameters
    ----------
    take
        Returns the inputs of a run of samples.
    count
        How many samples there are.
    rows
        How many are taken at a time.
    """

    def __init__(self, take: Callable[[slice], Array], count: int, rows: int) -> None:
        self._take = take
        self._count = count
        self._rows = rows

    def __iter__(self) -> Iterator[Array]:
        for start in range(0, self._count, self._rows):
            yield self._take(slice(start, min(start + self._rows, self._count)))


def adapt(nodes: Sequence[Node], batches: Iterable[Array], *, anew: bool = False) -> None:
    """Let the layers that adapt learn of ``batches``, each of what reaches it; with ``anew``, those too that have before.

    Raises
    ------
    DataError
        If a layer can learn nothing of them; names the node.
    ComponentError
        If a layer fails, or what it learnt is not finite.
    """
    for index, node in enumerate(nodes):
        if not adapts(node.stage) or (node.state.adapted and not anew):
            continue
        assert isinstance(node.stage, Layer)
        try:
            with Blame(node.stage, "adapt", node.name, refusals=(DataError,)), np.errstate(all="ignore"):
                node.stage.adapt(node, _Reaching(nodes[:index], batches))
        except DataError as error:
            error.node = error.node or node.name
            raise
        for name, array in node.state.items():
            if not np.isfinite(array).all():
                raise ComponentError(node.stage, "adapt", f"left {name} with values that are not finite", node.name)
        node.state.adapted = np.True_


class _Reaching:
    """Batches as they reach a node, through the nodes before it in prediction mode."""

    def __init__(self, before: Sequence[Node], batches: Iterable[Array]) -> None:
        self._chain = Chain(prediction_twins(before))
        self._batches = batches

    def __iter__(self) -> Iterator[Array]:
        for batch in self._batches:
            yield read_only(self._chain.forward(batch))
