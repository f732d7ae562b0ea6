"""The plugin interface: its version, and the two hooks through which a distribution extends layerkit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

from layerkit.component import Component

if TYPE_CHECKING:
    import click

ENTRY_POINT_GROUP = "layerkit"
"""Group of the entry points under which distributions announce their plugin modules."""

API_VERSION = 2
"""Version of the interface: of the hooks here, and of the contracts of all families of components."""
API_SINCE = "0.2"
"""The first layerkit with that version of the interface."""
API_VARIABLE = "LAYERKIT_API"
"""Where a plugin module says for which version it is written, ``LAYERKIT_API = 2``; one that says nothing is of version 1."""

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
