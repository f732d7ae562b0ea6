"""The two hooks through which a distribution extends layerkit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

from layerkit.component import Component

if TYPE_CHECKING:
    import click

ENTRY_POINT_GROUP = "layerkit"
"""Group of the entry points under which distributions announce their plugin modules."""

hookspec = pluggy.HookspecMarker("layerkit")
hookimpl = pluggy.HookimplMarker("layerkit")
"""Marks a function of a plugin module as an implementation of a hook."""


@hookspec
def layerkit_components() -> Sequence[type[Component]]:
    """Return the component classes that the distribution offers, of any family."""
    return ()


@hookspec
def layerkit_commands() -> Sequence[click.Command]:
    """Return commands to add to the command line."""
    return ()
