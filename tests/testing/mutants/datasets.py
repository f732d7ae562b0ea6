"""A right data set, and wrong ones made of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from layerkit import Array, ArraySamples, Batch, DataRequest, Dataset, DatasetFacts, Rows, Samples, Shape, Split
from layerkit.testing.conformance import datasets

from .catalogue import caught_by, sound


@sound
class Blobs(Dataset):
    """Points around two centres."""

    type: Literal["blobs"] = "blobs"

    def load(self, request: DataRequest) -> Split:
        inputs, labels = self.points(request.seed)
        return Split(train=self.part(inputs[:15], labels[:15]), test=self.part(inputs[15:], labels[15:]))

    def points(self, seed: int) -> tuple[Array, Array]:
        """Return all inputs and labels."""
        rng = np.random.default_rng(seed)
        labels = rng.integers(2, size=20)
        return labels[:, np.newaxis] + rng.standard_normal((20, 3)), labels

    def part(self, inputs: Array, labels: Array) -> Samples:
        """Return some of the points as samples."""
        return ArraySamples(inputs, labels)

    def facts(self) -> DatasetFacts:
        return DatasetFacts(train_count=15, input_shape=(3,), task="classes", n_classes=2)


@sound
class Weighted(Blobs):
    """Points with weights, some of them for validation."""

    def load(self, request: DataRequest) -> Split:
        inputs, labels = self.points(request.seed)
        weight = np.random.default_rng(request.seed).uniform(0.5, 2, 20)
        parts = (ArraySamples(inputs[rows], labels[rows], weight[rows]) for rows in (slice(15), slice(15, 18), slice(18, 20)))
        return Split(**dict(zip(("train", "validation", "test"), parts, strict=True)))


class FromRows(Samples):
    """Samples that are made as they are taken."""

    def __init__(self, inputs: Array, labels: Array) -> None:
        self.inputs = inputs
        self.labels = labels

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def input_shape(self) -> Shape:
        return self.inputs.shape[1:]

    def take(self, rows: Rows, out: Batch | None = None) -> Batch:
        return Batch(self.inputs[rows].copy(), self.labels[rows].copy())


@sound
class Streamed(Blobs):
    """Points that are made as they are taken."""

    def part(self, inputs: Array, labels: Array) -> Samples:
        return FromRows(inputs, labels)


@sound
class LabelSets(Blobs):
    """Points with any number of labels."""

    def part(self, inputs: Array, labels: Array) -> Samples:
        return ArraySamples(inputs, np.stack([labels, 1 - labels], axis=1))

    def facts(self) -> DatasetFacts:
        return DatasetFacts(task="label_sets")


@sound
class Heights(Blobs):
    """Points with a number each."""

    def part(self, inputs: Array, labels: Array) -> Samples:
        return ArraySamples(inputs, inputs.sum(axis=1))

    def facts(self) -> DatasetFacts:
        return DatasetFacts(task="numbers")


@sound
class Unknown(Blobs):
    """Points of which nothing is known before, and none for testing."""

    def load(self, request: DataRequest) -> Split:
        return replace(super().load(request), test=None)

    def facts(self) -> DatasetFacts:
        return DatasetFacts()


@caught_by(datasets.samples, "ArraySamples.take gives inputs as list, expected an array")
class GivesLists(Blobs):
    def part(self, inputs: Array, labels: Array) -> Samples:
        return ArraySamples(inputs.tolist(), labels)


@caught_by(datasets.same_seed_same_samples, "training samples, inputs of two loads with the same seed differ")
class IgnoresTheSeed(Blobs):
    def load(self, request: DataRequest) -> Split:
        return super().load(replace(request, seed=int(np.random.default_rng().integers(2**31))))


@caught_by(datasets.same_seed_same_samples, "of two loads with the same seed differ")
class HandsOutItsOnlyCopy(Blobs):
    loaded: ClassVar[dict[int, Split]] = {}

    def load(self, request: DataRequest) -> Split:
        return self.loaded.setdefault(request.seed, super().load(request))


@caught_by(datasets.same_seed_same_samples, "training samples, inputs of two loads with the same seed differ")
class AugmentsAtRandom(Streamed):
    """Draws noise of its own whenever a row is taken."""

    def part(self, inputs: Array, labels: Array) -> Samples:
        class Noisy(FromRows):
            def take(self, rows: Rows, out: Batch | None = None) -> Batch:
                batch = super().take(rows, out)
                return batch._replace(inputs=batch.inputs + np.random.default_rng().standard_normal(batch.inputs.shape))

        return Noisy(inputs, labels)


@caught_by(datasets.leaves_no_trace, "uses global random state")
class DrawsFromGlobalState(Blobs):
    def load(self, request: DataRequest) -> Split:
        np.random.seed(request.seed)  # noqa: NPY002 (the mistake)
        return super().load(request)


@caught_by(datasets.leaves_no_trace, "load leaves files behind: cache")
class WritesWhereItStands(Blobs):
    def load(self, request: DataRequest) -> Split:
        Path("cache").write_text("points")
        return super().load(request)


@caught_by(datasets.leaves_no_trace, "load leaves files behind: cache")
class WritesBesideTheSpec(Blobs):
    def load(self, request: DataRequest) -> Split:
        (request.folder / "cache").mkdir(exist_ok=True)
        return super().load(request)


@caught_by(datasets.leaves_no_trace, "load leaves files behind: cache")
class WritesWhenItIsRead(Blobs):
    def part(self, inputs: Array, labels: Array) -> Samples:
        class Caching(FromRows):
            def take(self, rows: Rows, out: Batch | None = None) -> Batch:
                Path("cache").write_text("points")
                return super().take(rows, out)

        return Caching(inputs, labels)


@caught_by(datasets.facts, r"facts\(\) says train_count 20, load gives 15")
class CountsTestSamplesToo(Blobs):
    def facts(self) -> DatasetFacts:
        return replace(super().facts(), train_count=20)


@caught_by(datasets.facts, r"facts\(\) says input_shape \(4,\), load gives \(3,\)")
class SaysAnotherShape(Blobs):
    def facts(self) -> DatasetFacts:
        return replace(super().facts(), input_shape=(4,))


@caught_by(datasets.facts, r"training samples: facts\(\) says 1 classes")
class SaysTooFewClasses(Blobs):
    def facts(self) -> DatasetFacts:
        return replace(super().facts(), n_classes=1)


@caught_by(datasets.facts, r"training samples: facts\(\) says 2 classes")
class LabelsFromOne(Blobs):
    def part(self, inputs: Array, labels: Array) -> Samples:
        return ArraySamples(inputs, labels + 1)


@caught_by(datasets.facts, r"training samples: facts\(\) says numbers, so targets must be finite numbers; targets are <U1")
class SaysNumbersOfText(Heights):
    def part(self, inputs: Array, labels: Array) -> Samples:
        return ArraySamples(inputs, labels.astype(str).astype("<U1"))


@caught_by(datasets.facts, r"training samples: facts\(\) says sets of labels, so targets must be zeros and ones")
class SaysSetsOfNumbers(Heights):
    def facts(self) -> DatasetFacts:
        return DatasetFacts(task="label_sets")


@caught_by(datasets.facts, r"training samples: facts\(\) says classes, so targets must be labels")
class SaysClassesOfNumbers(Heights):
    def facts(self) -> DatasetFacts:
        return DatasetFacts(task="classes")


@caught_by(datasets.facts, r"facts\(\) says how many classes there are, and not task='classes'")
class CountsClassesOfNoTask(Blobs):
    def facts(self) -> DatasetFacts:
        return replace(super().facts(), task=None)


@caught_by(datasets.samples, r"load raised FileNotFoundError")
class MissesAFile(Blobs):
    """Does not say in layerkit's words that it cannot be had."""

    def load(self, request: DataRequest) -> Split:
        (request.folder / "points.csv").read_text()
        return super().load(request)


