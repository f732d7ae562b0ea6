"""What all layers of the distribution promise: the conformance kit, memory, arguments, shapes and errors."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layerkit_vision import AveragePool2D, Conv2D, GlobalAveragePool2D, MaxPool2D
from numpy.testing import assert_allclose, assert_array_equal

from layerkit import CategoricalCrossEntropy, Flatten, Layer, Node, ReLU, Sequential, Shape, ShapeError
from layerkit.testing import check_layer_gradients

DISTRIBUTION = "layerkit-vision"

LAYERS: list[tuple[Layer, Shape]] = [
    (Conv2D(filters=4, kernel_size=(3, 3)), (5, 6, 2)),
    (Conv2D(filters=3, kernel_size=(2, 4), padding="same"), (5, 4, 2)),
    (Conv2D(filters=2, kernel_size=(3, 3), strides=(2, 3), padding="same"), (6, 7, 1)),
    (Conv2D(filters=2, kernel_size=(3, 1), strides=(3, 2)), (7, 5, 3)),
    (Conv2D(filters=2, kernel_size=(4, 5), padding="same"), (2, 3, 2)),
    (Conv2D(filters=2, kernel_size=(1, 1), strides=(2, 2)), (5, 4, 3)),
    (Conv2D(filters=6, kernel_size=(3, 2), groups=2, padding="same"), (4, 4, 4)),
    (Conv2D(filters=6, kernel_size=(2, 2), groups=3), (3, 4, 3)),
    (MaxPool2D(), (4, 6, 2)),
    (MaxPool2D(pool_size=(3, 2), strides=(1, 1)), (5, 4, 2)),
    (MaxPool2D(pool_size=(3, 3), strides=(2, 2), padding="same"), (6, 5, 2)),
    (MaxPool2D(pool_size=(2, 2), strides=(3, 3)), (7, 7, 1)),
    (MaxPool2D(pool_size=(5, 4), strides=(1, 1), padding="same"), (2, 3, 2)),
    (AveragePool2D(), (5, 6, 2)),
    (AveragePool2D(pool_size=(3, 2), strides=(1, 1)), (5, 4, 2)),
    (AveragePool2D(pool_size=(3, 3), strides=(2, 2), padding="same"), (6, 5, 2)),
    (AveragePool2D(pool_size=(2, 2), strides=(3, 3)), (7, 7, 1)),
    (AveragePool2D(pool_size=(5, 4), strides=(1, 1), padding="same"), (2, 3, 2)),
    (GlobalAveragePool2D(), (3, 4, 2)),
    (Flatten(), (3, 2, 2)),
    (Flatten(), (4,)),
]

each_layer = pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=str)


def test_conformance(conformance_check: Callable[[], None]) -> None:
    conformance_check()


@each_layer
@pytest.mark.parametrize("batch", [1, 3])
def test_gradients_agree_with_central_differences(layer: Layer, shape: Shape, batch: int) -> None:
    checks = check_layer_gradients(layer, shape, batch=batch, seed=batch)
    assert all(check.passed and check.error < 1e-6 for check in checks), "\n".join(map(str, checks))


@each_layer
def test_batches_may_grow_and_shrink(make_node: Callable[..., Node], layer: Layer, shape: Shape) -> None:
    rng = np.random.default_rng(0)
    used = make_node(layer, shape)
    for count in (2, 7, 1, 40, 3, 40):
        inputs = rng.standard_normal((count, *shape))
        d_out = rng.standard_normal((count, *used.output_shape))
        fresh = make_node(layer, shape)
        assert_array_equal(layer.forward(used, inputs), layer.forward(fresh, inputs))
        assert_array_equal(layer.backward(used, d_out), layer.backward(fresh, d_out))
        for name in fresh.grads:
            assert_array_equal(used.grads[name], fresh.grads[name])


@each_layer
def test_arguments_may_be_read_only_and_lie_anyhow_in_memory(make_node: Callable[..., Node], layer: Layer, shape: Shape) -> None:
    rng = np.random.default_rng(1)
    node, other = make_node(layer, shape), make_node(layer, shape)
    inputs = rng.standard_normal((3, *shape))
    d_out = rng.standard_normal((3, *node.output_shape))
    wanted = np.array(layer.forward(node, inputs)), np.array(layer.backward(node, d_out))
    strange_inputs, strange_d_out = np.asfortranarray(inputs), np.repeat(d_out, 2, axis=0)[::2]
    for array in (strange_inputs, strange_d_out):
        array.flags.writeable = False
    assert_allclose(layer.forward(other, strange_inputs), wanted[0], rtol=1e-13, atol=1e-13)
    assert_allclose(layer.backward(other, strange_d_out), wanted[1], rtol=1e-13, atol=1e-13)
    for name in node.grads:
        assert_allclose(other.grads[name], node.grads[name], rtol=1e-13, atol=1e-13)
    assert_array_equal(strange_inputs, inputs)
    assert_array_equal(strange_d_out, d_out)


@pytest.mark.parametrize(
    "layers",
    [
        [Conv2D(filters=4, kernel_size=(3, 3), padding="same"), ReLU(), MaxPool2D(), Conv2D(filters=4, kernel_size=(2, 2))],
        [
            Conv2D(filters=4, kernel_size=(3, 3), groups=2),
            ReLU(),
            Conv2D(filters=4, kernel_size=(3, 3), strides=(2, 2), groups=4),
        ],
        [Conv2D(filters=4, kernel_size=(1, 1)), MaxPool2D(pool_size=(3, 3), strides=(2, 2), padding="same"), AveragePool2D()],
        [Conv2D(filters=4, kernel_size=(3, 3)), AveragePool2D(pool_size=(3, 3), strides=(2, 2), padding="same")],
    ],
    ids=lambda layers: ", ".join(layer.type for layer in layers),
)
@pytest.mark.parametrize("end", [Flatten(), GlobalAveragePool2D()], ids=lambda end: end.type)
def test_a_warm_step_allocates_nothing_that_grows_with_the_batch(layers: list[Layer], end: Layer) -> None:
    def peak(count: int) -> int:
        rng = np.random.default_rng(0)
        model = Sequential([*layers, end, CategoricalCrossEntropy()], input_shape=(12, 12, 4), seed=0)
        inputs = rng.standard_normal((count, 12, 12, 4)).astype(np.float32)
        targets = rng.integers(0, model.spec.logits_shape[0], count)
        for _ in range(2):
            model.loss_and_gradients(inputs, targets)
        tracemalloc.start()
        try:
            model.loss_and_gradients(inputs, targets)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(64), peak(512)
    assert many - few < 64 * 1024, f"{few} bytes with 64 samples, {many} with 512; one of those has {12 * 12 * 4 * 4}"


def test_the_input_gradient_is_skipped_where_nobody_needs_it(make_node: Callable[..., Node]) -> None:
    layer = Conv2D(filters=2, kernel_size=(3, 3))
    rng = np.random.default_rng(2)
    node = make_node(layer, (5, 5, 1))
    stack = [layer, Flatten(), CategoricalCrossEntropy()]
    first = Sequential(stack, input_shape=(5, 5, 1), dtype="float64", seed=1).nodes[0]
    inputs, d_out = rng.standard_normal((2, 5, 5, 1)), rng.standard_normal((2, 3, 3, 2))
    for each in (node, first):
        layer.forward(each, inputs)
    assert layer.backward(node, d_out) is not None
    assert layer.backward(first, d_out) is None
    for name in node.grads:
        assert_array_equal(first.grads[name], node.grads[name])


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (
            Conv2D(filters=2, kernel_size=(3, 3)),
            (64,),
            r"conv2d expects samples that are images \(H, W, C\), received shape \(64,\)",
        ),
        (Conv2D(filters=2, kernel_size=(3, 3)), (8, 8), r"images \(H, W, C\), received shape \(8, 8\)"),
        (Conv2D(filters=2, kernel_size=(3, 3)), (2, 8, 1), "window of 3 by 3 pixels does not fit into an image of 2 by 8"),
        (Conv2D(filters=2, kernel_size=(3, 9)), (8, 8, 1), "window of 3 by 9 pixels does not fit into an image of 8 by 8"),
        (Conv2D(filters=2, kernel_size=(3, 3), groups=2), (8, 8, 3), "2 groups do not divide the 3 channels"),
        (MaxPool2D(), (4, 4, 1, 1), r"max_pool2d expects .* received shape \(4, 4, 1, 1\)"),
        (MaxPool2D(), (1, 4, 1), "max_pool2d: a window of 2 by 2 pixels does not fit into an image of 1 by 4"),
        (AveragePool2D(pool_size=(5, 1)), (4, 4, 1), "average_pool2d: a window of 5 by 1 pixels does not fit"),
        (AveragePool2D(), (4,), r"average_pool2d expects .* received shape \(4,\)"),
        (GlobalAveragePool2D(), (4, 4), r"global_average_pool2d expects .* received shape \(4, 4\)"),
    ],
)
def test_samples_that_do_not_fit_are_refused(layer: Layer, shape: Shape, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        layer.output_shape(shape)


@st.composite
def layers_and_images(draw: st.DrawFn) -> tuple[Layer, Shape]:
    """Draw a layer with windows of any geometry, and a shape that it takes."""
    lengths = st.integers(1, 4)
    shape = draw(st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 4)))
    padding: Any = draw(st.sampled_from(["valid", "same"]))
    window = draw(st.tuples(lengths, lengths) | st.tuples(st.integers(1, 12), st.integers(1, 12)))
    if padding == "valid":
        window = min(window[0], shape[0]), min(window[1], shape[1])
    strides = draw(st.tuples(lengths, lengths))
    groups = draw(st.sampled_from([groups for groups in (1, 2, 3, 4) if shape[2] % groups == 0]))
    filters = groups * draw(st.integers(1, 2))
    return draw(
        st.sampled_from(
            [
                Conv2D(filters=filters, kernel_size=window, strides=strides, padding=padding, groups=groups),
                MaxPool2D(pool_size=window, strides=strides, padding=padding),
                AveragePool2D(pool_size=window, strides=strides, padding=padding),
            ]
        )
    ), shape


def slow_outputs(layer: Any, node: Node, inputs: np.ndarray) -> np.ndarray:
    """Return the outputs window by window, from the definition of the padding: pixels that are not there are NaN."""
    kernel = getattr(layer, "kernel_size", None) or layer.pool_size
    outputs = np.empty((len(inputs), *node.output_shape))
    top, left = (
        max((count - 1) * stride + length - size, 0) // 2 if layer.padding == "same" else 0
        for count, stride, length, size in zip(node.output_shape, layer.strides, kernel, node.input_shape, strict=False)
    )
    beyond = ((0, 0), (top, 20), (left, 20), (0, 0))
    images = np.pad(inputs, beyond, constant_values=np.nan)
    for p, q in np.ndindex(*node.output_shape[:2]):
        row, column = p * layer.strides[0], q * layer.strides[1]
        window = images[:, row : row + kernel[0], column : column + kernel[1]]
        if isinstance(layer, Conv2D):
            group, share = node.input_shape[2] // layer.groups, layer.filters // layer.groups
            for index in range(layer.filters):
                first = index // share * group
                seen = np.nan_to_num(window[..., first : first + group])
                outputs[:, p, q, index] = np.sum(seen * node.params.weight[..., index], axis=(1, 2, 3)) + node.params.bias[index]
        else:
            outputs[:, p, q] = (np.nanmax if isinstance(layer, MaxPool2D) else np.nanmean)(window, axis=(1, 2))
    return outputs


@settings(deadline=None)
@given(drawn=layers_and_images(), count=st.integers(1, 3), seed=st.integers(0, 2**16))
def test_any_geometry_gives_what_the_definition_gives(
    make_node: Callable[..., Node], drawn: tuple[Layer, Shape], count: int, seed: int
) -> None:
    layer, shape = drawn
    rng = np.random.default_rng(seed)
    node = make_node(layer, shape)
    for array in node.params.values():
        array[...] = rng.standard_normal(array.shape)
    inputs = rng.standard_normal((count, *shape))
    outputs = layer.forward(node, inputs)
    assert outputs.shape == (count, *layer.output_shape(shape))
    assert_allclose(outputs, slow_outputs(layer, node, inputs), rtol=1e-12, atol=1e-12)
    # The outputs are linear in the inputs and in the parameters near where they are, so that each product is <outputs, d_out>.
    d_out = rng.standard_normal(outputs.shape)
    product = np.sum(outputs * d_out)
    d_inputs = layer.backward(node, d_out)
    assert d_inputs is not None
    shift = np.sum(node.params.bias * node.grads.bias) if isinstance(layer, Conv2D) else 0.0
    assert_allclose(np.sum(inputs * d_inputs) + shift, product, rtol=1e-10, atol=1e-10)
    if isinstance(layer, Conv2D):
        assert_allclose(np.sum(node.params.weight * node.grads.weight) + shift, product, rtol=1e-10, atol=1e-10)
