"""Which names of commands are layerkit's own."""

from __future__ import annotations

import pkgutil
from importlib.util import find_spec

OWN_COMMANDS = "layerkit.cli.commands"
"""The folder of the commands; each is a module there, of its own name."""


def own_commands() -> list[str]:
    """Return the names, in order; no command is imported."""
    folder = find_spec(OWN_COMMANDS)
    assert folder is not None
    return [module.name for module in pkgutil.iter_modules(folder.submodule_search_locations)]
