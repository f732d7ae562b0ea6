"""Plugins are loaded when they are needed, once, and one keeps its hands off the process and the others."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

Lay = Callable[..., Path]
Ask = Callable[..., list[Any]]

OFFER = """
@hookimpl
def layerkit_components():
    return [Times]
"""
COMMAND = """
@hookimpl
def layerkit_commands():
    return [click.Command("greet", callback=lambda: click.echo(f"from {__name__}"))]
"""
RUN = {
    "layerkit": 1,
    "data": {"type": "iris"},
    "model": {"input_shape": [4], "layers": [{"type": "affine", "units": 3}, {"type": "relu"}, {"type": "crossentropy"}]},
    "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 2},
}


def with_layer(folder: Path, tag: str) -> str:
    """Write a bare model spec with a layer of the type and return its path."""
    path = folder / f"with_{tag.replace(':', '_')}.json"
    path.write_text(
        json.dumps({"layerkit": 1, "input_shape": [3], "layers": [{"type": tag}, {"type": "crossentropy"}]}), encoding="utf-8"
    )
    return str(path)


def doctors(result: Any) -> dict[str, Any]:
    """Return what the doctor said, by distribution."""
    return {plugin["distribution"]: plugin for plugin in result.json["plugins"]}


# --- when plugins are loaded --------------------------------------------------------------------------------------


def test_built_ins_load_no_plugin(tmp_path: Path, lay: Lay, ask: Ask) -> None:
    folder = lay(tmp_path / "site", "sound", OFFER)
    run = tmp_path / "run.json"
    run.write_text(json.dumps(RUN))
    steps: list[Sequence[str] | str] = [
        "import layerkit; dir(layerkit)",
        ["--version"],
        ["validate", str(run)],
        ["validate", "--print-resolved", str(run)],
        ["summary", str(run)],
        ["train", str(run), "--out", str(tmp_path / "out")],
        f"import layerkit; layerkit.Sequential.load({str(tmp_path / 'out' / 'model.safetensors')!r})",
        ["gradcheck", "relu"],
        ["train", "--help"],
        ["validate", with_layer(tmp_path, "layerkit:relu")],
        ["validate", with_layer(tmp_path, "times_of_sound")],
    ]
    results = ask(*steps, path=[folder], watch=["sound"])
    assert [result.code for result in results] == [0] * len(steps)
    assert [result.imported for result in results[:-1]] == [[]] * (len(steps) - 1)
    assert results[-1].imported == ["sound"]


def test_a_plugin_is_imported_once(tmp_path: Path, lay: Lay, ask: Ask) -> None:
    source = "import sys; sys.stderr.write('imported')" + OFFER
    folder = lay(tmp_path, "counted", source)
    results = ask(["doctor"], ["components"], ["validate", with_layer(tmp_path, "times_of_counted")], path=[folder])
    assert [result.err for result in results] == ["imported", "", ""]


@pytest.mark.parametrize(("value", "loaded"), [("1", False), ("yes", False), ("0", True)])
def test_the_environment_can_disable_plugins(tmp_path: Path, lay: Lay, ask: Ask, value: str, loaded: bool) -> None:
    folder = lay(tmp_path, "sound", OFFER + COMMAND)
    lay(tmp_path, "broken", "raise ValueError")
    doctor, components, missing, strict, text = ask(
        ["doctor", "--format", "json"],
        ["components", "--format", "json"],
        ["validate", with_layer(tmp_path, "times_of_sound")],
        ["--strict-plugins", "components", "relu"],
        ["doctor"],
        path=[folder],
        watch=["sound", "broken"],
        LAYERKIT_DISABLE_PLUGINS=value,
    )
    remark = "plugins are disabled by LAYERKIT_DISABLE_PLUGINS"
    assert doctor.json["plugins_disabled"] is not loaded
    assert {"sound", "broken"} <= doctors(doctor).keys() if loaded else doctor.json["plugins"] == []
    assert ("sound" in {item["distribution"] for item in components.json}) == loaded
    assert missing.code == (0 if loaded else 2)
    assert (f"({remark})" in missing.err) is not loaded
    assert strict.code == (2 if loaded else 0)
    assert text.imported == (["sound"] if loaded else [])
    assert (remark in text.out) is not loaded


# --- what an import may not do ------------------------------------------------------------------------------------

MEDDLERS = {
    "meddler-with-errors": ("import numpy; numpy.seterr(all='raise')", "numpy.seterr"),
    "meddler-with-random": ("import random; random.seed(0)", "random module"),
    "meddler-with-numpy": ("import numpy; numpy.random.seed(0)", "NumPy's global random state"),
    "meddler-with-output": ("print('Thank you for using me!')", "it prints"),
    "meddler-that-fails": ("import numpy; numpy.seterr(all='ignore'); raise ValueError", "numpy.seterr"),
}


@pytest.fixture(scope="module")
def meddled(tmp_path_factory: pytest.TempPathFactory, lay: Lay, ask: Ask) -> list[Any]:
    """Give what the doctor says of plugins that meddle, and what is left of their meddling."""
    folder = tmp_path_factory.mktemp("meddlers")
    for name, (source, _) in MEDDLERS.items():
        lay(folder, name, source + OFFER)
    lay(folder, "quiet", "import random; random.Random(0).random()" + OFFER)
    state = """
