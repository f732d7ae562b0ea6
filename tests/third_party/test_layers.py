"""A third party's layers against PyTorch, against central differences, and in both modes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from layerkit_thirdparty import BatchNorm, Block, Columns, Dropout, Embedding, PReLU, Recurrent, SelfAttention
from numpy.testing import assert_allclose, assert_array_equal

import layerkit as lk

LAYERS = {cls.tag(): cls for cls in (SelfAttention, Recurrent, PReLU)}


class Shift(lk.Layer):
    """Adds a parameter of the shape of a sample, whose gradient is that of the inputs behind it, summed over the batch."""

    type: Literal["shift"] = "shift"

    def parameters(self, input_shape: lk.Shape) -> Mapping[str, lk.Parameter]:
        return {"shift": lk.Parameter(input_shape)}

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        return inputs + node.params.shift

    def backward(self, node: lk.Node, d_out: lk.Array) -> None:
        node.grads.shift = d_out.sum(axis=0)


class Projection(lk.Loss):
    """``loss_n = sum(logits_n * targets_n)``: the targets are the gradient with respect to the logits, times N."""

    task: ClassVar[lk.Task | None] = "numbers"
    type: Literal["projection"] = "projection"

    def prepare(self, targets: lk.Array, logits_shape: lk.Shape, dtype: Any) -> lk.Array:
        return lk.number_targets(targets, logits_shape, dtype)

    def losses(self, node: lk.Node, logits: lk.Array, targets: lk.Array) -> lk.Array:
        node.cache = targets
        return (logits * targets).reshape(len(logits), -1).sum(axis=1)

    def d_logits(self, node: lk.Node, d_losses: lk.Array) -> lk.Array:
        return node.cache * d_losses.reshape(-1, *[1] * (node.cache.ndim - 1))

    def predict(self, node: lk.Node, logits: lk.Array) -> lk.Array:
        return logits.copy()


def alone(layer: lk.Layer, input_shape: lk.Shape, dtype: Literal["float32", "float64"] = "float64") -> lk.Sequential:
    """Return a network of one layer, which asks it for the gradient of its inputs where these are not whole numbers."""
    first = [] if isinstance(layer, Embedding) else [Shift()]
    return lk.Sequential([*first, layer, Projection()], input_shape=input_shape, dtype=dtype, seed=3)


@pytest.mark.parametrize("number", range(3))
def test_outputs_and_gradients_are_those_of_pytorch(number: int, reference: Any) -> None:
    case = reference["layers"][number]
    inputs, d_out = np.array(case["inputs"]), np.array(case["d_out"])
    options = dict(case["layer"])
    model = alone(LAYERS[options.pop("type")](**options), inputs.shape[1:])
    model.parameters = [*np.zeros(inputs[0].size), *case["parameters"]]
    assert_allclose(model.logits(inputs), case["outputs"], rtol=1e-10, atol=1e-12)
    model.loss_and_gradients(inputs, len(inputs) * d_out)
    assert_allclose(model.gradients, case["gradients"], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("number", range(2))
def test_batch_norm_is_that_of_pytorch(number: int, reference: Any) -> None:
    case = reference["batch_norms"][number]
    batches, d_out = np.array(case["batches"]), np.array(case["d_out"])
    shape = batches[0].shape[1:]
    model = alone(BatchNorm(momentum=case["momentum"]), shape)
    size = int(np.prod(shape))
    model.parameters = [*np.zeros(size), *case["parameters"]]
    for batch in batches:
        model.loss_and_gradients(batch, len(batch) * d_out)
    assert_allclose(model.gradients[size:], case["gradients"], rtol=1e-10, atol=1e-12)
    state = model["batch_norm_1"].state
    assert_allclose(state.mean, case["mean"], rtol=1e-12)
    assert_allclose(state.var, case["var"], rtol=1e-12)
    assert state.batches == 3
    assert state.batches.dtype == np.int64
    assert_allclose(model.logits(batches[0]), case["predicted"], rtol=1e-10, atol=1e-12)


CASES: list[tuple[lk.Layer, lk.Shape]] = [
    (BatchNorm(), (3,)),
    (BatchNorm(momentum=None), (2, 3)),
    (Dropout(), (5,)),
    (Embedding(vocabulary=4, units=2), (3,)),
    (SelfAttention(units=3), (4, 2)),
    (Columns(blocks=(Block(columns=2, layers=(lk.Affine(units=3), PReLU())), Block(columns=1))), (3,)),
    (Columns(blocks=(Block(columns=1), Block(columns=2, layers=(Embedding(vocabulary=3, units=2), Recurrent(units=2))))), (3,)),
    (Recurrent(units=3), (4, 2)),
    (PReLU(), (2, 3)),
]


def whole_numbers(layer: lk.Layer) -> bool:
    blocks = layer.blocks if isinstance(layer, Columns) else ()
    return isinstance(layer, Embedding) or any(whole_numbers(inner) for block in blocks for inner in block.layers)


@pytest.mark.parametrize(("layer", "shape"), CASES)
def test_gradients_are_central_differences(layer: lk.Layer, shape: lk.Shape) -> None:
    rng = np.random.default_rng(5)
    inputs = rng.integers(3, size=(4, *shape)) if whole_numbers(layer) else rng.standard_normal((4, *shape))
    first = [] if whole_numbers(layer) else [Shift()]
    model = lk.Sequential([*first, layer, Projection()], input_shape=shape, dtype="float64", seed=3)
    model.parameters += 0.1 * rng.standard_normal(model.parameters.shape)
    targets = rng.standard_normal((4, *model.spec.logits_shape))

    def loss() -> float:
        for node in model.nodes:
            node.restart_stream()
        return model.loss_and_gradients(inputs, targets)

    loss()
    gradients = model.gradients.copy()
    numerical = np.empty_like(gradients)
    for i, here in enumerate(model.parameters.copy()):
        model.parameters[i] = here + 1e-6
        above = loss()
        model.parameters[i] = here - 1e-6
        numerical[i] = (above - loss()) / 2e-6
        model.parameters[i] = here
    assert_allclose(gradients, numerical, rtol=1e-6, atol=1e-8)
    assert gradients.any()


@pytest.mark.parametrize(("layer", "shape"), CASES)
def test_a_float32_network_stays_one(layer: lk.Layer, shape: lk.Shape) -> None:
    model = lk.Sequential([layer, Projection()], input_shape=shape, dtype="float32", seed=0)
    inputs = np.ones((2, *shape))
    assert model.logits(inputs).dtype == np.float32
    model.loss_and_gradients(inputs, np.ones((2, *model.spec.logits_shape)))


def test_dropout_acts_in_training_alone() -> None:
    model = alone(Dropout(rate=0.25), (4000,))
    inputs = np.ones((1, 4000))
    assert_array_equal(model.logits(inputs), inputs)
    model.loss_and_gradients(inputs, np.ones((1, 4000)))
    values, counts = np.unique(model.gradients, return_counts=True)
    assert_allclose(values, [0, 4 / 3])
    assert counts[0] == pytest.approx(1000, abs=100)


def test_an_embedding_refuses_what_is_no_number_of_its_table() -> None:
    model = alone(Embedding(vocabulary=4, units=2), (3,))
    assert_array_equal(model.logits([[0, 3, 3]])[0, 1], model["embedding_1"].params.table[3])
    for wrong in ([[0, 4, 1]], [[0, -1, 1]], [[0, 0.5, 1]]):
        with pytest.raises(lk.DataError, match="is no whole number from 0 to 3, which embedding_1 looks up"):
            model.logits(wrong)


@pytest.mark.parametrize(
    ("inner", "place"),
    [
        ([{"type": "affine", "units": 3}, {"type": "recurrent", "units": 3}], 1),
        ([{"type": "affine", "units": 3, "name": "a"}, {"type": "relu", "name": "a"}], 1),
        ([{"type": "afine", "units": 3}], 0),
    ],
)
def test_a_fault_in_a_block_is_shown_where_it_stands(inner: list[dict[str, Any]], place: int, registry: lk.Registry) -> None:
    layers = [{"type": "columns", "blocks": [{"columns": 2}, {"columns": 1, "layers": inner}]}, {"type": "crossentropy"}]
    text = json.dumps({"layerkit": 1, "input_shape": [3], "layers": layers})
    with pytest.raises(lk.SpecError) as caught:
        lk.parse_spec(text, "spec.json", registry=registry)
    (fault,) = caught.value.diagnostics
    assert fault.location[:6] == ("layers", 0, "blocks", 1, "layers", place)


def test_blocks_of_columns_see_their_own_columns() -> None:
    layer = Columns(blocks=(Block(columns=2, layers=(lk.Affine(units=3),)), Block(columns=1)))
    model = alone(layer, (3,))
    assert [node.name for node in model.nodes[1].tree()] == ["columns_1", "columns_1.block_0.affine_1"]
    inputs = np.random.default_rng(0).standard_normal((5, 3))
    affine = model["columns_1.block_0.affine_1"].params
    assert_allclose(model.logits(inputs), np.column_stack([inputs[:, :2] @ affine.weight + affine.bias, inputs[:, 2]]))
