"""`RunSpec`: a whole training as data."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Self

from pydantic import Field, SerializerFunctionWrapHandler, field_serializer, model_validator

from layerkit.data.base import Dataset, DatasetFacts
from layerkit.data.splits import size_of
from layerkit.data.splitting import SplittingDataset
from layerkit.diagnostics.faults import Fault, raise_faults
from layerkit.layers.standardize import Standardize
from layerkit.spec.base import Spec
from layerkit.spec.cross_checks import checked_stack, data_faults, depth_faults, known_facts, metric_faults
from layerkit.spec.model import ModelSpec
from layerkit.spec.training import TrainingSpec


class RunSpec(Spec):
    """Everything that ``layerkit train`` needs."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] = "run"
    """Names the run directory."""
    seed: Annotated[int, Field(ge=0, lt=2**53)] = 0
    """Decides every random number of the run."""
    data: Dataset = Field(examples=[{"type": "digits"}])
    """Where the samples come from."""
    model: ModelSpec = Field(
        examples=[{"input_shape": [64], "layers": [{"type": "affine", "units": 10}, {"type": "crossentropy"}]}]
    )
    """The network."""
    training: TrainingSpec = Field(examples=[{"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 10}])
    """How it is trained."""

    @field_serializer("model", mode="wrap")
    def _version_stands_once(self, model: ModelSpec, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(model).items() if key != "layerkit"}

    @model_validator(mode="after")
    def _data_fits_model(self) -> Self:
        facts, faults = known_facts(self.data)
        model, found = self.fitted_to(facts)
        raise_faults(faults + found)
        self.__dict__["model"] = model
        if isinstance(self.data, SplittingDataset) and self.data.standardize:
            self._standardize_in_the_model()
        return self

    def fitted_to(self, facts: DatasetFacts, *, loaded: bool = False) -> tuple[ModelSpec, list[Fault]]:
        """Return the model with the input shape that data has, where it says none, and what of the run does not fit the data.

        ``loaded`` says that the data was loaded, so that the numbers of samples are those of the parts as they are.
        """
        model = self.model
        faults: list[Fault] = []
        if model.input_shape is None and facts.input_shape is not None:
            _, faults = checked_stack(model.layers, facts.input_shape)
            model = model.model_copy(update={"input_shape": facts.input_shape})
        plans = None if faults or model.input_shape is None else model.plan()
        faults = [
            replace(fault, location=("model", *fault.location)) for fault in [*faults, *depth_faults(plans or (), around=3)]
        ]
        held_out = self.training.validation is not None and not loaded
        faults += data_faults(self.data, facts, plans, model.input_shape, self.training.batch_size, held_out=held_out)
        return model, faults + metric_faults(self.training.metrics, model.layers[-1])

    def _standardize_in_the_model(self) -> None:
        """Say with a layer what the deprecated key of the data says."""
        layers = (Standardize(), *self.model.layers)
        model = ModelSpec(input_shape=self.model.input_shape, dtype=self.model.dtype, layers=layers)
        self.__dict__.update(data=self.data.model_copy(update={"standardize": False}), model=model, _added=1)

    @property
    def added_layers(self) -> int:
        """How many layers stand before those that were written, for a deprecated key."""
        return int(self.__dict__.get("_added", 0))

    @property
    def notices(self) -> tuple[str, ...]:
        """What the writer should know though nothing is wrong."""
        deprecated = 'data.standardize is deprecated; take it out and write {"type": "standardize"} as the first of the layers'
        of_data: tuple[str, ...] = self.__dict__.get("_notices", ())
        return ((deprecated,) if self.added_layers else ()) + of_data

    @property
    def train_count(self) -> int | None:
        """How many samples are trained on, as far as that is known: of data in files, once it was looked at."""
        if "_train_count" in self.__dict__:
            return int(self.__dict__["_train_count"])
        count = known_facts(self.data)[0].train_count
        validation = self.training.validation
        return None if count is None else count - size_of(None if validation is None else validation.size, count)

    def with_notices(self, notices: tuple[str, ...]) -> Self:
        """Return the run with more that the writer should know, such as of its data."""
        spec = self.model_copy()
        spec.__dict__["_notices"] = notices
        return spec
