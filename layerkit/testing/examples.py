"""Small instances of any component, and samples and targets that it takes, made from what the component says of itself."""

from __future__ import annotations

import numpy as np

from layerkit.blame import Blame
from layerkit.component import ComponentT
from layerkit.errors import ComponentError, LayerkitError, RegistrationError, TargetError
from layerkit.stack.loss import Loss
from layerkit.stack.stage import Stage
from layerkit.typing import Array, Shape

_SHAPES: tuple[Shape, ...] = ((5,), (4,), (6, 6, 2), (4, 3), (4, 8), (4, 3, 2, 2), (1,))


def example(cls: type[ComponentT]) -> ComponentT:
    """Return the first of the class's own `examples`.

    Raises
    ------
    RegistrationError
        If there is none, for want of examples of the required fields.
    ComponentError
        If the class fails to give one.
    """
    with Blame(cls, "examples", refusals=(RegistrationError,)):
        for instance in cls.examples():
            return instance
    raise RegistrationError(f"{cls.__name__}.examples gives no example")


def example_input_shape(stage: Stage) -> Shape:
    """Return a small sample shape that the layer or loss accepts.

    Raises
    ------
    RegistrationError
        If it refuses all that were tried: samples with 1 to 4 axes.
    """
    for shape in _SHAPES:
        try:
            stage.output_shape(shape)
        except LayerkitError:
            continue
        return shape
    raise RegistrationError(f"{stage.type} accepts none of the sample shapes {', '.join(map(str, _SHAPES))}")


def example_inputs(stage: Stage, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
    """Return what `Stage.example_inputs` gives.

    Raises
    ------
    ComponentError
        If that fails, or is no array.
    """
    with Blame(stage, "example_inputs"):
        inputs: object = stage.example_inputs(input_shape, count, rng)
    if not (isinstance(inputs, np.ndarray) and inputs.shape == (count, *input_shape) and inputs.dtype.kind in "biuf"):
        raise ComponentError(
            stage, "example_inputs", f"returned {type(inputs).__name__}, expected numbers of shape {(count, *input_shape)}"
        )
    return inputs


def takes_integers(stage: Stage, input_shape: Shape) -> bool:
    """Return whether the samples that the stage takes are whole numbers, such as the words of an embedding.

    They enter a network in its own dtype all the same; differences and derivatives say nothing of them.
    """
    return example_inputs(stage, input_shape, 1, np.random.default_rng(0)).dtype.kind in "biu"


def example_soft_targets(loss: Loss, input_shape: Shape, count: int, rng: np.random.Generator) -> Array | None:
    """Return ``count`` random rows of class probabilities (N, K), drawn from ``rng``; None where the loss takes none."""
    n_classes = loss.class_count(input_shape)
    if loss.task != "classes" or n_classes is None:
        return None
    rows = rng.dirichlet(np.ones(n_classes), count)
    try:
        loss.prepare(rows, (count, *input_shape), np.dtype(np.float64))
    except TargetError:
        return None
    return rows
