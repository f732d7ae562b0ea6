"""Specs and model files say which plugins they need, and what to install where one is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Lay = Callable[..., Path]
Ask = Callable[..., list[Any]]

AROUND = """
class Around(Layer):
    type: Literal["around"] = "around"
    inside: tuple[Layer, ...]
    def branches(self, input_shape):
        from layerkit import Branch
        return {"inside": Branch(self.inside)}
    def forward(self, node, inputs):
        return node.branches["inside"].forward(inputs)
    def backward(self, node, d_out):
        return node.branches["inside"].backward(d_out)

class Start(Initializer):
    type: Literal["start"] = "start"
    def draw(self, shape, rng):
        import numpy
        return numpy.ones(shape)

@hookimpl
def layerkit_components():
    return [Around, Start]
"""
OFFER = """
@hookimpl
def layerkit_components():
    return [Times]
"""

TIMES = {"type": "times_of_calculator"}
AFFINE = {"type": "affine", "units": 4, "weight_init": {"type": "start"}}
LAYERS: dict[str, dict[str, Any]] = {
    "plain": TIMES,
    "qualified": {"type": "calculator:times_of_calculator"},
    "nested": {"type": "around", "inside": [AFFINE, TIMES]},
    "nested twice": {"type": "around", "inside": [{"type": "around", "inside": [TIMES]}]},
}
PLACES = {
    "plain": "layers[0].type",
    "qualified": "layers[0].type",
    "nested": "layers[0].inside[1].type",
    "nested twice": "layers[0].inside[0].inside[0].type",
}
"""Where in the model the plugin's layer stands."""


def run_spec(layer: dict[str, Any]) -> str:
    """Return the text of a run spec with the layer."""
    layers = [layer, {"type": "affine", "units": 3}, {"type": "crossentropy"}]
    document = {
        "layerkit": 1,
        "data": {"type": "iris"},
        "model": {"input_shape": [4], "layers": layers},
        "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 1},
    }
    return json.dumps(document)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, lay: Lay) -> dict[str, Path]:
    """Give the folders of two plugins."""
    folder = tmp_path_factory.mktemp("site")
    return {
        "calculator": lay(folder / "calculator", "calculator", OFFER, version="2.5.1"),
        "wrapper": lay(folder / "wrapper", "wrapper", AROUND, version="0.3rc1"),
    }


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, site: dict[str, Path], ask: Ask) -> Path:
    """Give a folder with a run directory of each of the layers, trained with both plugins."""
    folder = tmp_path_factory.mktemp("runs")
    steps = []
    for name, layer in LAYERS.items():
        (folder / f"{name}.json").write_text(run_spec(layer))
        steps.append(["train", str(folder / f"{name}.json"), "--out", str(folder / name)])
    results = ask(*steps, path=[*site.values()])
    assert [(result.code, result.err) for result in results if result.code] == []
    return folder


def loading(run: Path) -> str:
    """Return Python that loads the model of a run, and prints what is raised."""
    model = str(run / "model.safetensors")
    return f"""
from layerkit import Sequential
try:
    Sequential.load({model!r})
except ValueError as error:
    print(type(error).__name__, error)
"""


def test_runs_and_models_record_their_plugins(runs: Path, site: dict[str, Path], ask: Ask) -> None:
    expected = {"around": "wrapper==0.3rc1", "start": "wrapper==0.3rc1", "times_of_calculator": "calculator==2.5.1"}
    assert json.loads((runs / "nested" / "spec.json").read_text())["plugins"] == expected
    content = (runs / "nested" / "model.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert json.loads(header["__metadata__"]["spec"])["plugins"] == expected
    (resolved,) = ask(["validate", "--print-resolved", str(runs / "nested.json")], path=[*site.values()])
    assert resolved.json["plugins"] == expected


def test_built_ins_are_not_recorded(tmp_path: Path, site: dict[str, Path], ask: Ask) -> None:
    file = tmp_path / "run.json"
    file.write_text(run_spec({"type": "relu"}))
    (resolved,) = ask(["validate", "--print-resolved", str(file)], path=[*site.values()])
    assert "plugins" not in resolved.json


@pytest.fixture(scope="module")
def complaints(runs: Path, site: dict[str, Path], ask: Ask) -> dict[str, dict[str, list[Any]]]:
    """Give what is said of each run where one plugin is missing, and where both are disabled."""
    steps: list[list[str] | str] = []
    for name in LAYERS:
        spec = str(runs / name / "spec.json")
        steps += [["validate", "--format", "json", spec], ["train", spec], loading(runs / name)]
    removed = ask(*steps, path=[site["wrapper"]])
    disabled = ask(*steps, path=[*site.values()], LAYERKIT_DISABLE_PLUGINS="1")
    numbered = list(enumerate(LAYERS))
    return {
        "removed": {name: removed[3 * number : 3 * number + 3] for number, name in numbered},
        "disabled": {name: disabled[3 * number : 3 * number + 3] for number, name in numbered},
    }


@pytest.mark.parametrize("how", ["removed", "disabled"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_missing_plugin_is_named_with_what_to_install(
    complaints: dict[str, dict[str, list[Any]]], runs: Path, name: str, how: str
) -> None:
    validate, train, loaded = complaints[how][name]
    if how == "removed":
        place, kind = PLACES[name], "calculator:times_of_calculator" if name == "qualified" else "times_of_calculator"
    else:
        place, kind = "layers[0].type", LAYERS[name]["type"]
    advice = "pip install " + ("wrapper==0.3rc1" if kind == "around" else "calculator==2.5.1")
    (fault,) = validate.json
    assert (fault["path"], fault["code"], fault["suggestion"]) == (f"model.{place}", "unknown_type", advice)
    for text in (fault["message"], train.err, loaded.out):
        assert f'"{kind}"' in text
        assert advice in text
        assert ("LAYERKIT_DISABLE_PLUGINS" if how == "disabled" else "is not installed here") in text
    assert (validate.code, train.code) == (2, 2)
    model = runs / name / "model.safetensors"
    assert loaded.out.startswith(f"ModelFileError {model}: the spec in this file is not valid here\n")
    assert f": {place}: " in loaded.out


def test_a_plugin_that_broke_since_is_named_with_the_reason(tmp_path: Path, lay: Lay, runs: Path, ask: Ask) -> None:
    broken = lay(tmp_path, "calculator", "raise ValueError('out of order')", version="2.5.1")
    validate, loaded = ask(["validate", str(runs / "plain" / "spec.json")], loading(runs / "plain"), path=[broken])
    for text in (validate.err, loaded.out):
        assert "plugin calculator 2.5.1 was set aside: ValueError: out of order" in text
        assert "pip install" not in text


def test_another_version_will_do_and_loading_says_so(tmp_path: Path, lay: Lay, runs: Path, ask: Ask) -> None:
    newer = lay(tmp_path, "calculator", OFFER, version="3.0")
    spec = str(runs / "plain" / "spec.json")
    warned = 'import warnings; warnings.simplefilter("always")' + loading(runs / "plain")
    validate, resolved, loaded = ask(["validate", spec], ["validate", "--print-resolved", spec], warned, path=[newer])
    assert (validate.code, validate.err) == (0, "")
    assert resolved.json["plugins"] == {"times_of_calculator": "calculator==3.0"}
    assert loaded.out == ""
    assert "was saved with calculator==2.5.1, and here is calculator==3.0: what times_of_calculator does may have" in loaded.err
