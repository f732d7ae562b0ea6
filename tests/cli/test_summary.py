"""``layerkit summary``: what a network consists of and takes, as text and as JSON, with nothing allocated."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from layerkit.memory import size_text
from layerkit.spec.canonical import spec_hash
from layerkit.spec.cost import cost_of
from layerkit.spec.load import load_spec

CommandLine = Callable[..., CompletedProcess[str]]


@pytest.fixture
def path(spec: dict[str, Any], tmp_path: Path) -> Path:
    """Give a file with a run spec."""
    path = tmp_path / "net.json"
    path.write_text(json.dumps(spec))
    return path


def figures(result: CompletedProcess[str]) -> Any:
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


def test_the_text_has_a_line_a_node_and_a_line_a_figure(layerkit: CommandLine, path: Path, here: Path) -> None:
    result = layerkit("summary", path)
    assert (result.returncode, result.stderr) == (0, "")
    table, totals = result.stdout.split("\n\n")
    cost = cost_of(load_spec(path))
    assert [line.split() for line in table.splitlines()] == [
        ["node", "type", "input", "output", "parameters", "FLOPs", "a", "step"],
        ["affine_1", "affine", "(4,)", "(8,)", "40", "2,304"],
        ["relu_1", "relu", "(8,)", "(8,)", "0", "256"],
        ["affine_2", "affine", "(8,)", "(3,)", "27", "2,448"],
        ["crossentropy_1", "crossentropy", "(3,)", "()", "0", "576"],
    ]
    figures = dict(re.split(r" {2,}", line) for line in totals.splitlines())
    assert figures == {
        "parameters": "67, 268 B",
        "gradients": "268 B",
        "state": "0 B",
        "optimizer": "268 B kept, 268 B to work with",
        "work arrays": f"{size_text(cost.work)} for 16 samples a step",
        "samples": f"{size_text(cost.samples)} beside the data set itself",
        "prediction": f"{size_text(cost.prediction)} for 1024 samples at once",
        "objects": f"{size_text(cost.objects)} for 4 nodes",
        "temporary": f"{size_text(cost.temporary)} to draw the parameters, read or save them",
        "total": f"{size_text(cost.total)} at the most",
        "FLOPs": "5,584 a step",
        "spec hash": spec_hash(load_spec(path)),
    }
    assert list(here.iterdir()) == []


def test_the_json_has_the_exact_figures(layerkit: CommandLine, path: Path) -> None:
    spec = load_spec(path)
    expected = {**cost_of(spec).as_json(), "spec_hash": spec_hash(spec)}
    assert figures(layerkit("summary", path, "--format", "json")) == json.loads(json.dumps(expected))
    assert expected["bytes"]["total"] == sum(size for name, size in expected["bytes"].items() if name != "total")
    assert expected["bytes"]["parameters"] == 4 * 67


def test_a_bare_model_is_counted_with_one_sample(layerkit: CommandLine, spec: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps({"layerkit": 1, **spec["model"]}))
    result = figures(layerkit("summary", path, "--format", "json"))
    assert result["batch"] == 1
    assert result["bytes"]["slots"] == 0
    assert "for 1 samples a step" in layerkit("summary", path).stdout


def test_an_override_counts(layerkit: CommandLine, path: Path) -> None:
    result = figures(
        layerkit("summary", path, "--format", "json", "--set", "model.layers[0].units=16", "--set", "training.batch_size=32")
    )
    assert result["batch"] == 32
    assert [node["parameters"] for node in result["nodes"]] == [80, 0, 51, 0]
    assert result["spec_hash"] != spec_hash(load_spec(path))


def test_a_million_million_parameters_are_counted_and_not_allocated(
    layerkit: CommandLine, spec: dict[str, Any], tmp_path: Path
) -> None:
    spec["model"]["layers"][0]["units"] = 10**6
    spec["model"]["layers"].insert(1, {"type": "affine", "units": 10**6})
    path = tmp_path / "huge.json"
    path.write_text(json.dumps(spec))
    refused = layerkit("summary", path)
    assert refused.returncode == 2
    assert "model.layers[1]: this network takes" in refused.stderr
    tracemalloc.start()
    try:
        result = layerkit("summary", path, "--max-memory", "100T", "--format", "json")
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()
    assert figures(result)["nodes"][1]["parameters"] == 10**12 + 10**6
    assert "1,000,009,000,003" in layerkit("summary", path, "--max-memory", "100T").stdout.replace("\n", "")


def test_a_fault_is_told_with_its_place(layerkit: CommandLine, faulty: tuple[Path, Sequence[str]]) -> None:
    path, phrases = faulty
    result = layerkit("summary", path)
    assert (result.returncode, result.stdout) == (2, "")
    for phrase in [str(path), *phrases]:
        assert phrase in result.stderr


def test_no_file_and_no_such_format_are_wrong_usage(layerkit: CommandLine, path: Path) -> None:
    assert layerkit("summary").returncode == 2
    assert layerkit("summary", path, "--format", "yaml").returncode == 2


def test_no_figure_is_cut_beside_a_long_name(layerkit: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    layers = [{"type": "affine", "units": 1_000_000, "name": "n" * 64}, {"type": "crossentropy"}]
    path = tmp_path / "net.json"
    path.write_text(json.dumps({"layerkit": 1, "input_shape": [9], "layers": layers}))
    lines = layerkit("summary", path).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    heading, row = (" ".join(lines[start : start + 2]).split() for start in (0, 2))
    assert heading == ["node", "type", "input", "output", "parameters", "FLOPs", "a", "step"]
    assert row == ["n" * 64, "affine", "(9,)", "(1000000,)", "10,000,000", "38,000,000"]


@pytest.mark.parametrize(
    ("schedule", "told"),
    [
        ({"type": "cosine"}, "learning rate by steps, from 0.02 to 2.05e-05, cosine:"),
        ({"type": "warmup", "length": 10, "then": {"type": "step", "every": 2}}, "from 0.002 to 0.0002, warmup:"),
        ({"type": "reduce_on_plateau", "patience": 1}, "from 0.02 to 0.0002, reduce_on_plateau:"),
    ],
)
def test_the_schedule_is_drawn(layerkit: CommandLine, here: Path, spec: dict[str, Any], schedule: Any, told: str) -> None:
    spec["training"] |= {"schedule": schedule}
    (here / "spec.json").write_text(json.dumps(spec))
    lines = layerkit("summary", "spec.json").stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if line.endswith(told))
    rows = [line[10:] for line in lines[start + 2 : start + 10]]
    assert lines[start + 2].startswith("    0.02 |")
    assert lines[start + 9].startswith("       0 |")
    drawn = ["".join(row[column : column + 1] for row in rows).strip() for column in range(max(map(len, rows)))]
    assert drawn == ["*"] * len(drawn)  # one rate for each column
    heights = [next(number for number, row in enumerate(rows) if row[column : column + 1] == "*") for column in range(len(drawn))]
    assert heights[-1] == 7
    assert lines[start + 11].split() == ["0", "48"]
    assert len(drawn) == 49


def test_a_rate_that_never_changes_is_not_drawn(layerkit: CommandLine, here: Path, spec: dict[str, Any]) -> None:
    (here / "spec.json").write_text(json.dumps(spec))
    assert "learning rate by steps" not in layerkit("summary", "spec.json").stdout
