"""``layerkit evaluate``: how a trained model does on rows whose targets are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from layerkit.cli.data_file import arrays_at, data_options, is_array, model_at, table_at
from layerkit.cli.messages import say, say_json
from layerkit.cli.score_lines import class_lines
from layerkit.data.samples import ArraySamples
from layerkit.history import figure
from layerkit.layout import figures
from layerkit.network.rows import encoded_samples
from layerkit.training.report import Report, report_of

MOST_SHOWN = 12
"""Most classes whose confusion is shown as a table; --format json has them all."""


@click.command()
@click.argument("model_path", metavar="MODEL", type=click.Path(path_type=Path))
@click.argument("data_path", metavar="[DATA]", required=False, type=click.Path(path_type=Path))
@click.option("--data", "named_path", type=click.Path(path_type=Path), help="The same as DATA.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@data_options
def command(
    model_path: Path,
    data_path: Path | None,
    named_path: Path | None,
    form: str,
    writing: dict[str, Any],
) -> None:
    """Measure the model in MODEL on the rows of DATA: every figure, class by class, and what was taken for what.

    MODEL is a model file or a run directory. DATA is a CSV or Parquet file with the columns that it was trained on, the target
    included, an npz file with arrays called inputs and targets, or "-" for CSV on standard input.
    """
    path = data_path or named_path
    if path is None or (data_path is not None and named_path is not None):
        raise click.UsageError("Name the data once, a file or - for standard input: layerkit evaluate MODEL DATA.")
    model = model_at(model_path)
    if is_array(path):
        report = report_of(model, ArraySamples(*model.checked(**arrays_at(path, ("inputs", "targets")))))
    else:
        with table_at(path, writing, model.encoding.writing if model.encoding is not None else None) as source:
            report = report_of(model, encoded_samples(model, source))
    if form == "json":
        say_json(report.as_json())
    else:
        _show(report)


def _show(report: Report) -> None:
    measured = f"; figures but the loss and those by class are measured on one in {report.step}" if report.step > 1 else ""
    say(f"{report.count} samples{measured}", "")
    say(*figures([(name, figure(value)) for name, value in report.scores.items()], right=(1,)))
    if not report.classes:
        return
    say("", *class_lines(report.classes))
    if len(report.classes) > MOST_SHOWN:
        return
    labels = [str(row.label) for row in report.classes]
    taken = [(label, *map(str, counts)) for label, counts in zip(labels, report.confusion, strict=True)]
    say("", "what was taken for what, a row for each class, a column for each decision:", "")
    say(*figures([("", *labels), *taken], right=tuple(range(1, len(labels) + 1))))
