"""From plans to nodes: one distinct node a position, all of them over one pair of flat vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from layerkit.errors import MemoryBudgetError
from layerkit.layers.node import Node
from layerkit.spec.cost import free_memory, size_text
from layerkit.spec.plan import NodePlan
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
    """
    size = sum(plan.parameter_count for plan in plans)
    needed = 2 * size * np.dtype(dtype).itemsize
    if needed > free_memory():
        raise MemoryBudgetError(
            f"{size} parameters and their gradients take {size_text(needed)}; the machine has {size_text(free_memory())} free"
        )
    parameters, gradients = np.empty(size, dtype), np.zeros(size, dtype)
    nodes: list[Node] = []
    decaying: list[slice] = []
    offset = 0
    for plan in plans:
        rng = random_stream(seed, "node", plan.name)
        trained_before = offset > 0
        params: dict[str, Array] = {}
        grads: dict[str, Array] = {}
        for name, declared in plan.parameters.items():
            stretch = slice(offset, offset + math.prod(declared.shape))
            params[name] = parameters[stretch].reshape(declared.shape)
            grads[name] = gradients[stretch].reshape(declared.shape)
            params[name][...] = declared.initializer.draw(declared.shape, rng)
            if declared.decay:
                decaying.append(stretch)
            offset = stretch.stop
        state = {name: declared.initializer.draw(declared.shape, rng).astype(dtype) for name, declared in plan.state.items()}
        nodes.append(
            Node(
                plan.stage,
                name=plan.name,
                input_shape=plan.input_shape,
                output_shape=plan.output_shape,
                dtype=np.dtype(dtype),
                params=params,
                grads=grads,
                state=state,
                rng=rng,
                needs_input_gradient=trained_before,
            )
        )
    return Assembly(tuple(nodes), parameters, gradients, tuple(decaying))
