"""What a stack will need, computed from its description with nothing allocated."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from layerkit.component import nested_error
from layerkit.errors import LayerkitError
from layerkit.layers.base import Loss, Parameter, Stage
from layerkit.layers.node import Arrays
from layerkit.typing import Shape


@dataclass(frozen=True, slots=True)
class NodePlan:
    """One position of a stack: everything that is known of its node before it exists."""

    name: str
    stage: Stage
    input_shape: Shape
    output_shape: Shape
    parameters: Mapping[str, Parameter]
    state: Mapping[str, Parameter]

    @property
    def parameter_count(self) -> int:
        """How many trainable numbers the node has."""
        return sum(math.prod(parameter.shape) for parameter in self.parameters.values())


class StackFault(Exception):
    """A stack cannot be built.

    Attributes
    ----------
    index
        Which layer is at fault.
    code
        Stable name of the kind of fault.
    """

    def __init__(self, index: int, code: str, message: str) -> None:
        super().__init__(message)
        self.index = index
        self.code = code


def node_names(layers: Sequence[Stage]) -> list[str]:
    """Return each layer's own name, or its type and count: ``affine_1``, ``relu_1``, ``affine_2``."""
    counts: Counter[str] = Counter()
    names = []
    for layer in layers:
        counts[layer.type] += 1
        names.append(layer.name or f"{layer.type}_{counts[layer.type]}")
    return names


def structure_faults(layers: Sequence[Stage]) -> list[StackFault]:
    """Return what is wrong with the order and the names of a stack."""
    last = len(layers) - 1
    faults = [
        StackFault(index, "misplaced_loss", f"a loss ends the stack; {layer.type} stands at position {index} of {last}")
        for index, layer in enumerate(layers[:-1])
        if isinstance(layer, Loss)
    ]
    if not isinstance(layers[last], Loss):
        faults.append(
            StackFault(last, "missing_loss", f"the last layer must be a loss, such as crossentropy; received {layers[last].type}")
        )
    seen: dict[str, int] = {}
    for index, name in enumerate(node_names(layers)):
        if name in seen:
            faults.append(StackFault(index, "duplicate_name", f'layers[{seen[name]}] has the name "{name}" already'))
        seen.setdefault(name, index)
    return faults


def plan_nodes(layers: Sequence[Stage], input_shape: Shape) -> tuple[NodePlan, ...]:
    """Return the plan of every node, shapes handed from layer to layer.

    Raises
    ------
    StackFault
        At the first layer that refuses its input shape, or declares something impossible.
    """
    plans = []
    for index, (layer, name) in enumerate(zip(layers, node_names(layers), strict=True)):
        try:
            output_shape = layer.output_shape(input_shape)
            parameters = layer.parameters(input_shape)
            state = layer.state(input_shape)
        except LayerkitError as error:
            raise StackFault(index, "shape_mismatch", str(error)) from error
        except Exception as error:  # a third party's layer may fail in any way
            raise StackFault(
                index, "layer_failed", f"{layer.type} failed on shape {input_shape}: {type(error).__name__}: {error}"
            ) from error
        for shape in (output_shape, *(declared.shape for declared in (*parameters.values(), *state.values()))):
            if not _is_shape(shape):
                raise StackFault(
                    index, "layer_failed", f"{layer.type} declares the shape {shape!r}; expected a tuple of positive integers"
                )
        for array in (*parameters, *state):
            if not array.isidentifier() or hasattr(Arrays, array):
                raise StackFault(index, "layer_failed", f"{layer.type} declares an array {array!r}, which cannot be an attribute")
        plans.append(NodePlan(name, layer, input_shape, output_shape, parameters, state))
        input_shape = output_shape
    return tuple(plans)


def _is_shape(shape: object) -> bool:
    return isinstance(shape, tuple) and all(isinstance(length, int) and length > 0 for length in shape)


def as_validation_error(faults: Sequence[StackFault]) -> Exception:
    """Return one error for pydantic, each fault at its layer."""
    return nested_error(
        [{"type": fault.code, "loc": ("layers", fault.index), "msg": str(fault), "input": None, "ctx": {}} for fault in faults]
    )
