"""Nodes of their own for single layers and losses, and copies of what nodes hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from layerkit.network.adaptation import adapt
from layerkit.network.builder import assemble
from layerkit.spec.plan import plan_nodes
from layerkit.stack.layer import adapts
from layerkit.stack.node import Node
from layerkit.stack.stage import Stage
from layerkit.testing.examples import takes_integers
from layerkit.typing import Shape


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

    One that adapts has been adapted to examples. It needs an input gradient unless it is to be the ``first`` of a network, or
    takes integers: nothing that is trained can stand before it then.
    """
    first = first or takes_integers(stage, input_shape)
    plans = plan_nodes([stage], input_shape)
    (node,) = assemble(plans, dtype, int(rng.integers(2**31)), training=training, needs_input_gradient=not first).nodes
    for inner in node.tree():
        for array in inner.params.values():
            array += 0.1 * rng.standard_normal(array.shape)
    adapt_to_examples([node], rng)
    return node


def adapt_to_examples(nodes: Sequence[Node], rng: np.random.Generator) -> None:
    """Let the nodes that adapt do it, to inputs that the first stage gives as examples, of another mean and deviation."""
    if any(adapts(node.stage) for node in nodes):
        first = nodes[0]
        examples = first.stage.example_inputs(first.input_shape, 16, rng)
        spread = examples if takes_integers(first.stage, first.input_shape) else 3 * examples + 5
        adapt(nodes, [np.asarray(spread, first.dtype)])


def copy_contents(source: Iterable[Node], target: Iterable[Node]) -> None:
    """Give nodes the parameters, the state and the places in the random streams of others, as a checkpoint would."""
    pairs = [pair for one, other in zip(source, target, strict=True) for pair in zip(one.tree(), other.tree(), strict=True)]
    for giver, taker in pairs:
        for arrays, others in ((giver.params, taker.params), (giver.state, taker.state)):
            for name, array in arrays.items():
                others[name][...] = array
        taker.restart_stream(giver.rng.bit_generator.state)