@caught_by(datasets.samples, "load returned tuple, expected a Split")
class GivesAPair(Blobs):
    def load(self, request: DataRequest) -> Any:
        return self.points(request.seed)


@caught_by(datasets.samples, "train must be Samples, such as ArraySamples, received tuple")
class GivesBareArrays(Blobs):
    def part(self, inputs: Array, labels: Array) -> Any:
        return inputs, labels


@caught_by(datasets.samples, "test samples: the inputs hold NaN or infinity")
class HoldsNaN(Blobs):
    def points(self, seed: int) -> tuple[Array, Array]:
        inputs, labels = super().points(seed)
        inputs[-1, -1] = np.nan
        return inputs, labels


@caught_by(datasets.samples, "training samples: the inputs are <U1, expected real numbers")
class GivesText(Blobs):
    def part(self, inputs: Array, labels: Array) -> Samples:
        return ArraySamples(np.full(inputs.shape, "x"), labels)


@caught_by(datasets.samples, "training samples: there are 15 inputs and 14 targets")
class LosesATarget(Blobs):
    def part(self, inputs: Array, labels: Array) -> Samples:
        return FromRows(inputs, labels[1:])


@caught_by(datasets.samples, r"test samples: samples have shape \(2,\), those for training \(3,\)")
class TestsOtherFeatures(Blobs):
    def load(self, request: DataRequest) -> Split:
        return replace(super().load(request), test=ArraySamples(np.zeros((5, 2)), np.zeros(5, int)))


