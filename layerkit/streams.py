"""Independent random streams, each derived from a seed and a name."""

from __future__ import annotations

import operator

import numpy as np

from layerkit.errors import InputError


def random_stream(seed: int, *path: str) -> np.random.Generator:
    """Return the stream that belongs to ``path`` under ``seed``.

    Streams of different paths are statistically independent, and a stream depends on nothing but the seed and its own path:
    what else draws numbers, and in which order, does not matter.

    Parameters
    ----------
    seed
        Any non-negative integer.
    path
        What the stream is for, such as ``"node", "affine_1"``.

    Raises
    ------
    InputError
        If the seed is negative.

    Notes
    -----
    The path becomes the spawn key of a ``numpy.random.SeedSequence``: for each part its length, then its UTF-8 bytes, so that
    no two paths share a key.
    """
    checked_seed(seed)
    words = [seed & 0xFFFFFFFF]
    while seed := seed >> 32:
        words.append(seed & 0xFFFFFFFF)
    words += [0] * (_POOL_SIZE - len(words))
    for part in path:
        encoded = part.encode()
        words += [len(encoded), *encoded]
    # The same as SeedSequence(seed, spawn_key=...), which takes a microsecond for each number of the key.
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(np.array(words, np.uint32))))


_POOL_SIZE = 4
"""Words to which ``SeedSequence`` fills up a seed before a spawn key follows."""


def checked_seed(seed: int | None) -> int:
    """Return a seed as Python's integer; for None, one from the operating system's entropy.

    Raises
    ------
    InputError
        If it is no integer of 0 or more.
    """
    if seed is None:
        return _fresh_seed()
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if number < 0 or isinstance(seed, bool):
        raise InputError(f"a seed is an integer of 0 or more, received {seed!r}")
    return number


def _fresh_seed() -> int:
    """Return a seed that is small enough to survive JSON in any language."""
    entropy = np.random.SeedSequence().entropy
    assert isinstance(entropy, int)
    return entropy % 2**53
