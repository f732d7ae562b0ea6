"""`split_rows`: the parts are apart and whole, of the sizes that were asked for, and as the labels, groups or order say."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.model_selection import train_test_split

import layerkit as lk

SIZES = st.one_of(st.none(), st.floats(0.05, 0.4), st.integers(2, 8))


def wanted(size: float | None, count: int) -> int:
    return 0 if size is None else size if isinstance(size, int) else math.ceil(size * count)


@given(count=st.integers(20, 200), seed=st.integers(0, 2**32 - 1), test=SIZES, validation=SIZES)
def test_parts_are_apart_whole_and_of_their_sizes(count: int, seed: int, test: float | None, validation: float | None) -> None:
    parts = lk.split_rows(count, seed=seed, test_size=test, validation_size=validation)
    there = [part for part in parts if part is not None]
    assert_array_equal(np.sort(np.concatenate(there)), np.arange(count))
    assert (parts.test is None, parts.validation is None) == (test is None, validation is None)
    n_test = 0 if parts.test is None else len(parts.test)
    assert n_test == wanted(test, count)
    assert (0 if parts.validation is None else len(parts.validation)) == wanted(validation, count - n_test)
    again = lk.split_rows(count, seed=seed, test_size=test, validation_size=validation)
    for one, other in zip(parts, again, strict=True):
        assert_array_equal(one, other)


def test_the_test_part_is_that_of_scikit_learn() -> None:
    labels = np.arange(100) % 3
    train, test = train_test_split(np.arange(100), test_size=0.25, random_state=7, stratify=labels)
    parts = lk.split_rows(100, seed=7, test_size=0.25, labels=labels)
    assert_array_equal(parts.train, train)
    assert_array_equal(parts.test, test)


@given(seed=st.integers(0, 1000), test=st.floats(0.1, 0.4), validation=st.floats(0.1, 0.4))
def test_shares_of_labels_are_alike(seed: int, test: float, validation: float) -> None:
    labels = np.repeat([0, 1, 2], [60, 30, 30])
    for part in lk.split_rows(120, seed=seed, test_size=test, validation_size=validation, labels=labels):
        assert part is not None
        shares = np.bincount(labels[part], minlength=3) / len(part)
        np.testing.assert_allclose(shares, [0.5, 0.25, 0.25], atol=1.5 / len(part))


@given(seed=st.integers(0, 1000), groups=st.lists(st.integers(0, 9), min_size=30, max_size=80), test=st.floats(0.05, 0.5))
def test_groups_stay_together(seed: int, groups: list[int], test: float) -> None:
    if len(set(groups)) < 4:
        return
    names = np.array(groups)
    try:
        parts = lk.split_rows(len(groups), seed=seed, test_size=test, validation_size=2, groups=names)
    except lk.DataError:  # where the groups that the test took leave one alone
        return
    held = [set(names[part]) for part in parts if part is not None]
    assert sum(map(len, held)) == len(set(groups))
    assert parts.test is not None
    assert len(parts.test) >= math.ceil(test * len(groups)) or len(held[0]) == 1


@given(order=st.lists(st.integers(0, 50), min_size=20, max_size=60), test=st.floats(0.1, 0.4))
def test_the_last_in_order_are_for_the_test(order: list[int], test: float) -> None:
    times = np.array(order)
    parts = lk.split_rows(len(order), seed=0, test_size=test, validation_size=0.2, order=times)
    assert parts.test is not None
    assert parts.validation is not None
    assert times[parts.train].max() <= times[parts.validation].min()
    assert times[parts.validation].max() <= times[parts.test].min()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"test_size": 10}, "cannot be split with a test_size of 10: of 10 samples none is left to train on"),
        ({"validation_size": 12}, "cannot be split with a validation of 12: of 10 samples none is left to train on"),
        ({"test_size": 0.5, "labels": np.array([0] * 9 + [1])}, "The least populated class"),
        ({"test_size": 0.5, "groups": np.zeros(10)}, "needs at least two groups, and all samples are of one"),
    ],
)
def test_what_cannot_be_is_told(options: dict[str, Any], says: str) -> None:
    with pytest.raises(lk.DataError, match=says):
        lk.split_rows(10, seed=0, **options)


@pytest.mark.parametrize("size", [0, -1, 1, 1.5, -0.1, "0.2", True, float("nan")])
def test_a_size_is_a_share_or_a_number(size: Any) -> None:
    with pytest.raises(lk.SpecError, match="test_size"):
        lk.Iris(test_size=size)
