"""From plans to nodes: one distinct node a position, all of them over one pair of flat vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from layerkit.errors import InputError, MemoryBudgetError
from layerkit.spec.cost import free_memory, size_text
from layerkit.spec.plan import NodePlan
from layerkit.stack.chain import Chain
from layerkit.stack.node import Node
from layerkit.stack.parameter import Parameter
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
    decaying
        The stretches of the vectors that weight decay applies to.
    """

    nodes: tuple[Node, ...]
    parameters: Array
    gradients: Array
    decaying: tuple[slice, ...]


def assemble(plans: Sequence[NodePlan], dtype: str, seed: int) -> Assembly:
    """Allocate and initialise a network.

    A node draws its initial values from its own stream, which depends on ``seed`` and its name alone.

    Raises
    ------
    MemoryBudgetError
        If the flat vectors are larger than the memory that is free; nothing is allocated then.
    InputError
        If an initializer draws a value that is not finite in ``dtype``; names the array.
    """
    size = sum(plan.parameter_count for top in plans for plan in top.tree())
    needed = 2 * size * np.dtype(dtype).itemsize
    if needed > free_memory():
        count = size if size < 10**18 else "more than 10^18"  # Python writes no number of thousands of digits
        raise MemoryBudgetError(
            f"{count} parameters and their gradients take {size_text(needed)}; the machine has {size_text(free_memory())} free"
        )
    builder = _Builder(np.empty(size, dtype), np.zeros(size, dtype), seed)
    nodes = builder.nodes(plans, needs_input_gradient=False)
    return Assembly(nodes, builder.parameters, builder.gradients, tuple(builder.decaying))


class _Builder:
    """Hands out the flat vectors, stretch by stretch."""

    def __init__(self, parameters: Array, gradients: Array, seed: int) -> None:
        self.parameters = parameters
        self.gradients = gradients
        self.decaying: list[slice] = []
        self._seed = seed
        self._taken = 0

    def nodes(self, plans: Sequence[NodePlan], *, needs_input_gradient: bool) -> tuple[Node, ...]:
        """Return a node for each plan; the first needs an input gradient as told, others also if one before them is trained."""
        start = self._taken
        return tuple([self._node(plan, needs_input_gradient or self._taken > start) for plan in plans])

    def _node(self, plan: NodePlan, needs_input_gradient: bool) -> Node:
        rng = random_stream(self._seed, "node", plan.name)
        params: dict[str, Array] = {}
        grads: dict[str, Array] = {}
        for name, declared in plan.parameters.items():
            stretch = slice(self._taken, self._taken + math.prod(declared.shape))
            params[name] = self.parameters[stretch].reshape(declared.shape)
            grads[name] = self.gradients[stretch].reshape(declared.shape)
            _fill(params[name], declared, rng, f"{plan.name}.{name}")
            if declared.decay:
                self.decaying.append(stretch)
            self._taken = stretch.stop
        dtype = self.parameters.dtype
        state = {name: np.empty(declared.shape, dtype) for name, declared in plan.state.items()}
        for name, declared in plan.state.items():
            _fill(state[name], declared, rng, f"{plan.name}.{name}")
        return Node(
            plan.stage,
            name=plan.name,
            input_shape=plan.input_shape,
            output_shape=plan.output_shape,
            dtype=dtype,
            params=params,
            grads=grads,
            state=state,
            rng=rng,
            needs_input_gradient=needs_input_gradient,
            branches={
                name: Chain(self.nodes(inner, needs_input_gradient=needs_input_gradient)) for name, inner in plan.branches.items()
            },
        )


def _fill(array: Array, declared: Parameter, rng: np.random.Generator, name: str) -> None:
    with np.errstate(over="ignore"):  # what overflows is refused below, in words
        array[...] = declared.initializer.draw(declared.shape, rng)
    if not np.isfinite(array).all():
        raise InputError(f"{name}: {declared.initializer.type} gives initial values that are not finite in {array.dtype}")
