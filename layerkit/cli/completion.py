"""What the TAB key offers for an argument that names a registered type."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from layerkit.component import Component
from layerkit.registry.discovery import installed_registry
from layerkit.stack.stage import Stage


def types(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the types that begin with ``incomplete``."""
    return _of(Component, incomplete)


def files_and_stages(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the layers and losses that begin with ``incomplete``; where there are none, shells go on with files."""
    return [CompletionItem(incomplete, type="file"), *_of(Stage, incomplete)]


def _of(family: type[Component], incomplete: str) -> list[CompletionItem]:
    tags = {item.tag for item in installed_registry().registrations if issubclass(item.component, family)}
    return [CompletionItem(tag) for tag in sorted(tags) if tag.startswith(incomplete)]
