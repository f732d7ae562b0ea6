"""``layerkit train``: from a spec to a trained model in a run directory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from layerkit.cli.spec_file import load_run_spec, spec_options
from layerkit.history import EpochRecord
from layerkit.training.run import run


@click.command()
@click.argument("spec_path", metavar="SPEC", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), help="The run directory, new or empty; runs/NAME-001 and so on by default."
)
@spec_options
def command(spec_path: Path, out: Path | None, overrides: tuple[str, ...], max_memory: int | None) -> None:
    """Train what the run spec SPEC describes.

    Prints the loss as it falls and the score on the test samples, and leaves a run directory with the resolved spec, the
    history and the model.
    """
    spec = load_run_spec(spec_path, overrides, max_memory)
    with _progress(spec.training.epochs) as show:
        done = run(
            spec,
            out=out,
            folder=spec_path.parent,
            tell=lambda record: show(record, record.epoch % spec.training.report_every == 0),
        )
    for line in _score_lines(done.scores):
        click.echo(line)
    if done.stopped is not None:
        when = f"after epoch {done.history[-1].epoch}" if done.history else "within the first epoch"
        click.echo(f"stopped {when}: {done.stopped}", err=True)
    click.echo(f"run directory: {done.directory}", err=True)


def _score_lines(scores: Mapping[str, float]) -> Iterator[str]:
    """Yield a line for each metric on the test samples, and for the loss where there is no metric."""
    for name, value in scores.items():
        if name != "loss" or len(scores) == 1:
            yield f"test set {name} = {value:.4f}" if name != "accuracy" else f"test set {name} = {value:.3f}"


@contextmanager
def _progress(epochs: int) -> Iterator[Callable[[EpochRecord, bool], None]]:
    """Give a function that shows one record: lines that are reported, and on a terminal a bar below them."""
    if sys.stdout is None or not sys.stdout.isatty():  # None where it was closed before the start
        yield lambda record, reported: click.echo(str(record)) if reported else None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("epochs"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task("", total=epochs)

        def show(record: EpochRecord, reported: bool) -> None:
            if reported:
                bar.console.print(str(record), highlight=False, markup=False)
            bar.advance(task)

        yield show
