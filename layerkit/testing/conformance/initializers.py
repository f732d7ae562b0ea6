"""What initializers promise: new finite float64 arrays, drawn from the given stream alone."""

from __future__ import annotations

import numpy as np

from layerkit.errors import ShapeError
from layerkit.initializers import Initializer
from layerkit.testing.conformance.verdicts import blaming, given, global_randomness_kept, require, require_array
from layerkit.typing import Array, Shape

SHAPES: tuple[Shape, ...] = ((4, 5), (5,), (), (1, 1), (3, 3, 2, 4))
LARGE = (260, 260)
"""More values than are drawn at once."""


def draws(initializer: Initializer, rng: np.random.Generator) -> None:
    """``draw`` gives finite float64 arrays of any shape; one that it cannot take, other than a matrix, is a ShapeError."""
    for shape in SHAPES:
        with given(f"for shape {shape}"), blaming(initializer, "draw"):
            try:
                array = initializer.draw(shape, rng)
            except ShapeError:
                if len(shape) == 2:
                    raise
                continue
            require_array("the values", array, shape, np.float64)


def deterministic_draws(initializer: Initializer, rng: np.random.Generator) -> None:
    """The given stream is the only source of randomness: the same stream gives the same values, whatever was drawn before."""
    seed = int(rng.integers(2**31))
    first = _matrix(initializer, np.random.default_rng(seed))
    with global_randomness_kept(initializer, "draw"):
        _matrix(initializer, rng)
        second = _matrix(initializer, np.random.default_rng(seed))
    require(np.array_equal(first, second), f"{type(initializer).__name__}.draw gives other values though rng is the same")


def new_arrays(initializer: Initializer, rng: np.random.Generator) -> None:
    """Each call gives an array of its own, which may be written."""
    first = _matrix(initializer, rng)
    before = first.copy()
    second = _matrix(initializer, rng)
    with blaming(initializer, "draw"):
        second += 1
    require(np.array_equal(first, before), f"two arrays of {type(initializer).__name__}.draw share memory")


def fills(initializer: Initializer, rng: np.random.Generator) -> None:
    """``fill`` writes what ``draw`` gives, rounded, whatever the size and the dtype, and takes as much from the stream."""
    seed = int(rng.integers(2**31))
    for shape, dtype in ((SHAPES[0], np.float32), (LARGE, np.float64)):
        with given(f"for shape {shape} and {np.dtype(dtype)}"):
            filler, drawer = np.random.default_rng(seed), np.random.default_rng(seed)
            array = np.full(shape, np.nan, dtype)
            with blaming(initializer, "fill"):
                initializer.fill(array, filler)
            with blaming(initializer, "draw"):
                drawn = np.asarray(initializer.draw(shape, drawer)).astype(dtype)
            name = type(initializer).__name__
            require(np.array_equal(array, drawn), f"{name}.fill writes other values than {name}.draw gives")
            require(filler.random() == drawer.random(), f"{name}.fill takes more or less from rng than {name}.draw")


def _matrix(initializer: Initializer, rng: np.random.Generator) -> Array:
    with blaming(initializer, "draw"):
        return initializer.draw(SHAPES[0], rng)


INITIALIZER_CHECKS = (draws, deterministic_draws, new_arrays, fills)
