"""Initial values: their distributions, their fans, their streams and their JSON."""

from __future__ import annotations

import math
import tracemalloc
from typing import Any, Literal

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import layerkit as lk
from layerkit import (
    Affine,
    Array,
    CategoricalCrossEntropy,
    Constant,
    HeNormal,
    HeUniform,
    Initializer,
    ModelSpec,
    Normal,
    Sequential,
    Shape,
    ShapeError,
    Uniform,
    XavierNormal,
    XavierUniform,
    Zeros,
)
from layerkit.errors import SpecError
from layerkit.initializers import fans

ALL = [
    Zeros(),
    Constant(value=0.25),
    Uniform(low=-0.5, high=2.0),
    Normal(mean=1.0, std=3.0),
    XavierUniform(),
    XavierNormal(),
    HeUniform(),
    HeNormal(),
]
RANDOM = ALL[2:]
DENSE, CONV = (300, 100), (5, 5, 20, 40)
LARGE = (300, 700)
"""More values than are drawn at once."""


def draw(initializer: Initializer, shape: Shape, seed: int = 0) -> np.ndarray:
    return initializer.draw(shape, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((300, 100), (300, 100)),
        ((5, 20, 40), (100, 200)),
        ((5, 5, 20, 40), (500, 1000)),
        ((2, 3, 4, 5, 6), (120, 144)),
        ((7,), (7, 7)),
        ((), (1, 1)),
    ],
)
def test_fans_count_what_enters_and_what_leaves(shape: Shape, expected: tuple[int, int]) -> None:
    assert fans(shape) == expected


@pytest.mark.parametrize(
    ("initializer", "shape", "low", "high"),
    [
        (Uniform(), DENSE, -0.05, 0.05),
        (Uniform(low=-0.5, high=2.0), DENSE, -0.5, 2.0),
        (XavierUniform(), DENSE, -math.sqrt(6 / 400), math.sqrt(6 / 400)),
        (XavierUniform(), CONV, -math.sqrt(6 / 1500), math.sqrt(6 / 1500)),
        (HeUniform(), DENSE, -math.sqrt(6 / 300), math.sqrt(6 / 300)),
        (HeUniform(), CONV, -math.sqrt(6 / 500), math.sqrt(6 / 500)),
    ],
    ids=str,
)
def test_uniform_values_fill_their_interval(initializer: Initializer, shape: Shape, low: float, high: float) -> None:
    values = draw(initializer, shape)
    width = high - low
    assert low <= values.min() < low + 0.001 * width
    assert high - 0.001 * width < values.max() < high
    shares = np.histogram(values, 10, (low, high))[0] / values.size
    assert np.abs(shares - 0.1).max() < 5 * math.sqrt(0.09 / values.size)


@pytest.mark.parametrize(
    ("initializer", "shape", "mean", "std"),
    [
        (Normal(), DENSE, 0.0, 0.05),
        (Normal(mean=1.0, std=3.0), DENSE, 1.0, 3.0),
        (XavierNormal(), DENSE, 0.0, math.sqrt(2 / 400)),
        (XavierNormal(), CONV, 0.0, math.sqrt(2 / 1500)),
        (HeNormal(), DENSE, 0.0, math.sqrt(2 / 300)),
        (HeNormal(), CONV, 0.0, math.sqrt(2 / 500)),
    ],
    ids=str,
)
def test_normal_values_have_their_moments(initializer: Initializer, shape: Shape, mean: float, std: float) -> None:
    standard = (draw(initializer, shape) - mean) / std
    assert abs(standard.mean()) < 5 / math.sqrt(standard.size)
    assert abs(standard.std() - 1) < 5 / math.sqrt(2 * standard.size)
    assert abs((np.abs(standard) < 1).mean() - 0.6827) < 5 * math.sqrt(0.22 / standard.size)
    assert 3.5 < np.abs(standard).max() < 7


def test_zeros_and_constants() -> None:
    assert_array_equal(draw(Zeros(), (2, 3)), [[0, 0, 0], [0, 0, 0]])
    assert_array_equal(draw(Constant(value=0.25), (2,)), [0.25, 0.25])


@pytest.mark.parametrize("initializer", ALL, ids=str)
@pytest.mark.parametrize("shape", [(), (3,), (4, 5), (2, 2, 3, 4)])
def test_values_are_new_float64_arrays_of_the_shape(initializer: Initializer, shape: Shape) -> None:
    values = np.asarray(draw(initializer, shape))
    assert values.shape == shape
    assert values.dtype == np.float64
    assert np.isfinite(values).all()


@pytest.mark.parametrize("initializer", ALL, ids=str)
def test_a_whole_number_gives_float64_too(initializer: Initializer) -> None:
    assert draw(Constant(value=3), (2,)).dtype == np.float64
    assert draw(initializer, (2,)).dtype == np.float64


