"""What observers promise: to watch, and nothing else; and to remember nothing but what is saved.

An observer that raises `LayerkitError` when it should begin cannot be had here, for want of an extra: it is `Unavailable`.
"""

from __future__ import annotations

import contextlib
import gc
import json
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np

from layerkit.data.samples import ArraySamples
from layerkit.errors import ConformanceError, LayerkitError
from layerkit.layers.affine import Affine
from layerkit.losses.crossentropy import CategoricalCrossEntropy
from layerkit.network.sequential import Sequential
from layerkit.observers.base import Observer, Watcher
from layerkit.observers.training import Memory, Training
from layerkit.optimizers.sgd import SGD
from layerkit.spec.training import TrainingSpec
from layerkit.testing.conformance.descriptions import json_copy
from layerkit.testing.conformance.verdicts import Unavailable, global_randomness_kept, require, require_same
from layerkit.training.trainer import Trainer
from layerkit.typing import Array

EPOCHS = 4


class TrainingFailed(Exception):
    """What goes wrong in a training on purpose."""


class StopsAfter(Observer):
    """Stops after so many steps."""

    type: Literal["stops_after"] = "stops_after"
    steps: int
    """How many."""

    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        steps = self.steps

        class Stopping(Watcher):
            def step(self) -> None:
                if training.step >= steps:
                    training.stop("enough")

        return nullcontext(Stopping())


def only_watches(observer: Observer, rng: np.random.Generator) -> None:
    """A training that is watched is as it would be alone, until it ends, which may be earlier; files go into its folder."""
    seed = int(rng.integers(2**31))
    with _place() as folder:
        _require_available(observer, folder)
        with global_randomness_kept(observer, "watch"):
            watched = _trained(seed, folder, EPOCHS, observer)
        left = ", ".join(sorted(path.name for path in Path().iterdir() if path.name != folder.name))
    require(not left, f"{type(observer).__name__}.watch writes outside of its folder: {left}")
    alone = _trained(seed, folder, EPOCHS, StopsAfter(steps=watched.step))
    # Parameters that are put in place at the very end are none that were trained on.
    replaced = ("parameters/", "state/") if observer.replaces_parameters else ()
    kept = {name: array for name, array in _arrays(alone).items() if not name.startswith(replaced)}
    require_same(_arrays(watched), kept, "after a training that was watched", tolerance=0)
    theirs, ours = ({**training.memory(), "observers": None} for training in (watched, alone))
    for name, value in ours.items():
        if name != "history":  # which has the seconds, too
            require(theirs[name] == value, f"after a training that was watched: {name} is {theirs[name]}, expected {value}")
    histories = [watched.history, alone.history]
    if observer.replaces_parameters:  # with which the figures may have been measured
        histories = [[replace(record, metrics={}) for record in history] for history in histories]
    require(histories[0] == histories[1], "after a training that was watched: the history is another")


