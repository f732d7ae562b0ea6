"""The data sets that ship with scikit-learn: what is promised of them is what is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import datasets
from sklearn.model_selection import train_test_split

from layerkit import (
    Array,
    ArraySamples,
    BreastCancer,
    DataError,
    DataRequest,
    Dataset,
    DatasetFacts,
    Diabetes,
    Digits,
    Iris,
    Samples,
    Split,
    SplittingDataset,
    Wine,
)
from layerkit.errors import SpecError

HERE = Path()
LOADERS = {
    Digits: datasets.load_digits,
    Iris: datasets.load_iris,
    Wine: datasets.load_wine,
    BreastCancer: datasets.load_breast_cancer,
    Diabetes: datasets.load_diabetes,
}
CLASSIFIED = [Digits, Iris, Wine, BreastCancer]


def in_arrays(samples: Samples | None) -> ArraySamples:
    """Return samples whose arrays can be looked at."""
    assert isinstance(samples, ArraySamples)
    return samples


def load(dataset: Dataset, seed: int = 0) -> tuple[ArraySamples, ArraySamples]:
    """Return training and test samples of a data set that has both."""
    split = dataset.load(DataRequest(seed=seed, folder=HERE))
    assert split.validation is None
    return in_arrays(split.train), in_arrays(split.test)


def assert_same(samples: Samples, inputs: Array, targets: Array) -> None:
    samples = in_arrays(samples)
    assert samples.sample_weight is None
    assert_array_equal(samples.inputs, inputs)
    assert_array_equal(samples.targets, targets)


@pytest.mark.parametrize("test_size", [0.001, 0.25, 0.5, 1 / 3, 0.9, None])
@pytest.mark.parametrize("cls", LOADERS)
def test_facts_agree_with_what_is_loaded(cls: type[SplittingDataset], test_size: float | None) -> None:
    dataset = cls(test_size=test_size)
    split, facts = dataset.load(DataRequest(seed=1, folder=HERE)), dataset.facts()
    train = in_arrays(split.train)
    assert len(train) == facts.train_count
    assert train.input_shape == facts.input_shape
    assert train.inputs.shape == (facts.train_count, *(facts.input_shape or ()))
    assert train.targets.shape == (facts.train_count,)
    whole = np.concatenate([train.targets, in_arrays(split.test).targets if split.test else []])
    assert len(whole) == dataset.count
    if facts.n_classes is None:
        assert facts.task == "numbers"
        assert whole.dtype == np.float64
    else:
        assert facts.task == "classes"
        assert train.targets.dtype.kind == "i"
        assert_array_equal(np.unique(whole), np.arange(facts.n_classes))


@pytest.mark.parametrize("cls", LOADERS)
def test_the_split_is_that_of_scikit_learn(cls: type[SplittingDataset]) -> None:
    inputs, targets = LOADERS[cls](return_X_y=True)
    train_inputs, test_inputs, train_targets, test_targets = train_test_split(inputs, targets, test_size=0.3, random_state=7)
    train, test = load(cls(test_size=0.3), seed=7)
    assert_same(train, train_inputs, train_targets)
    assert_same(test, test_inputs, test_targets)


@pytest.mark.parametrize("cls", LOADERS)
def test_without_a_test_part_all_samples_are_trained_on_in_their_order(cls: type[SplittingDataset]) -> None:
    split = cls(test_size=None).load(DataRequest(seed=7, folder=HERE))
    assert split.test is None
    assert_same(split.train, *LOADERS[cls](return_X_y=True))


@pytest.mark.parametrize("cls", CLASSIFIED)
def test_stratified_parts_have_the_shares_of_the_classes(cls: type[SplittingDataset]) -> None:
    dataset = cls(test_size=0.3, stratify=True)
    inputs, targets = LOADERS[cls](return_X_y=True)
    train, test = load(dataset, seed=3)
    shares = np.bincount(targets) / len(targets)
    for part in (train, test):
        assert np.abs(np.bincount(part.targets) - shares * len(part)).max() <= 1
    wanted = train_test_split(inputs, targets, test_size=0.3, random_state=3, stratify=targets)
    assert_same(train, wanted[0], wanted[2])
    assert_same(test, wanted[1], wanted[3])
    assert len(train) == dataset.facts().train_count


def test_there_are_no_classes_to_stratify_a_regression_by() -> None:
    with pytest.raises(SpecError, match="has no classes to stratify by"):
        Diabetes(stratify=True)


def test_a_split_that_leaves_nothing_to_train_on_is_refused() -> None:
    with pytest.raises(DataError, match="test_size"):
        Iris(test_size=0.999).load(DataRequest(seed=0, folder=HERE))


def test_the_seed_of_the_run_decides_the_split() -> None:
    first, again, other = (load(Iris(), seed)[0].inputs for seed in (1, 1, 2))
    assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_split_seed_of_its_own_goes_first() -> None:
    wanted = load(Iris(), seed=9)[0].inputs
    for seed in (1, 2):
        assert_array_equal(load(Iris(split_seed=9), seed)[0].inputs, wanted)
    assert_array_equal(load(Iris(split_seed=0), seed=9)[0].inputs, load(Iris(), seed=0)[0].inputs)


def test_the_largest_seed_of_a_run_is_taken() -> None:
    assert len(load(Iris(), seed=2**53 - 1)[0]) == 112


def test_every_load_hands_out_arrays_of_its_own() -> None:
    first = in_arrays(Iris(test_size=None).load(DataRequest(seed=0, folder=HERE)).train)
    first.inputs[...] = -1
    assert in_arrays(Iris(test_size=None).load(DataRequest(seed=0, folder=HERE)).train).inputs.min() > 0


def test_digits_may_be_images() -> None:
    flat, _ = load(Digits())
    images, test_images = load(Digits(as_images=True))
    assert images.inputs.shape == (1347, 8, 8, 1)
    assert test_images.inputs.shape == (450, 8, 8, 1)
    assert Digits(as_images=True).facts() == DatasetFacts(
        train_count=1347, test_count=450, input_shape=(8, 8, 1), task="classes", n_classes=10
    )
    assert_array_equal(images.inputs.reshape(-1, 64), flat.inputs)


@pytest.mark.parametrize(
    "options", [{"test_size": 0.0}, {"test_size": 1.0}, {"test_size": -0.1}, {"split_seed": -1}, {"split_seed": 2**32}], ids=str
)
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match=next(iter(options))):
        Iris(**options)


def test_a_dataset_may_know_nothing_beforehand() -> None:
    class Unknown(Dataset):
        type: Literal["unknown"] = "unknown"

        def load(self, request: DataRequest) -> Split:
            return Split(train=ArraySamples(np.zeros((2, 3)), np.zeros(2)))

    facts = Unknown().facts()
    assert (facts.train_count, facts.input_shape, facts.task, facts.n_classes) == (None, None, None, None)
    assert len(Unknown().load(DataRequest(seed=0, folder=HERE)).train) == 2
