"""The job that layerkit began with: the two tables of the course notebook, digit for digit, from the command line."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAM = Path(sysconfig.get_path("scripts")) / "layerkit"
TABLES = json.loads((ROOT / "tests" / "reference" / "notebook_tables.json").read_text())


@pytest.mark.parametrize("name", ["digits_mlp", "digits_softmax"])
def test_the_table_of_the_notebook_comes_out(tmp_path: Path, name: str) -> None:
    spec = ROOT / "specs" / f"{name}.json"
    result = subprocess.run([PROGRAM, "train", spec], capture_output=True, text=True, check=False, cwd=tmp_path)
    table = TABLES[name]
    rows = [f"Epoch {epoch:4d}, loss = {loss}" for epoch, loss in zip(table["epochs"], table["loss"], strict=True)]
    assert result.stdout.splitlines() == [*rows, f"test set accuracy = {table['test_accuracy']}"]
    assert result.returncode == 0
    assert result.stderr.splitlines()[-1] == f"run directory: runs/{name.replace('_', '-')}-001"


def test_the_tables_are_those_of_the_notebook() -> None:
    """Their first and last rows, and the scores, so that the file cannot drift along with the code."""
    ends = {name: (table["loss"][0], table["loss"][-1], table["test_accuracy"]) for name, table in TABLES.items()}
    assert ends == {"digits_mlp": ("8.5876", "0.0897", "0.938"), "digits_softmax": ("2.3026", "0.0696", "0.953")}
    assert {tuple(table["epochs"]) for table in TABLES.values()} == {tuple(range(0, 501, 50))}
