"""``layerkit components``: what is registered, and from where."""

from __future__ import annotations

import click

from layerkit.component import Component
from layerkit.registry.discovery import installed_registry
from layerkit.registry.registry import FAMILIES, Registration


@click.command()
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the registered components, or describe those of type NAME."""
    registry = installed_registry()
    if name is None:
        _list(registry.registrations)
    else:
        found = registry.matches(Component, name)
        if not found:
            registry.resolve(Component, name)  # says what there is instead
        for item in found:
            _describe(item)
    for problem in registry.problems:
        click.echo(f"warning: {problem}", err=True)


def _list(registrations: tuple[Registration, ...]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("family", "type", "summary", "distribution", box=None, pad_edge=False)
    for family in FAMILIES:
        for item in sorted((item for item in registrations if item.family is family), key=lambda item: item.tag):
            table.add_row(family.__name__.lower(), item.tag, _summary(item), f"{item.distribution} {item.version}")
    Console(highlight=False, markup=False).print(table)


def _describe(item: Registration) -> None:
    click.echo(f"{item.tag}: {item.family.noun()}, {item.component.__name__}, from {item.distribution} {item.version}\n")
    click.echo(item.component.__doc__ or "")
    for name, field in item.component.model_fields.items():
        default = "required" if field.is_required() else f"default {field.get_default(call_default_factory=True)!r}"
        if name != "type":
            click.echo(f"  {name}: {default}")


def _summary(item: Registration) -> str:
    return (item.component.__doc__ or "").strip().split("\n")[0]
