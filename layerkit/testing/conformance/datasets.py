"""What data sets promise: the samples that they announce, the same ones for the same seed, taken by any rows.

A data set that raises `DataError` cannot be had here, for want of an extra or of a file: it is `Unavailable`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from layerkit.data.base import DataRequest, Dataset, Split
from layerkit.data.samples import Batch, Rows, Samples
from layerkit.errors import DataError
from layerkit.testing.conformance.verdicts import Unavailable, blaming, given, global_randomness_kept, require
from layerkit.typing import Array

FEW = 20
"""Rows that are taken at once."""


def samples(dataset: Dataset, rng: np.random.Generator) -> None:
    """Inputs are finite real numbers of one shape, in all parts alike; each has a target, and a weight where there are any."""
    split = _load(dataset, rng)
    for part, some in _parts(split):
        with given(part):
            require(len(some) > 0, "there are no samples")
            inputs, targets, weight = _take(some, slice(0, len(some)))
            shape = some.input_shape
            require(len(inputs) == len(some), f"there are {len(inputs)} inputs, and len() says {len(some)}")
            require(inputs.shape[1:] == shape, f"samples have shape {inputs.shape[1:]}, and input_shape says {shape}")
            wanted = split.train.input_shape
            require(shape == wanted, f"samples have shape {shape}, those for training {wanted}")
            require(inputs.dtype.kind in "biuf", f"the inputs are {inputs.dtype}, expected real numbers")
            require(np.isfinite(inputs).all(), "the inputs hold NaN or infinity")
            require(len(targets) == len(inputs), f"there are {len(inputs)} inputs and {len(targets)} targets")
            if weight is not None:
                sound = weight.shape == (len(inputs),) and np.isfinite(weight).all() and (weight >= 0).all() and weight.any()
                require(sound, "the sample weights must be one finite number of 0 or more a sample, and not all 0")


def taken_rows(dataset: Dataset, rng: np.random.Generator) -> None:
    """``take`` gives the rows that it is asked for in their order, by a slice or by numbers, with or without a batch to reuse."""
    for part, some in _parts(_load(dataset, rng)):
        count = len(some)
        whole = {name: array.copy() for name, array in _named(_take(some, slice(0, count))).items()}
        few = min(max(count // 2, 1), FEW)
        cases: list[tuple[str, Rows]] = [
            ("a slice", slice(count - few, count)),
            ("numbers in order", np.arange(few)),
            ("numbers in any order", rng.permutation(count)[:few]),
            ("one number twice", np.array([count - 1, count - 1])),
        ]
        with given(part):
            taken = [_take(some, rows) for _, rows in cases]
            _require_rows(cases, taken, whole, "")
            for case in cases:
                written = _take(some, rng.permutation(count)[: few + 1])
                _require_rows([case], [_take(some, case[1], written)], whole, ", where a longer batch may be written over")


def _require_rows(cases: list[tuple[str, Rows]], taken: list[Batch], whole: dict[str, Array], circumstance: str) -> None:
    for (what, rows), batch in zip(cases, taken, strict=True):
        found = _named(batch)
        require(found.keys() == whole.keys(), f"take of {what}{circumstance} gives {', '.join(found)}, of all {', '.join(whole)}")
        for name, array in found.items():
            require(np.array_equal(array, whole[name][rows]), f"take of {what}{circumstance} gives other {name} than take of all")


def facts(dataset: Dataset, rng: np.random.Generator) -> None:
    """What ``facts`` says without loading is what ``load`` gives."""
    with blaming(dataset, "facts"):
        known = dataset.facts()
    require(known.task is not None or known.n_classes is None, "facts() says how many classes there are, and not task='classes'")
    split = _load(dataset, rng)
    test_count = 0 if split.test is None else len(split.test)
    actual = {"train_count": len(split.train), "test_count": test_count, "input_shape": split.train.input_shape}
    for name, loaded in actual.items():
        said = getattr(known, name)
        require(said in (None, loaded), f"facts() says {name} {said}, load gives {loaded}")
    for part, some in _parts(split):
        with given(part):
            _require_task(_take(some, slice(0, len(some))).targets, known.task, known.n_classes)


def _require_task(targets: Array, task: str | None, n_classes: int | None) -> None:
    """Raise unless the targets are what they are said to be."""
    received = f"targets are {targets.dtype} of shape {targets.shape}"
    if task == "classes" and n_classes is not None:
        sound = targets.ndim == 1 and targets.dtype.kind in "iu" and targets.min() >= 0 and targets.max() < n_classes
        require(sound, f"facts() says {n_classes} classes, so targets must be labels below {n_classes}; {received}")
    elif task == "classes":
        labels = targets.ndim == 1 and targets.dtype.kind in "iu"
        rows = targets.ndim == 2 and targets.dtype.kind in "iuf" and np.allclose(targets.sum(axis=1), 1, atol=1e-4)
        require(labels or rows, f"facts() says classes, so targets must be labels (N,) or rows (N, K) that sum to 1; {received}")
    elif task == "label_sets":
        sound = targets.dtype.kind in "biuf" and np.isin(targets, (0, 1)).all()
        require(sound, f"facts() says sets of labels, so targets must be zeros and ones; {received}")
    elif task == "numbers":
        sound = targets.dtype.kind in "iuf" and np.isfinite(targets).all()
        require(sound, f"facts() says numbers, so targets must be finite numbers; {received}")


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
    home = Path().absolute()
    with TemporaryDirectory() as folder, contextlib.chdir(folder):
        try:
            _arrays(_load(dataset, rng))
        except Unavailable:  # its files are beside the spec
            _arrays(_load(dataset, rng, home))
        else:
            home = Path().absolute()
        with global_randomness_kept(dataset, "load"):
            _arrays(_load(dataset, rng, home))
        left = ", ".join(sorted(path.name for path in Path().iterdir()))
        require(not left, f"{type(dataset).__name__}.load leaves files behind: {left}")


def _load(dataset: Dataset, rng: np.random.Generator, folder: Path | None = None) -> Split:
    """Return the samples for a random seed, of a spec that stands in ``folder``; None is where the process stands."""
    request = DataRequest(seed=int(rng.integers(2**31)), folder=folder or Path().absolute())
    with blaming(dataset, "load"):
        try:
            split: Any = dataset.load(request)
        except DataError as error:
            raise Unavailable(f"{type(dataset).__name__}.load refuses: {error}") from error
    require(isinstance(split, Split), f"{type(dataset).__name__}.load returned {type(split).__name__}, expected a Split")
    for part, some in _parts(split):
        require(isinstance(some, Samples), f"{part} are {type(some).__name__}, expected Samples")
    return split  # type: ignore[no-any-return]  # it was just looked at


def _take(some: Samples, rows: Rows, out: Batch | None = None) -> Batch:
    with blaming(some, "take"):
        batch: Any = some.take(rows, out)
    require(isinstance(batch, Batch), f"{type(some).__name__}.take returned {type(batch).__name__}, expected a Batch")
    for name, part in batch._asdict().items():
        array = isinstance(part, np.ndarray) or (part is None and name == "sample_weight")
        require(array, f"{type(some).__name__}.take gives {name} as {type(part).__name__}, expected an array")
    return batch  # type: ignore[no-any-return]  # it was just looked at


def _parts(split: Split) -> Iterator[tuple[str, Samples]]:
    """Yield the samples of each part that there is."""
    named = {"training": split.train, "validation": split.validation, "test": split.test}
    for name, some in named.items():
        if some is not None:
            yield f"{name} samples", some


def _named(batch: Batch) -> dict[str, Array]:
    return {name: array for name, array in batch._asdict().items() if array is not None}


def _arrays(split: Split) -> dict[str, Array]:
    taken = [(part, _take(some, slice(0, len(some)))) for part, some in _parts(split)]
    return {f"{part}, {name}": array for part, batch in taken for name, array in _named(batch).items()}


DATASET_CHECKS = (samples, taken_rows, facts, same_seed_same_samples, leaves_no_trace)
