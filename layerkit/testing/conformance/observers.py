"""What observers promise: to watch, and nothing else.

An observer that raises `LayerkitError` when it should begin cannot be had here, for want of an extra; nothing can be said then.
"""

from __future__ import annotations

import contextlib
import gc
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from layerkit.errors import LayerkitError
from layerkit.layers.affine import Affine
from layerkit.losses.crossentropy import CategoricalCrossEntropy
from layerkit.network.sequential import Sequential
from layerkit.observers.base import EpochRecord, Observer
from layerkit.optimizers.sgd import SGD
from layerkit.testing.conformance.verdicts import global_randomness_kept, require, require_same
from layerkit.training.trainer import Trainer
from layerkit.typing import Array


class TrainingFailed(Exception):
    """What goes wrong in a training on purpose."""


def only_watches(observer: Observer, rng: np.random.Generator) -> None:
    """A training that is watched gives the parameters that it would give alone; files go into the given folder."""
    seed = int(rng.integers(2**31))
    with TemporaryDirectory() as place, contextlib.chdir(place):
        folder = Path("run").absolute()
        folder.mkdir()
        if not _can_be_had(observer, folder):
            return
        with global_randomness_kept(observer, "watch"):
            watched = _trained(seed, folder, observer)
        left = ", ".join(sorted(path.name for path in Path().iterdir() if path.name != folder.name))
    require(not left, f"{type(observer).__name__}.watch writes outside of its folder: {left}")
    alone = _trained(seed, folder)
    require_same({"parameters": watched}, {"parameters": alone}, "after a training that was watched", tolerance=0)


def closes_when_the_training_fails(observer: Observer, rng: np.random.Generator) -> None:
    """The context ends with the training: it hands a failure on, and leaves no file open."""
    with TemporaryDirectory() as folder, _only_new_garbage(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        if not _can_be_had(observer, Path(folder)):
            return
        require(_failure_comes_through(observer, Path(folder)), f"{type(observer).__name__}.watch swallows what ends a training")
        gc.collect()  # a file that nobody closed says so when it goes
    unclosed = [str(warning.message) for warning in caught if issubclass(warning.category, ResourceWarning)]
    require(not unclosed, f"{type(observer).__name__}.watch leaves open what it opened: {'; '.join(unclosed)}")


@contextlib.contextmanager
def _only_new_garbage() -> Iterator[None]:
    """Keep what there is already out of collections: it is not the observer's, and there may be much of it."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _failure_comes_through(observer: Observer, folder: Path) -> bool:
    try:
        with observer.watch(_model(0).nodes, folder) as tell:
            tell(EpochRecord(0, 1.0))
            raise TrainingFailed
    except TrainingFailed:
        return True
    return False


def _can_be_had(observer: Observer, folder: Path) -> bool:
    try:
        with observer.watch(_model(0).nodes, folder):
            return True
    except LayerkitError:
        return False


def _trained(seed: int, folder: Path, *observers: Observer) -> Array:
    """Return the parameters that a small training ends with."""
    rng = np.random.default_rng(seed)
    model = _model(seed)
    trainer = Trainer(model, optimizer=SGD(learning_rate=0.1), epochs=3, batch_size=2, observers=observers, folder=folder)
    trainer.fit(rng.standard_normal((5, 4)), rng.integers(3, size=5))
    return model.parameters


def _model(seed: int) -> Sequential:
    return Sequential([Affine(units=3), CategoricalCrossEntropy()], input_shape=(4,), seed=seed)


OBSERVER_CHECKS = (only_watches, closes_when_the_training_fails)
