"""What a stack will need, computed from its description with nothing allocated."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from layerkit.errors import LayerkitError
from layerkit.spec.diagnostics import shortened
from layerkit.spec.faults import Fault, failure
from layerkit.stack.loss import Loss
from layerkit.stack.node import Arrays
from layerkit.stack.parameter import Parameter
from layerkit.stack.stage import Stage
from layerkit.typing import Shape


class NodePlan(NamedTuple):
    """One position of a stack: everything that is known of its node before it exists."""

    name: str
    stage: Stage
    input_shape: Shape
    output_shape: Shape
    parameters: Mapping[str, Parameter]
    state: Mapping[str, Parameter]
    parameter_count: int
    work_size: int
    branches: Mapping[str, tuple[NodePlan, ...]]

    def tree(self) -> Iterator[NodePlan]:
        """Yield the plan, and every plan within its branches."""
        yield self
        for plans in self.branches.values():
            for plan in plans:
                yield from plan.tree()


class StackError(LayerkitError):
    """A stack cannot be built; carries the `Fault`."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def node_names(layers: Sequence[Stage | None]) -> list[str]:
    """Return each layer's own name, or its type and count: ``affine_1``, ``relu_1``, ``affine_2``."""
    counts: dict[str, int] = {}
    names = []
    for layer in layers:
        tag = layer.type if layer else ""
        counts[tag] = counts.get(tag, 0) + 1
        names.append((layer and layer.name) or f"{tag}_{counts[tag]}")
    return names


def structure_faults(layers: Sequence[Stage | None]) -> list[Fault]:
    """Return what is wrong with the order and the names of a stack; None stands for a layer that is faulty in itself."""
    faults = []
    last = len(layers) - 1
    losses = {kind for kind in set(map(type, layers)) if issubclass(kind, Loss)}  # a stack is long, its kinds are few
    for index, layer in enumerate(layers):
        if layer is not None and type(layer) in losses and index < last:
            message = f"{layer.type} is a loss and must be the last of the layers; {last - index} follow it"
            faults.append(Fault(("layers", index), "misplaced_loss", message))
        elif index == last and layer is not None and not isinstance(layer, Loss):
            message = f"the last of the layers must be a loss, such as crossentropy; {layer.type} is none"
            faults.append(Fault(("layers", index), "missing_loss", message))
    return faults + _name_faults(layers)


def _name_faults(layers: Sequence[Stage | None], field: str = "layers") -> list[Fault]:
    """Return which names stand twice; where a layer is faulty, counts are not known, and given names alone are compared."""
    if not any(layer is not None and layer.name for layer in layers):
        return []  # a type and a count give no name twice
    sound = type(None) not in set(map(type, layers))
    names = node_names(layers) if sound else [layer.name if layer is not None else None for layer in layers]
    faults: list[Fault] = []
    if len(set(names)) == len(names):
        return faults
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        if name is None:
            continue
        if name in seen:
            message = f'the name "{name}" belongs to {field}[{seen[name]}] already; names must differ'
            faults.append(Fault((field, index), "duplicate_name", message))
        seen.setdefault(name, index)
    return faults


def plan_nodes(layers: Sequence[Stage], input_shape: Shape, within: str = "") -> tuple[NodePlan, ...]:
    """Return the plan of every node, shapes handed from layer to layer.

    ``within`` is put before the names: the nodes of a branch are called ``residual_1.layers.affine_1``.

    Raises
    ------
    StackError
        At the first layer that refuses its input shape, or declares something impossible.
    """
    plans: list[NodePlan] = []
    for index, (layer, name) in enumerate(zip(layers, node_names(layers), strict=True)):
        giver = plans[-1].name if plans else f"the input of {within[:-1]}" if within else "the input"
        try:
            plan = _plan(layer, within + name, input_shape)
        except StackError as error:
            inner = replace(error.fault, location=("layers", index, *error.fault.location))
            raise StackError(inner) from error
        except LayerkitError as error:
            message = shortened(f"{error} (from {giver})", 300)
            raise StackError(Fault(("layers", index), "shape_mismatch", message)) from error
        except Exception as error:  # a third party's layer may fail in any way
            message = failure(f"{layer.type} fails on samples of shape {input_shape}", error)
            raise StackError(Fault(("layers", index), "layer_failed", message)) from error
        plans.append(plan)
        input_shape = plan.output_shape
    return tuple(plans)


def _plan(layer: Stage, name: str, input_shape: Shape) -> NodePlan:
    branches = {}
    for branch, layers in layer.branches(input_shape).items():
        for fault in _name_faults(layers, branch):
            raise StackError(fault)
        try:
            branches[branch] = plan_nodes(layers, input_shape, f"{name}.{branch}.")
        except StackError as error:  # the field that holds the branch has its name
            raise StackError(replace(error.fault, location=(branch, *error.fault.location[1:]))) from error
    output_shape, parameters, state = layer.output_shape(input_shape), layer.parameters(input_shape), layer.state(input_shape)
    if output_shape is not input_shape:
        _require_shape(output_shape)
    count = 0
    for array, declared in parameters.items():
        _require_array(array, declared)
        count += math.prod(declared.shape)
    for array, declared in state.items():
        _require_array(array, declared)
    work_size = layer.work_size(input_shape)
    if type(work_size) is not int or work_size < 0:
        raise TypeError(f"it declares the work size {work_size!r}, which is no number of array elements")
    return NodePlan(name, layer, input_shape, output_shape, parameters, state, count, work_size, branches)


def _require_array(name: str, declared: Parameter) -> None:
    _require_shape(declared.shape)
    if name in _TAKEN or not name.isidentifier():
        raise TypeError(f"it declares an array {name!r}, which cannot be an attribute")


_TAKEN = frozenset(dir(Arrays))
"""What `Arrays` has already under its own names."""


_LONGEST_AXIS = 10**4300
"""Python writes no number that has more digits, and so no message about it."""


def _require_shape(shape: object) -> None:
    if isinstance(shape, tuple):
        for length in shape:
            if type(length) is not int or length < 1:
                break
            if length >= _LONGEST_AXIS:
                raise TypeError("it declares an axis of more elements than any memory holds")
        else:
            return
    raise TypeError(f"it declares the shape {shape!r}, which is no tuple of positive integers")
