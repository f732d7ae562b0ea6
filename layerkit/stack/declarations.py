"""`Parameter` and `State`: what a stage declares of the arrays that its node will own."""

from __future__ import annotations

from typing import Literal, NamedTuple

from layerkit.initializers import Initializer, Zeros
from layerkit.typing import Shape


class Parameter(NamedTuple):
    """The declaration of an array that is trained.

    Parameters
    ----------
    shape
        Axis lengths of the array.
    initializer
        How it gets its first values.
    decay
        Whether weight decay applies to it. Biases and scales usually decline.
    """

    shape: Shape
    initializer: Initializer = Zeros()
    decay: bool = True


class State(NamedTuple):
    """The declaration of an array that is saved with the model and not trained, such as a running mean or a counter.

    Parameters
    ----------
    shape
        Axis lengths of the array; ``()`` for a single number.
    initializer
        How it gets its first values.
    dtype
        What it holds; None for the network's own dtype.
    """

    shape: Shape
    initializer: Initializer = Zeros()
    dtype: Literal["float32", "float64", "int64", "bool"] | None = None
