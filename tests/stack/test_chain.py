"""Layers that hold layers: their nodes, shapes and gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from layerkit import (
    Affine,
    Array,
    Branch,
    CategoricalCrossEntropy,
    ComponentError,
    Layer,
    Node,
    ReLU,
    Sequential,
    Shape,
    ShapeError,
    chain_shape,
)
from layerkit.testing import check_layer_gradients, check_network_gradients


class Shortcut(Layer):
    """``y = x + layers(x)``."""

    type: Literal["shortcut"] = "shortcut"
    layers: tuple[Layer, ...] = ()

    def branches(self, input_shape: Shape) -> Mapping[str, Branch]:
        return {"layers": Branch(self.layers)}

    def forward(self, node: Node, inputs: Array) -> Array:
        outputs: Array = inputs + node.branches["layers"].forward(inputs)
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_branch = node.branches["layers"].backward(d_out)
        return None if d_branch is None else d_out + d_branch


class GivesNone(Layer):
    type: Literal["gives_none"] = "gives_none"

    def forward(self, node: Node, inputs: Array) -> Array:
        return inputs.copy()

    def backward(self, node: Node, d_out: Array) -> Array | None:
        return None


class Halves(GivesNone):
    """Has a wrong gradient."""

    def backward(self, node: Node, d_out: Array) -> Array | None:
        return d_out / 2


DEEP = Shortcut(layers=(Affine(units=6), ReLU(), Shortcut(layers=(Affine(units=6),)), Affine(units=4)))
INPUTS = np.random.default_rng(0).standard_normal((5, 4))
LABELS = np.array([0, 1, 2, 0, 1])


def network(*layers: Layer) -> Sequential:
    stack = [*layers, Affine(units=3), CategoricalCrossEntropy()]
    return Sequential(stack, input_shape=(4,), dtype="float64", seed=0)


def test_a_branch_runs_its_layers_in_a_row() -> None:
    model = network(Shortcut(layers=(Affine(units=6), ReLU(), Affine(units=4))))
    first, second = (model[f"shortcut_1.layers.affine_{count}"].params for count in (1, 2))
    hidden = np.maximum(INPUTS @ first.weight + first.bias, 0)
    inner = INPUTS + hidden @ second.weight + second.bias
    assert_allclose(model.logits(INPUTS), inner @ model["affine_1"].params.weight, rtol=1e-12)


def test_a_branch_without_layers_hands_on_what_comes_in() -> None:
    model = network(Shortcut())
    assert_allclose(model.logits(INPUTS), 2 * INPUTS @ model["affine_1"].params.weight, rtol=1e-12)


def test_a_tree_of_nodes_lists_each_of_them_once() -> None:
    (top, *_) = network(DEEP).nodes
    names = [node.name.removeprefix("shortcut_1") for node in top.tree()]
    inner = ["affine_1", "relu_1", "shortcut_1", "shortcut_1.layers.affine_1", "affine_2"]
    assert names == ["", *(f".layers.{name}" for name in inner)]
    buffers = [node.buffer("work", (2,)) for node in top.tree()]
    assert not any(np.shares_memory(one, other) for one in buffers for other in buffers if one is not other)


def test_one_object_in_two_branches_has_a_node_in_each() -> None:
    layer = Affine(units=4)
    model = network(Shortcut(layers=(layer,)), Shortcut(layers=(layer, layer)))
    weights = [node.params.weight for top in model.nodes[:2] for node in top.tree() if node.params]
    assert len(weights) == 3
    assert not any((one == other).any() for one in weights for other in weights if one is not other)


@pytest.mark.parametrize("layer", [Shortcut(), DEEP, Shortcut(layers=(ReLU(), Affine(units=4), ReLU()))], ids=repr)
def test_gradients_agree_with_central_differences(layer: Layer) -> None:
    checks = [*check_layer_gradients(layer, (4,)), *check_network_gradients(network(layer, layer), INPUTS, LABELS)]
    assert all(check.passed for check in checks), "\n".join(map(str, checks))
    assert sum("affine" in check.array for check in checks) >= 2 * sum(isinstance(inner, Affine) for inner in layer.layers)


def test_a_wrong_layer_within_a_branch_fails_all_before_it() -> None:
    checks = check_layer_gradients(Shortcut(layers=(Affine(units=4), Halves(), Affine(units=4))), (4,))
    wrong = [check.array for check in checks if not check.passed]
    assert wrong == ["inputs", "shortcut_1.layers.affine_1.weight", "shortcut_1.layers.affine_1.bias"]


def test_a_chain_stops_where_no_input_gradient_is_needed() -> None:
    model = network(Shortcut(layers=(ReLU(), Affine(units=4), Affine(units=4))))
    assert [node.needs_input_gradient for node in model.nodes[0].tree()] == [False, False, False, True]
    model.forward_loss(INPUTS, LABELS)
    assert model.backward() is None
    assert all(model[f"shortcut_1.layers.affine_{count}"].grads.weight.any() for count in (1, 2))


def test_a_layer_that_breaks_the_chain_is_an_error() -> None:
    model = network(Affine(units=4), Shortcut(layers=(Affine(units=4), GivesNone())))
    model.forward_loss(INPUTS, LABELS)
    fault = (
        r"^shortcut_1\.layers\.gives_none_1: GivesNone\.backward of the module .* returned NoneType, expected float64 of shape"
    )
    with pytest.raises(ComponentError, match=fault) as caught:
        model.backward()
    assert caught.value.node == "shortcut_1.layers.gives_none_1"
    with pytest.raises(ComponentError, match="returned NoneType"):
        check_layer_gradients(Shortcut(layers=(GivesNone(),)), (4,))


def test_the_shape_after_a_chain() -> None:
    assert chain_shape([], (4,)) == (4,)
    assert chain_shape([Affine(units=6), ReLU(), Affine(units=2)], (4,)) == (2,)
    with pytest.raises(ShapeError):
        chain_shape([Affine(units=6)], (4, 4))


class Witness(GivesNone):
    """Writes down in which mode it ran."""

    type: Literal["witness"] = "witness"

    def forward(self, node: Node, inputs: Array) -> Array:
        MODES.append(node.training)
        return inputs.copy()


MODES: list[bool] = []


def test_the_layers_of_a_branch_are_in_the_mode_of_the_pass() -> None:
    model = network(Shortcut(layers=(Shortcut(layers=(Witness(),)),)))
    MODES.clear()
    for run in (model.predict, model.logits):
        run(INPUTS)
    model.loss(INPUTS, LABELS)
    assert MODES == [False] * 3
    model.forward_loss(INPUTS, LABELS)
    assert MODES == [False] * 3 + [True]
    model.predict(INPUTS)
    assert MODES == [False] * 3 + [True, False]
    assert all(node.training for top in model.nodes for node in top.tree())


def test_gradients_are_views_of_the_flat_vector_in_the_order_of_the_tree() -> None:
    model = network(DEEP)
    model.loss_and_gradients(INPUTS, LABELS)
    pieces = [grad.reshape(-1) for top in model.nodes for node in top.tree() for grad in node.grads.values()]
    assert_array_equal(np.concatenate(pieces), model.gradients)
