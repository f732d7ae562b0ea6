"""``layerkit schema``: the JSON Schema of specs, for editors and other tools."""

from __future__ import annotations

import click

from layerkit.cli.messages import say_json
from layerkit.registry.discovery import installed_registry
from layerkit.spec.schema import spec_schema


@click.command()
def command() -> None:
    """Print the JSON Schema of specs as this environment understands them, installed plugins included."""
    say_json(spec_schema(installed_registry()))
