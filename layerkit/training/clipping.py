"""`Clipping`: gradients that are too large, cut before anything is done with them."""

from __future__ import annotations

from itertools import groupby

import numpy as np

from layerkit.network.sequential import Sequential
from layerkit.spec.training import TrainingSpec
from layerkit.typing import Array


class Clipping:
    """Cuts the gradients of a network: each number, then those of each layer, then all together.

    ::

        g = min(max(g, -clip_value), clip_value)
        g = g * min(1, clip_layer_norm / ||g of the layer||)
        g = g * min(1, clip_norm / ||g||)

    References
    ----------
    R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks", ICML 2013, algorithm 1.
    """

    def __init__(self, model: Sequential, spec: TrainingSpec) -> None:
        self._gradients = model.gradients
        self._value, self._norm, self._layer_norm = spec.clip_value, spec.clip_norm, spec.clip_layer_norm
        places = groupby(model.layout, key=lambda place: place.name.rpartition(".")[0])
        self._layers = [model.gradients[_whole([place.segment for place in of_layer])] for _, of_layer in places]

    def apply(self) -> None:
        """Cut the gradients, in place; those that are not finite stay so, and are found by others."""
        if self._value is not None:
            np.clip(self._gradients, -self._value, self._value, out=self._gradients)
        if self._layer_norm is not None:
            for gradients in self._layers:
                _shorten(gradients, self._layer_norm)
        if self._norm is not None:
            _shorten(self._gradients, self._norm)


def _whole(segments: list[slice]) -> slice:
    """Return the numbers of a layer, whose parameters stand side by side."""
    return slice(segments[0].start, segments[-1].stop)


def _shorten(gradients: Array, length: float) -> None:
    norm = float(np.sqrt(np.dot(gradients, gradients)))
    if not np.isfinite(norm) and np.isfinite(gradients).all():  # the squares alone are too large
        largest = np.max(np.abs(gradients))
        gradients *= length / float(largest)
        norm = float(np.sqrt(np.dot(gradients, gradients)))
    if norm > length:
        gradients *= length / norm
