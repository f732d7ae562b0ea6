"""`Batches`: the samples of a training in the batches of its epochs."""

from __future__ import annotations

import math
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
        samples, count, start = self._samples, len(self._samples), done * self._size
        block = samples.block_rows
        if block is not None:
            return self._by_windows(start, block, random)
        return self._of(samples, None if random is None else random.permutation(count), start)

    def _of(self, samples: Samples, order: Numbers | None, start: int) -> Iterator[Batch]:
        """Yield the batches of samples from ``start`` on, in their order or in another one."""
        size = self._size
        for first in range(start, len(samples), size):
            if order is None:
                yield samples.take(slice(first, min(first + size, len(samples))))
                continue
            batch = samples.take(order[first : first + size], self._reused)
            if batch is self._reused and self._shown is not None:
                yield self._shown
                continue
            inputs, targets, weight = batch
            shown = Batch(read_only(inputs), read_only(targets), None if weight is None else read_only(weight))
            if len(inputs) == size:  # one that is full takes any that follow
                self._reused, self._shown = batch, shown
            yield shown

    def _by_windows(self, done: int, block: int, random: np.random.Generator | None) -> Iterator[Batch]:
        """Take many samples at once into memory, but for those windows that are done, and give the batches of each."""
        count, size = len(self._samples), self._size
        window = max(MOST_IN_MEMORY // math.prod(self._samples.input_shape), _BLOCKS_AT_LEAST * block)
        window = max(1, window // size) * size
        chosen = None if random is None else rows_of_blocks(count, block, window, random)
        for start in range(0, count, window):
            rows = slice(start, min(start + window, count)) if chosen is None else next(chosen)
            order = None if random is None else random.permutation(min(window, count - start))
            if start + window > done:
                held = ArraySamples(*self._samples.take(rows))
                yield from self._of(held, order, max(0, done - start))


def rows_of_blocks(count: int, block: int, window: int, random: np.random.Generator) -> Iterator[Numbers]:
    """Yield the numbers below ``count``, ``window`` at a time: those of some blocks, which are drawn; each time sorted."""
    left = np.empty(0, np.intp)
    for start in (random.permutation(-(-count // block)) * block).tolist():
        left = np.concatenate([left, np.arange(start, min(start + block, count))])
        while len(left) >= window:
            yield np.sort(left[:window])
            left = left[window:]
    if len(left):
        yield np.sort(left)
