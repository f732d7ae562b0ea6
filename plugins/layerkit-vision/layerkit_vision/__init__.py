"""Convolution, pooling and a set of handwritten digits for layerkit; images are channels-last, (N, H, W, C)."""

from __future__ import annotations

from collections.abc import Sequence

from layerkit import Component, hookimpl
from layerkit_vision.average_pool import AveragePool2D
from layerkit_vision.conv import Conv2D
from layerkit_vision.global_average_pool import GlobalAveragePool2D
from layerkit_vision.max_pool import MaxPool2D
from layerkit_vision.mnist import MNIST5k

LAYERKIT_API = 2
__all__ = ["AveragePool2D", "Conv2D", "GlobalAveragePool2D", "MNIST5k", "MaxPool2D"]


@hookimpl
def layerkit_components() -> Sequence[type[Component]]:
    return [Conv2D, MaxPool2D, AveragePool2D, GlobalAveragePool2D, MNIST5k]
