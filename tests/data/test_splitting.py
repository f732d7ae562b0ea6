"""`SplittingDataset`: what a data set in one piece gets from its base class, and how features are standardized."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import train_test_split

import layerkit as lk
from layerkit.data.splitting import standardized

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
    split = dataset.load(5, HERE)
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
    assert len(Squares(test_size=test_size).load(0, HERE).train) == count
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
    assert Squares(stratify=True, test_size=None).load(0, HERE).test is None


def test_targets_may_be_sets_of_labels() -> None:
    dataset = Tags(test_size=0.25)
    split = dataset.load(3, HERE)
    assert dataset.facts().task == "label_sets"
    assert [arrays(part)[1].shape for part in (split.train, split.test)] == [(30, 2), (10, 2)]


def test_a_split_that_cannot_be_names_the_data_set() -> None:
    with pytest.raises(lk.DataError, match=r"^squares cannot be split with a test_size of 0\.99: "):
        Squares(test_size=0.99).load(0, HERE)


def test_features_are_scaled_by_what_is_trained_on() -> None:
    plain, scaled = (Squares(standardize=standardize).load(5, HERE) for standardize in (False, True))
    inputs = arrays(plain.train)[0]
    mean, std = inputs.mean(axis=0), inputs.std(axis=0)
    for part, wanted in ((scaled.train, plain.train), (scaled.test, plain.test)):
        assert_allclose(arrays(part)[0], (arrays(wanted)[0] - mean) / std, rtol=1e-12, atol=1e-12)
        assert_array_equal(arrays(part)[1], arrays(wanted)[1])


# --- standardized features ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [14.62, 0.1, -1e-9, 1e30, 0.0, 3.0])
@pytest.mark.parametrize("count", [3, 100, 10_007])
def test_a_column_that_is_constant_becomes_0(dtype: str, value: float, count: int) -> None:
    """The mean of many equal numbers is not that number, and their deviation is not 0."""
    column = np.full((count, 1), value, dtype)
    assert_array_equal(standardized(column, column), np.zeros((count, 1)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_column_that_is_constant_up_to_rounding_is_only_moved(dtype: str) -> None:
    eps = np.finfo(dtype).eps
    column = np.full((1000, 1), 14.62, dtype)
    column[::3] *= 1 + eps
    column[1::3] *= 1 - eps
    assert np.ptp(column) > 0
    assert np.abs(standardized(column, column)).max() < 100 * eps


def test_a_value_beside_a_constant_column_keeps_its_distance() -> None:
    reference = np.full((133, 2), [14.62, 5.0])
    reference[:, 1] += np.arange(133)
    test = np.array([[14.63, 71.0], [14.62, 5.0]])
    scaled = standardized(test, reference)
    assert_allclose(scaled[:, 0], [0.01, 0], atol=1e-12)
    assert_allclose(scaled[:, 1], (test[:, 1] - 71) / reference[:, 1].std(), atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_column_that_varies_little_is_scaled_all_the_same(dtype: str) -> None:
    """Beyond rounding, a deviation is one however small."""
    column = (14.62 + 1e-4 * np.arange(-50, 50)[:, None]).astype(dtype)
    scaled = standardized(column, column)
    assert scaled.std() == pytest.approx(1, rel=1e-2)
    assert scaled.mean() == pytest.approx(0, abs=1e-2)
    tiny = np.array([[1e-30], [2e-30], [3e-30]], dtype)
    assert standardized(tiny, tiny).std() == pytest.approx(1, rel=1e-5)


def test_integers_are_standardized_too() -> None:
    pixels = np.array([[0, 7], [16, 7], [8, 7]], np.uint8)
    assert_allclose(standardized(pixels, pixels), [[-math.sqrt(1.5), 0], [math.sqrt(1.5), 0], [0, 0]], rtol=1e-12)
