"""``layerkit validate``: all the faults of spec files."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from layerkit.cli.messages import say, say_aside, say_json, show_error
from layerkit.cli.spec_file import STANDARD_INPUT, name_of, read_spec, settled, spec_options
from layerkit.diagnostics.diagnostic import Diagnostic
from layerkit.errors import SpecError
from layerkit.spec.canonical import resolved_json
from layerkit.spec.run import RunSpec


@click.command()
@click.argument("spec_paths", metavar="SPEC...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--print-resolved", is_flag=True, help="Print each sound spec with every default filled in.")
@spec_options
def command(
    spec_paths: tuple[Path, ...], form: str, print_resolved: bool, overrides: tuple[str, ...], max_memory: int | None
) -> None:
    """Check each SPEC and print every fault with its place; nothing is allocated or trained, and files of data are looked at.

    SPEC is a file, a run directory, a model file, or "-" for standard input.
    """
    if print_resolved and form == "json":
        raise click.UsageError("--print-resolved prints specs and --format json prints faults; ask for one of them")
    if spec_paths.count(Path(STANDARD_INPUT)) > 1:
        raise click.UsageError('"-" is standard input, which can be read once')
    diagnostics: list[Diagnostic] = []
    for path in spec_paths:
        try:
            spec = settled(read_spec(path, overrides, max_memory), path)
        except SpecError as error:
            diagnostics += error.diagnostics
            if form == "text":
                show_error(error)
        else:
            if print_resolved:
                say_json(json.loads(resolved_json(spec)))
            elif form == "text":
                say(f"{name_of(path)}: ok")
                for notice in spec.notices if isinstance(spec, RunSpec) else ():
                    say_aside(f"note: {name_of(path)}: {notice}")
    if form == "json":
        say_json([diagnostic.as_json() for diagnostic in diagnostics])
    if diagnostics:
        sys.exit(SpecError.exit_code)
