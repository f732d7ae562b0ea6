"""``layerkit train``: from a spec to a trained model in a run directory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from layerkit.cli.messages import say, say_aside
from layerkit.cli.score_lines import class_lines, part_lines
from layerkit.cli.spec_file import load_run_spec, spec_options, with_data
from layerkit.history import EpochRecord, figure, is_reported
from layerkit.observers.training import Training
from layerkit.printable import printable
from layerkit.training.report import by_class, part_scores
from layerkit.training.run import Run, run
from layerkit.training.sample_scores import metric_step


@click.command()
@click.argument("spec_path", metavar="SPEC", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), help="The run directory, new or empty; runs/NAME-001 and so on by default."
)
@click.option("--data", type=click.Path(path_type=Path), help="Another file, with the same columns, for data.path.")
@spec_options
def command(spec_path: Path, out: Path | None, data: Path | None, overrides: tuple[str, ...], max_memory: int | None) -> None:
    """Train what the run spec SPEC describes; "-" reads it from standard input.

    Prints the loss as it falls and the score on the test samples, and leaves a run directory with the resolved spec, the
    history, the model and the scores. Its status.json says whether the run is under way and how it ended.
    """
    spec = load_run_spec(spec_path, with_data(overrides, data), max_memory)
    places: list[Path] = []

    try:
        with _progress(spec.training.epochs, spec.training.report_every) as (follow, tell):

            def started(training: Training) -> None:
                places.append(training.folder)
                say_aside(f"training in {training.folder}")
                follow(training)

            done = run(spec, out=out, folder=spec_path.parent, started=started, tell=tell)
        _say_scores(done)
        if done.stopped is not None:
            when = f"after epoch {done.history[-1].epoch}" if done.history else "within the first epoch"
            say_aside(f"stopped {when}: {done.stopped}")
    finally:
        for directory in places:
            say_aside(f"run directory: {directory}")


def _say_scores(done: Run) -> None:
    """Print the test scores; before them, where samples were held out or metrics asked for, those of all parts and classes."""
    training, data = done.spec.training, done.data
    if training.metrics or data.validation is not None:
        say("", *part_lines(part_scores(done.model, data, training.metrics)), "")
        for name, part in data.parts().items():
            step = metric_step(done.model, part)
            if step > 1:
                say(f"the metrics of the {name} samples are measured on one in {step} of them", "")
        classes = () if data.test is None else by_class(done.model, data.test)[0]
        if classes:
            say("test samples by class:", "", *class_lines(classes[:_MOST_CLASSES]), "")
    for line in _score_lines(done.scores):
        say(line)


_MOST_CLASSES = 20
"""Most classes that are listed."""


def _score_lines(scores: Mapping[str, float]) -> Iterator[str]:
    """Yield a line for each metric on the test samples, and for the loss where there is no metric."""
    for name, value in scores.items():
        if name != "loss" or len(scores) == 1:
            yield f"test set {name} = {figure(value) if name != 'accuracy' else f'{value:.3f}'}"


@contextmanager
def _progress(epochs: int, every: int | None) -> Iterator[tuple[Callable[[Training], None], Callable[[EpochRecord], None]]]:
    """Give two functions: one shows on a terminal, as a bar, how far a training is; the other shows the record of an epoch.

    There is a line for each record that is reported and for the last, above the bar.
    """
    with _lines(epochs) as (show, follow):
        unreported: list[EpochRecord] = []

        def tell(record: EpochRecord) -> None:
            unreported[:] = [record]
            if is_reported(record.epoch, epochs, every):
                show(str(unreported.pop()))

        try:
            yield follow, tell
        except OSError:  # most likely of the output, which then takes no more lines
            raise
        except BaseException:
            for record in unreported:
                show(str(record))
            raise
        for record in unreported:
            show(str(record))


@contextmanager
def _lines(epochs: int) -> Iterator[tuple[Callable[[str], None], Callable[[Training], None]]]:
    """Give two functions: one prints a line, the other shows a bar below the lines, where there is a terminal to show one."""
    if sys.stdout is None or not sys.stdout.isatty():  # None where it was closed before the start
        yield say, lambda training: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    class Bar(Progress):
        """A bar that looks by itself how far the training is, so that no step has to tell."""

        training: Training | None = None

        def get_renderable(self) -> Any:
            done = self.training
            if done is not None:
                part = done.batch / max(1, done.batches)
                told = f"loss = {figure(done.history[-1].loss)}" if done.history else f"epoch 0: {part:.0%}"
                self.update(task, completed=min(done.epoch + part, epochs), told=told)
            return super().get_renderable()

    columns = (TextColumn("epochs"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[told]}"), TimeRemainingColumn())
    bar = Bar(*columns, transient=True)
    task = bar.add_task("", total=epochs, told="")

    def show(line: str) -> None:
        bar.console.print(printable(line), highlight=False, markup=False)

    def follow(training: Training) -> None:
        bar.training = training
        bar.start()  # only now: other lines came before, and would stand behind the bar

    try:
        yield show, follow
    finally:
        with suppress(IndexError):  # rich raises it where a signal came while the bar was begun
            bar.stop()
        bar.console.show_cursor()
