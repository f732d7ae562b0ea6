"""What data sets promise: the samples that they announce, the same ones for the same seed.

A data set that raises `DataError` cannot be had here, for want of an extra or of a file; nothing can be said of it then.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from layerkit.data.base import Dataset, Samples, Split
from layerkit.errors import DataError
from layerkit.testing.conformance.verdicts import blaming, given, global_randomness_kept, require
from layerkit.typing import Array, Shape


def samples(dataset: Dataset, rng: np.random.Generator) -> None:
    """Inputs are finite real numbers of one shape, training and test samples alike, and each has a target."""
    for part, some, shape in _parts(_load(dataset, rng)):
        with given(part):
            inputs, targets = some.inputs, some.targets
            require(len(inputs) > 0, "there are no samples")
            require(inputs.shape[1:] == shape, f"samples have shape {inputs.shape[1:]}, those for training {shape}")
            require(inputs.dtype.kind in "biuf", f"the inputs are {inputs.dtype}, expected real numbers")
            require(np.isfinite(inputs).all(), "the inputs hold NaN or infinity")
            require(len(targets) == len(inputs), f"there are {len(inputs)} inputs and {len(targets)} targets")


def facts(dataset: Dataset, rng: np.random.Generator) -> None:
    """What ``facts`` says without loading is what ``load`` gives."""
    with blaming(dataset, "facts"):
        known = dataset.facts()
    split = _load(dataset, rng)
    if split is None:
        return
    actual = {"train_count": len(split.train), "input_shape": split.train.inputs.shape[1:]}
    for name, loaded in actual.items():
        said = getattr(known, name)
        require(said in (None, loaded), f"facts() says {name} {said}, load gives {loaded}")
    if known.n_classes is not None:
        for part, some, _ in _parts(split):
            labels = some.targets
            sound = labels.ndim == 1 and labels.dtype.kind in "iu" and labels.min() >= 0 and labels.max() < known.n_classes
            require(sound, f"{part}: facts() says {known.n_classes} classes, so targets must be labels below {known.n_classes}")


def same_seed_same_samples(dataset: Dataset, rng: np.random.Generator) -> None:
    """The same seed gives the same samples, even where those loaded before were written into."""
    stream = rng.bit_generator.state
    first = _arrays(_load(dataset, rng))
    kept = {name: array.copy() for name, array in first.items()}
    for array in first.values():
        if array.flags.writeable:
            array.fill(1)
    rng.bit_generator.state = stream
    for name, array in _arrays(_load(dataset, rng)).items():
        require(np.array_equal(array, kept[name]), f"{name} of two loads with the same seed differ")


def leaves_no_trace(dataset: Dataset, rng: np.random.Generator) -> None:
    """Loading writes no file where the spec or the process stands, and leaves global random state alone."""
    with TemporaryDirectory() as folder, contextlib.chdir(folder):
        _load(dataset, rng)
        with global_randomness_kept(dataset, "load"):
            _load(dataset, rng)
        left = ", ".join(sorted(path.name for path in Path().iterdir()))
        require(not left, f"{type(dataset).__name__}.load leaves files behind: {left}")


def _load(dataset: Dataset, rng: np.random.Generator) -> Split | None:
    """Return the samples for a random seed; None where they cannot be had here."""
    with blaming(dataset, "load"):
        try:
            return dataset.load(int(rng.integers(2**31)), Path().absolute())
        except DataError:
            return None


def _parts(split: Split | None) -> Iterator[tuple[str, Samples, Shape]]:
    """Yield the training and the test samples, and the shape that both should have."""
    if split is not None:
        shape = split.train.inputs.shape[1:]
        yield "training samples", split.train, shape
        if split.test is not None:
            yield "test samples", split.test, shape


def _arrays(split: Split | None) -> dict[str, Array]:
    return {f"{part}, {kind}": getattr(some, kind) for part, some, _ in _parts(split) for kind in ("inputs", "targets")}


DATASET_CHECKS = (samples, facts, same_seed_same_samples, leaves_no_trace)