@pytest.mark.parametrize("initializer", RANDOM, ids=str)
def test_the_stream_alone_decides_the_values(initializer: Initializer) -> None:
    assert_array_equal(draw(initializer, (4, 5), seed=1), draw(initializer, (4, 5), seed=1))
    assert not (draw(initializer, (4, 5), seed=1) == draw(initializer, (4, 5), seed=2)).any()
    rng = np.random.default_rng(1)
    initializer.draw((4, 5), rng)
    assert not (initializer.draw((4, 5), rng) == draw(initializer, (4, 5), seed=1)).any()


@pytest.mark.parametrize("initializer", [Zeros(), Constant(value=0.25)], ids=str)
def test_fixed_values_leave_the_stream_alone(initializer: Initializer) -> None:
    rng = np.random.default_rng(1)
    initializer.draw((4, 5), rng)
    assert rng.random() == np.random.default_rng(1).random()


# --- filling an array ---------------------------------------------------------------------------------------------


class Whole(Initializer):
    """Values that are known together alone: ranks, times a factor."""

    type: Literal["whole"] = "whole"

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return rng.permutation(math.prod(shape)).reshape(shape) / 7


class Narrow(Whole):
    """Values of another shape than was asked for, which could be broadcast."""

    type: Literal["narrow"] = "narrow"

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return super().draw(shape[-1:], rng)


def in_one_draw(initializer: Initializer, shape: Shape, rng: np.random.Generator) -> Array:
    """Return what a built-in initializer should draw, by one call of NumPy for all values."""
    fan_in, fan_out = fans(shape)
    match initializer:
        case Uniform():
            return rng.uniform(initializer.low, initializer.high, shape)
        case Normal():
            return rng.normal(initializer.mean, initializer.std, shape)
        case XavierUniform():
            return rng.uniform(-math.sqrt(6 / (fan_in + fan_out)), math.sqrt(6 / (fan_in + fan_out)), shape)
        case XavierNormal():
            return rng.normal(0.0, math.sqrt(2 / (fan_in + fan_out)), shape)
        case HeUniform():
            return rng.uniform(-math.sqrt(6 / fan_in), math.sqrt(6 / fan_in), shape)
        case HeNormal():
            return rng.normal(0.0, math.sqrt(2 / fan_in), shape)
    return np.full(shape, 0.25 if isinstance(initializer, Constant) else 0.0)


@pytest.mark.parametrize("initializer", ALL, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (5,), LARGE, (2, 3, 4, 10_000)], ids=str)
def test_pieces_are_bit_for_bit_what_one_draw_gives(initializer: Initializer, dtype: str, shape: Shape) -> None:
    array, rng, other = np.empty(shape, dtype), np.random.default_rng(3), np.random.default_rng(3)
    initializer.fill(array, rng)
    assert array.tobytes() == in_one_draw(initializer, shape, other).astype(dtype).tobytes()
    assert rng.random() == other.random()


@pytest.mark.parametrize("initializer", [*ALL, Whole()], ids=str)
@pytest.mark.parametrize("shape", [(), (4, 5), LARGE], ids=str)
def test_an_array_is_filled_with_what_is_drawn(initializer: Initializer, shape: Shape) -> None:
    array = np.empty(shape, np.float32)
    initializer.fill(array, np.random.default_rng(3))
    assert_array_equal(array, np.asarray(draw(initializer, shape, seed=3)).astype(np.float32))


@pytest.mark.parametrize("initializer", [Normal(), Whole()], ids=str)
def test_an_array_may_lie_anyhow_in_memory(initializer: Initializer) -> None:
    array = np.zeros((700, 600)).T[::2]
    initializer.fill(array, np.random.default_rng(3))
    assert_array_equal(array, draw(initializer, LARGE, seed=3))


@pytest.mark.parametrize("initializer", ALL, ids=str)
def test_a_large_array_is_filled_in_little_memory(initializer: Initializer) -> None:
    array, rng = np.empty((3000, 1000), np.float32), np.random.default_rng(0)
    tracemalloc.start()
    try:
        initializer.fill(array, rng)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_values_of_another_shape_are_refused() -> None:
    array = np.zeros((4, 5))
    with pytest.raises(ShapeError, match=r"narrow\.draw gives shape \(5,\), expected \(4, 5\)"):
        Narrow().fill(array, np.random.default_rng(0))
    assert not array.any()


# --- as JSON ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("initializer", ALL, ids=str)
def test_an_initializer_survives_json(initializer: Initializer) -> None:
    again = type(initializer).model_validate_json(initializer.model_dump_json())
    assert again == initializer
    assert_array_equal(draw(again, (4, 5)), draw(initializer, (4, 5)))


