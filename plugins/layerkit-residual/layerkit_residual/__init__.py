"""Residual connections for layerkit."""

from __future__ import annotations

from collections.abc import Sequence

from layerkit import Component, hookimpl
from layerkit_residual.residual import Residual

LAYERKIT_API = 2
__all__ = ["Residual"]


@hookimpl
def layerkit_components() -> Sequence[type[Component]]:
    return [Residual]
