"""A right data set, and wrong ones made of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from layerkit import DataError, Dataset, DatasetFacts, Samples, Split
from layerkit.testing.conformance import datasets

from .catalogue import caught_by, sound


@sound
class Blobs(Dataset):
    """Points around two centres."""

    type: Literal["blobs"] = "blobs"

    def load(self, seed: int, folder: Path) -> Split:
        rng = np.random.default_rng(seed)
        labels = rng.integers(2, size=20)
        inputs = labels[:, np.newaxis] + rng.standard_normal((20, 3))
        return Split(Samples(inputs[:15], labels[:15]), Samples(inputs[15:], labels[15:]))

    def facts(self) -> DatasetFacts:
        return DatasetFacts(15, (3,), 2)


@sound
class Unknown(Blobs):
    """Points of which nothing is known before, and none for testing."""

    def load(self, seed: int, folder: Path) -> Split:
        return replace(super().load(seed, folder), test=None)

    def facts(self) -> DatasetFacts:
        return DatasetFacts()


@sound
class Missing(Blobs):
    """Points that an extra would bring."""

    def load(self, seed: int, folder: Path) -> Split:
        raise DataError("missing needs an extra")


@caught_by(datasets.same_seed_same_samples, "training samples, inputs of two loads with the same seed differ")
class IgnoresTheSeed(Blobs):
    def load(self, seed: int, folder: Path) -> Split:
        return super().load(int(np.random.default_rng().integers(2**31)), folder)


@caught_by(datasets.same_seed_same_samples, "of two loads with the same seed differ")
class HandsOutItsOnlyCopy(Blobs):
    loaded: ClassVar[dict[int, Split]] = {}

    def load(self, seed: int, folder: Path) -> Split:
        return self.loaded.setdefault(seed, super().load(seed, folder))


@caught_by(datasets.leaves_no_trace, "uses global random state")
class DrawsFromGlobalState(Blobs):
    def load(self, seed: int, folder: Path) -> Split:
        np.random.seed(seed)  # noqa: NPY002 (the mistake)
        return super().load(seed, folder)


@caught_by(datasets.leaves_no_trace, "load leaves files behind: cache")
class WritesWhereItStands(Blobs):
    def load(self, seed: int, folder: Path) -> Split:
        Path("cache").write_text("points")
        return super().load(seed, folder)


@caught_by(datasets.leaves_no_trace, "load leaves files behind: cache")
class WritesBesideTheSpec(Blobs):
    def load(self, seed: int, folder: Path) -> Split:
        (folder / "cache").mkdir(exist_ok=True)
        return super().load(seed, folder)


@caught_by(datasets.facts, r"facts\(\) says train_count 20, load gives 15")
class CountsTestSamplesToo(Blobs):
    def facts(self) -> DatasetFacts:
        return DatasetFacts(20, (3,), 2)


@caught_by(datasets.facts, r"facts\(\) says input_shape \(4,\), load gives \(3,\)")
class SaysAnotherShape(Blobs):
    def facts(self) -> DatasetFacts:
        return DatasetFacts(15, (4,), 2)


@caught_by(datasets.facts, r"training samples: facts\(\) says 1 classes")
class SaysTooFewClasses(Blobs):
    def facts(self) -> DatasetFacts:
        return DatasetFacts(15, (3,), 1)


@caught_by(datasets.facts, r"training samples: facts\(\) says 2 classes")
class LabelsFromOne(Blobs):
    def load(self, seed: int, folder: Path) -> Split:
        split = super().load(seed, folder)
        return replace(split, train=replace(split.train, targets=split.train.targets + 1))


@caught_by(datasets.samples, r"load raised FileNotFoundError")
class MissesAFile(Blobs):
    """Does not say in layerkit's words that it cannot be had."""

    def load(self, seed: int, folder: Path) -> Split:
        (folder / "points.csv").read_text()
        return super().load(seed, folder)


@caught_by(datasets.samples, "test samples: the inputs hold NaN or infinity")
class HoldsNaN(Blobs):
    def load(self, seed: int, folder: Path) -> Split:
        split = super().load(seed, folder)
        split.train.inputs.base[-1, -1] = np.nan  # type: ignore[index]  # the memory that both parts are views of
        return split


@caught_by(datasets.samples, "training samples: the inputs are <U1, expected real numbers")
class GivesText(Blobs):
    def load(self, seed: int, folder: Path) -> Split:
        split = super().load(seed, folder)
        return replace(split, train=replace(split.train, inputs=np.full((15, 3), "x")))


@caught_by(datasets.samples, "training samples: there are 15 inputs and 14 targets")
class LosesATarget(Blobs):
    def load(self, seed: int, folder: Path) -> Split:
        split = super().load(seed, folder)
        return replace(split, train=replace(split.train, targets=split.train.targets[1:]))


@caught_by(datasets.samples, r"test samples: samples have shape \(2,\), those for training \(3,\)")
class TestsOtherFeatures(Blobs):
    def load(self, seed: int, folder: Path) -> Split:
        split = super().load(seed, folder)
        return Split(split.train, Samples(np.zeros((5, 2)), np.zeros(5, int)))


@caught_by(datasets.samples, "test samples: there are no samples")
class HasNothingToTest(Blobs):
    def load(self, seed: int, folder: Path) -> Split:
        return Split(super().load(seed, folder).train, Samples(np.zeros((0, 3)), np.zeros(0, int)))
