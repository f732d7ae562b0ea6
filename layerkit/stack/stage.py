"""`Stage`: what layers and losses have in common."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from layerkit.component import Component
from layerkit.stack.declarations import Parameter, State
from layerkit.typing import Array, Shape


class Branch(NamedTuple):
    """The declaration of a stack of inner layers.

    Parameters
    ----------
    layers
        The layers, in the order of the forward pass; a loss has no place among them.
    input_shape
        Shape of one sample that enters the first of them; None for that of the samples that enter the outer layer.
    location
        Keys and indices that lead to ``layers`` within the outer layer, such as ``("blocks", 1, "layers")``, so that faults are
        shown where they stand; None where the branch has the name of the field.
    """

    layers: Sequence[Stage]
    input_shape: Shape | None = None
    location: tuple[str | int, ...] | None = None


class Stage(Component):
    """A place in the stack, with declared arrays."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")] | None = None
    """Name of the node; ``<type>_<count>`` where it is left out."""

    @classmethod
    def noun(cls) -> str:
        return "a layer or a loss" if cls is Stage else super().noun()

    @abstractmethod
    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of one output sample, given that of one input sample.

        Raises
        ------
        ShapeError
            If the layer cannot take ``input_shape``.
        """

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        """Declare the trainable arrays, by name."""
        return {}

    def state(self, input_shape: Shape) -> Mapping[str, State]:
        """Declare the arrays that are saved with the model and not trained, by name."""
        return {}

    def branches(self, input_shape: Shape) -> Mapping[str, Branch]:
        """Declare the stacks of inner layers, by name; usually that of the field that holds them.

        The nodes of each are this node's own, as a `Chain` in ``node.branches``.
        """
        return {}

    def flops(self, input_shape: Shape) -> int:
        """Return the floating-point operations of ``forward`` on one sample, a multiply-add counted as two.

        By default one for each number that comes out.
        """
        return math.prod(self.output_shape(input_shape))

    def work_size(self, input_shape: Shape) -> int:
        """Return how many numbers the work arrays of a training step hold for one sample, at the most.

        By default the outputs and the gradient of the inputs.
        """
        return math.prod(self.output_shape(input_shape)) + math.prod(input_shape)

    def example_inputs(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        """Return ``count`` random samples that the layer takes, for gradient checks; by default standard normal numbers."""
        return rng.standard_normal((count, *input_shape))

    @model_serializer(mode="wrap")
    def _without_empty_name(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        if fields.get("name") is None:
            fields.pop("name", None)
        return fields
