"""The specs of the distribution: valid, trainable, and as good as README says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from threadpoolctl import threadpool_limits

from layerkit import RunSpec, load_spec
from layerkit.cli.program import cli

FOLDER = Path(__file__).parents[1] / "specs"
SPECS = sorted(path.name for path in FOLDER.glob("*.json"))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Products as small as these are no faster on two threads, and far slower where the machine is busy."""
    with threadpool_limits(1):
        yield


def printed_by(*arguments: object) -> str:
    """Run a command line, which must succeed, and return what it printed."""
    return CliRunner().invoke(cli, [*map(str, arguments)], catch_exceptions=False).stdout


def test_there_are_specs() -> None:
    assert SPECS == ["digits_cnn.json", "mnist_cnn.json"]


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_is_valid_and_comes_back_as_it_went(name: str) -> None:
    spec = load_spec(FOLDER / name)
    assert isinstance(spec, RunSpec)
    assert RunSpec.model_validate_json(spec.model_dump_json()) == spec
    assert spec.name == name.removesuffix(".json").replace("_", "-")


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_trains(name: str, tmp_path: Path) -> None:
    shortened = ("--set", "data.test_size=0.75", "--set", "training.epochs=3")
    printed_by("train", FOLDER / name, "--out", tmp_path / "run", *shortened)
    losses = [json.loads(line)["loss"] for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    assert len(losses) == 3
    assert losses[2] < losses[0] / 2


def test_digits_cnn_gets_98_of_100_digits_right(tmp_path: Path) -> None:
    printed = printed_by("train", FOLDER / "digits_cnn.json", "--out", tmp_path / "run")
    found = re.search(r"^test set accuracy = (\d\.\d+)$", printed, re.MULTILINE)
    assert found is not None
    assert float(found[1]) >= 0.98
