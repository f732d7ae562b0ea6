"""Random streams: reproducible, independent of each other and of what else draws."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from layerkit import Affine, CategoricalCrossEntropy, ReLU, Sequential
from layerkit.streams import checked_seed, random_stream

PATHS = [
    (),
    ("",),
    ("", ""),
    ("a",),
    ("a", "a"),
    ("a", ""),
    ("", "a"),
    ("aa",),
    ("a\x01a",),
    ("\x01a",),
    ("b",),
    ("node", "affine_1"),
    ("node", "affine_2"),
    ("node", "affine_11"),
    ("nodeaffine_1",),
    ("shuffle",),
    ("node", "é"),
    ("node", "e"),
]


def drawn(seed: int, *path: str, count: int = 4) -> list[int]:
    return random_stream(seed, *path).integers(2**63, size=count).tolist()


@pytest.mark.parametrize("seed", [0, 1, 123, 2**32 - 1, 2**32, 2**53 - 1, 2**200])
def test_the_same_seed_and_path_give_the_same_numbers(seed: int) -> None:
    assert drawn(seed, "node", "affine_1") == drawn(seed, "node", "affine_1")


def test_a_stream_is_the_same_on_every_machine_and_day() -> None:
    # Raw words: NumPy promises these bits, and only these, across its versions.
    words = random_stream(0, "node", "affine_1").bit_generator.random_raw(2)
    assert words.tolist() == [3328076241679522033, 3375867117042242845]
    assert random_stream(123, "shuffle").bit_generator.random_raw(1).tolist() == [15369627978013722616]


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**32, 2**53 - 1, 2**200])
@pytest.mark.parametrize("path", [(), ("",), ("node", "affine_1"), ("node", "é" * 300)], ids=len)
def test_a_stream_is_that_of_a_spawn_key(seed: int, path: tuple[str, ...]) -> None:
    key = [number for part in path for number in (len(part.encode()), *part.encode())]
    spawned = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
    stream = random_stream(seed, *path)
    assert stream.bit_generator.state == spawned.bit_generator.state
    assert stream.spawn(2)[1].bit_generator.state == spawned.spawn(2)[1].bit_generator.state


@pytest.mark.parametrize("seed", [0, 123])
def test_no_two_paths_share_a_stream(seed: int) -> None:
    numbers = [drawn(seed, *path) for path in PATHS]
    assert all(one != other for one, other in combinations(numbers, 2))


def test_no_two_seeds_share_a_stream() -> None:
    numbers = [drawn(seed, "node", "affine_1") for seed in (*range(50), 2**32, 2**32 + 1, 2**53 - 1)]
    assert all(one != other for one, other in combinations(numbers, 2))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((0, "node", "affine_1"), (0, "node", "affine_2")),
        ((0, "node", "affine_1"), (1, "node", "affine_1")),
        ((0, "a"), (0, "a", "a")),
    ],
)
def test_streams_are_uncorrelated(one: tuple[int, str], other: tuple[int, str]) -> None:
    count = 20_000
    first, second = (random_stream(*path).standard_normal(count) for path in (one, other))
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(count)


def test_what_another_stream_draws_does_not_matter() -> None:
    wanted = drawn(5, "a", count=6)
    mine, other = random_stream(5, "a"), random_stream(5, "b")
    got = []
    for _ in range(3):
        got += mine.integers(2**63, size=2).tolist()
        other.random(7)
    assert got == wanted


def test_the_global_random_state_is_neither_read_nor_moved() -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002 (to see that nobody touches it)
    drawn(5, "a")
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="0 or more, received -1"):
        random_stream(-1, "a")


def test_fresh_seeds_differ_and_survive_json() -> None:
    seeds = [checked_seed(None) for _ in range(20)]
    assert len(set(seeds)) == 20
    assert all(0 <= seed < 2**53 for seed in seeds)
    assert max(seeds) > 2**40


def test_a_layer_in_between_leaves_the_other_weights_as_they_were() -> None:
    short = Sequential([Affine(units=3), Affine(units=3), CategoricalCrossEntropy()], input_shape=(3,), seed=9)
    long = Sequential([Affine(units=3), ReLU(), Affine(units=3), CategoricalCrossEntropy()], input_shape=(3,), seed=9)
    assert_array_equal(long.parameters, short.parameters)
    assert not (short["affine_1"].params.weight == short["affine_2"].params.weight).any()
