"""`Parameter`: the declaration of an array."""

from __future__ import annotations

from typing import NamedTuple

from layerkit.initializers import Initializer, Zeros
from layerkit.typing import Shape


class Parameter(NamedTuple):
    """The declaration of one array that a node owns.

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
