"""What a network and its training will take, computed from the spec with nothing allocated."""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from layerkit.spec.faults import Fault
from layerkit.spec.model import ModelSpec
from layerkit.spec.plan import NodePlan
from layerkit.spec.run import RunSpec
from layerkit.typing import Shape


@dataclass(frozen=True, slots=True)
class NodeCost:
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
        Numbers in the work arrays for one sample in a training step.
    """

    name: str
    type: str
    input_shape: Shape
    output_shape: Shape
    parameters: int
    flops: int
    work_size: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What a whole network takes, in bytes unless said otherwise.

    Attributes
    ----------
    nodes
        Node by node.
    batch
        Samples a step that the figures are for.
    parameters, gradients, state, slots, work
        Bytes of each kind of array: slots are the optimizer's, work arrays those of a training step.
    flops
        Floating-point operations of a training step.
    """

    nodes: tuple[NodeCost, ...]
    batch: int
    parameters: int
    gradients: int
    state: int
    slots: int
    work: int
    flops: int

    @property
    def total(self) -> int:
        """All bytes together."""
        return self.parameters + self.gradients + self.state + self.slots + self.work

    def as_json(self) -> dict[str, Any]:
        """Return the figures for tools."""
        return {**asdict(self), "total": self.total, "parameter_count": sum(node.parameters for node in self.nodes)}


def cost_of(spec: RunSpec | ModelSpec) -> Cost:
    """Return what ``spec`` takes; a bare model is counted with plain gradient descent and a batch of 1."""
    if isinstance(spec, ModelSpec):
        return _cost(spec, 1, 0)
    batch = spec.training.batch_size or spec.data.facts().train_count or 1
    return _cost(spec.model, batch, len(spec.training.optimizer.slots))


def _cost(model: ModelSpec, batch: int, slot_count: int) -> Cost:
    itemsize = np.dtype(model.dtype).itemsize
    nodes = []
    trained = False
    state = 0
    for plan in model.plan():
        nodes.append(_node_cost(plan, trained))
        trained |= bool(plan.parameters)
        state += sum(math.prod(declared.shape) for declared in plan.state.values()) * itemsize
    parameters = sum(node.parameters for node in nodes) * itemsize
    return Cost(
        nodes=tuple(nodes),
        batch=batch,
        parameters=parameters,
        gradients=parameters,
        state=state,
        slots=slot_count * parameters,
        work=batch * sum(node.work_size for node in nodes) * itemsize,
        flops=batch * sum(node.flops for node in nodes),
    )


def _node_cost(plan: NodePlan, trained_before: bool) -> NodeCost:
    # Backward repeats the work of forward for the parameters, and again for the inputs where they need a gradient.
    passes = 1 + bool(plan.parameters) + trained_before
    return NodeCost(
        plan.name,
        plan.stage.type,
        plan.input_shape,
        plan.output_shape,
        plan.parameter_count,
        passes * plan.flops,
        plan.work_size,
    )


def memory_faults(spec: RunSpec | ModelSpec, budget: int | None) -> list[Fault]:
    """Return a fault with the numbers if ``spec`` takes more than ``budget`` bytes; None stands for what the machine has free."""
    cost = cost_of(spec)
    limit = free_memory() if budget is None else budget
    if cost.total <= limit:
        return []
    largest = max(range(len(cost.nodes)), key=lambda index: (cost.nodes[index].parameters, cost.nodes[index].work_size))
    message = (
        f"this network takes {size_text(cost.total)}, {size_text(cost.parameters)} of it parameters, with {cost.batch} samples a "
        f"step; the memory budget is {size_text(limit)}. {cost.nodes[largest].name} is the largest"
    )
    prefix = () if isinstance(spec, ModelSpec) else ("model",)
    return [Fault((*prefix, "layers", largest), "memory", message)]


@cache
def free_memory() -> int:
    """Return the bytes of memory that the machine had free when this was first asked."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def size_text(count: int) -> str:
    """Write a number of bytes as ``1.5 GiB``."""
    size = float(min(count, 2**1000))
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.3g} EiB"
