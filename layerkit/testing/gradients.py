"""Analytical gradients against central differences, in float64, with a random upstream gradient."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from layerkit.errors import GradientError
from layerkit.network.builder import assemble
from layerkit.network.sequential import Sequential
from layerkit.spec.plan import plan_nodes
from layerkit.stack.layer import Layer
from layerkit.stack.loss import Loss
from layerkit.stack.node import Node
from layerkit.stack.stage import Stage
from layerkit.typing import Array, Shape

STEPS = (1e-5, 1e-6, 1e-7)
"""Half widths of the central differences: a kink that lies within the first may lie outside the next."""
RELATIVE_TOLERANCE = 1e-5
ABSOLUTE_TOLERANCE = 1e-8


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """How the gradient with respect to one array compares.

    Attributes
    ----------
    array
        ``inputs``, or ``node.parameter``.
    checked
        How many elements were compared.
    error
        Largest ``|analytical - numerical| / max(|analytical|, |numerical|, 1e-3)`` among them.
    index, analytical, numerical
        The element where that is, and its two derivatives.
    passed
        Whether all elements agree.
    """

    array: str
    checked: int
    error: float
    index: tuple[int, ...]
    analytical: float
    numerical: float
    passed: bool

    def __str__(self) -> str:
        verdict = "agree" if self.passed else "DISAGREE"
        where = f"{self.array}{list(self.index)}"
        return (
            f"{self.array}: analytical and numerical gradients {verdict} on {self.checked} elements; the largest relative error "
            f"is {self.error:.1e}, at {where}: {self.analytical:.6g} analytical, {self.numerical:.6g} numerical"
        )


def require_passed(checks: Iterable[GradientCheck]) -> None:
    """Raise unless all checks passed.

    Raises
    ------
    GradientError
        Naming each array that failed.
    """
    failed = [str(check) for check in checks if not check.passed]
    if failed:
        raise GradientError("\n".join(failed))


def check_layer_gradients(
    layer: Layer, input_shape: Shape, *, seed: int = 0, batch: int = 3, training: bool = True, elements: int = 100
) -> list[GradientCheck]:
    """Compare the input gradient and every parameter gradient of one layer.

    Parameters
    ----------
    layer
        The layer; its parameters are moved away from their initial values, which are often trivial.
    input_shape
        Shape of one sample.
    seed
        Decides parameters, inputs and the upstream gradient.
    batch
        Samples N.
    training
        Which of the two modes to check.
    elements
        How many elements of each array to compare at the most, drawn at random.
    """
    rng = np.random.default_rng(seed)
    node = lone_node(layer, input_shape, rng, training=training)
    inputs = rng.standard_normal((batch, *input_shape))
    d_out = rng.standard_normal((batch, *node.output_shape))
    return check_node_gradients(node, inputs, d_out, rng, elements)


def check_node_gradients(node: Node, inputs: Array, d_out: Array, rng: np.random.Generator, elements: int) -> list[GradientCheck]:
    """Compare the gradients of a layer at a float64 node, in the mode and with the state that the node is in.

    ``rng`` draws the elements; other parameters are as for `check_layer_gradients`.
    """
    layer, frozen = node.layer, _Frozen([node])
    assert isinstance(layer, Layer)
    _spoil([node])

    def scalar() -> float:
        frozen.restore()
        return float(np.sum(layer.forward(node, inputs) * d_out))

    scalar()
    d_inputs = layer.backward(node, d_out)
    gradients = {"inputs": _kept(layer, d_inputs), **_copies(node)}
    return compare(scalar, {"inputs": inputs, **_params(node)}, gradients, rng, elements)


def check_loss_gradients(
    loss: Loss,
    input_shape: Shape,
    *,
    targets: Array | None = None,
    sample_weight: Array | None = None,
    seed: int = 0,
    batch: int = 3,
    elements: int = 100,
) -> list[GradientCheck]:
    """Compare the gradient of a loss with respect to its logits and parameters, for a random ``d_out``.

    Parameters are as for `check_layer_gradients`; ``targets`` are the loss's own examples where they are left out.
    """
    rng = np.random.default_rng(seed)
    node = lone_node(loss, input_shape, rng)
    wanted = loss.example_targets(input_shape, batch, rng) if targets is None else targets
    logits = rng.standard_normal((len(wanted), *input_shape))
    d_out = float(rng.uniform(0.5, 2) * rng.choice([-1, 1]))
    frozen = _Frozen([node])
    _spoil([node])

    def scalar() -> float:
        frozen.restore()
        return d_out * loss.forward(node, logits, wanted, sample_weight)

    scalar()
    gradients = {"inputs": _kept(loss, loss.backward(node, d_out)), **_copies(node)}
    return compare(scalar, {"inputs": logits, **_params(node)}, gradients, rng, elements)


def check_network_gradients(
    model: Sequential, inputs: Array, targets: Array, *, seed: int = 0, elements: int = 100
) -> list[GradientCheck]:
    """Compare the gradients of a whole float64 network, for a random ``d_out``: its inputs, and every parameter.

    The network's parameters end as they were. Other parameters are as for `check_layer_gradients`.

    Raises
    ------
    GradientError
        If the network is not of dtype float64: differences in float32 say nothing.
    """
    if model.spec.dtype != "float64":
        raise GradientError(f"a gradient check needs a network of dtype float64; this one is {model.spec.dtype}")
    rng = np.random.default_rng(seed)
    inputs = np.array(inputs, dtype=np.float64)
    d_out = float(rng.uniform(0.5, 2) * rng.choice([-1, 1]))
    nodes = [node for top in model.nodes for node in top.tree()]
    asked = [node.needs_input_gradient for node in nodes]
    for node in nodes:
        node.needs_input_gradient = True
    frozen = _Frozen(model.nodes)
    _spoil(model.nodes)

    def scalar() -> float:
        frozen.restore()
        return d_out * model.forward_loss(inputs, targets)

    try:
        scalar()
        d_inputs = model.backward(d_out)
        gradients = {"inputs": _kept(model.nodes[0].layer, d_inputs)}
        params: dict[str, Array] = {"inputs": inputs}
        for node in model.nodes:
            gradients.update(_copies(node))
            params.update(_params(node))
        return compare(scalar, params, gradients, rng, elements)
    finally:
        frozen.restore()
        for node, needed in zip(nodes, asked, strict=True):
            node.needs_input_gradient = needed


def lone_node(
    stage: Stage,
    input_shape: Shape,
    rng: np.random.Generator,
    *,
    training: bool = True,
    dtype: str = "float64",
    first: bool = False,
) -> Node:
    """Return a node of its own for one layer or loss, its parameters moved away from trivial values.

    It needs an input gradient unless it is to be the ``first`` of a network.
    """
    (node,) = assemble(plan_nodes([stage], input_shape), dtype, int(rng.integers(2**31))).nodes
    for inner in node.tree():
        inner.needs_input_gradient |= not first
        inner.training = training
        for array in inner.params.values():
            array += 0.1 * rng.standard_normal(array.shape)
    return node


def compare(
    scalar: Callable[[], float],
    arrays: Mapping[str, Array],
    gradients: Mapping[str, Array],
    rng: np.random.Generator,
    elements: int,
) -> list[GradientCheck]:
    """Compare derivatives of ``scalar()`` by each element of ``arrays`` with ``gradients``.

    ``scalar`` must be a function of what ``arrays`` hold; each element is moved and put back.
    """
    return [_compare_array(name, scalar, arrays[name], gradients[name], rng, elements) for name in arrays]


def _compare_array(
    name: str, scalar: Callable[[], float], array: Array, gradient: Array, rng: np.random.Generator, elements: int
) -> GradientCheck:
    if gradient.shape != array.shape:
        raise GradientError(f"{name}: the gradient has shape {gradient.shape}, the array {array.shape}")
    chosen = rng.choice(array.size, min(elements, array.size), replace=False)
    worst = GradientCheck(name, len(chosen), -1.0, (), 0.0, 0.0, True)
    passed = True
    for flat_index in chosen:
        index = tuple(int(i) for i in np.unravel_index(flat_index, array.shape))
        analytical = float(gradient[index])
        numerical, agrees = _derivative(scalar, array, index, analytical)
        passed &= agrees
        scale = max(abs(analytical), abs(numerical), 1e-3)
        error = abs(analytical - numerical) / scale if math.isfinite(analytical) else math.inf
        if (agrees, -error) < (worst.passed, -worst.error):
            worst = GradientCheck(name, len(chosen), error, index, analytical, numerical, agrees)
    return worst


def _derivative(scalar: Callable[[], float], array: Array, index: tuple[int, ...], analytical: float) -> tuple[float, bool]:
    """Return the numerical derivative by one element, and whether the analytical one agrees with it.

    Where the one-sided slopes differ, and no more so for smaller steps, the function has a kink at this very point, and any value
    between them is right. The slopes do not depend on the backward pass, so a wrong gradient cannot make a kink; rounding that
    looks like one grows as the steps shrink.
    """
    here = float(array[index])
    middle = scalar()
    numerical = float("nan")
    width, kinked = 0.0, False
    for step in STEPS:
        array[index] = here + step
        above = scalar()
        array[index] = here - step
        below = scalar()
        array[index] = here
        numerical = (above - below) / (2 * step)
        slack = ABSOLUTE_TOLERANCE + RELATIVE_TOLERANCE * max(abs(analytical), abs(numerical))
        slack += 4 * sys.float_info.epsilon * abs(middle) / step
        if not math.isfinite(slack):  # one of the two is not
            return numerical, False
        if abs(analytical - numerical) <= slack:
            return numerical, True
        left, right = sorted(((above - middle) / step, (middle - below) / step))
        kinked = left - slack <= analytical <= right + slack and right - left <= 2 * width + slack
        width = right - left
    return numerical, kinked


class _Frozen:
    """The random streams and the state of nodes as they are now, so that every forward pass meets the same."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        every = [node for top in nodes for node in top.tree()]
        self._kept = [(node, copy.deepcopy(node.rng.bit_generator.state), _state(node)) for node in every]

    def restore(self) -> None:
        for node, stream, state in self._kept:
            node.rng.bit_generator.state = stream
            for name, array in state.items():
                node.state[name][...] = array


def _spoil(nodes: Iterable[Node]) -> None:
    """Put something into the gradients: they are to be overwritten, so what stands there before must not matter."""
    for top in nodes:
        for node in top.tree():
            for gradient in node.grads.values():
                gradient.fill(1)


def _state(node: Node) -> dict[str, Array]:
    return {name: array.copy() for name, array in node.state.items()}


def _params(node: Node) -> dict[str, Array]:
    return {f"{inner.name}.{name}": array for inner in node.tree() for name, array in inner.params.items()}


def _copies(node: Node) -> dict[str, Array]:
    return {f"{inner.name}.{name}": array.copy() for inner in node.tree() for name, array in inner.grads.items()}


def _kept(stage: Stage, gradient: Array | None) -> Array:
    if gradient is None:
        raise GradientError(f"{stage.type}: backward returned None, though node.needs_input_gradient was true")
    return np.array(gradient)
