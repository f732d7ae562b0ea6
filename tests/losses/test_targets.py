"""Targets and sample weights that the cross-entropy refuses, with the first offending row, and those it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from layerkit import (
    Array,
    CategoricalCrossEntropy,
    Loss,
    Node,
    Sequential,
    TargetError,
    class_targets,
    label_set_targets,
    number_targets,
    sample_weights,
)
from layerkit.errors import DataError

INTEGERS = [np.dtype(order + kind) for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8") for order in "<>"]
OUT_OF_RANGE = [
    (dtype, label)
    for dtype in INTEGERS
    for label in (-1, 3, np.iinfo(dtype).min, np.iinfo(dtype).max)
    if label not in range(3) and np.iinfo(dtype).min <= label
]
NAN, INF = np.nan, np.inf


FLOAT64 = np.dtype(np.float64)


def check(targets: Any) -> Array:
    """Return targets for four samples of three classes as the loss takes them."""
    return class_targets(np.asarray(targets), (4, 3), FLOAT64)


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_labels_of_every_integer_dtype_are_taken(make_node: Callable[..., Node], dtype: np.dtype[Any]) -> None:
    labels = np.array([0, 2, 1, 2])
    logits = np.random.default_rng(0).standard_normal((4, 3))
    node = make_node(CategoricalCrossEntropy(), (3,))
    wanted = node.stage.forward(node, logits, check(labels)), node.stage.backward(node).copy()
    assert node.stage.forward(node, logits, check(labels.astype(dtype))) == wanted[0]
    np.testing.assert_array_equal(node.stage.backward(node), wanted[1])


@pytest.mark.parametrize(("dtype", "label"), OUT_OF_RANGE, ids=str)
def test_labels_out_of_range_are_refused(dtype: np.dtype[Any], label: int) -> None:
    with pytest.raises(TargetError, match=f"^row 2: label {label} is out of range; 3 outputs take labels 0 to 2; "):
        check(np.array([0, 2, label, label], dtype))


@pytest.mark.parametrize(
    ("targets", "advice"),
    [
        ([1, 2, 3, 1], "labels count from 0: write targets - 1"),
        ([5, 5, 6, 7], "labels count from 0: write targets - 5"),
        ([-1, 1, -1, 1], "number the classes: classes, targets = numpy.unique(targets, return_inverse=True)"),
        ([0, 1, 2, 9], "labels up to 9 take 10 outputs, and labels count from 0"),
    ],
    ids=str,
)
def test_it_is_told_how_labels_count(targets: list[int], advice: str) -> None:
    with pytest.raises(TargetError) as error:
        check(targets)
    assert str(error.value).endswith(f"3 outputs take labels 0 to 2; {advice}")


def test_a_label_whose_swapped_bytes_are_in_range_is_refused() -> None:
    with pytest.raises(TargetError, match=f"^row 1: label {2**56} is out of range"):
        check(np.array([0, 2**56, 0, 0], ">i8"))


def test_labels_may_lie_in_strides() -> None:
    np.testing.assert_array_equal(check(np.array([0, 9, 1, 9, 2, 9, 0, 9])[::2]), [0, 1, 2, 0])


@pytest.mark.parametrize(
    "targets",
    [
        np.eye(3)[[0, 1, 2, 0]],
        np.eye(3, dtype=np.uint8)[[0, 1, 2, 0]],
        np.eye(3, dtype=np.float32)[[0, 1, 2, 0]],
        np.full((4, 3), 1 / 3, np.float32),
        np.array([[0.25, 0.5, 0.25]] * 4, np.float16),
        np.full((4, 3), 0.33333),
        np.random.default_rng(1).dirichlet(np.ones(3), 4),
    ],
)
def test_one_hot_and_soft_rows_are_taken(targets: Array) -> None:
    rows = check(targets)
    assert rows.dtype == FLOAT64
    np.testing.assert_allclose(rows, targets, rtol=2e-5)
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-15)


def test_a_thousand_float32_classes_may_sum_to_nearly_one() -> None:
    rows = np.random.default_rng(2).dirichlet(np.ones(4000), 4).astype(np.float32)
    assert class_targets(rows, (4, 4000), rows.dtype).shape == (4, 4000)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ([0.5, 0.6, -0.1], "holds the negative probability -0.1"),
        ([-1, 1, 1], "holds the negative probability -1"),
        ([0.5, 0.25, 0.0], "sums to 0.75"),
        ([1, 1, 0], "sums to 2"),
        ([0, 0, 0], "sums to 0"),
        ([1.0, 0.001, 0.0], "sums to 1.00"),
        ([NAN, 0.5, 0.5], "holds NaN or infinity"),
        ([INF, 0.0, 0.0], "holds NaN or infinity"),
        ([INF, -INF, 1.0], "holds NaN or infinity"),
        ([1e308, 1e308, 0.0], "sums to inf"),
    ],
    ids=str,
)
@pytest.mark.parametrize("offender", [0, 2])
def test_rows_that_are_no_distributions_are_refused(row: list[float], fault: str, offender: int) -> None:
    targets = np.eye(3)[[0, 1, 2, 0]]
    targets[[offender, 3]] = row
    with pytest.raises(TargetError, match=f"^row {offender} {fault}"):
        check(targets)


def test_unsigned_rows_that_sum_to_nothing_are_refused() -> None:
    with pytest.raises(TargetError, match=r"^row 1 sums to 0"):
        check(np.array([[0, 1, 0], [0, 0, 0], [1, 0, 0], [1, 0, 0]], np.uint64))


AS_INTEGERS = "; write numpy.asarray(targets, dtype=int)"
NUMBERED = "; number the classes: classes, targets = numpy.unique(targets, return_inverse=True)"


@pytest.mark.parametrize(
    ("targets", "advice"),
    [
        ([0.0, 1.0, 2.0, 1.0], AS_INTEGERS),
        ([0.5, 1.0, 2.0, 1.0], "; these are no classes, and a loss for classes cannot be trained on them"),
        ([True, False, True, True], AS_INTEGERS),
        (["0", "1", "2", "0"], NUMBERED),
        (np.array(["a", "b", "c", "a"], object), NUMBERED),
        ([0, 1, 2], ""),
        ([0, 1, 2, 0, 1], ""),
        ([[0], [1], [2], [0]], "; write numpy.ravel(targets)"),
        ([[0.0], [1.0], [2.0], [0.0]], "; write numpy.ravel(targets).astype(int)"),
        (np.eye(4), ""),
        (np.eye(3), ""),
        (np.ones((4, 3), bool), ""),
        (np.ones((4, 3), complex), ""),
        (np.ones((4, 3, 1)), ""),
        ([0, 1, None, 2], "; row 2 has no target: leave it out"),
        (np.array(["a", "b", np.nan, "a"], object), "; row 2 has no target: leave it out"),
        (1, ""),
    ],
    ids=str,
)
def test_targets_of_another_type_or_shape_are_refused(targets: Any, advice: str) -> None:
    array = np.asarray(targets)
    with pytest.raises(TargetError) as error:
        check(targets)
    assert str(error.value) == (
        "expected integer labels of shape (4,), or one-hot or soft rows of shape (4, 3); "
        f"received {array.dtype} of shape {array.shape}{advice}"
    )


def test_a_label_that_is_nan_is_named() -> None:
    with pytest.raises(TargetError, match=r"^row 1: the label is NaN$"):
        check([0.0, NAN, 2.0, NAN])


@pytest.mark.parametrize(
    ("weight", "fault"),
    [
        ([1.0, -0.5, 1.0, -1.0], "^row 1: sample weight -0.5 is not a finite number of 0 or more$"),
        ([1, 1, -2, 1], "^row 2: sample weight -2 is not"),
        ([1.0, 1.0, NAN, 1.0], "^row 2: sample weight nan is not"),
        ([INF, 1.0, NAN, 1.0], "^row 0: sample weight inf is not"),
        ([0.0, 0.0, 0.0, 0.0], "^all sample weights are 0"),
        ([0, 0, 0, 0], "^all sample weights are 0"),
        ([1.0, 1.0, 1.0], r"^expected sample weights of shape \(4,\), received float64 of shape \(3,\)$"),
        ([[1.0], [1.0], [1.0], [1.0]], r"received float64 of shape \(4, 1\)$"),
        (1.0, r"received float64 of shape \(\); options of fit are given by name, such as epochs=10$"),
        ([True, True, False, True], r"received bool of shape \(4,\)$"),
        (["1", "1", "1", "1"], r"received <U1 of shape \(4,\)$"),
    ],
    ids=str,
)
def test_sample_weights_that_cannot_weigh_are_refused(weight: Any, fault: str) -> None:
    with pytest.raises(TargetError, match=fault):
        sample_weights(np.asarray(weight), 4)


@pytest.mark.parametrize("weight", [np.array([1e308] * 4), np.array([6e4] * 4, np.float16), np.array([2**62] * 4)], ids=str)
def test_equal_weights_weigh_alike_however_large(make_node: Callable[..., Node], weight: Array) -> None:
    node = make_node(CategoricalCrossEntropy(), (3,))
    logits, labels = np.random.default_rng(3).standard_normal((4, 3)), np.array([0, 1, 2, 0])
    weighted = node.stage.forward(node, logits, labels, sample_weights(weight, 4))
    assert weighted == pytest.approx(node.stage.forward(node, logits, labels), rel=1e-3)


def test_a_network_names_the_row_too() -> None:
    model = Sequential([CategoricalCrossEntropy()], input_shape=(3,), seed=0)
    with pytest.raises(TargetError, match=r"^row 1: label 3 is out of range"):
        model.loss_and_gradients(np.zeros((2, 3)), [0, 3])
    with pytest.raises(TargetError, match=r"^row 0: label -1 is out of range"):
        model.loss(np.zeros((2, 3)), [-1, 3])


def test_a_target_error_is_a_data_error_and_a_value_error() -> None:
    assert issubclass(TargetError, DataError)
    assert issubclass(TargetError, ValueError)


def test_a_loss_tells_no_classes_apart_and_has_numbers_for_targets_by_default(squared_error: Loss) -> None:
    assert squared_error.class_count((3,)) is None
    assert squared_error.example_targets((3,), 4, np.random.default_rng(0)).shape == (4, 3)


@pytest.mark.parametrize("loss", ["class labels", "numbers"])
def test_a_loss_of_a_network_gets_as_many_targets_as_samples(loss: str, squared_error: Loss) -> None:
    end, targets = (CategoricalCrossEntropy(), [0, 1, 2]) if loss == "class labels" else (squared_error, np.zeros((3, 3)))
    model = Sequential([end], input_shape=(3,), seed=0)
    with pytest.raises(TargetError, match=r"^expected 4 targets, one a sample; received an array of shape \(3"):
        model.loss(np.zeros((4, 3)), targets)


# --- sets of labels and numbers -----------------------------------------------------------------------------------

FUNCTIONS: dict[str, Any] = {"classes": class_targets, "label sets": label_set_targets, "numbers": number_targets}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("given", ["bool", "uint8", "int64", "float32", "float64"])
def test_sets_of_labels_are_zeros_and_ones_of_any_type(given: str, dtype: str) -> None:
    targets = np.array([[0, 1, 1], [0, 0, 0]], given)
    prepared = label_set_targets(targets, (2, 3), np.dtype(dtype))
    assert prepared.dtype == dtype
    np.testing.assert_array_equal(prepared, targets)
    np.testing.assert_array_equal(label_set_targets(targets[:, 0], (2, 1), np.dtype(dtype)), targets[:, :1])


@pytest.mark.parametrize("wrong", [2, -1, 0.5, NAN, INF])
@pytest.mark.parametrize("offender", [0, 2])
def test_what_is_no_set_of_labels_names_its_row(wrong: float, offender: int) -> None:
    targets = np.zeros((4, 3))
    targets[[offender, 3], 1] = wrong
    with pytest.raises(TargetError, match=rf"^row {offender} holds \[0\.0, {wrong:.1f}, 0\.0\]; a set of labels is written"):
        label_set_targets(targets, (4, 3), FLOAT64)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("given", ["int8", "uint64", "float16", "float32", "float64"])
def test_numbers_are_taken_in_the_dtype_of_the_logits(given: str, dtype: str) -> None:
    targets = np.array([[1, 2, 3], [4, 5, 6]], given)
    prepared = number_targets(targets, (2, 3), np.dtype(dtype))
    assert prepared.dtype == dtype
    np.testing.assert_array_equal(prepared, targets)
    image = np.arange(12.0).reshape(2, 3, 2)
    np.testing.assert_array_equal(number_targets(image, (2, 3, 2), np.dtype(dtype)), image)


@pytest.mark.parametrize(("wrong", "dtype"), [(NAN, "float64"), (INF, "float64"), (-INF, "float32"), (1e300, "float32")])
@pytest.mark.parametrize("offender", [0, 2])
def test_numbers_that_are_not_finite_name_their_row(wrong: float, dtype: str, offender: int) -> None:
    targets = np.zeros((4, 2))
    targets[[offender, 3], 1] = wrong
    with pytest.raises(TargetError, match=rf"^row {offender} holds .*expected numbers that are finite in {dtype}$"):
        number_targets(targets, (4, 2), np.dtype(dtype))


@pytest.mark.parametrize("function", ["label sets", "numbers"])
def test_one_target_a_sample_may_lie_in_a_vector_where_there_is_one_logit(function: str) -> None:
    vector = np.array([1.0, 0.0, 1.0, 1.0])
    for targets, shape in ((vector, (4, 1)), (vector[:, None], (4, 1)), (vector, (4,)), (vector, (4, 1, 1))):
        prepared = FUNCTIONS[function](targets, shape, FLOAT64)
        assert prepared.shape == shape
        np.testing.assert_array_equal(prepared.ravel(), vector)


@pytest.mark.parametrize("function", ["label sets", "numbers"])
@pytest.mark.parametrize(
    ("shape", "logits_shape"),
    [
        ((4,), (4, 3)),
        ((4, 1), (4, 3)),
        ((1, 3), (4, 3)),
        ((3,), (3, 3)),
        ((4, 1), (4,)),
        ((), (4, 1)),
        ((4, 3, 1), (4, 3)),
        ((3, 4), (4, 3)),
    ],
    ids=str,
)
def test_targets_that_would_be_broadcast_are_refused(
    function: str, shape: tuple[int, ...], logits_shape: tuple[int, ...]
) -> None:
    """(N,) against (N, 1) would make a loss of all pairs."""
    with pytest.raises(TargetError, match=r"^expected .* of shape .*; received float64 of shape"):
        FUNCTIONS[function](np.zeros(shape), logits_shape, FLOAT64)


@pytest.mark.parametrize("function", ["label sets", "numbers"])
@pytest.mark.parametrize(
    "targets", [np.array(["0"] * 4), np.array([0, None, 1, 1]), np.zeros(4, complex)], ids=["text", "objects", "complex"]
)
def test_targets_that_are_no_numbers_are_refused(function: str, targets: Array) -> None:
    with pytest.raises(TargetError, match=f"received {targets.dtype} of shape"):
        FUNCTIONS[function](targets, (4, 1), FLOAT64)


def test_truth_values_are_no_numbers() -> None:
    with pytest.raises(TargetError, match="expected numbers"):
        number_targets(np.zeros(4, bool), (4, 1), FLOAT64)


@pytest.mark.parametrize(
    ("function", "targets", "shape"),
    [
        ("classes", np.array([0, 1]), (2, 3)),
        ("classes", np.array([[0.5, 0.5], [0.99995, 0.0]]), (2, 2)),
        ("label sets", np.array([[0, 1], [1, 1]]), (2, 2)),
        ("numbers", np.array([[1, 2], [3, 4]]), (2, 2)),
    ],
)
def test_what_is_prepared_is_not_written(function: str, targets: Array, shape: tuple[int, ...]) -> None:
    before = targets.copy()
    targets.flags.writeable = False
    FUNCTIONS[function](targets, shape, np.dtype("float32"))
    np.testing.assert_array_equal(targets, before)


@pytest.mark.parametrize(
    "weight",
    [np.array([1, 2, 4]), np.array([1e308, 1.7e308, 0.0]), np.array([1.0, 0.3], np.float32), np.array([3e-300, 1e-310])],
    ids=str,
)
def test_weights_are_scaled_so_that_their_sum_is_finite_and_no_digit_is_lost(weight: Array) -> None:
    scaled = sample_weights(weight, len(weight))
    assert scaled.dtype == np.float64
    assert 0.5 <= scaled.max() <= 1
    factor = scaled.max() / np.float64(weight.max())
    assert np.frexp(factor)[0] == 0.5  # a power of two
    np.testing.assert_array_equal(scaled, weight * factor)
