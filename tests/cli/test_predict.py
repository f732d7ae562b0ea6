"""``layerkit predict``: new rows in, predictions out, in every form, and nothing on bad input."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import polars
import pytest
from numpy.testing import assert_array_equal

import layerkit as lk

FLOWERS = Path(__file__).parents[2] / "specs" / "flowers.csv"
Run = Callable[..., CompletedProcess[str]]

SPEC: dict[str, Any] = {
    "layerkit": 1,
    "data": {"type": "csv", "path": str(FLOWERS), "target": "species"},
    "model": {"layers": ["standardize", {"type": "affine", "units": 3}, "crossentropy"]},
    "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 20, "batch_size": 16},
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the directory of a run that was trained on flowers."""
    return lk.run(SPEC, out=tmp_path_factory.mktemp("runs") / "flowers").directory


def table(text: str) -> dict[str, list[str]]:
    names, *rows = csv.reader(io.StringIO(text))
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


@pytest.fixture
def inputs() -> np.ndarray[Any, Any]:
    return np.loadtxt(FLOWERS, delimiter=",", skiprows=1, usecols=range(4))


def test_labels_come_back_as_they_were_spelt(directory: Path, layerkit: Run, inputs: Any) -> None:
    done = layerkit("predict", str(directory), str(FLOWERS))
    model = lk.RunDirectory.open(directory).model()
    wanted = np.array(["setosa", "versicolor", "virginica"])[model.predict(inputs).argmax(axis=1)]
    assert done.returncode == 0
    assert table(done.stdout) == {"prediction": list(wanted)}


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "npy"])
def test_every_form_has_the_predictions_of_python_bit_for_bit(
    directory: Path, layerkit: Run, inputs: Any, here: Path, form: str
) -> None:
    out = here / f"out.{form}"
    done = layerkit("predict", str(directory / "model.safetensors"), str(FLOWERS), "--probabilities", "--out", str(out))
    assert (done.returncode, done.stdout) == (0, "")
    model = lk.Sequential.load(directory / "model.safetensors")
    wanted = model.predict(inputs)
    names = [f"probability_{name}" for name in ("setosa", "versicolor", "virginica")]
    if form == "npy":
        found = np.load(out)
    elif form == "csv":
        columns = table(out.read_text(encoding="utf-8"))
        found = np.array([columns[name] for name in names]).T.astype(np.float64).astype(np.float32)
    elif form == "jsonl":
        lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        found = np.array([[line[name] for name in names] for line in lines], np.float32)
    else:
        found = polars.read_parquet(out).select(names).to_numpy().astype(np.float32)
    assert_array_equal(found, wanted)


def test_columns_are_found_by_their_names(directory: Path, layerkit: Run, here: Path) -> None:
    frame = polars.read_csv(FLOWERS)
    names = ["petal_width", "species", "sepal_width", "petal_length", "extra", "sepal_length"]
    frame.with_columns(extra=polars.lit("x")).select(names).write_csv(here / "other.csv")
    frame.drop("species").write_parquet(here / "other.parquet")
    wanted = layerkit("predict", str(directory), str(FLOWERS)).stdout
    assert layerkit("predict", str(directory), "other.csv").stdout == wanted
    assert layerkit("predict", str(directory), "other.parquet").stdout == wanted
    np.save(here / "other.npy", frame.drop("species").to_numpy())
    assert layerkit("predict", str(directory), "other.npy").stdout == wanted


def test_columns_pass_through(directory: Path, layerkit: Run) -> None:
    done = layerkit("predict", str(directory), str(FLOWERS), "--keep", "species", "--keep", "sepal_length")
    columns = table(done.stdout)
    assert list(columns) == ["species", "sepal_length", "prediction"]
    assert columns["species"] == polars.read_csv(FLOWERS)["species"].to_list()
    assert columns["sepal_length"][:3] == ["5.1", "4.9", "4.7"]


def test_what_passes_through_is_left_as_it_is_written(directory: Path, layerkit: Run, here: Path) -> None:
    header, first, *_ = FLOWERS.read_text().splitlines()
    odd = ["007", "9007199254740993", "1e3", "NA", "", "-0", " x "]
    rows = [f"{text},{first}" for text in odd]
    (here / "new.csv").write_text("\n".join([f"id,{header}", *rows]).replace("5.1,", "5.10,") + "\n")
    done = layerkit("predict", str(directory), "new.csv", "--keep", "id", "--keep", "sepal_length")
    assert [row.split(",")[:2] for row in done.stdout.splitlines()[1:]] == [[text, "5.10"] for text in odd]


def test_standard_input_is_a_table(directory: Path, layerkit: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(FLOWERS.read_bytes())))
    wanted = layerkit("predict", str(directory), str(FLOWERS)).stdout
    assert layerkit("predict", str(directory), "-").stdout == wanted