def memory_is_saved(observer: Observer, rng: np.random.Generator) -> None:
    """What is remembered is JSON and arrays, and all that there is: a training that goes on from a copy remembers the same."""
    seed = int(rng.integers(2**31))
    with _place() as folder:
        _require_available(observer, folder)
        name = type(observer).__name__
        whole, twin = (_trained(seed, folder, EPOCHS, observer) for _ in range(2))
        _require_own_arrays(whole, name)
        try:
            text = json.dumps(whole.memory())
        except (TypeError, ValueError) as error:
            raise ConformanceError(f"{name} remembers what is neither JSON nor an array: {error}") from error
        read = json.loads(text)["observers"]
        require(read == whole.memory()["observers"], f"{name} remembers what JSON gives back as something else: {read}")
        half = _trained(seed, folder, EPOCHS // 2, observer)
        if half.stopped is None:
            half = _trained(seed, folder, EPOCHS - EPOCHS // 2, json_copy(observer), saved=half)
    wanted, same, actual = (_memories(training) for training in (whole, twin, half))
    for place, value in wanted.items():
        if not _equal(same.get(place), value):  # what is measured, such as seconds, is another each time
            continue
        found = actual.get(place)
        if isinstance(value, np.ndarray) and isinstance(found, np.ndarray):
            require_same({place: found}, {place: value}, "when a training goes on", tolerance=0)
        else:
            require(_equal(found, value), f"{name} remembers {place} = {found!r} when a training goes on, expected {value!r}")


def _require_own_arrays(training: Training, name: str) -> None:
    """Raise where an observer remembers an array that the training goes on writing to."""
    arrays = {**training.arrays(), "gradients": training.gradients}
    theirs = {place: array for place, array in arrays.items() if place.startswith("observers/")}
    for place, array in theirs.items():
        for owned in arrays.keys() - theirs.keys():
            live = np.shares_memory(array, arrays[owned])
            require(not live, f"{name} remembers {place} in the memory of {owned}, which changes; keep a copy")


def _equal(one: Any, other: Any) -> bool:
    arrays = [isinstance(value, np.ndarray) for value in (one, other)]
    return np.array_equal(one, other) if all(arrays) else not any(arrays) and bool(one == other)


def closes_when_the_training_fails(observer: Observer, rng: np.random.Generator) -> None:
    """The context ends with the training: it hands a failure on, and leaves no file open."""
    with TemporaryDirectory() as folder, _only_new_garbage(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        _require_available(observer, Path(folder))
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


@contextlib.contextmanager
def _place() -> Iterator[Path]:
    """Stand in an empty directory, and give a folder in it for the files of a training."""
    with TemporaryDirectory() as place, contextlib.chdir(place):
        folder = Path("run").absolute()
        folder.mkdir()
        yield folder


def _failure_comes_through(observer: Observer, folder: Path) -> bool:
    training = _trained(0, folder, 1)
    try:
        with observer.watch(training, {}) as watcher:
            watcher.step()
            watcher.epoch(training.history[0])
            raise TrainingFailed
    except TrainingFailed:
        return True
    return False


def _require_available(observer: Observer, folder: Path) -> None:
    try:
        with observer.watch(_trained(0, folder, 1), {}) as watcher:
            given: Any = watcher
    except LayerkitError as error:
        raise Unavailable(f"{type(observer).__name__}.watch refuses: {error}") from error
    require(isinstance(given, Watcher), f"{type(observer).__name__}.watch gives {type(given).__name__}, expected a Watcher")


def _trained(seed: int, folder: Path, epochs: int, *observers: Observer, saved: Training | None = None) -> Training:
    """Return what a small training owns in the end: a new one, or one that goes on from what another would have saved."""
    rng = np.random.default_rng(seed)
    model = Sequential([Affine(units=3), CategoricalCrossEntropy()], input_shape=(4,), seed=seed)
    optimizer = SGD(learning_rate=0.1, momentum=0.5)
    trainer = Trainer(model, TrainingSpec(optimizer=optimizer, epochs=epochs, batch_size=2, observers=observers), folder=folder)
    if saved is not None:
        arrays = {name: array.copy() for name, array in saved.arrays().items()}
        trainer.training.restore(arrays, json.loads(json.dumps(saved.memory())))
    samples, validation = (ArraySamples(rng.standard_normal((count, 4)), rng.integers(3, size=count)) for count in (5, 3))
    for _ in trainer.train(samples, validation):
        pass
    return trainer.training


def _arrays(training: Training) -> dict[str, Array]:
    """Return all arrays but those of observers."""
    owned = {name: array for name, array in training.arrays().items() if not name.startswith("observers/")}
    return {**owned, "gradients": training.gradients}


def _memories(training: Training) -> dict[str, Any]:
    """Return all that observers remember, by name."""
    remembered = {name: array for name, array in training.arrays().items() if name.startswith("observers/")}
    for observer, memory in dict(training.memory()["observers"]).items():
        remembered |= {f"observers/{observer}/{name}": value for name, value in memory.items()}
    return remembered


OBSERVER_CHECKS = (only_watches, memory_is_saved, closes_when_the_training_fails)
