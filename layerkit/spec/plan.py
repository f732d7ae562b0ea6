"""What a stack will need, computed from its description with nothing allocated."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from layerkit.diagnostics.diagnostic import shortened
from layerkit.diagnostics.faults import Fault, failure
from layerkit.errors import LayerkitError
from layerkit.registry.discovery import installed_registry
from layerkit.spec.structure import inner_faults, name_faults, node_names
from layerkit.stack.arrays import can_be_attribute
from layerkit.stack.declarations import Parameter, State
from layerkit.stack.layer import adapts
from layerkit.stack.stage import Branch, Stage
from layerkit.typing import Shape


class NodePlan(NamedTuple):
    """One position of a stack: everything that is known of its node before it exists."""

    name: str
    stage: Stage
    input_shape: Shape
    output_shape: Shape
    parameters: Mapping[str, Parameter]
    state: Mapping[str, State]
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


_FIRST = "input_shape, which is that of one sample, without the batch"


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
        try:
            plan = _plan(layer, within + name, input_shape)
        except StackError as error:
            inner = replace(error.fault, location=("layers", index, *error.fault.location))
            raise StackError(inner) from error
        except LayerkitError as error:
            giver = plans[-1].name if plans else f"the input of {within[:-1]}" if within else _FIRST
            message = shortened(f"{error} (from {giver})", 300) + _origins(str(error)[:300])
            raise StackError(Fault(("layers", index), "shape_mismatch", message)) from error
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a third party's layer may fail in any way, even exit
            message = failure(f"{layer.type} fails on samples of shape {input_shape}", error)
            raise StackError(Fault(("layers", index), "layer_failed", message)) from error
        plans.append(plan)
        input_shape = plan.output_shape
    return tuple(plans)


def _origins(advice: str) -> str:
    """Say where the types come from that advice names as ``{"type": "flatten"}`` and that are not installed."""
    tags = dict.fromkeys(_NAMED_TYPE.findall(advice))
    return "".join(f'; "{tag}" is not known here, {origin}' for tag in tags if (origin := installed_registry().where_from(tag)))


_NAMED_TYPE = re.compile(r'{"type": "(\w+)"')


def _plan(layer: Stage, name: str, input_shape: Shape) -> NodePlan:
    branches = {}
    for branch, declared in layer.branches(input_shape).items():
        if not isinstance(declared, Branch):
            raise TypeError(f"it declares {branch!r} as {declared!r}, which is no Branch")
        layers, branch_shape, location = declared
        place = (branch,) if location is None else location
        for fault in [*inner_faults(layers, branch), *name_faults(layers, branch)]:
            raise StackError(replace(fault, location=(*place, *fault.location[1:])))
        try:
            branches[branch] = plan_nodes(layers, input_shape if branch_shape is None else branch_shape, f"{name}.{branch}.")
        except StackError as error:
            raise StackError(replace(error.fault, location=(*place, *error.fault.location[1:]))) from error
    output_shape, parameters, state = layer.output_shape(input_shape), layer.parameters(input_shape), layer.state(input_shape)
    if adapts(layer):
        state = _with_adapted(state)
    if output_shape is not input_shape:
        _require_shape(output_shape)
    count = 0
    for array, parameter in parameters.items():
        _require_array(array, parameter, Parameter)
        count += math.prod(parameter.shape)
    for array, kept in state.items():
        _require_array(array, kept, State)
        if kept.dtype not in _STATE_DTYPES:
            raise TypeError(f"it declares an array of {kept.dtype!r}; expected {', '.join(filter(None, _STATE_DTYPES))} or None")
        if array in parameters:
            raise TypeError(f"it declares {array!r} as a parameter and as state; a file has one place for the two")
    work_size = layer.work_size(input_shape)
    if type(work_size) is not int or work_size < 0:
        raise TypeError(f"it declares the work size {work_size!r}, which is no number of array elements")
    return NodePlan(name, layer, input_shape, output_shape, parameters, state, count, work_size, branches)


def _with_adapted(state: Mapping[str, State]) -> Mapping[str, State]:
    """Return the state of a layer that adapts: what it declares, and whether it has been done."""
    if "adapted" in state:
        raise TypeError('it declares a state "adapted", which every layer with a method adapt has anyway')
    return {**state, "adapted": State((), dtype="bool")}


def _require_array(name: str, declared: object, kind: type[Parameter] | type[State]) -> None:
    if not isinstance(declared, kind):
        raise TypeError(f"it declares {name!r} as {declared!r}, which is no {kind.__name__}")
    _require_shape(declared.shape)
    if not hasattr(declared.initializer, "fill"):  # isinstance takes as long as all else here together
        raise TypeError(f"it declares {name!r} with the initializer {declared.initializer!r}, which is none")
    declared.initializer.require_shape(declared.shape)
    if not can_be_attribute(name):
        raise TypeError(f"it declares an array {name!r}, which cannot be an attribute")


_STATE_DTYPES = (None, "float32", "float64", "int64", "bool")

_LONGEST_AXIS = 10**4300
"""Python writes no number that has more digits, and so no message about it."""


def _require_shape(shape: object) -> None:
    if isinstance(shape, tuple):
        for length in shape:
            if type(length) is not int or not 0 < length < _LONGEST_AXIS:
                break
        else:
            return
        if all(type(length) is int and length > 0 for length in shape):
            raise TypeError("it declares an axis of more elements than any memory holds")
    raise TypeError(f"it declares the shape {shape!r}, which is no tuple of positive integers")
