"""The plugins that are known here without being installed, so that advice can say where a type comes from."""

from __future__ import annotations

from collections.abc import Mapping

KNOWN_PLUGINS: Mapping[str, tuple[str, ...]] = {
    "layerkit-residual": ("residual",),
    "layerkit-swish": ("swish",),
    "layerkit-tensorboard": ("tensorboard",),
    "layerkit-vision": ("average_pool2d", "conv2d", "global_average_pool2d", "max_pool2d", "mnist_5k"),
}
"""Distributions of this project, and the types that each of them offers."""


def known_owner(tag: str) -> str | None:
    """Return the known distribution that offers a type; None where none does."""
    return next((distribution for distribution, tags in KNOWN_PLUGINS.items() if tag in tags), None)
