"""How errors look to a person; colours stand on a terminal only."""

from __future__ import annotations

import click

from layerkit.diagnostics.diagnostic import Diagnostic
from layerkit.errors import LayerkitError, SpecError


def show_error(error: LayerkitError | OSError) -> None:
    """Print an error to stderr: each fault of a spec in its place, anything else as one message."""
    if isinstance(error, SpecError):
        for diagnostic in error.diagnostics:
            click.echo(_coloured(diagnostic), err=True)
    else:
        click.echo(f"{click.style('error:', fg='red', bold=True)} {error}", err=True)


def _coloured(diagnostic: Diagnostic) -> str:
    first, *rest = str(diagnostic).split("\n")
    place = diagnostic.place
    lines = [click.style(place, bold=True) + first.removeprefix(place)] if first.startswith(place) else [first]
    if rest:
        lines += [rest[0], click.style(rest[1], fg="red", bold=True)]
    return "\n".join(lines)