@caught_by(datasets.samples, r"validation samples: samples have shape \(2,\), those for training \(3,\)")
class ChoosesByOtherFeatures(Blobs):
    def load(self, request: DataRequest) -> Split:
        return replace(super().load(request), validation=ArraySamples(np.zeros((5, 2)), np.zeros(5, int)))


@caught_by(datasets.samples, "test samples: there are no samples")
class HasNothingToTest(Blobs):
    def load(self, request: DataRequest) -> Split:
        return replace(super().load(request), test=ArraySamples(np.zeros((0, 3)), np.zeros(0, int)))


@caught_by(datasets.samples, "training samples: the sample weights must be one finite number of 0 or more a sample")
class WeighsBelowZero(Blobs):
    def part(self, inputs: Array, labels: Array) -> Samples:
        return ArraySamples(inputs, labels, -np.ones(len(labels)))


@caught_by(datasets.samples, r"training samples: samples have shape \(3,\), and input_shape says \(3, 1\)")
class SaysAnotherShapeOfItsSamples(Blobs):
    def part(self, inputs: Array, labels: Array) -> Samples:
        class Shaped(FromRows):
            @property
            def input_shape(self) -> Shape:
                return (*super().input_shape, 1)

        return Shaped(inputs, labels)


@caught_by(datasets.taken_rows, "training samples: take of numbers in any order gives other inputs than take of all")
class TakesInOrder(Blobs):
    """Sorts the rows, as files are read fastest."""

    def part(self, inputs: Array, labels: Array) -> Samples:
        class Sorted(FromRows):
            def take(self, rows: Rows, out: Batch | None = None) -> Batch:
                return super().take(rows if isinstance(rows, slice) else np.sort(rows), out)

        return Sorted(inputs, labels)


@caught_by(datasets.taken_rows, "training samples: take of one number twice gives other")
class TakesEachRowOnce(Blobs):
    def part(self, inputs: Array, labels: Array) -> Samples:
        class Unique(FromRows):
            def take(self, rows: Rows, out: Batch | None = None) -> Batch:
                if not isinstance(rows, slice):
                    rows = rows[np.sort(np.unique(rows, return_index=True)[1])]
                return super().take(rows, out)

        return Unique(inputs, labels)


@caught_by(datasets.taken_rows, "training samples: take of a slice gives other inputs than take of all")
class CountsSlicesFromTheStart(Blobs):
    def part(self, inputs: Array, labels: Array) -> Samples:
        class FromTheStart(FromRows):
            def take(self, rows: Rows, out: Batch | None = None) -> Batch:
                return super().take(slice(rows.stop - rows.start) if isinstance(rows, slice) else rows, out)

        return FromTheStart(inputs, labels)


@caught_by(datasets.taken_rows, r"take of .*, where a longer batch may be written over gives other inputs")
class GivesBackWhatItWasGiven(Blobs):
    """Writes into the batch that it may reuse, and forgets that fewer rows were asked for."""

    def part(self, inputs: Array, labels: Array) -> Samples:
        class Whole(FromRows):
            def take(self, rows: Rows, out: Batch | None = None) -> Batch:
                taken = super().take(rows)
                if out is None:
                    return taken
                out.inputs[: len(taken.inputs)] = taken.inputs
                out.targets[: len(taken.targets)] = taken.targets
                return out

        return Whole(inputs, labels)


@caught_by(datasets.taken_rows, "take of .* gives other inputs than take of all")
class TakesIntoOneArray(Blobs):
    """Writes over what was taken before, although nobody said that it may."""

    def part(self, inputs: Array, labels: Array) -> Samples:
        memory = np.empty((20, 3))

        class Reusing(FromRows):
            def take(self, rows: Rows, out: Batch | None = None) -> Batch:
                taken = super().take(rows)
                memory[: len(taken.inputs)] = taken.inputs
                return taken._replace(inputs=memory[: len(taken.inputs)])

        return Reusing(inputs, labels)


@caught_by(datasets.taken_rows, "take of numbers in order gives inputs, targets, of all inputs, targets, sample_weight")
class ForgetsItsWeights(Weighted):
    def load(self, request: DataRequest) -> Split:
        class Forgetful(ArraySamples):
            def take(self, rows: Rows, out: Batch | None = None) -> Batch:
                batch = super().take(rows, out)
                return batch if isinstance(rows, slice) else batch._replace(sample_weight=None)

        inputs, labels = self.points(request.seed)
        return Split(train=Forgetful(inputs, labels, np.ones(20)))


@caught_by(datasets.taken_rows, "take returned tuple, expected a Batch")
class TakesAPair(Blobs):
    def part(self, inputs: Array, labels: Array) -> Samples:
        class Pairs(FromRows):
            def take(self, rows: Rows, out: Batch | None = None) -> Any:
                return self.inputs[rows], self.labels[rows]

        return Pairs(inputs, labels)
