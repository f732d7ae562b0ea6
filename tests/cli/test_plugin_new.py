"""``layerkit plugin new``: a package that works at once, or a clear error and nothing written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

import layerkit as lk

CommandLine = Callable[..., CompletedProcess[str]]

PROGRAM = "from layerkit.cli.main import main; main()"


def contents(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def installed(layerkit: CommandLine, here: Path) -> Callable[..., CompletedProcess[str]]:
    """Make ``layerkit-my-layer``, give it the metadata of an installed package, and give a function that runs Python in it."""
    assert layerkit("plugin", "new", "my-layer").returncode == 0
    folder = here / "layerkit-my-layer"
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    metadata = folder / "layerkit_my_layer-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = [f"{name} = {module}" for name, module in project["entry-points"]["layerkit"].items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[layerkit]", *points]))

    def run(*arguments: str) -> CompletedProcess[str]:
        inherited = [os.environ["PYTHONPATH"]] if "PYTHONPATH" in os.environ else []
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *inherited])}
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    return run


def test_its_own_tests_pass(installed: Callable[..., CompletedProcess[str]]) -> None:
    result = installed("-m", "pytest", "-W", "error")
    assert result.returncode == 0, result.stdout + result.stderr
    assert " passed" in result.stdout


def test_its_spec_trains(installed: Callable[..., CompletedProcess[str]]) -> None:
    result = installed("-c", PROGRAM, "train", "specs/digits_my_layer.json")
    assert result.returncode == 0, result.stderr
    *_, score = result.stdout.splitlines()
    assert float(score.removeprefix("test set accuracy = ")) > 0.9


def test_its_component_is_listed(installed: Callable[..., CompletedProcess[str]]) -> None:
    result = installed("-c", PROGRAM, "components", "my_layer")
    assert result.stdout.startswith("my_layer: a layer, MyLayer, from layerkit-my-layer 0.1.0\n")
    assert result.stderr == ""


@pytest.mark.parametrize("name", ["my-layer", "layerkit-my-layer", "my_layer"])
def test_one_name_gives_all_names(layerkit: CommandLine, here: Path, name: str) -> None:
    assert layerkit("plugin", "new", name).returncode == 0
    folder = here / "layerkit-my-layer"
    assert contents(here) == {
        f"layerkit-my-layer/{path}"
        for path in (
            "README.md",
            "layerkit_my_layer/__init__.py",
            "layerkit_my_layer/py.typed",
            "pyproject.toml",
            "specs/digits_my_layer.json",
            "tests/test_my_layer.py",
        )
    }
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "layerkit-my-layer"
    assert project["entry-points"] == {"layerkit": {"my_layer": "layerkit_my_layer"}}
    source = (folder / "layerkit_my_layer" / "__init__.py").read_text()
    assert "class MyLayer(Layer):" in source
    assert 'type: Literal["my_layer"] = "my_layer"' in source
    assert 'DISTRIBUTION = "layerkit-my-layer"\n' in (folder / "tests" / "test_my_layer.py").read_text()
    spec = json.loads((folder / "specs" / "digits_my_layer.json").read_text())
    assert spec["name"] == "digits-my-layer"
    assert {"type": "my_layer"} in spec["model"]["layers"]


def test_no_placeholder_is_left(layerkit: CommandLine, here: Path) -> None:
    layerkit("plugin", "new", "swoosh")
    for path in (here / "layerkit-swoosh").rglob("*"):
        assert "$" not in path.name
        assert path.is_dir() or "$" not in path.read_text()


def test_it_says_what_to_do_next(layerkit: CommandLine, tmp_path: Path) -> None:
    result = layerkit("plugin", "new", "swoosh", "--into", tmp_path)
    folder = tmp_path / "layerkit-swoosh"
    assert folder.is_dir()
    assert result.stdout.splitlines()[0] == f"made {folder}"
    commands = [line.strip() for line in result.stdout.splitlines() if line.startswith("  ")]
    assert commands == [
        f"cd {folder}",
        "pip install -e .",
        "python -m pytest",
        "layerkit train specs/digits_swoosh.json",
    ]
    assert (folder / "specs" / "digits_swoosh.json").is_file()
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("Swoosh", "lower-case"),
        ("", "lower-case"),
        ("layerkit-", "lower-case"),
        ("9lives", "lower-case"),
        ("a--b", "lower-case"),
        ("a-", "lower-case"),
        ("a b", "lower-case"),
        ("../up", "lower-case"),
        ("größe", "lower-case"),
        ("swoosh\n", "lower-case"),
        ("x" * 41, "40 characters"),
        ("class", "Python"),
        ("layerkit-lambda", "Python"),
        ("none", "Python"),
        ("relu", '"relu" is a layer'),
        ("crossentropy", '"crossentropy" is a loss'),
        ("sgd", '"sgd" is an optimizer'),
        ("he-normal", '"he_normal" is an initializer'),
        ("layer", "Layer"),
        ("literal", "Literal"),
        ("sequential", "Sequential"),
    ],
)
def test_a_bad_name_is_refused(layerkit: CommandLine, here: Path, name: str, phrase: str) -> None:
    result = layerkit("plugin", "new", name)
    assert result.returncode == 2
    assert result.stdout == ""
    assert phrase in result.stderr
    assert repr(name) in result.stderr
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("length", [1, 40])
def test_names_of_every_length_that_is_allowed_make_sound_specs(layerkit: CommandLine, here: Path, length: int) -> None:
    name = "x" * length
    assert layerkit("plugin", "new", name).returncode == 0
    (spec,) = here.rglob("*.json")
    with pytest.raises(lk.SpecError) as refusal:  # the plugin itself is not installed
        lk.load_spec(spec)
    assert [fault.code for fault in refusal.value.diagnostics] == ["unknown_type"]


@pytest.mark.parametrize("kind", ["folder", "file", "dangling link"])
def test_what_is_there_stays(layerkit: CommandLine, here: Path, kind: str) -> None:
    place = here / "layerkit-swoosh"
    if kind == "folder":
        place.mkdir()
    elif kind == "file":
        place.write_text("mine")
    else:
        place.symlink_to("nowhere")
    result = layerkit("plugin", "new", "swoosh")
    assert result.returncode == 2
    assert "layerkit-swoosh is there already" in result.stderr
    assert list(here.iterdir()) == [place]
    assert contents(here) == ({"layerkit-swoosh"} if kind == "file" else set())


def test_a_folder_that_is_not_there_is_refused(layerkit: CommandLine, here: Path) -> None:
    result = layerkit("plugin", "new", "swoosh", "--into", "nowhere")
    assert result.returncode == 2
    assert "nowhere" in result.stderr
    assert list(here.iterdir()) == []


def test_a_failure_leaves_nothing_behind(layerkit: CommandLine, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **options: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    result = layerkit("plugin", "new", "swoosh")
    assert result.returncode == 1
    assert result.stderr.endswith("No space left on device; --into names another place\n")
    assert list(here.iterdir()) == []


def test_help_names_the_command(layerkit: CommandLine) -> None:
    result = layerkit("plugin", "--help")
    assert result.returncode == 0
    assert "new" in result.stdout
