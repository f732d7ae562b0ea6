"""``layerkit new``: from a table to a spec that trains."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import click

from layerkit.cli.data_file import data_options, table_at
from layerkit.cli.messages import say, say_aside
from layerkit.cli.spec_file import STANDARD_INPUT
from layerkit.errors import InputError
from layerkit.files import reason, remedy, write_whole_file
from layerkit.layout import figures
from layerkit.tables.draft import draft


@click.command()
@click.argument("data_path", metavar="DATA", type=click.Path(path_type=Path))
@click.option("--target", metavar="COLUMN", help="The column to predict; the last one by default.")
@click.option("--out", type=click.Path(path_type=Path), help="The spec to write; DATA's name with .json, here, by default.")
@data_options
def command(data_path: Path, target: str | None, out: Path | None, writing: dict[str, Any]) -> None:
    """Look at the table DATA, a CSV or Parquet file, and write a spec that trains on it at once.

    Nothing is asked: what its columns hold, the loss and a network that suits them are found out, and said.
    """
    if str(data_path) == STANDARD_INPUT:
        raise InputError("a spec names the file that it trains on; write the table to one")
    out = out or Path(f"{data_path.stem}.json")
    if out.exists():
        raise InputError(f"{out} is there already; name another file with --out")
    with table_at(data_path, writing) as source:
        kind = "parquet" if data_path.suffix.lower() in (".parquet", ".pq") else "csv"
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", data_path.stem).strip("-._")[:64] or "table"
        path = os.path.relpath(data_path, out.parent)
        path = f"./{path}" if path.startswith("~") else path
        spec = draft(source, path, kind, target, name, writing)
    try:
        write_whole_file(out, f"{written(spec)}\n".encode())
    except OSError as error:
        raise InputError(f"{out}: cannot write the file: {reason(error)}{remedy(error)}") from None
    chosen = "the last column; --target names another" if target is None else "as --target says"
    layers = spec["model"]["layers"]
    task = "classes" if layers[-1]["type"] == "crossentropy" else "numbers"
    rows = [("target", f'"{spec["data"]["target"]}", {chosen}'), ("task", f"{task}, so the loss is {layers[-1]['type']}")]
    if "drop" in spec["data"]:
        rows.append(("left out", ", ".join(spec["data"]["drop"])))
    if "validation" not in spec["training"]:
        rows.append(("parts", "all rows are trained on, since there are few of them"))
    if "impute" in spec["data"]:
        rows.append(("missing values", "the median, and an input that says so"))
    say(*figures(rows))
    say_aside(f"wrote {out}; train it: layerkit train {out}")


def written(value: Any, indent: str = "") -> str:
    """Return JSON as a person would write it: what fits on a line stands on one, but for the whole."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or (indent and len(indent) + len(line) <= _WIDTH):
        return line
    deeper = f"{indent}  "
    if isinstance(value, dict):
        items = [f"{deeper}{json.dumps(key, ensure_ascii=False)}: {written(item, deeper)}" for key, item in value.items()]
    else:
        items = [f"{deeper}{written(item, deeper)}" for item in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    return f"{start}\n" + ",\n".join(items) + f"\n{indent}{end}"


_WIDTH = 130
"""Most characters of a line."""