@pytest.mark.parametrize("initializer", ALL, ids=str)
def test_an_initializer_survives_the_json_of_a_model(initializer: Initializer) -> None:
    layers = (Affine(units=2, weight_init=initializer, bias_init=initializer), CategoricalCrossEntropy())
    spec = ModelSpec(input_shape=(3,), layers=layers)
    assert ModelSpec.model_validate_json(spec.model_dump_json()) == spec
    assert spec.model_dump(mode="json")["layers"][0]["weight_init"] == initializer.model_dump(mode="json")


def test_json_holds_the_type_and_the_fields() -> None:
    assert Uniform(low=-0.5, high=2.0).model_dump(mode="json") == {"type": "uniform", "low": -0.5, "high": 2.0}
    assert Normal().model_dump(mode="json") == {"type": "normal", "mean": 0.0, "std": 0.05}
    assert [initializer.type for initializer in ALL] == [
        "zeros",
        "constant",
        "uniform",
        "normal",
        "xavier_uniform",
        "xavier_normal",
        "he_uniform",
        "he_normal",
    ]


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (Uniform, {"low": 1.0, "high": 1.0}, "low must be less than high, received low=1.0 and high=1.0"),
        (Uniform, {"low": 0.1}, "low must be less than high, received low=0.1 and high=0.05"),
        (Uniform, {"high": float("inf")}, "finite number"),
        (Normal, {"std": 0.0}, "greater than 0"),
        (Normal, {"std": -1.0}, "greater than 0"),
        (Normal, {"mean": float("nan")}, "finite number"),
        (Constant, {}, 'missing key "value"'),
        (Constant, {"value": True}, "expected a number, received True"),
        (Zeros, {"value": 1.0}, "unknown key"),
    ],
    ids=str,
)
def test_values_that_make_no_sense_are_refused(cls: type[Initializer], options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        cls(**options)


def test_an_interval_wider_than_the_floats_is_refused() -> None:
    with pytest.raises(SpecError, match="high"):
        Uniform(low=-1.7e308, high=1.7e308)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_casts_the_values_to_its_dtype(dtype: str) -> None:
    layers = [Affine(units=3, weight_init=HeNormal(), bias_init=Constant(value=0.1)), CategoricalCrossEntropy()]
    model = Sequential(layers, input_shape=(4,), dtype=dtype, seed=1)  # type: ignore[arg-type]  # a parametrized Literal
    wide = Sequential(layers, input_shape=(4,), dtype="float64", seed=1)
    assert model.parameters.dtype == dtype
    assert_array_equal(model.parameters, wide.parameters.astype(dtype))
    assert_array_equal(model["affine_1"].params.bias, np.full(3, 0.1, dtype))


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 3, 2, 5), (5,)])
def test_orthogonal_matrices_are(shape: tuple[int, ...]) -> None:
    matrix = lk.Orthogonal(gain=2.0).draw(shape, np.random.default_rng(0)).reshape(-1, shape[-1] if len(shape) > 1 else 1)
    rows, columns = matrix.shape
    products = matrix.T @ matrix if rows >= columns else matrix @ matrix.T
    np.testing.assert_allclose(products, 4 * np.eye(len(products)), atol=1e-12)


def test_orthogonal_matrices_point_everywhere_alike() -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([lk.Orthogonal().draw((2, 2), rng) for _ in range(4000)])
    assert np.abs(drawn.mean(axis=0)).max() < 0.05  # without a choice of signs, QR prefers some
    assert np.mean(np.linalg.det(drawn) > 0) == pytest.approx(0.5, abs=0.03)


def test_truncated_numbers_stay_within_two_deviations() -> None:
    values = lk.TruncatedNormal(mean=1.0, std=0.5).draw((300, 300), np.random.default_rng(0))
    assert (values.min(), values.max()) == pytest.approx((0, 2), abs=1e-3)
    assert (values.mean(), values.std()) == pytest.approx((1, 0.5 * 0.8796), abs=5e-3)


def test_variances_of_lecun_are_those_of_the_fan_in() -> None:
    for initializer in (lk.LecunUniform(), lk.LecunNormal()):
        assert initializer.draw((400, 200), np.random.default_rng(0)).var() == pytest.approx(1 / 400, rel=0.02)


def test_the_identity_is_a_matrix() -> None:
    np.testing.assert_array_equal(lk.Identity(gain=3.0).draw((2, 3), np.random.default_rng(0)), [[3, 0, 0], [0, 3, 0]])
    with pytest.raises(lk.SpecError, match=r"layers\[0\]: identity is for matrices, and a parameter has the shape \(3,\)"):
        lk.Sequential([lk.Affine(units=3, bias_init=lk.Identity()), "crossentropy"], input_shape=3)
