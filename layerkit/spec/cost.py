"""What a network and its training will take, computed from the spec with nothing allocated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from layerkit.errors import InputError
from layerkit.memory import free_memory, size_text
from layerkit.spec.faults import Fault, failure
from layerkit.spec.model import ModelSpec
from layerkit.spec.plan import NodePlan
from layerkit.spec.run import RunSpec
from layerkit.typing import Shape


class NodeCost(NamedTuple):
    """What one node takes.

    Attributes
    ----------
    name, type, input_shape, output_shape
        Which node it is; shapes without the batch.
    parameters
        Trainable numbers.
    flops
        Floating-point operations of one sample in a training step, forward and backward.
    work_size
        Numbers in the work arrays for one sample in a training step, at the most.
    """

    name: str
    type: str
    input_shape: Shape
    output_shape: Shape
    parameters: int
    flops: int
    work_size: int


@dataclass(frozen=True)
class Cost:
    """What a whole network takes, in bytes unless said otherwise.

    Attributes
    ----------
    plans
        The plans of its nodes.
    itemsize
        Bytes of a float.
    batch
        Samples a step that the figures are for.
    slot_count
        Vectors that the optimizer keeps.
    """

    plans: tuple[NodePlan, ...]
    itemsize: int
    batch: int
    slot_count: int

    @cached_property
    def every(self) -> list[NodePlan]:
        """The plans of all nodes, those within branches after the node that they belong to."""
        return [plan for top in self.plans for plan in (top.tree() if top.branches else (top,))]

    @cached_property
    def parameter_count(self) -> int:
        """Trainable numbers."""
        return sum([plan.parameter_count for plan in self.every])

    @property
    def parameters(self) -> int:
        """The flat parameter vector; the flat gradient vector takes as much again."""
        return self.parameter_count * self.itemsize

    @property
    def slots(self) -> int:
        """What the optimizer keeps between steps."""
        return self.slot_count * self.parameters

    @cached_property
    def state(self) -> int:
        """Arrays that are saved and not trained."""
        declared = [declared for plan in self.every if plan.state for declared in plan.state.values()]
        return sum(math.prod(array.shape) for array in declared) * self.itemsize

    @cached_property
    def work(self) -> int:
        """Work arrays of a training step, at the most."""
        return sum([plan.work_size for plan in self.every]) * self.itemsize * self.batch

    @property
    def total(self) -> int:
        """Everything together."""
        return 2 * self.parameters + self.slots + self.state + self.work

    @cached_property
    def nodes(self) -> tuple[NodeCost, ...]:
        """Node by node, in the order of ``every``."""
        nodes = []
        trained_before = False
        for plan in self.every:
            # Backward repeats the work of forward for the parameters, and again for the inputs where they need a gradient.
            flops = _flops(plan) * (1 + bool(plan.parameters) + trained_before)
            trained_before |= bool(plan.parameters)
            shapes = plan.input_shape, plan.output_shape
            nodes.append(NodeCost(plan.name, plan.stage.type, *shapes, plan.parameter_count, flops, plan.work_size))
        return tuple(nodes)

    @property
    def flops(self) -> int:
        """Floating-point operations of a training step."""
        return self.batch * sum(node.flops for node in self.nodes)

    def as_json(self) -> dict[str, Any]:
        """Return the figures for tools."""
        return {
            "nodes": [node._asdict() for node in self.nodes],
            "batch": self.batch,
            "parameter_count": self.parameter_count,
            "flops": self.flops,
            "bytes": {
                "parameters": self.parameters,
                "gradients": self.parameters,
                "slots": self.slots,
                "state": self.state,
                "work": self.work,
                "total": self.total,
            },
        }


def cost_of(spec: RunSpec | ModelSpec) -> Cost:
    """Return what ``spec`` takes; a bare model is counted with plain gradient descent and a batch of 1."""
    if isinstance(spec, ModelSpec):
        return Cost(spec.plan(), np.dtype(spec.dtype).itemsize, 1, 0)
    batch = spec.training.batch_size or spec.data.facts().train_count or 1
    return Cost(spec.model.plan(), np.dtype(spec.model.dtype).itemsize, batch, len(spec.training.optimizer.slots()))


def _flops(plan: NodePlan) -> int:
    try:
        flops = plan.stage.flops(plan.input_shape)
    except Exception as error:  # a third party's layer may fail in any way
        raise InputError(failure(f"{plan.stage.type}.flops fails on samples of shape {plan.input_shape}", error)) from error
    if type(flops) is not int or flops < 0:
        raise InputError(f"{plan.stage.type}.flops gives {flops!r}; expected a whole number of operations")
    return flops


def memory_faults(spec: RunSpec | ModelSpec, budget: int | None) -> list[Fault]:
    """Return a fault with the numbers if ``spec`` takes more than ``budget`` bytes; None stands for what the machine has free."""
    limit = free_memory() if budget is None else budget
    cost = cost_of(spec)
    if cost.total <= limit:
        return []
    sizes = [sum(plan.parameter_count + plan.work_size for plan in top.tree()) for top in cost.plans]
    largest = sizes.index(max(sizes))
    message = (
        f"this network takes {size_text(cost.total)}, {size_text(cost.parameters)} of it parameters, with {cost.batch} samples a "
        f"step; the memory budget is {size_text(limit)}. {cost.plans[largest].name} is the largest"
    )
    prefix = () if isinstance(spec, ModelSpec) else ("model",)
    return [Fault((*prefix, "layers", largest), "memory", message)]
