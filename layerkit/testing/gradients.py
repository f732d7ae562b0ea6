"""The gradients of layers, losses and networks against central differences, with a random upstream gradient.

Differences are taken in float64, whatever the dtype of what is checked: in float32 they say nothing. The gradients of float32 are
compared with those of float64 at the same place.

Samples that are whole numbers by nature, as `Stage.example_inputs` of an embedding draws them, are cast to the network's dtype
before the pass, and no derivative by them is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from layerkit.blame import Blame
from layerkit.data.samples import Batch
from layerkit.errors import GradientError
from layerkit.losses.targets import sample_weights
from layerkit.network.builder import assemble
from layerkit.network.passes import Passes
from layerkit.network.sequential import Sequential
from layerkit.stack.chain import Chain
from layerkit.stack.layer import Layer
from layerkit.stack.loss import Loss
from layerkit.stack.node import Node
from layerkit.stack.rewind import Rewind
from layerkit.testing.derivatives import GradientCheck, compare, compare_precisions
from layerkit.testing.examples import example_inputs, takes_integers
from layerkit.testing.lone_nodes import copy_contents, lone_node
from layerkit.typing import Array, Shape

Dtype = Literal["float32", "float64"]


def check_layer_gradients(
    layer: Layer,
    input_shape: Shape,
    *,
    dtype: Dtype = "float64",
    seed: int = 0,
    batch: int = 3,
    training: bool = True,
    elements: int = 100,
) -> list[GradientCheck]:
    """Compare the input gradient and every parameter gradient of one layer.

    Parameters
    ----------
    layer
        The layer; its parameters are moved away from their initial values, which are often trivial.
    input_shape
        Shape of one sample.
    dtype
        With float32, gradients in float32 are compared with those in float64 too. A layer that draws random numbers is put to
        that in prediction mode: what is drawn may depend on the dtype.
    seed
        Decides parameters, inputs and the upstream gradient.
    batch
        Samples N, drawn by `Stage.example_inputs`.
    training
        Which of the two modes to check.
    elements
        How many elements of each array to compare at the most, drawn at random.

    Raises
    ------
    ComponentError
        If the layer fails, or returns what it may not.
    """
    rng = np.random.default_rng(seed)
    node = lone_node(layer, input_shape, rng, training=training)
    inputs = example_inputs(layer, input_shape, batch, rng).astype(np.float64)
    d_out = rng.standard_normal((batch, *node.output_shape))
    passes = _layer_passes(node, inputs, d_out)
    checks = passes.check(rng, elements)
    if dtype == "float64":
        return checks

    def gradients(precision: str) -> dict[str, Array]:
        mode = training and not passes.draws()
        twin = lone_node(layer, input_shape, np.random.default_rng(seed), training=mode, dtype=precision)
        return _layer_passes(twin, inputs.astype(precision), d_out.astype(precision)).gradients()

    return checks + compare_precisions(gradients("float32"), gradients("float64"))


def check_node_gradients(node: Node, inputs: Array, d_out: Array, rng: np.random.Generator, elements: int) -> list[GradientCheck]:
    """Compare the gradients of a layer at a float64 node, in the mode and with the state that the node is in.

    ``rng`` draws the elements; other parameters are as for `check_layer_gradients`.
    """
    return _layer_passes(node, inputs, d_out).check(rng, elements)


def check_loss_gradients(
    loss: Loss,
    input_shape: Shape,
    *,
    targets: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    dtype: Dtype = "float64",
    seed: int = 0,
    batch: int = 3,
    elements: int = 100,
) -> list[GradientCheck]:
    """Compare the gradient of a loss with respect to its logits and parameters, for a random ``d_out``.

    A loss that says what each sample loses is checked for a random ``d_losses`` as well. Other parameters are as for
    `check_layer_gradients`.

    Parameters
    ----------
    targets
        As users give them; the loss's own examples where they are left out.
    sample_weight
        Shape (N,), as users give it.
    """
    rng = np.random.default_rng(seed)
    node = lone_node(loss, input_shape, rng)
    wanted = loss.example_targets(input_shape, batch, rng) if targets is None else np.asarray(targets)
    logits = example_inputs(loss, input_shape, len(wanted), rng).astype(np.float64)
    d_out = _random_number(rng)
    signs = np.resize([1, -1], len(wanted)) * rng.choice([-1, 1])  # both of them: a loss must not take them for weights
    d_losses = signs * rng.uniform(0.5, 2, len(wanted))
    weight = None if sample_weight is None else sample_weights(np.asarray(sample_weight), len(wanted))

    def both(at: Node) -> list[_Passes]:
        prepared = loss.prepare(wanted, logits.shape, at.dtype)
        given = logits.astype(at.dtype)
        mean = _loss_passes(at, Batch(given, prepared, weight), d_out)
        if not is_by_sample(loss):
            return [mean]
        return [mean, _losses_passes(at, given.copy(), prepared, d_losses.astype(at.dtype))]

    checks: list[GradientCheck] = []
    for passes in both(node):
        checks += passes.check(rng, elements)
    if dtype == "float32":
        single = lone_node(loss, input_shape, np.random.default_rng(seed), dtype="float32")
        for narrow, wide in zip(both(single), both(node), strict=True):
            found = compare_precisions(narrow.gradients(), wide.gradients())
            checks += [replace(check, upstream=narrow.upstream) for check in found]
    return checks


def is_by_sample(loss: Loss) -> bool:
    """Return whether a loss says what each sample loses; one that is no mean over samples does not."""
    return type(loss).losses is not Loss.losses


def check_network_gradients(
    model: Sequential,
    inputs: npt.ArrayLike,
    targets: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    *,
    seed: int = 0,
    elements: int = 100,
) -> list[GradientCheck]:
    """Compare the gradients of a whole network, for a random ``d_out``: its inputs, and every parameter.

    The network is left alone: what is checked is a copy of it in float64, in training mode, with its parameters, state and random
    streams. A float32 network is checked in float32 too, against the gradients of that copy; where a layer draws random numbers,
    that is in prediction mode.

    Parameters
    ----------
    model
        The network.
    inputs, targets, sample_weight
        As for `Sequential.loss_and_gradients`.
    seed, elements
        As for `check_layer_gradients`.
    """
    rng = np.random.default_rng(seed)
    batch = model.checked(inputs, targets, sample_weight)
    d_out = _random_number(rng)

    def twin(dtype: str, *, training: bool = True) -> _Passes:
        return _network_passes(model, batch, targets, d_out, dtype, training=training)

    passes = twin("float64")
    checks = passes.check(rng, elements)
    if model.spec.dtype == "float64":
        return checks
    training = not passes.draws()
    found = (twin(dtype, training=training).gradients() for dtype in ("float32", "float64"))
    return checks + compare_precisions(*found)


@dataclass(frozen=True)
class _Passes:
    """A scalar function of the inputs and the parameters of some nodes, and its backward pass.

    Attributes
    ----------
    nodes
        The nodes.
    inputs
        What enters the first of them.
    forward, backward
        The two passes; the second returns the gradient of the inputs, or None.
    upstream
        As in `GradientCheck`.
    """

    nodes: Sequence[Node]
    inputs: Array
    forward: Callable[[], float]
    backward: Callable[[], Array | None]
    upstream: str = "d_out"
    rewind: Rewind = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rewind", Rewind(self.nodes))

    def scalar(self) -> float:
        """Return the value; each call meets the same state and the same random numbers."""
        self.rewind.restore()
        return self.forward()

    def draws(self) -> bool:
        """Return whether the forward pass draws random numbers."""
        self.rewind.restore()
        before = self._streams()
        self.forward()
        return self._streams() != before

    def gradients(self) -> dict[str, Array]:
        """Run both passes and return copies of the gradients, by the name of the array."""
        for node in self._every_node():
            for gradient in node.grads.values():
                gradient.fill(1)  # they are to be overwritten, so what stands there before must not matter
        self.scalar()
        d_inputs = self.backward()
        gradients: dict[str, Array] = {}
        if self.nodes[0].needs_input_gradient:
            if d_inputs is None:
                stage = self.nodes[0].stage
                raise GradientError(f"{stage.type}: backward returned None, though node.needs_input_gradient was true")
            gradients["inputs"] = np.array(d_inputs)
        for node in self._every_node():
            gradients |= {f"{node.name}.{name}": array.copy() for name, array in node.grads.items()}
        return gradients

    def check(self, rng: np.random.Generator, elements: int) -> list[GradientCheck]:
        """Compare the gradients with differences of the scalar."""
        gradients = self.gradients()
        arrays = {"inputs": self.inputs} if "inputs" in gradients else {}
        for node in self._every_node():
            arrays |= {f"{node.name}.{name}": array for name, array in node.params.items()}
        checks = compare(self.scalar, arrays, gradients, rng, elements)
        return [replace(check, upstream=self.upstream) for check in checks]

    def _every_node(self) -> list[Node]:
        return [node for top in self.nodes for node in top.tree()]

    def _streams(self) -> list[Any]:
        return [node.rng.bit_generator.state for node in self._every_node()]


def _layer_passes(node: Node, inputs: Array, d_out: Array) -> _Passes:
    """Return ``sum(outputs * d_out)`` of a layer."""
    chain = Chain([node])
    return _Passes(
        [node],
        inputs,
        forward=lambda: float(np.sum(chain.forward(inputs) * d_out)),
        backward=lambda: chain.backward(d_out),
    )


def _loss_passes(node: Node, batch: Batch, d_out: float) -> _Passes:
    """Return ``d_out * loss`` of a batch with prepared targets."""
    loss = node.stage
    assert isinstance(loss, Loss)
    return _Passes(
        [node],
        batch.inputs,
        forward=lambda: d_out * _called(node, loss.forward, *batch),
        backward=lambda: _called(node, loss.backward, d_out),
    )


def _losses_passes(node: Node, logits: Array, targets: Array, d_losses: Array) -> _Passes:
    """Return ``sum(losses * d_losses)`` of a batch with prepared targets."""
    loss = node.stage
    assert isinstance(loss, Loss)
    return _Passes(
        [node],
        logits,
        forward=lambda: float(np.sum(_called(node, loss.losses, logits, targets) * d_losses)),
        backward=lambda: _called(node, loss.d_logits, d_losses),
        upstream="d_losses",
    )


def _network_passes(
    model: Sequential, batch: Batch, targets: npt.ArrayLike, d_out: float, dtype: str, *, training: bool
) -> _Passes:
    """Return ``d_out * loss`` of a copy of a network in another dtype, for a batch that `Sequential.checked` gave."""
    differentiable = not takes_integers(model.nodes[0].stage, model.input_shape)
    assembly = assemble(
        model.spec.plan(), dtype, model.seed, initialize=False, training=training, needs_input_gradient=differentiable
    )
    copy_contents(model.nodes, assembly.nodes)
    passes = Passes(assembly.nodes)
    inputs = batch.inputs.astype(dtype)
    given = Batch(inputs, passes.prepare(np.asarray(targets)), batch.sample_weight)
    return _Passes(
        assembly.nodes,
        inputs,
        forward=lambda: d_out * passes.loss(given),
        backward=lambda: passes.backward(d_out),
    )


def _called(node: Node, method: Callable[..., Any], *arguments: Any) -> Any:
    with Blame(node.stage, method.__name__, node.name):
        return method(node, *arguments)


def _random_number(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.5, 2) * rng.choice([-1, 1]))
