"""What a node owns: arrays that are assigned in place, and work arrays that are kept."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from layerkit import Affine, CategoricalCrossEntropy, Node, Sequential, Shape, ShapeError


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    return make_node(Affine(units=3), (4,), "float32")


def test_assigning_copies_into_the_array_that_is_there(node: Node) -> None:
    there, given = node.params.weight, np.arange(12.0).reshape(4, 3)
    node.params.weight = given
    assert node.params.weight is there
    assert_array_equal(there, given)
    assert there.dtype == np.float32
    given[0, 0] = 99
    assert there[0, 0] == 0


def test_assigning_reaches_the_flat_vectors_of_a_network() -> None:
    model = Sequential([Affine(units=3), CategoricalCrossEntropy()], input_shape=(4,), seed=0)
    node = model["affine_1"]
    node.params.weight = np.full((4, 3), 2.0)
    node.grads.bias = [7, 8, 9]
    assert_array_equal(model.parameters, [2.0] * 12 + [0.0] * 3)
    assert_array_equal(model.gradients, [0.0] * 12 + [7, 8, 9])


@pytest.mark.parametrize("value", [np.zeros((3, 4)), np.zeros(3), np.zeros((1, 3)), 0.0, [[0.0] * 3] * 5])
def test_another_shape_is_refused_and_nothing_is_written(node: Node, value: object) -> None:
    before = node.params.weight.copy()
    with pytest.raises(ShapeError, match=r"^array 'weight' has shape \(4, 3\), received one of shape "):
        node.params.weight = value
    assert_array_equal(node.params.weight, before)


def test_names_that_were_not_declared_are_refused(node: Node) -> None:
    message = r"^no array 'wieght' was declared; there are \['bias', 'weight'\]$"
    with pytest.raises(AttributeError, match=message):
        node.params.wieght = np.zeros((4, 3))
    with pytest.raises(AttributeError, match=message):
        _ = node.params.wieght
    with pytest.raises(AttributeError, match=r"^no array 'mean' was declared; there are none$"):
        _ = node.state.mean
    assert list(node.params) == ["weight", "bias"]


def test_arrays_are_a_mapping_by_name(node: Node) -> None:
    assert dict(node.params) == {"weight": node.params.weight, "bias": node.params.bias}
    assert node.params["weight"] is node.params.weight
    assert len(node.params) == 2
    assert "bias" in node.params
    assert "mean" not in node.params
    with pytest.raises(KeyError):
        node.params["mean"]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps], ids=["copy", "deepcopy", "pickle"])
def test_a_node_is_copied_with_its_network_and_not_alone(node: Node, duplicate: Callable[[Node], object]) -> None:
    """Alone, its arrays would no longer be views of anything."""
    with pytest.raises(TypeError, match=r"^a node belongs to its network.*copy the network$"):
        duplicate(node)


def test_a_node_starts_with_nothing_cached_and_nothing_drawn(make_node: Callable[..., Node], node: Node) -> None:
    assert node.cache is None
    assert node.has_drawn is False
    assert node.training is True
    assert make_node(Affine(units=3), (4,), training=False).training is False
    assert repr(node) == "<Node affine: (4,) -> (3,)>"


@pytest.mark.parametrize(
    "name", ["params", "grads", "state", "rng", "training", "needs_input_gradient", "branches", "layer", "mean", "counter"]
)
def test_nothing_else_than_the_cache_and_arrays_can_be_set_on_a_node(node: Node, name: str) -> None:
    """State that is set by hand would be lost when the network is saved."""
    with pytest.raises(AttributeError):
        setattr(node, name, {})
    node.cache = {"mine": 1}
    assert node.cache == {"mine": 1}


def test_a_buffer_is_kept_between_calls(node: Node) -> None:
    first = node.buffer("work", (5, 3))
    first[...] = 8
    second = node.buffer("work", (5, 3))
    assert second is first
    assert_array_equal(second, np.full((5, 3), 8))


@pytest.mark.parametrize(
    ("asked", "given"),
    [(None, "float32"), ("float64", "float64"), (np.intp, "intp"), (bool, "bool"), (np.dtype("complex128"), "complex128")],
)
def test_a_buffer_has_the_dtype_that_was_asked_for(node: Node, asked: object, given: str) -> None:
    work = node.buffer("work", (2, 3), asked)
    assert work.dtype == np.dtype(given)
    assert work.shape == (2, 3)
    assert work.flags.c_contiguous
    assert work.flags.aligned
    assert work.flags.writeable


def test_a_smaller_request_reuses_the_memory_and_so_does_the_first_size_again(node: Node) -> None:
    large = node.buffer("work", (8, 4))
    small = node.buffer("work", (3, 4))
    assert np.shares_memory(large, small)
    small[...] = 5
    assert_array_equal(large.reshape(-1)[:12], np.full(12, 5))
    assert node.buffer("work", (8, 4)) is large


def test_another_dtype_under_the_same_name_shares_the_memory(node: Node) -> None:
    wide, narrow = node.buffer("work", (8,), np.float64), node.buffer("work", (8,), np.float32)
    assert (wide.dtype, narrow.dtype) == (np.float64, np.float32)
    assert np.shares_memory(wide, narrow)


def test_a_larger_request_moves_to_new_memory_which_serves_the_small_ones_too(node: Node) -> None:
    small = node.buffer("work", (3, 4))
    large = node.buffer("work", (8, 4))
    again = node.buffer("work", (3, 4))
    assert not np.shares_memory(small, large)
    assert np.shares_memory(again, large)
    small[...], large[...] = 1, 2
    assert_array_equal(small, np.ones((3, 4)))


def test_buffers_of_other_names_and_nodes_share_nothing(make_node: Callable[..., Node], node: Node) -> None:
    other = make_node(Affine(units=3), (4,), "float32")
    work = node.buffer("work", (8,))
    assert not np.shares_memory(work, node.buffer("play", (8,)))
    assert not np.shares_memory(work, other.buffer("work", (8,)))


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1,)])
def test_a_buffer_may_be_small_or_empty(node: Node, shape: Shape) -> None:
    work = node.buffer("work", shape)
    assert work.shape == shape
    work[...] = 3
    assert_array_equal(work, np.full(shape, 3))


def test_views_of_ever_new_sizes_do_not_pile_up(node: Node) -> None:
    node.buffer("work", (5000,))
    tracemalloc.start()
    for size in range(1, 3000):
        node.buffer("work", (size,))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 50_000


def test_ever_new_sizes_stay_right_and_in_one_piece_of_memory(node: Node) -> None:
    largest = node.buffer("work", (100,))
    for size in (*range(1, 60), *range(1, 60)):
        work = node.buffer("work", (size,))
        assert work.shape == (size,)
        assert np.shares_memory(work, largest)
        assert node.buffer("work", (size,)) is work
