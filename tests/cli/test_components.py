"""``layerkit components``: what is registered, and from where."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sysconfig
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from layerkit import Affine
from layerkit.registry.discovery import installed_registry

CommandLine = Callable[..., CompletedProcess[str]]


RELU_OF_OTHERS = '''
from typing import Literal
from layerkit import Layer, hookimpl

LAYERKIT_API = 2

class Twice(Layer):
    """Doubles its inputs."""

    type: Literal["twice"] = "twice"

    def forward(self, node, inputs):
        return 2 * inputs

    def backward(self, node, d_out):
        return 2 * d_out

@hookimpl
def layerkit_components():
    return [Twice]
'''


def listed(text: str) -> dict[str, list[str]]:
    """Return the rows below each heading."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith(" "):
            found[line] = rows = []
        elif line:
            rows.append(line)
    return found


def test_every_component_is_listed_in_its_family_on_a_line(layerkit: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    result = layerkit("components")
    assert result.returncode == 0
    families = listed(result.stdout)
    assert list(families)[:4] == ["layers", "losses", "initializers", "optimizers"]
    registered = installed_registry().registrations
    for heading, rows in families.items():
        tags = [row.split()[0] for row in rows]
        here = [item.tag for item in registered if heading in (f"{item.family.__name__.lower()}{end}" for end in ("s", "es"))]
        assert tags == sorted(here)
    rows = {row.split()[0]: row for rows in families.values() for row in rows}
    for item in registered:
        foreign = item.distribution != "layerkit"
        assert rows[item.tag].endswith(f"({item.distribution} {item.version})") == foreign
    assert rows["relu"].split(maxsplit=1)[1] == "Rectified linear unit: outputs = max(inputs, 0), element by element"


@pytest.mark.parametrize("columns", [120, 80, 50])
def test_clauses_are_left_out_and_no_words_cut_where_there_is_little_room(
    layerkit: CommandLine, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", "100000")
    whole = layerkit("components").stdout
    monkeypatch.setenv("COLUMNS", str(columns))
    result = layerkit("components").stdout
    assert max(map(len, result.splitlines())) <= columns
    assert {word.rstrip(",;:") for word in result.split()} <= {word.rstrip(",;:") for word in whole.split()}
    assert "Rectified linear unit" in result
    if columns >= 80:
        lines = sum(map(len, listed(result).values()))
        assert lines < 1.4 * len(installed_registry().registrations)


def test_nothing_is_left_out_for_a_pipe() -> None:
    program = Path(sysconfig.get_path("scripts")) / "layerkit"
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    result = subprocess.run([program, "components"], env=environment, capture_output=True, text=True, check=True)
    summaries = {
        str(item.component.__doc__).split("\n")[0].replace("`", "").replace("]_", "]").rstrip(".")
        for item in installed_registry().registrations
    }
    assert all(summary in result.stdout for summary in summaries)


@pytest.mark.parametrize("name", ["loss", "losses", "Losses"])
def test_a_family_may_be_listed_alone(layerkit: CommandLine, name: str) -> None:
    families = listed(layerkit("components", name).stdout)
    assert list(families) == ["losses"]
    losses = [item for item in installed_registry().registrations if item.family.__name__ == "Loss"]
    assert len(families["losses"]) >= len(losses)


@pytest.mark.parametrize(
    ("words", "found"),
    [("xavier", ["xavier_normal", "xavier_uniform"]), ("GLOROT normal", ["xavier_normal"]), ("nesterov", ["sgd"])],
)
def test_components_are_found_by_words(layerkit: CommandLine, words: str, found: list[str]) -> None:
    result = layerkit("components", "--search", words)
    assert result.returncode == 0
    assert {row.split()[0] for rows in listed(result.stdout).values() for row in rows} >= set(found)
    shown = json.loads(layerkit("components", "--search", words, "--format", "json").stdout)
    assert set(found) <= {record["name"] for record in shown} < {item.tag for item in installed_registry().registrations}


def test_words_that_nothing_has_are_told(layerkit: CommandLine) -> None:
    result = layerkit("components", "--search", "xyzzy")
    assert (result.returncode, result.stdout) == (2, "")
    assert 'no component has "xyzzy" in its type, its description or its fields' in " ".join(result.stderr.split())
    assert layerkit("components", "relu", "--search", "x").returncode == 2


@pytest.mark.parametrize("columns", [200, 80])
@pytest.mark.parametrize("name", ["affine", "layerkit:affine"])
def test_one_component_is_described(layerkit: CommandLine, monkeypatch: pytest.MonkeyPatch, name: str, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    result = layerkit("components", name)
    assert result.returncode == 0
    assert result.stdout.startswith(f"affine: a layer, Affine, from layerkit {version('layerkit')}\n\nFully connected layer: ")
    doc = inspect.cleandoc(str(Affine.__doc__)).replace("`", "").replace("::", ":")
    assert " ".join(doc.split()) in " ".join(result.stdout.split())
    assert columns < 200 or f"\n{doc}\n" in result.stdout
    table = result.stdout[result.stdout.index("\nfield ") + 1 :]
    assert max(map(len, table.splitlines())) <= columns
    rows = {row[0]: row[1:] for row in (line.split() for line in table.splitlines()) if row[0] != "field"}
    assert " ".join(rows["units"]).startswith("integer > 0 required Number of output features H.")
    assert " ".join(rows["weight_init"]).startswith("initializer xavier_uniform How the weight (D, H) starts.")
    assert " ".join(rows["name"]).startswith("string or null null Name of the node; ")
    assert "type" not in rows


@pytest.mark.parametrize(("name", "advice"), [("afine", '"affine"'), ("other-dist:affine", "other-dist:affine")])
def test_an_unknown_name_gets_advice(layerkit: CommandLine, name: str, advice: str) -> None:
    result = layerkit("components", name)
    assert result.returncode == 2
    assert result.stdout == ""
    assert advice in result.stderr
    assert "Traceback" not in result.stderr


def test_plugins_are_listed(layerkit: CommandLine, install: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    install("layerkit-twice", RELU_OF_OTHERS)
    result = layerkit("components")
    (row,) = [line for line in listed(result.stdout)["layers"] if line.split()[0] == "twice"]
    assert row.split(maxsplit=1)[1] == "Doubles its inputs (layerkit-twice 2.5)"
    assert "layerkit-twice" not in result.stderr


def test_a_type_that_two_distributions_offer_is_described_twice(
    layerkit: CommandLine, install: Callable[[str, str], Path]
) -> None:
    install("layerkit-twice", RELU_OF_OTHERS)
    install("also-twice", RELU_OF_OTHERS)
    both = layerkit("components", "twice").stdout
    assert "from layerkit-twice 2.5" in both
    assert "from also-twice 2.5" in both
    one = layerkit("components", "also-twice:twice").stdout
    assert "from also-twice 2.5" in one
    assert "from layerkit-twice" not in one


def test_a_plugin_that_was_set_aside_is_mentioned(layerkit: CommandLine, install: Callable[[str, str], Path]) -> None:
    install("layerkit-broken", "raise RuntimeError('out of order')")
    for arguments in (["components"], ["components", "relu"]):
        result = layerkit(*arguments)
        assert result.returncode == 0
        assert "relu" in result.stdout
        assert "warning: plugin layerkit-broken 2.5 was set aside: RuntimeError: out of order" in result.stderr


# --- for tools ----------------------------------------------------------------------------------------------------

FIELDS = '''
from typing import Annotated, Any, Literal
from pydantic import BaseModel, Field
from layerkit import Initializer, Layer, Zeros, hookimpl

LAYERKIT_API = 2

class Corner(BaseModel):
    x: int

class Manifold(Layer):
    type: Literal["manifold"] = "manifold"
    mode: Literal["up", "down"] = "up"
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of ``it``;
    all of it by default."""
    sizes: tuple[int, float] = (1, 2.0)
    corner: Corner = Corner(x=3)
    inside: Annotated[tuple[Layer, ...], Field(max_length=3)] = ()
    label: Annotated[str, Field(pattern="^a", min_length=1)]
    step: Annotated[int, Field(multiple_of=4, ge=0, lt=100)] = 8
    anything: Any = None
    start: Initializer = Zeros()

    def forward(self, node, inputs):
        return inputs

    def backward(self, node, d_out):
        return d_out

@hookimpl
def layerkit_components():
    return [Manifold]
'''


def field(name: str, kind: str, default: Any = None, *, required: bool = False, doc: str = "", **bounds: Any) -> dict[str, Any]:
    """Return what is said of a field."""
    return {"name": name, "type": kind, "required": required, "default": default, "bounds": bounds, "doc": doc}


def test_a_component_is_described_for_tools(layerkit: CommandLine, install: Callable[[str, str], Path]) -> None:
    install("layerkit-manifold", FIELDS)
    (record,) = json.loads(layerkit("components", "manifold", "--format", "json").stdout)
    fields = record.pop("fields")
    assert record == {
        "name": "manifold",
        "family": "layer",
        "class": "Manifold",
        "distribution": "layerkit-manifold",
        "version": "2.5",
        "doc": "",
    }
    assert fields[0]["name"] == "name"
    assert fields[1:] == [
        field("mode", '"up" or "down"', "up"),
        field(
            "share",
            "number or null",
            exclusiveMinimum=0,
            maximum=1,
            doc="Share of ``it``;\nall of it by default.",
        ),
        field("sizes", "[integer, number]", [1, 2.0], minItems=2, maxItems=2),
        field("corner", "Corner", {"x": 3}),
        field("inside", "list of layer", [], maxItems=3),
        field("label", "string", required=True, pattern="^a", minLength=1),
        field("step", "integer", 8, minimum=0, exclusiveMaximum=100, multipleOf=4),
        field("anything", "any"),
        field("start", "initializer", {"type": "zeros"}),
    ]


def test_every_kind_of_field_is_shown(
    layerkit: CommandLine, install: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    install("layerkit-manifold", FIELDS)
    rows = {
        line.split()[0]: " ".join(line.split()[1:]) for line in layerkit("components", "manifold").stdout.splitlines() if line
    }
    expected = {
        "mode": '"up" or "down" "up"',
        "share": "number > 0, <= 1 or null null Share of it; all of it by default.",
        "sizes": "[integer, number] [1, 2.0]",
        "corner": 'Corner {"x": 3}',
        "inside": "list of layer []",
        "label": "string required",
        "step": "integer >= 0, < 100 8",
        "anything": "any null",
        "start": "initializer zeros",
    }
    assert {name: rows[name] for name in expected} == expected


def test_the_list_for_tools_has_everything(layerkit: CommandLine) -> None:
    result = layerkit("components", "--format", "json")
    records = json.loads(result.stdout)
    assert {(item["family"], item["name"], item["distribution"], item["version"]) for item in records} == {
        (item.family.__name__.lower(), item.tag, item.distribution, item.version) for item in installed_registry().registrations
    }
    for item in records:
        assert item["doc"]
        alone = json.loads(layerkit("components", f"{item['distribution']}:{item['name']}", "--format", "json").stdout)
        assert [found for found in alone if found["family"] == item["family"]] == [item]


def test_what_is_unknown_is_unknown_to_tools(layerkit: CommandLine) -> None:
    result = layerkit("components", "afine", "--format", "json")
    assert (result.returncode, result.stdout) == (2, "")
    assert '"affine"' in result.stderr