import random
import numpy as np
print(np.geterr(), random.getstate(), np.random.get_state())
"""
    return ask(state, ["doctor", "--format", "json"], state, ["doctor"], path=[folder])


@pytest.mark.parametrize("name", MEDDLERS)
def test_what_an_import_does_to_the_process_is_reported(meddled: list[Any], name: str) -> None:
    plugin = doctors(meddled[1])[name]
    (effect,) = plugin["side_effects"]
    assert MEDDLERS[name][1] in effect
    assert plugin["healthy"] == (name != "meddler-that-fails")
    assert f"undone: {effect}" in " ".join(meddled[3].out.split())


def test_what_an_import_does_to_the_process_is_undone(meddled: list[Any]) -> None:
    before, doctor, after, _ = meddled
    assert before.out == after.out
    assert doctors(doctor)["quiet"]["side_effects"] == []
    assert "Thank you" not in doctor.out + doctor.err


def test_an_interrupt_is_obeyed(tmp_path: Path, lay: Lay, ask: Ask) -> None:
    source = "import numpy; numpy.seterr(all='raise'); raise KeyboardInterrupt"
    folder = lay(tmp_path, "interrupted", source)
    state = "import numpy; print(numpy.geterr())"
    before, doctor, after, train = ask(
        state, ["doctor"], state, ["validate", with_layer(tmp_path, "relu")], path=[folder], watch=["interrupted"]
    )
    assert (doctor.code, doctor.out) == (130, "")
    assert "interrupted" in doctor.err
    assert before.out == after.out
    assert (train.code, train.imported) == (0, [])


# --- several distributions ----------------------------------------------------------------------------------------


def test_the_order_of_the_path_does_not_matter(tmp_path: Path, lay: Lay, ask: Ask) -> None:
    again = "class First(Times):\n    type: Literal['times_of_first'] = 'times_of_first'\n"
    folders = [
        lay(tmp_path / "a", "first", OFFER + COMMAND),
        lay(tmp_path / "b", "second", again + OFFER.replace("Times", "Times, First")),
        lay(tmp_path / "c", "third", "raise ValueError('out of order')"),
    ]
    steps = [
        ["doctor", "--format", "json"],
        ["components", "--format", "json"],
        ["validate", with_layer(tmp_path, "times_of_first")],
        ["greet"],
        ["schema"],
    ]
    forwards, backwards = ask(*steps, path=folders), ask(*steps, path=folders[::-1])
    assert forwards == backwards
    _, _, ambiguous, greeting, _ = forwards
    assert 'several distributions offer the type "times_of_first"' in ambiguous.err
    assert 'choose "first:times_of_first" or "second:times_of_first"' in ambiguous.err
    assert (greeting.code, greeting.out) == (0, "from first\n")


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_versions_the_one_that_python_imports_counts(tmp_path: Path, lay: Lay, ask: Ask, first: int) -> None:
    versions = ("1.0", "2.0")
    folders = [
        lay(tmp_path / version, "twofold", f"Times.__doc__ = 'From {version}.'" + OFFER, version=version) for version in versions
    ]
    doctor, components, used = ask(
        ["doctor", "--format", "json"],
        ["components", "times_of_twofold", "--format", "json"],
        ["validate", with_layer(tmp_path, "times_of_twofold")],
        path=[folders[first], folders[1 - first]],
    )
    plugin = doctors(doctor)["twofold"]
    assert (plugin["version"], plugin["location"], plugin["healthy"]) == (versions[first], str(folders[first]), True)
    (component,) = components.json
    assert (component["doc"], component["version"]) == (f"From {versions[first]}.", versions[first])
    assert used.code == 0


def test_two_versions_in_one_folder_are_set_aside(tmp_path: Path, lay: Lay, ask: Ask) -> None:
    for version in ("1.0", "2.0"):
        lay(tmp_path, "twofold", OFFER, version=version)
    (doctor,) = ask(["doctor", "--format", "json"], path=[tmp_path, tmp_path], watch=["twofold"])
    plugin = doctors(doctor)["twofold"]
    assert (plugin["version"], plugin["problem"]) == (
        "1.0 or 2.0",
        "two versions are recorded in one folder; install it anew",
    )
    assert doctor.imported == []


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    ("source", "module", "reason"),
    [
        (OFFER, "shared", "the class shared.Times is also offered by"),
        (COMMAND, "", 'the command "greet" is also offered by'),
    ],
    ids=["module", "command"],
)
def test_rivals_are_both_set_aside(tmp_path: Path, lay: Lay, ask: Ask, source: str, module: str, reason: str, first: int) -> None:
    names = ("left", "right")
    folders = [lay(tmp_path / name, name, source, module=module) for name in names]
    lay(folders[0], "bystander", OFFER)
    doctor, greeting, usage = ask(
        ["doctor", "--format", "json"], ["greet"], ["--help"], path=[folders[first], folders[1 - first]]
    )
    plugins = doctors(doctor)
    for name, rival in (names, names[::-1]):
        assert plugins[name]["problem"] == f"{reason} {rival} 1.0"
        assert (plugins[name]["components"], plugins[name]["commands"]) == ([], [])
        assert f"plugin {name} 1.0 was set aside" in greeting.err
    assert plugins["bystander"]["healthy"]
    assert (greeting.code, usage.code) == (2, 0)
    assert "greet" not in usage.out
