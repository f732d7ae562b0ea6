"""From plans to nodes: one distinct node a position, all of them over one pair of flat vectors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from layerkit.blame import Blame
from layerkit.errors import InputError, MemoryBudgetError
from layerkit.initializers import Initializer
from layerkit.memory import free_memory, size_text
from layerkit.network.inputs import read_only
from layerkit.optimizers.step import Place
from layerkit.spec.plan import NodePlan
from layerkit.stack.chain import Chain
from layerkit.stack.node import Node
from layerkit.streams import random_stream
from layerkit.typing import Array


@dataclass(frozen=True, slots=True)
class Assembly:
    """What a network is made of.

    Attributes
    ----------
    nodes
        One a position.
    parameters, gradients
        Flat vectors (P,); the nodes' arrays are views into them, in the order of the stack.
    layout
        Where each parameter stands in the vectors.
    """

    nodes: tuple[Node, ...]
    parameters: Array
    gradients: Array
    layout: tuple[Place, ...]


def assemble(
    plans: Sequence[NodePlan],
    dtype: str,
    seed: int,
    *,
    initialize: bool = True,
    training: bool = True,
    needs_input_gradient: bool = False,
) -> Assembly:
    """Allocate and initialise a network.

    A node draws its initial values from its own stream, which depends on ``seed`` and its name alone. Without ``initialize``
    nothing is drawn and the arrays hold anything: for values that come from elsewhere. ``training`` and ``needs_input_gradient``
    are as in `Node`, the latter for the first node; the others need an input gradient also if one before them is trained.

    Raises
    ------
    MemoryBudgetError
        If the flat vectors and the state are larger than the memory that is free; nothing is allocated then.
    InputError
        If an initializer draws a value that is not finite in ``dtype``; names the array.
    ComponentError
        If an initializer raises anything.
    """
    every = [plan for top in plans for plan in top.tree()]
    size = sum(plan.parameter_count for plan in every)
    kept = [state for plan in every if plan.state for state in plan.state.values()]
    state = sum(math.prod(array.shape) * np.dtype(array.dtype or dtype).itemsize for array in kept)
    needed = 2 * size * np.dtype(dtype).itemsize + state
    free = free_memory()
    if needed > free:
        count = size if size < 10**18 else "more than 10^18"  # Python writes no number of thousands of digits
        what = f"{count} parameters and their gradients{', and the state,' if state else ''}"
        raise MemoryBudgetError(f"{what} take {size_text(needed)}; {size_text(free)} are free")
    builder = _Builder(np.empty(size, dtype), np.zeros(size, dtype), seed, initialize=initialize, training=training)
    with np.errstate(over="ignore"):  # an initial value that overflows is refused, in words
        nodes = builder.nodes(plans, needs_input_gradient=needs_input_gradient)
    return Assembly(nodes, builder.parameters, builder.gradients, tuple(builder.layout))


def prediction_twins(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Return nodes that predict with the very parameters and state of ``nodes``, which they may read alone.

    Work arrays, caches and random streams are their own: whatever they do, the others do not notice.
    """
    return tuple(_prediction_twin(node) for node in nodes)


def _prediction_twin(node: Node) -> Node:
    return Node(
        node.stage,
        name=node.name,
        input_shape=node.input_shape,
        output_shape=node.output_shape,
        dtype=node.dtype,
        params={name: read_only(array) for name, array in node.params.items()},
        grads={},
        state={name: read_only(array) for name, array in node.state.items()},
        make_rng=partial(random_stream, 0, "prediction", node.name),
        training=False,
        needs_input_gradient=False,
        branches={name: Chain(prediction_twins(chain.nodes)) for name, chain in node.branches.items()},
    )


class _Builder:
    """Hands out the flat vectors, parameter by parameter."""

    def __init__(self, parameters: Array, gradients: Array, seed: int, *, initialize: bool, training: bool) -> None:
        self.parameters = parameters
        self.gradients = gradients
        self.layout: list[Place] = []
        self._seed = seed
        self._initialize = initialize
        self._training = training
        self._taken = 0

    def nodes(self, plans: Sequence[NodePlan], *, needs_input_gradient: bool) -> tuple[Node, ...]:
        """Return a node for each plan; the first needs an input gradient as told, others also if one before them is trained."""
        start = self._taken
        return tuple([self._node(plan, needs_input_gradient or self._taken > start) for plan in plans])

    def _node(self, plan: NodePlan, needs_input_gradient: bool) -> Node:
        start = self._taken
        params: dict[str, Array] = {}
        grads: dict[str, Array] = {}
        for name, declared in plan.parameters.items():
            segment = slice(self._taken, self._taken + math.prod(declared.shape))
            params[name] = self.parameters[segment].reshape(declared.shape)
            grads[name] = self.gradients[segment].reshape(declared.shape)
            self.layout.append(Place(f"{plan.name}.{name}", segment, declared.shape, declared.decay))
            self._taken = segment.stop
        dtype = self.parameters.dtype
        state = {name: np.empty(declared.shape, declared.dtype or dtype) for name, declared in plan.state.items()}
        node = Node(
            plan.stage,
            name=plan.name,
            input_shape=plan.input_shape,
            output_shape=plan.output_shape,
            dtype=dtype,
            params=params,
            grads=grads,
            state=state,
            make_rng=partial(random_stream, self._seed, "node", plan.name),
            training=self._training,
            needs_input_gradient=needs_input_gradient,
            # What enters a branch may depend on the layer's own parameters, and on the branches before.
            branches={
                name: Chain(self.nodes(inner, needs_input_gradient=needs_input_gradient or self._taken > start))
                for name, inner in plan.branches.items()
            },
        )
        if self._initialize:
            for name, parameter in plan.parameters.items():
                _fill(params[name], parameter.initializer, node, name)
            for name, kept in plan.state.items():
                _fill(state[name], kept.initializer, node, name)
        return node


def _fill(array: Array, initializer: Initializer, node: Node, name: str) -> None:
    rng = node.rng
    with Blame(initializer, "draw", f"{node.name}.{name}"):
        initializer.fill(array, rng)
    if not (np.isfinite(array.min()) and np.isfinite(array.max())):  # which take no memory
        raise InputError(f"{node.name}.{name}: {initializer.type} gives initial values that are not finite in {array.dtype}")