def test_a_network_for_numbers_predicts_numbers(layerkit: Run, here: Path) -> None:
    layers = ["standardize", {"type": "affine", "units": 2}, "mse"]
    spec = SPEC | {
        "data": {"type": "csv", "path": str(FLOWERS), "target": ["petal_width", "petal_length"], "drop": ["species"]},
        "model": {"layers": layers},
    }
    run = lk.run(spec, out=here / "run")
    done = layerkit("predict", str(run.directory), str(FLOWERS))
    columns = table(done.stdout)
    assert list(columns) == ["prediction_petal_width", "prediction_petal_length"]
    inputs = np.loadtxt(FLOWERS, delimiter=",", skiprows=1, usecols=(0, 1))
    found = np.array(list(columns.values())).T.astype(np.float32)
    assert_array_equal(found, run.model.predict(inputs))
    refused = layerkit("predict", str(run.directory), str(FLOWERS), "--probabilities")
    assert refused.returncode == 2
    assert "this model predicts numbers, which have no probabilities; leave --probabilities out" in refused.stderr


BAD = {
    "a missing column": ("sepal_length,sepal_width,petal_length\n1,2,3\n", (), 'the feature "petal_width" is no column'),
    "a text": (
        "sepal_length,sepal_width,petal_length,petal_width\n1,2,3,4\n1,x,3,4\n",
        (),
        'line 3, column "sepal_width": expected a number',
    ),
    "nothing": (
        "sepal_length,sepal_width,petal_length,petal_width\n1,2,3,4\n1,,3,4\n",
        (),
        'line 3, column "sepal_width": there is no value',
    ),
    "a ragged row": ("sepal_length,sepal_width,petal_length,petal_width\n1,2,3,4\n1,2\n", (), "line 3: expected 4 fields"),
    "no rows": ("sepal_length,sepal_width,petal_length,petal_width\n", (), "there are no rows"),
    "an empty file": ("", (), "the file is empty"),
    "a column that is not there": (
        "sepal_length,sepal_width,petal_length,petal_width\n1,2,3,4\n",
        ("--keep", "id"),
        '--keep "id" is no column',
    ),
    "a form without a name": (
        "sepal_length,sepal_width,petal_length,petal_width\n1,2,3,4\n",
        ("--format", "npy"),
        "npy is not for standard output",
    ),
    "a separator of two": ("a\n1\n", ("--separator", "ab"), "separator: expected 1 or fewer characters, received 'ab'"),
    "a mark that is none": ("a\n1\n", ("--decimal", "x"), "decimal: expected"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_told_and_leaves_nothing(name: str, directory: Path, layerkit: Run, here: Path) -> None:
    text, options, says = BAD[name]
    (here / "new.csv").write_text(text, encoding="utf-8")
    out = () if "--format" in options else ("--out", "out.csv")
    done = layerkit("predict", str(directory), "new.csv", *options, *out)
    assert done.returncode == 2, done.stderr
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert [path.name for path in here.iterdir()] == ["new.csv"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("none", "new.csv"), "none: cannot read the file"),
        (("new.csv", "new.csv"), "this is not an intact safetensors file"),
        (("RUN", "none.csv"), "none.csv: cannot read the file: No such file or directory"),
        (("RUN", "none.npy"), "none.npy: cannot read the file: there is no such file"),
        (("RUN", "."), "this is a folder"),
        (("RUN", "new.csv", "--out", "out.xlsx"), "out.xlsx: what is to be written? End the name with .csv"),
        (("RUN", "new.csv", "--keep", "prediction"), "the predictions have a column of that name"),
    ],
)
def test_wrong_arguments_are_told(arguments: tuple[str, ...], says: str, directory: Path, layerkit: Run, here: Path) -> None:
    (here / "new.csv").write_text("sepal_length,sepal_width,petal_length,petal_width,prediction\n1,2,3,4,5\n", encoding="utf-8")
    done = layerkit("predict", *(str(directory) if item == "RUN" else item for item in arguments))
    assert done.returncode == 2, done.stderr
    assert says in " ".join(done.stderr.split())


def test_a_model_that_saw_no_table_takes_arrays(layerkit: Run, here: Path) -> None:
    model = lk.Sequential([lk.Affine(units=3), lk.CategoricalCrossEntropy()], input_shape=4, seed=0)
    model.save(here / "model.safetensors")
    inputs = np.random.default_rng(0).standard_normal((5000, 4)).astype(np.float32)
    np.save(here / "new.npy", inputs)
    done = layerkit("predict", "model.safetensors", "new.npy")
    assert_array_equal(list(map(int, table(done.stdout)["prediction"])), model.predict(inputs).argmax(axis=1))
    done = layerkit("predict", "model.safetensors", str(FLOWERS))
    assert done.returncode == 2
    assert "this model was not trained on a table, so it knows no columns; hand it an array" in " ".join(done.stderr.split())
