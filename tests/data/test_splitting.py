"""`SplittingDataset`: what a data set in one piece gets from its base class, and what it refuses."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import train_test_split

import layerkit as lk

HERE = Path()


class Squares(lk.SplittingDataset):
    """Images of one color, told apart by it: all that a data set of a third party has to say."""

    type: Literal["squares"] = "squares"
    count: ClassVar[int] = 40
    n_classes: ClassVar[int | None] = 4

    @property
    def sample_shape(self) -> lk.Shape:
        return (2, 2)

    def arrays(self) -> tuple[lk.Array, lk.Array]:
        labels = np.arange(40) % 4
        noise = np.random.default_rng(0).normal(scale=0.1, size=(40, 2, 2))
        return labels[:, None, None] + noise, labels


class Heights(Squares):
    """Numbers in the place of classes."""

    type: Literal["heights"] = "heights"
    task: ClassVar[lk.Task] = "numbers"
    n_classes: ClassVar[int | None] = None


class Tags(Squares):
    """A set of labels for each image, as rows of 0 and 1."""

    type: Literal["tags"] = "tags"
    task: ClassVar[lk.Task] = "label_sets"
    n_classes: ClassVar[int | None] = None

    def arrays(self) -> tuple[lk.Array, lk.Array]:
        inputs, labels = super().arrays()
        return inputs, np.stack([labels % 2, labels // 2], axis=1)


def arrays(samples: lk.Samples | None) -> tuple[lk.Array, lk.Array]:
    assert isinstance(samples, lk.ArraySamples)
    assert samples.sample_weight is None
    return samples.inputs, samples.targets


@pytest.mark.parametrize("test_size", [0.1, 0.33, 0.5])
@pytest.mark.parametrize("stratify", [False, True])
def test_the_split_is_that_of_scikit_learn(test_size: float, stratify: bool) -> None:
    dataset = Squares(test_size=test_size, stratify=stratify)
    inputs, targets = dataset.arrays()
    wanted = train_test_split(inputs, targets, test_size=test_size, random_state=5, stratify=targets if stratify else None)
    split = dataset.load(lk.DataRequest(seed=5, folder=HERE))
    assert split.validation is None
    for part, (wanted_inputs, wanted_targets) in ((split.train, wanted[::2]), (split.test, wanted[1::2])):
        assert_array_equal(arrays(part)[0], wanted_inputs)
        assert_array_equal(arrays(part)[1], wanted_targets)


@pytest.mark.parametrize("test_size", [None, 0.1, 0.33])
def test_facts_are_known_before_anything_is_loaded(test_size: float | None) -> None:
    class Unloadable(Squares):
        def arrays(self) -> tuple[lk.Array, lk.Array]:
            raise AssertionError("nothing was to be loaded")

    count = 40 - math.ceil(40 * (test_size or 0))
    assert Unloadable(test_size=test_size).facts() == lk.DatasetFacts(
        train_count=count, test_count=40 - count, input_shape=(2, 2), task="classes", n_classes=4
    )
    assert len(Squares(test_size=test_size).load(lk.DataRequest(seed=0, folder=HERE)).train) == count
    assert Heights().facts().task == "numbers"
    assert Heights().facts().n_classes is None


def test_what_is_not_known_is_none_and_not_numbers() -> None:
    facts = lk.DatasetFacts()
    assert (facts.train_count, facts.input_shape, facts.task, facts.n_classes) == (None, None, None, None)


def test_numbers_have_no_classes_to_stratify_by() -> None:
    with pytest.raises(lk.SpecError, match="has no classes to stratify by"):
        Heights(stratify=True)


@pytest.mark.parametrize("test_size", [0.01, 0.92])
def test_stratified_parts_have_room_for_each_class(test_size: float) -> None:
    parts = r"each of the 4 classes into both parts; a test_size of 0\.\d+ makes parts of \d+ and \d+"
    with pytest.raises(lk.SpecError, match=parts):
        Squares(test_size=test_size, stratify=True)
    assert Squares(stratify=True, test_size=None).load(lk.DataRequest(seed=0, folder=HERE)).test is None


def test_targets_may_be_sets_of_labels() -> None:
    dataset = Tags(test_size=0.25)
    split = dataset.load(lk.DataRequest(seed=3, folder=HERE))
    assert dataset.facts().task == "label_sets"
    assert [arrays(part)[1].shape for part in (split.train, split.test)] == [(30, 2), (10, 2)]


def test_a_split_that_cannot_be_names_the_data_set() -> None:
    with pytest.raises(lk.DataError, match=r"^squares cannot be split with a test_size of 0\.99: "):
        Squares(test_size=0.99).load(lk.DataRequest(seed=0, folder=HERE))


def test_the_deprecated_key_does_nothing_to_samples_and_says_so() -> None:
    with pytest.raises(lk.DataError, match=r"^squares hands out .* as they are; put Standardize\(\) first in the network$"):
        Squares(standardize=True).load(lk.DataRequest(seed=5, folder=HERE))
