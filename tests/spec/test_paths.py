"""Paths of the command line begin at the present folder, those of a file at the folder of the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest

from layerkit import DataRequest, Dataset, Registry, RunSpec, SpecPath, Split, load_spec
from layerkit.registry.discovery import builtin_registry


class Tables(Dataset):
    """A data set with paths of every kind among its fields."""

    type: Literal["tables"] = "tables"
    path: SpecPath
    labels: SpecPath | None = None
    comment: str = ""
    sizes: tuple[int, ...] = ()

    def load(self, request: DataRequest) -> Split:
        raise NotImplementedError


REGISTRY: Registry = builtin_registry().with_components(Tables)
RUN: dict[str, Any] = {
    "layerkit": 1,
    "data": {"type": "tables", "path": "a.csv", "comment": "a.csv", "sizes": [1]},
    "model": {"input_shape": [4], "layers": [{"type": "affine", "units": 3}, {"type": "crossentropy"}]},
    "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 1, "initial_weights": "a.safetensors"},
}


@pytest.fixture(name="read")
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a function that reads the spec, which stands in another folder than the present one, with overrides."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "here").mkdir()
    path = tmp_path / "specs" / "run.json"
    path.write_text(json.dumps(RUN))
    monkeypatch.chdir(tmp_path / "here")

    def read(*overrides: str) -> tuple[Tables, str | None]:
        spec = load_spec(path, overrides, registry=REGISTRY)
        assert isinstance(spec, RunSpec)
        assert isinstance(spec.data, Tables)
        return spec.data, spec.training.initial_weights

    return read


def test_what_stands_in_the_file_is_left_as_it_is(read: Any) -> None:
    for overrides in ([], ["seed=3"], ["training.epochs=2", "data.comment=b.csv"]):
        data, weights = read(*overrides)
        assert (data.path, data.labels, weights) == ("a.csv", None, "a.safetensors")


def test_what_stands_on_the_command_line_begins_at_the_present_folder(read: Any) -> None:
    here = Path.cwd()
    data, weights = read(
        "data.path=b.csv", "data.labels=../c.csv", "training.initial_weights=b.safetensors", "data.comment=b.csv"
    )
    assert (data.path, data.labels, data.comment) == (str(here / "b.csv"), str(here / "../c.csv"), "b.csv")
    assert weights == str(here / "b.safetensors")


def test_paths_within_a_block_are_found(read: Any) -> None:
    here = Path.cwd()
    training = {**RUN["training"], "initial_weights": "b.safetensors"}
    data, weights = read('data={"type": "tables", "path": "b.csv", "labels": null}', f"training={json.dumps(training)}")
    assert (data.path, data.labels, weights) == (str(here / "b.csv"), None, str(here / "b.safetensors"))


def test_the_type_may_be_said_later(read: Any) -> None:
    data, _ = read('data={"type": "iris", "path": "b.csv"}', "data.type=tables")
    assert data.path == str(Path.cwd() / "b.csv")


def test_a_whole_path_is_kept(read: Any) -> None:
    path = str(Path.cwd().parent / "b.csv")
    data, _ = read(f"data.path={json.dumps(path)}")
    assert data.path == path


@pytest.mark.parametrize("value", ["3", '""', "null", "[]"])
def test_what_is_no_path_is_refused_as_it_was_given(read: Any, value: str) -> None:
    with pytest.raises(ValueError, match=r"data\.path: expected .*, received"):
        read(f"data.path={value}")
