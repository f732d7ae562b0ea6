"""`Batches`: the samples of a training in the batches of its epochs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from layerkit.data.gathering import MOST_IN_MEMORY
from layerkit.data.samples import ArraySamples, Batch, Samples
from layerkit.data.splits import Numbers
from layerkit.network.inputs import read_only

_BLOCKS_AT_LEAST = 8
"""Of how many blocks the rows are shuffled, however large a block is."""


class Batches:
    """Samples, batch by batch.

    Parameters
    ----------
    samples
        Checked ones.
    size
        Samples in a batch; the last one may have fewer.
    """

    def __init__(self, samples: Samples, size: int) -> None:
        self._samples = samples
        self._size = size
        self._reused: Batch | None = None  # the last full batch that was taken, which the next is written over,
        self._shown: Batch | None = None  # and as layers and loss see it

    def epoch(self, done: int, random: np.random.Generator | None) -> Iterator[Batch]:
        """Yield the batches of an epoch but for the first ``done``; in an order that ``random`` alone decides, if it is given."""
        block = self._samples.block_rows
        if block is not None and not isinstance(self._samples, ArraySamples):
            return self._by_windows(done, block, random)
        if random is None:
            return self._in_order(self._samples, done * self._size)
        return self._shuffled(done, random)

    def _in_order(self, samples: Samples, start: int) -> Iterator[Batch]:
        for first in range(start, len(samples), self._size):
            yield samples.take(slice(first, min(first + self._size, len(samples))))

    def _shuffled(self, done: int, random: np.random.Generator) -> Iterator[Batch]:
        count = len(self._samples)
        order = random.permutation(count)
        for start in range(done * self._size, count, self._size):
            batch = self._samples.take(order[start : start + self._size], self._reused)
            if batch is self._reused and self._shown is not None:
                yield self._shown
                continue
            inputs, targets, weight = batch
            shown = Batch(read_only(inputs), read_only(targets), None if weight is None else read_only(weight))
            if len(inputs) == self._size:  # one that is full takes any that follow
                self._reused, self._shown = batch, shown
            yield shown

    def _by_windows(self, done: int, block: int, random: np.random.Generator | None) -> Iterator[Batch]:
        """Take many batches at once into memory, those that the windows before did not have."""
        count, size = len(self._samples), self._size
        window = max(MOST_IN_MEMORY // int(np.prod(self._samples.input_shape)), _BLOCKS_AT_LEAST * block)
        window = max(1, window // size) * size
        order = None if random is None else block_order(count, block, window, random)
        for start in range(0, count, window):
            rows = slice(start, min(start + window, count)) if order is None else next(order)
            if start + window > done * size:
                yield from self._in_order(ArraySamples(*self._samples.take(rows)), max(0, done * size - start))


def block_order(count: int, block: int, window: int, random: np.random.Generator) -> Iterator[Numbers]:
    """Yield the numbers below ``count`` in a random order, ``window`` at a time: those of some blocks, which are drawn first."""
    starts = random.permutation(-(-count // block)) * block
    left = np.empty(0, np.intp)
    for start in starts.tolist():
        left = np.concatenate([left, np.arange(start, min(start + block, count))])
        while len(left) >= window:
            yield random.permutation(left[:window])
            left = left[window:]
    if len(left):
        yield random.permutation(left)
