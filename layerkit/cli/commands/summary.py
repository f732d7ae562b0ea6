"""``layerkit summary``: layers, shapes, parameters, memory and FLOPs, with nothing allocated."""

from __future__ import annotations

import json
from pathlib import Path

import click

from layerkit.cli.spec_file import spec_options
from layerkit.spec.canonical import spec_hash
from layerkit.spec.cost import Cost, cost_of, size_text
from layerkit.spec.load import load_spec


@click.command()
@click.argument("spec_path", metavar="SPEC", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@spec_options
def command(spec_path: Path, form: str, overrides: tuple[str, ...], max_memory: int | None) -> None:
    """Show what the network in SPEC consists of and takes; nothing is allocated."""
    spec = load_spec(spec_path, overrides, max_memory)
    cost = cost_of(spec)
    if form == "json":
        click.echo(json.dumps({**cost.as_json(), "spec_hash": spec_hash(spec)}, indent=2))
    else:
        _show(cost, spec_hash(spec))


def _show(cost: Cost, digest: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("node", no_wrap=True)
    for column in ("type", "input", "output"):
        table.add_column(column)
    for column in ("parameters", "FLOPs a step"):
        table.add_column(column, justify="right", no_wrap=True)
    for node in cost.nodes:
        flops = f"{node.flops * cost.batch:,}"
        table.add_row(node.name, node.type, str(node.input_shape), str(node.output_shape), f"{node.parameters:,}", flops)
    # The table takes what it needs and no more; on a narrow terminal a long line wraps, and no figure is cut.
    Console(highlight=False, markup=False, width=1000).print(table)
    click.echo(f"\nparameters   {cost.parameter_count:,}, {size_text(cost.parameters)}")
    click.echo(f"gradients    {size_text(cost.parameters)}")
    click.echo(f"state        {size_text(cost.state)}")
    click.echo(f"optimizer    {size_text(cost.slots)}")
    click.echo(f"work arrays  {size_text(cost.work)} for {cost.batch} samples a step")
    click.echo(f"total        {size_text(cost.total)}")
    click.echo(f"FLOPs        {cost.flops:,} a step")
    click.echo(f"spec hash    {digest}")
