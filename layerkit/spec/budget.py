"""The budget of memory: whether what a spec takes is there."""

from __future__ import annotations

import sys

from layerkit.diagnostics.faults import Fault
from layerkit.errors import InputError
from layerkit.memory import free_memory, size_text
from layerkit.spec.cost import cost_of
from layerkit.spec.model import ModelSpec
from layerkit.spec.run import RunSpec

_LIBRARIES = 320 * 2**20
"""Address space that scikit-learn, for data and scores, and the library for model files map: 210 MiB measured, and half again."""


def memory_faults(spec: RunSpec | ModelSpec, budget: int | None) -> list[Fault]:
    """Return a fault with the numbers if ``spec`` takes more than ``budget`` bytes; None stands for what the machine has free."""
    comes_later = isinstance(spec, RunSpec) and "sklearn" not in sys.modules
    limit = free_memory(to_be_mapped=_LIBRARIES if comes_later else 0) if budget is None else budget
    cost = cost_of(spec)
    try:
        total = cost.total
    except InputError as error:  # the layers have answered when they were planned; the optimizer has not
        return [Fault(("training", "optimizer"), "component_failed", str(error))]
    if total <= limit:
        return []
    sizes = [sum(plan.parameter_count + plan.work_size for plan in top.tree()) for top in cost.plans]
    largest = sizes.index(max(sizes))
    message = (
        f"this network takes {size_text(total)}, {size_text(cost.parameters)} of it parameters, with {cost.batch} samples a "
        f"step; the memory budget is {size_text(limit)}. {cost.plans[largest].name} is the largest: make it smaller"
    )
    if isinstance(spec, ModelSpec):
        return [Fault(("layers", largest), "memory", message)]
    return [Fault(("model", "layers", max(0, largest - spec.added_layers)), "memory", message)]
