"""Nodes and batches to try a layer or a loss with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from layerkit.losses.targets import sample_weights
from layerkit.stack.layer import Layer
from layerkit.stack.loss import Loss
from layerkit.stack.node import Node
from layerkit.stack.stage import Stage
from layerkit.testing.conformance.verdicts import blaming, require
from layerkit.testing.examples import example_input_shape
from layerkit.testing.lone_nodes import copy_contents, lone_node
from layerkit.typing import Array, Shape

DTYPES = ("float32", "float64")


@dataclass(frozen=True, slots=True)
class Batch:
    """What goes through a node: forward, and backward with a random upstream gradient. A loss has targets and weights too.

    Targets are as the loss prepared them for the node's dtype, and weights as `layerkit.sample_weights` gives them.
    """

    inputs: Array
    d_out: Array | float
    targets: Array | None = None
    sample_weight: Array | None = None

    def arrays(self) -> dict[str, Array]:
        """Return all that are arrays, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}

    def with_each(self, change: Callable[[Array], Array]) -> Batch:
        """Return the batch with every array changed."""
        changed: dict[str, Any] = {name: change(array) for name, array in self.arrays().items()}
        return replace(self, **changed)

    def rows(self, rows: Any) -> Batch:
        """Return a batch of some of the samples, by an index or a slice."""
        return self.with_each(lambda array: array[rows])


class Workbench:
    """Twin nodes of one stage, and batches for them.

    Parameters
    ----------
    stage
        A layer or a loss.
    rng
        Draws everything.
    shape
        Of one input sample; by default one that the stage accepts.
    """

    def __init__(self, stage: Stage, rng: np.random.Generator, shape: Shape | None = None) -> None:
        self.stage = stage
        self.shape = example_input_shape(stage) if shape is None else shape
        self.output_shape = stage.output_shape(self.shape)
        self._rng = rng
        self._seed = int(rng.integers(2**31))

    def node(self, *, training: bool = True, dtype: str = "float64", first: bool = False) -> Node:
        """Return a new node: each has parameters, state and a random stream like all others from this bench."""
        rng = np.random.default_rng(self._seed)
        return lone_node(self.stage, self.shape, rng, training=training, dtype=dtype, first=first)

    def used_node(self) -> Node:
        """Return a node that has been trained on for a while, so that its state is not what it was."""
        node = self.node()
        for _ in range(3):
            results(node, self.batch())
        return node

    def predicting(self, trained: Node) -> Node:
        """Return a new node in prediction mode, with what another has learnt."""
        node = self.node(training=False)
        copy_contents([trained], [node])
        return node

    def least(self, *, training: bool) -> int:
        """Return how many samples a batch has at the least."""
        return self.stage.least_batch(self.shape) if training and isinstance(self.stage, Layer) else 1

    def batch(self, count: int = 3) -> Batch:
        """Draw a batch for a float64 node, of numbers that float32 can tell apart."""
        return self.batches(count)["float64"]

    def batches(self, count: int = 3) -> dict[str, Batch]:
        """Draw a batch, and return it as it reaches nodes of either dtype."""
        inputs = self._example_inputs(count)
        if not isinstance(self.stage, Loss):
            d_out = _single(self._rng.standard_normal((count, *self.output_shape)))
            return {dtype: Batch(inputs.astype(dtype), d_out.astype(dtype)) for dtype in DTYPES}
        upstream = float(_single(self._rng.standard_normal()))
        with blaming(self.stage, "example_targets"):
            targets = self.stage.example_targets(self.shape, count, self._rng)
        weight = sample_weights(self._rng.uniform(0.5, 2, count), count)
        return {
            dtype: Batch(inputs.astype(dtype), upstream, prepared(self.stage, targets, inputs.shape, dtype), weight)
            for dtype in DTYPES
        }

    def _example_inputs(self, count: int) -> Array:
        with blaming(self.stage, "example_inputs"):
            return _single(self.stage.example_inputs(self.shape, count, self._rng))


def _single(array: Any) -> Array:
    """Return numbers that float32 can tell apart, as float64."""
    return np.asarray(array).astype(np.float32).astype(np.float64)


def prepared(loss: Loss, targets: Array, logits_shape: Shape, dtype: str = "float64") -> Array:
    """Return targets as the loss takes them."""
    with blaming(loss, "prepare"):
        rows: Any = loss.prepare(targets, logits_shape, np.dtype(dtype))
    sound = isinstance(rows, np.ndarray) and rows.ndim and len(rows) == len(targets)
    received = f"an array of shape {rows.shape}" if isinstance(rows, np.ndarray) else type(rows).__name__
    require(sound, f"{type(loss).__name__}.prepare returned {received} for {len(targets)} targets, expected a row for each")
    return np.asarray(rows)


def forward(node: Node, batch: Batch) -> Any:
    """Return what the forward pass returns: outputs, or the loss."""
    stage = node.stage
    with blaming(stage, "forward"):
        if isinstance(stage, Loss):
            assert batch.targets is not None
            return stage.forward(node, batch.inputs, batch.targets, batch.sample_weight)
        assert isinstance(stage, Layer)
        return stage.forward(node, batch.inputs)


def backward(node: Node, batch: Batch) -> Any:
    """Return what the backward pass returns: the gradient of the inputs."""
    stage: Any = node.stage
    with blaming(stage, "backward"):
        d_inputs = stage.backward(node, batch.d_out)
    missing = f"{type(stage).__name__}.backward returned None, though node.needs_input_gradient is true"
    require(d_inputs is not None or not node.needs_input_gradient, missing)
    return d_inputs


def results(node: Node, batch: Batch) -> dict[str, Array]:
    """Run both passes and return copies of all that came out."""
    outputs = np.array(forward(node, batch))
    return {"outputs": outputs, **backward_results(node, batch)}


def backward_results(node: Node, batch: Batch) -> dict[str, Array]:
    """Run the backward pass and return copies of all the gradients that came out."""
    d_inputs = backward(node, batch)
    return {**({"d_inputs": np.array(d_inputs)} if node.needs_input_gradient else {}), **gradients(node)}


def gradients(node: Node) -> dict[str, Array]:
    """Return copies of the gradients of a node and of those within it, by node and name."""
    return {f"{inner.name}.grads.{name}": array.copy() for inner in node.tree() for name, array in inner.grads.items()}


def state(node: Node) -> dict[str, Array]:
    """Return copies of the state of a node and of those within it, by node and name."""
    return {f"{inner.name}.state.{name}": array.copy() for inner in node.tree() for name, array in inner.state.items()}


def streams(node: Node) -> list[Any]:
    """Return where the random streams of a node and of those within it stand."""
    return [inner.rng.bit_generator.state for inner in node.tree()]
