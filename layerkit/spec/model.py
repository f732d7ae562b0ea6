"""`ModelSpec`: a network as data."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from layerkit.diagnostics.faults import raise_faults
from layerkit.errors import InputError
from layerkit.spec.base import Spec
from layerkit.spec.cross_checks import checked_stack, depth_faults
from layerkit.spec.plan import NodePlan, plan_nodes
from layerkit.stack.stage import Stage
from layerkit.tables.encoding import Encoding
from layerkit.typing import Shape

MAX_LAYERS = 10_000
"""Longest stack that a spec may describe."""
MAX_AXES = 32
"""Most axes that a sample may have."""


class ModelSpec(Spec):
    """A stack of layers that ends with a loss, and the shape of the samples that enter it.

    Raises
    ------
    pydantic.ValidationError
        If a value is wrong, the loss is missing or in the middle, a name stands twice, or shapes do not fit.
    """

    input_shape: Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=MAX_AXES, strict=False)] | None = Field(
        default=None, examples=[[64]]
    )
    """Axis lengths of one input sample, without the batch; null, or left out, in a run whose data says it."""
    dtype: Literal["float32", "float64"] = "float32"
    """Of every floating-point array in the network."""
    layers: Annotated[
        tuple[Stage, ...],
        Field(
            min_length=1,
            max_length=MAX_LAYERS,
            strict=False,
            examples=[[{"type": "affine", "units": 10}, {"type": "crossentropy"}]],
        ),
    ]
    """The stack, from the inputs to the loss."""
    encoding: Encoding | None = Field(default=None, exclude_if=lambda encoding: encoding is None)
    """How rows of a table become inputs and predictions become labels, as a training learnt it; null where there is no table."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        plans, faults = checked_stack(self.layers, self.input_shape)
        raise_faults(faults or depth_faults(plans or (), around=2))
        if plans is not None:
            self.__dict__["_plan"] = self.layers, self.input_shape, plans
        return self

    def plan(self) -> tuple[NodePlan, ...]:
        """Return what each node of the network will be and need; worked out once.

        Raises
        ------
        InputError
            If there is no ``input_shape``.
        """
        if self.input_shape is None:
            raise InputError("input_shape is missing, the shape of one sample; that of a run may be left to its data")
        layers, input_shape, plans = self.__dict__.get("_plan", (None, None, ()))
        if layers is not self.layers or input_shape is not self.input_shape:  # a copy may have other layers
            plans = plan_nodes(self.layers, self.input_shape)
            self.__dict__["_plan"] = self.layers, self.input_shape, plans
        return tuple(plans)

    @property
    def logits_shape(self) -> Shape:
        """Shape of one sample where it enters the loss."""
        return self.plan()[-1].input_shape
