"""`TrainingSpec`: how a network is trained, as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self, TypedDict

from pydantic import Field, PositiveInt, field_validator, model_validator

from layerkit.data.splits import Size
from layerkit.description import Description
from layerkit.diagnostics.faults import Fault, failure, raise_faults
from layerkit.metrics.base import Metric
from layerkit.observers.base import Observer
from layerkit.observers.early_stopping import EarlyStopping
from layerkit.observers.ema import EMA
from layerkit.optimizers.base import Optimizer
from layerkit.schedules.base import Schedule
from layerkit.typing import SpecPath


class Validation(Description):
    """Samples that are held out of the training samples, to choose by."""

    size: Size = Field(examples=[0.1])
    """How many: a share of the training samples, or a number."""


class TrainingSpec(Description):
    """How the network is trained."""

    optimizer: Optimizer = Field(examples=[{"type": "sgd", "learning_rate": 0.1}])
    """How gradients move parameters."""
    schedule: Schedule | None = None
    """How the learning rate changes from step to step; null keeps that of the optimizer."""
    epochs: PositiveInt = Field(examples=[10])
    """How often every training sample is seen."""
    batch_size: PositiveInt | None = None
    """Samples a step; null takes all of them. The last batch of an epoch may be shorter."""
    shuffle: bool = True
    """Draw a new order of the samples for each epoch; a full batch stays in order."""
    validation: Validation | None = None
    """Training samples that are held out, for figures after each epoch; null for none, or for those that the data has."""
    metrics: Annotated[tuple[Metric, ...], Field(strict=False)] = ()
    """Figures on the validation samples after each epoch, where there are such samples, and on the test samples at the end."""
    class_weight: dict[str, Annotated[float, Field(ge=0)]] | Literal["balanced"] | None = None
    """What a sample of each class counts in the loss, by the label of the class or its number, 1 for those that are left out;
    balanced lets all classes count alike; null lets all samples."""
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    """Longest gradient, all parameters together; a longer one is shortened. Null shortens none."""
    clip_layer_norm: Annotated[float, Field(gt=0)] | None = None
    """Longest gradient of a layer; null shortens none."""
    clip_value: Annotated[float, Field(gt=0)] | None = None
    """Largest number in a gradient, either way; larger ones are cut. Null cuts none."""
    ema: EMA | None = None
    """Keeps a moving average of the parameters, which is measured and saved in their place; null keeps the last ones."""
    early_stopping: EarlyStopping | None = None
    """Ends the training when a figure gets no better, and leaves the network as it was best; null never does."""
    max_minutes: Annotated[float, Field(gt=0)] | None = None
    """Ends the training after so many minutes; null after its epochs."""
    initial_weights: SpecPath | None = None
    """A safetensors file to start from, relative to the spec; null draws the weights from the seed."""
    observers: Annotated[tuple[Observer, ...], Field(strict=False)] = ()
    """What watches the training; they write into the run directory."""
    report_every: PositiveInt | None = None
    """Epochs between two printed lines, a last one for the last epoch; null prints some twenty lines."""

    @field_validator("metrics")
    @classmethod
    def _labels_differ(cls, metrics: tuple[Metric, ...]) -> tuple[Metric, ...]:
        labels = ["loss", "validation_loss"]
        for index, metric in enumerate(metrics):
            label = _label(metric, index)
            if label in labels:
                raise ValueError(f'two figures are called "{label}"; one would hide the other')
            labels.append(label)
        return metrics

    @model_validator(mode="after")
    def _watches_a_figure(self) -> Self:
        figures = ["validation_loss", "loss", *(metric.label for metric in self.metrics)]
        if self.early_stopping is not None and self.early_stopping.monitor not in figures:
            message = f'an epoch has no figure "{self.early_stopping.monitor}"; there are {", ".join(figures)}'
            raise_faults([Fault(("early_stopping", "monitor"), "invalid_value", message)])
        return self

    @model_validator(mode="after")
    def _clips_what_is_not_asked_for_again(self) -> Self:
        if self.clips and self.optimizer.reevaluates:
            name = next(name for name in ("clip_norm", "clip_layer_norm", "clip_value") if getattr(self, name) is not None)
            message = f"{self.optimizer.type} looks for a step that suits the gradient as it is; leave {name} out"
            raise_faults([Fault((name,), "invalid_value", message)])
        return self

    @property
    def watchers(self) -> tuple[Observer, ...]:
        """All that watches the training: the observers, and last what puts back other parameters."""
        return (*self.observers, *(item for item in (self.early_stopping, self.ema) if item is not None))

    @property
    def clips(self) -> bool:
        """Whether gradients are clipped in any way."""
        return any(limit is not None for limit in (self.clip_norm, self.clip_layer_norm, self.clip_value))


def _label(metric: Metric, index: int) -> str:
    try:
        label = metric.label
        if not (isinstance(label, str) and label.isprintable() and label):
            raise TypeError(f"it is {label!r}, expected a text")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a third party's metric may fail in any way, even exit
        raise_faults([Fault((index,), "component_failed", failure(f"the label of {metric.type} fails", error))])
    return label


class FitOptions(TypedDict, total=False):
    """The keys of `TrainingSpec` that say how samples are trained on, as `Sequential.fit` takes them."""

    optimizer: Optimizer | dict[str, Any] | None
    epochs: int
    schedule: Schedule | dict[str, Any] | str | None
    batch_size: int | None
    shuffle: bool
    metrics: Sequence[Metric | dict[str, Any] | str]
    observers: Sequence[Observer | dict[str, Any] | str]
    class_weight: dict[str, float] | Literal["balanced"] | None
    clip_norm: float | None
    clip_layer_norm: float | None
    clip_value: float | None
    ema: EMA | dict[str, Any] | None
    early_stopping: EarlyStopping | dict[str, Any] | None
    max_minutes: float | None
