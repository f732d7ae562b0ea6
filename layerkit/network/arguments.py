"""What callers describe a network and its training with, as specs."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from layerkit.data.samples import ArraySamples
from layerkit.description import Description
from layerkit.errors import InputError
from layerkit.network.inputs import as_array
from layerkit.optimizers.sgd import SGD
from layerkit.spec.check import from_python
from layerkit.spec.model import ModelSpec
from layerkit.spec.training import TrainingSpec
from layerkit.stack.stage import Stage
from layerkit.typing import Shape


def network_spec(
    layers: Iterable[Any], more: tuple[Any, ...], input_shape: Shape | int | None, dtype: npt.DTypeLike
) -> ModelSpec:
    """Return the spec of a network that is described in Python.

    Raises
    ------
    SpecError
        If the layers make no network; with every fault, as for a file.
    InputError
        If the layers are no list of layers, or it is not said what enters them.
    """
    if more or isinstance(layers, Stage | type | str | dict | set | frozenset):  # a set has no order
        raise InputError("the layers of a Sequential stand in one list: Sequential([Affine(units=32), ...], input_shape=...)")
    if isinstance(layers, Description):
        raise InputError("a Sequential takes a list of layers; layerkit.build makes the network of a ModelSpec")
    if input_shape is None:
        raise InputError("input_shape is missing, the shape of one sample without the batch: input_shape=inputs.shape[1:]")
    shape = _shape(input_shape)
    if shape[:1] == (None,):
        raise InputError(f"input_shape has no axis for the batch: write input_shape={shape[1:]}")
    return from_python(ModelSpec, {"layers": layers, "input_shape": shape, "dtype": _name(dtype)}, "Sequential")


def training_spec(options: Mapping[str, Any], count: int) -> TrainingSpec:
    """Return how `Sequential.fit` trains on ``count`` samples: as the options say, and where they do not as is mostly good.

    Raises
    ------
    SpecError
        If an option is wrong.
    """
    if options.get("optimizer") is None:
        small_batches = {"optimizer": SGD(learning_rate=0.01, momentum=0.9), "batch_size": min(32, count)}
        options = small_batches | {name: value for name, value in options.items() if name != "optimizer"}
    return from_python(TrainingSpec, {"epochs": 100, **options}, "fit")


def held_out_samples(validation: Any) -> ArraySamples:
    """Return the samples of the argument ``validation`` of `Sequential.fit`.

    Raises
    ------
    InputError
        If it is something else than a pair or a triple.
    DataError
        If one of them makes no array.
    """
    if not (isinstance(validation, tuple | list) and len(validation) in (2, 3)):
        received = f"{len(validation)} of them" if isinstance(validation, tuple | list) else type(validation).__name__
        raise InputError(
            f"validation is (inputs, targets) or (inputs, targets, sample_weight), received {received}; "
            "sklearn.model_selection.train_test_split takes samples apart"
        )
    names = ("validation inputs", "validation targets", "validation weights")
    parts = (
        None if part is None and name == names[2] else as_array(part, name) for part, name in zip(validation, names, strict=False)
    )
    return ArraySamples(*parts)  # type: ignore[arg-type]  # None is the weights at most


def _shape(input_shape: Any) -> tuple[Any, ...]:
    try:
        return (operator.index(input_shape),)
    except TypeError:
        return tuple(input_shape) if isinstance(input_shape, Iterable) and not isinstance(input_shape, str) else (input_shape,)


def _name(dtype: Any) -> Any:
    try:
        return dtype if dtype is None else np.dtype(dtype).name
    except TypeError:
        return dtype
