"""`Stage`: what layers and losses have in common."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from layerkit.component import Component
from layerkit.stack.parameter import Parameter
from layerkit.typing import Shape

if TYPE_CHECKING:
    from layerkit.stack.layer import Layer


class Stage(Component):
    """What `Layer` and `Loss` have in common: a place in the stack, and declared arrays."""

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

    def state(self, input_shape: Shape) -> Mapping[str, Parameter]:
        """Declare the arrays that are saved with the model and not trained, such as a running mean."""
        return {}

    def branches(self, input_shape: Shape) -> Mapping[str, Sequence[Layer]]:
        """Declare the stacks of inner layers, by the name of the field that holds them.

        Each stack starts from the samples that enter this layer. Its nodes are this node's own, in ``node.branches``.
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

    @model_serializer(mode="wrap")
    def _without_empty_name(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        if fields.get("name") is None:
            fields.pop("name", None)
        return fields
