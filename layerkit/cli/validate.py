"""``layerkit validate``: all the faults of spec files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from layerkit.errors import SpecError
from layerkit.spec.load import load_spec


@click.command()
@click.argument("spec_paths", metavar="SPEC...", nargs=-1, required=True, type=click.Path(path_type=Path))
def command(spec_paths: tuple[Path, ...]) -> None:
    """Check each SPEC and print every fault with its place; nothing is loaded or trained."""
    faulty = False
    for path in spec_paths:
        try:
            load_spec(path)
        except SpecError as error:
            faulty = True
            click.echo(str(error), err=True)
        else:
            click.echo(f"{path}: ok")
    if faulty:
        sys.exit(SpecError.exit_code)
