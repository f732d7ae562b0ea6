"""The blocks of the README, run in the order of the page, each as a reader would."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import layerkit as lk

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]
JOB_SHOWN, FAULT_SHOWN, STEPS_SHOWN = (text for language, text in BLOCKS if language == "")
FIRST_STEPS, OWN_TABLE, TOLD_MORE, RUNS = PYTHON


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder to work in, where the specs are."""
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names_of(*blocks: str) -> dict[str, Any]:
    """Return the names that blocks leave."""
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    return names


def alike(shown: str, printed: str) -> bool:
    """Return whether a block shows what was printed, whatever the figures; dots stand for lines that are left out."""
    lines = (re.sub(r"\d+\\\.\d+", r"\\d+\\.\\d+", re.escape(line)) + "\n" for line in shown.splitlines())
    return re.fullmatch("".join(lines).replace(r"\.\.\." + "\n", r"(?:.+\n)+"), printed) is not None


def test_five_lines_make_a_trained_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len([line for line in FIRST_STEPS.splitlines() if line]) == 5
    names = names_of(FIRST_STEPS)
    printed = capsys.readouterr().out
    assert alike(STEPS_SHOWN, printed), printed
    assert names["model"].evaluate(names["X"], names["y"], metrics=["accuracy"])["accuracy"] > 0.9


def test_a_table_of_ones_own_is_trained_on(folder: Path) -> None:
    names = names_of(FIRST_STEPS, OWN_TABLE)
    X, y, kinds = names["X"], names["y"], names["kinds"]  # noqa: N806
    np.testing.assert_array_equal(y, [0, 1, 2])
    assert list(kinds[y]) == ["setosa", "versicolor", "virginica"]
    layers = [lk.Affine(units=len(kinds)), "crossentropy"]
    assert len(lk.Sequential(layers, input_shape=X.shape[1]).fit(X, y, epochs=3)) == 3


def test_a_model_is_tested_on_what_it_never_saw(folder: Path) -> None:
    names = names_of(TOLD_MORE)
    assert names["probabilities"].shape == (450, 10)
    np.testing.assert_array_equal(names["model"].predict(names["X_test"]), names["probabilities"])
    assert names["scores"].keys() == {"loss", "accuracy"}
    assert names["scores"]["accuracy"] > 0.9
    assert len(names["history"]) == 20


def test_a_run_gives_everything_back(folder: Path) -> None:
    names = names_of(RUNS)
    run, directory, model = names["run"], names["directory"], names["model"]
    assert run.scores["accuracy"] > 0.9
    assert directory.path == run.directory
    assert (directory.status()["status"], directory.scores()) == ("finished", run.scores)
    np.testing.assert_array_equal(model.parameters, run.model.parameters)


def layerkit(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sysconfig.get_path("scripts")) / "layerkit"
    return subprocess.run([sys.executable, program, *arguments], capture_output=True, text=True, check=False)


def test_the_spec_on_the_page_is_that_of_the_main_job() -> None:
    (spec,) = (text for language, text in BLOCKS if language == "json" and "epochs" in text)
    assert spec == (ROOT / "specs" / "digits_mlp.json").read_text(encoding="utf-8")


def test_the_main_job_prints_what_the_page_shows(folder: Path) -> None:
    done = layerkit("train", "specs/digits_mlp.json")
    assert alike(JOB_SHOWN, done.stdout), done.stdout
    assert done.stdout.splitlines()[-1] == JOB_SHOWN.splitlines()[-1]


def test_a_fault_is_shown_as_the_page_shows_it(folder: Path) -> None:
    (folder / "specs").unlink()
    (folder / "specs").mkdir()
    place, source, _ = FAULT_SHOWN.splitlines()
    line, column = map(int, place.split(":")[1:3])
    spec = (ROOT / "specs" / "digits_mlp.json").read_text(encoding="utf-8").splitlines()
    spec[line - 1] = " " * (column - 1 - source.strip().index('"unitss"')) + source.strip()
    (folder / "specs" / "net.json").write_text("\n".join(spec), encoding="utf-8")
    assert layerkit("validate", "specs/net.json").stderr == FAULT_SHOWN


def test_an_own_table_is_trained_on_and_the_model_applied(folder: Path) -> None:
    (block,) = re.findall(r"^<!-- own table -->\n```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    shown = []
    for line in block.splitlines():
        program, *arguments = line.split()
        assert program == "layerkit"
        done = layerkit(*arguments)
        assert done.returncode == 0, done.stderr
        shown.append(done.stdout)
    assert 'target  "species", the last column; --target names another' in shown[0]
    rows = (folder / "predictions.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "species,prediction,probability_setosa,probability_versicolor,probability_virginica"
    right = [row.split(",")[0] == row.split(",")[1] for row in rows[1:]]
    assert len(right) == 150
    assert np.mean(right) > 0.93
    assert f"accuracy           {np.mean(right):.4f}" in shown[3]


def test_the_line_that_completes_is_the_one_that_help_shows() -> None:
    (line,) = re.findall(r"^eval .*$", PAGE, re.MULTILINE)
    assert line in layerkit("--help").stdout


def test_every_command_is_in_the_table() -> None:
    from layerkit.registry.command_names import own_commands

    assert sorted(re.findall(r"^\| `layerkit ([a-z]+)", PAGE, re.MULTILINE)) == sorted(own_commands())
