"""What layers promise that learn something of the training samples before the first step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from layerkit.network.adaptation import adapt
from layerkit.stack.layer import Layer, adapts
from layerkit.stack.node import Node
from layerkit.testing.conformance.verdicts import blaming, given, global_randomness_kept, require, require_same
from layerkit.testing.conformance.workbench import Workbench, forward, state, streams
from layerkit.typing import Array

COUNT = 24
"""Samples that are learnt of."""


def adaptation(layer: Layer, rng: np.random.Generator) -> None:
    """``adapt`` learns the same of samples in one block and in several, and changes state alone."""
    if not adapts(layer):
        return
    bench = Workbench(layer, rng)
    samples = 2 * bench.batch(COUNT).inputs + 1
    node, whole = bench.node(), _Blocks(samples, [COUNT])
    params, began = {name: array.copy() for name, array in node.params.items()}, streams(node)
    with global_randomness_kept(layer, "adapt"):
        _adapt(node, whole)
    name = type(layer).__name__
    require_same(dict(node.params), params, f"after {name}.adapt", tolerance=0)
    require(streams(node) == began, f"{name}.adapt draws from node.rng")
    require(not _same(state(bench.node()), state(node)), f"{name}.adapt learns nothing of other samples")
    for sizes in ([7, 7, 7, 3], [1, COUNT - 1], [COUNT // 2] * 2):
        blocks, other = _Blocks(samples, sizes), bench.node()
        with given(f"in blocks of {sizes}"):
            _adapt(other, blocks)
        require_same(state(other), state(node), f"with the samples in blocks of {sizes}")
    _require_kept_in_prediction(bench, node)


def _require_kept_in_prediction(bench: Workbench, node: Node) -> None:
    """Raise unless passes leave alone whether a node has adapted."""
    forward(node, bench.batch())
    require(bool(node.state.adapted), "a forward pass writes node.state.adapted, which says whether the layer has adapted")


def _adapt(node: Node, blocks: Iterable[Array]) -> None:
    with blaming(node.stage, "adapt"):
        adapt([node], blocks, anew=True)


def _same(one: dict[str, Array], other: dict[str, Array]) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one)


class _Blocks:
    """Samples in blocks of given sizes, each in one array that the next is written over."""

    def __init__(self, samples: Array, sizes: Sequence[int]) -> None:
        self._samples = samples
        self._sizes = sizes

    def __iter__(self) -> Iterator[Array]:
        room, start = np.empty_like(self._samples), 0
        for size in self._sizes:
            block = room[:size]
            block[...] = self._samples[start : start + size]
            yield block  # which the layer sees as a view that cannot be written
            start += size
