"""TensorBoard for layerkit: an observer that writes events during a training, and a command that writes them afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from layerkit import Component, hookimpl
from layerkit_tensorboard.observer import TensorBoard

if TYPE_CHECKING:
    import click

LAYERKIT_API = 2
__all__ = ["TensorBoard"]


@hookimpl
def layerkit_components() -> Sequence[type[Component]]:
    return [TensorBoard]


@hookimpl
def layerkit_commands() -> Sequence[click.Command]:
    from layerkit_tensorboard.export import command

    return [command]
