"""``layerkit summary``: layers, shapes, parameters, memory and FLOPs, with nothing allocated."""

from __future__ import annotations

from pathlib import Path

import click

from layerkit.cli.messages import say, say_json
from layerkit.cli.rate_plot import rate_plot
from layerkit.cli.spec_file import read_spec, settled, spec_options
from layerkit.data.tabular import TableDataset
from layerkit.diagnostics.diagnostic import shortened
from layerkit.layout import figures
from layerkit.memory import size_text
from layerkit.spec.canonical import spec_hash
from layerkit.spec.cost import Cost, cost_of
from layerkit.spec.run import RunSpec
from layerkit.spec.summary import summary_lines
from layerkit.stack.loss import Loss
from layerkit.stack.stage import Stage


@click.command()
@click.argument("spec_path", metavar="SPEC", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@spec_options
def command(spec_path: Path, form: str, overrides: tuple[str, ...], max_memory: int | None) -> None:
    """Show what the network in SPEC consists of and takes; nothing is allocated.

    SPEC is a file, a run directory, a model file, or "-" for standard input.
    """
    spec = settled(read_spec(spec_path, overrides, max_memory), spec_path)
    cost = cost_of(spec)
    if form == "json":
        say_json({**cost.as_json(), "spec_hash": spec_hash(spec)})
    else:
        _show(cost, spec_hash(spec))
        if isinstance(spec, RunSpec):
            plot = list(rate_plot(spec))
            say(*([""] if plot else []), *plot)
        if isinstance(spec, RunSpec) and isinstance(spec.data, TableDataset):
            _show_columns(spec.data, spec_path if spec_path.is_dir() else spec_path.parent, spec.model.layers[-1])


def _show_columns(data: TableDataset, folder: Path, loss: Stage) -> None:
    """Say what the columns of a table became."""
    assert isinstance(loss, Loss)
    found = data.look(folder, loss.task)
    rows = [
        (shortened(name, 30), role, seen.kind, shortened(seen.range, 40), f"{seen.missing:,}")
        for name, (role, seen) in found.items()
    ]
    say("", *figures([("column", "role", "holds", "values", "missing"), *rows], right=(4,)))


def _show(cost: Cost, digest: str) -> None:
    say(*summary_lines(cost), "")
    say(f"parameters   {cost.parameter_count:,}, {size_text(cost.parameters)}")
    say(f"gradients    {size_text(cost.parameters)}")
    say(f"state        {size_text(cost.state)}")
    say(f"optimizer    {size_text(cost.slots)} kept, {size_text(cost.update)} to work with")
    say(f"work arrays  {size_text(cost.work)} for {cost.batch} samples a step")
    say(f"samples      {size_text(cost.samples)} beside the data set itself")
    say(f"prediction   {size_text(cost.prediction)} for {cost.rows} samples at once")
    say(f"objects      {size_text(cost.objects)} for {len(cost.every)} nodes")
    say(f"temporary    {size_text(cost.temporary)} to draw the parameters, read or save them")
    say(f"total        {size_text(cost.total)} at the most")
    say(f"FLOPs        {cost.flops:,} a step")
    say(f"spec hash    {digest}")
