"""A model takes rows that are written as those were that it was trained on; options say otherwise."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

import layerkit as lk

Run = Callable[..., CompletedProcess[str]]
ROWS = [(number % 7 + 0.5, number % 5, ("no", "yes")[number % 7 > 3]) for number in range(60)]


def trained(text: str, here: Path, **options: Any) -> Path:
    """Train on a table that is written in some way."""
    encoding = options.get("encoding") or "utf-8"
    (here / "table.csv").write_bytes(text.encode(encoding))
    spec = {
        "data": {"type": "csv", "path": "table.csv", "target": "y", **options},
        "model": {"layers": ["standardize", {"type": "affine", "units": 2}, "crossentropy"]},
        "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 20},
    }
    return lk.run(spec, folder=here, out=here / "run").directory


def table(separator: str = ",", header: str | None = "a,b,y", quote: str = "", comma: bool = False) -> str:
    lines = [] if header is None else [header.replace(",", separator)]
    for a, b, y in ROWS:
        number = str(a).replace(".", ",") if comma else str(a)
        lines.append(separator.join([number, str(b), f"{quote}{y}{quote}"]))
    return "\n".join(lines) + "\n"


WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "a separator": (table(":"), {"separator": ":"}),
    "decimal commas": (table(";", comma=True), {"decimal": ","}),
    "other quotes": (table(quote="'"), {"quote": "'"}),
    "comments": ("# made by hand\n" + table(), {"comment": "#"}),
    "an encoding": (table(header="a,b,y").replace("yes", "ja\u00e4"), {"encoding": "cp1252"}),
    "no header": (table(header=None), {"header": False, "target": "column_3"}),
    "words for nothing": (table().replace("0.5,", "-999,"), {"nulls": ["-999"], "impute": {"strategy": "median"}}),
}


@pytest.mark.parametrize("way", WAYS)
def test_predictions_are_those_of_the_training(layerkit: Run, here: Path, way: str) -> None:
    text, options = WAYS[way]
    directory = trained(text, here, **options)
    model = lk.RunDirectory.open(directory).model()
    done = layerkit("predict", directory, "table.csv")
    assert done.returncode == 0, done.stderr
    found = [row["prediction"] for row in csv.DictReader(io.StringIO(done.stdout))]
    data = lk.CSV(path="table.csv", **({"target": "y", "test_size": None} | options))
    samples = data.load(lk.DataRequest(folder=here, task="classes")).train.take(slice(0, 60))
    assert found == [model.encoding.label(int(number)) for number in model.decide(model.predict(samples.inputs))]
    assert layerkit("evaluate", directory, "table.csv").returncode == 0


def test_options_say_otherwise(layerkit: Run, here: Path) -> None:
    directory = trained(table(":"), here, separator=":")
    wanted = layerkit("predict", directory, "table.csv").stdout
    (here / "other.csv").write_text(table(";", comma=True), encoding="utf-8")
    assert layerkit("predict", directory, "other.csv").returncode == 2
    done = layerkit("predict", directory, "other.csv", "--separator", ";", "--decimal", ",")
    assert (done.returncode, done.stdout) == (0, wanted), done.stderr


def test_formats_are_interchangeable(layerkit: Run, here: Path) -> None:
    import polars

    rows = "\n".join(f"{number},{number % 3}.0,{('True', 'False')[number % 2]}" for number in range(60))
    directory = trained(f"a,c,y\n{rows}\n", here, kinds={"c": "category"})
    frame = {"a": list(range(60)), "c": [number % 3 for number in range(60)], "y": [number % 2 == 0 for number in range(60)]}
    polars.DataFrame(frame).write_parquet(here / "table.parquet")
    one, other = (layerkit("evaluate", directory, f"table.{kind}") for kind in ("csv", "parquet"))
    assert one.returncode == other.returncode == 0, other.stderr
    assert one.stdout == other.stdout


def test_rows_of_one_class_are_evaluated(layerkit: Run, here: Path) -> None:
    directory = trained(table(), here)
    (here / "one.csv").write_text("a,b,y\n1,2,no\n2,3,no\n", encoding="utf-8")
    done = layerkit("evaluate", directory, "one.csv")
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout
    assert "roc_auc" not in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="links and devices are those of POSIX")
def test_links_are_written_through_and_devices_refused(layerkit: Run, here: Path) -> None:
    directory = trained(table(), here)
    (here / "link.csv").symlink_to(here / "target.csv")
    assert layerkit("predict", directory, "table.csv", "--out", "link.csv").returncode == 0
    assert (here / "link.csv").is_symlink()
    assert (here / "target.csv").read_text(encoding="utf-8").startswith("prediction\n")
    os.mkfifo(here / "pipe.csv")
    done = layerkit("predict", directory, "table.csv", "--out", "pipe.csv")
    assert done.returncode == 1
    assert "pipe.csv: cannot write the file: this is no regular file" in " ".join(done.stderr.split())


def test_a_draft_is_told_how_the_table_is_written(layerkit: Run, here: Path) -> None:
    (here / "table.csv").write_text(table(header=None), encoding="utf-8")
    assert layerkit("new", "table.csv").returncode == 2
    assert layerkit("new", "table.csv", "--no-header").returncode == 0
    assert layerkit("train", "table.json").returncode == 0


@pytest.mark.parametrize(
    ("days", "says"),
    [
        ([f"{1 + number % 28}.12.2025" for number in range(60)], "order is by numbers, or by dates such as 2025-12-31"),
        ([f"{number},5" for number in range(60)], "order is by numbers, or by dates"),
    ],
)
def test_what_has_no_sure_order_is_refused(here: Path, days: list[str], says: str) -> None:
    text = "day;a;y\n" + "\n".join(f"{day};{a};{y}" for day, (a, _, y) in zip(days, ROWS, strict=True))
    with pytest.raises(lk.DataError, match=says):
        trained(text, here, order="day")


@pytest.mark.parametrize("day", [lambda n: f"2025-{1 + n // 28}-{1 + n % 28}", lambda n: str(2**60 + n), lambda n: f"{n - 30}.5"])
def test_dates_and_numbers_are_in_order(here: Path, day: Callable[[int], str]) -> None:
    mixed = [number * 7 % 60 for number in range(60)]
    text = "day,a,y\n" + "\n".join(f"{day(number)},{number},{ROWS[number][2]}" for number in mixed)
    (here / "table.csv").write_text(text, encoding="utf-8")
    data = lk.CSV(path="table.csv", target="y", order="day", test_size=15)
    split = data.load(lk.DataRequest(folder=here, task="classes"))
    assert split.test is not None
    assert sorted(split.test.take(slice(0, 15)).inputs[:, 0]) == list(range(45, 60))
