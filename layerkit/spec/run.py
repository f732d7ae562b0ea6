"""`RunSpec`: a whole training as data."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, PositiveInt, SerializerFunctionWrapHandler, field_serializer, model_validator

from layerkit.component import nested_error
from layerkit.data.base import Dataset
from layerkit.layers.base import Loss
from layerkit.optimizers.base import Optimizer
from layerkit.spec.base import Block, Spec
from layerkit.spec.model import ModelSpec


class TrainingSpec(Block):
    """How the network is trained."""

    optimizer: Optimizer
    """How gradients move parameters."""
    epochs: PositiveInt
    """How often every training sample is seen."""
    batch_size: PositiveInt | None = None
    """Samples a step; null takes all of them. The last batch of an epoch may be shorter."""
    shuffle: bool = True
    """Draw a new order of the samples for each epoch; a full batch stays in order."""
    initial_weights: Annotated[str, Field(min_length=1)] | None = None
    """A safetensors file to start from, relative to the spec; null draws the weights from the seed."""
    report_every: PositiveInt = 1
    """Epochs between two printed lines."""


class RunSpec(Spec):
    """Everything that ``layerkit train`` needs."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] = "run"
    """Names the run directory."""
    seed: Annotated[int, Field(ge=0, lt=2**53)] = 0
    """Decides every random number of the run."""
    data: Dataset
    """Where the samples come from."""
    model: ModelSpec
    """The network."""
    training: TrainingSpec
    """How it is trained."""

    @field_serializer("model", mode="wrap")
    def _version_stands_once(self, model: ModelSpec, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(model).items() if key != "layerkit"}

    @model_validator(mode="after")
    def _data_fits_model(self) -> Self:
        facts = self.data.facts()
        faults: list[dict[str, Any]] = []

        def fault(loc: tuple[str | int, ...], code: str, message: str) -> None:
            faults.append({"type": code, "loc": loc, "msg": message, "input": None, "ctx": {}})

        if facts.input_shape not in (None, self.model.input_shape):
            fault(
                ("model", "input_shape"),
                "data_mismatch",
                f"samples of {self.data.type} have shape {facts.input_shape}; the model expects {self.model.input_shape}",
            )
        loss = self.model.layers[-1]
        n_outputs = loss.class_count(self.model.logits_shape) if isinstance(loss, Loss) else None
        if facts.n_classes is not None and n_outputs is not None and facts.n_classes > n_outputs:
            fault(
                ("model", "layers", len(self.model.layers) - 1),
                "class_count",
                f"{self.data.type} has {facts.n_classes} classes; {loss.type} receives {n_outputs} outputs",
            )
        batch_size = self.training.batch_size
        if facts.train_count is not None and batch_size is not None and batch_size > facts.train_count:
            fault(
                ("training", "batch_size"),
                "batch_size",
                f"{batch_size} is more than the {facts.train_count} training samples of {self.data.type}",
            )
        if faults:
            raise nested_error(faults)
        return self
