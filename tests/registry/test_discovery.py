"""Discovery of real distributions: broken ones are set aside and named, and nothing else changes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layerkit.errors import PluginError
from layerkit.registry.discovery import installed_plugins, installed_registry, require_sound_plugins

Lay = Callable[..., Path]
Ask = Callable[..., list[Any]]

OFFER = """
@hookimpl
def layerkit_components():
    return [Times]
"""

BROKEN: dict[str, tuple[str, str]] = {
    "import-error": ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    "syntax-error": ("def (", "SyntaxError: invalid syntax (syntax_error.py, line 17)"),
    "exits": ("raise SystemExit(3)", "SystemExit: 3"),
    "exits-silently": ("import sys; sys.exit()", "SystemExit"),
    "key-error": ("{}['absent']", "KeyError: 'absent'"),
    "base-exception": ("class Stop(BaseException): pass\nraise Stop('at once')", "Stop: at once"),
    "recursion": ("def again(): again()\nagain()", "RecursionError: maximum recursion depth exceeded"),
    "mute": (
        "class Mute(Exception):\n    def __str__(self): raise ValueError\nraise Mute",
        "Mute: <exception str() failed>",
    ),
    "talkative": (
        "raise ValueError('two\\nlines and \\x1b[31mcolour' + 1000 * '!')",
        "ValueError: two lines and \ufffd[31mcolour!!",
    ),
    "misspelt-hook": (
        "@hookimpl\ndef layerkit_component():\n    return [Times]",
        "layerkit has no hook layerkit_component; did you mean layerkit_components?",
    ),
    "unlike-any-hook": (
        OFFER + "@hookimpl\ndef register(): pass",
        "layerkit has no hook register; did you mean layerkit_components or layerkit_commands?",
    ),
    "unmarked-hook": (
        OFFER.replace("@hookimpl", ""),
        "it implements no hook; a function layerkit_components marked with @hookimpl",
    ),
    "hook-with-argument": (OFFER.replace("()", "(registry)"), "PluginValidationError"),
    "hook-fails": ("@hookimpl\ndef layerkit_components():\n    return [Tmies]", "NameError: name 'Tmies' is not defined"),
    "hook-gives-none": (
        "@hookimpl\ndef layerkit_components():\n    [Times]",
        "layerkit_components returned None; expected a list",
    ),
    "hook-gives-dict": (
        "@hookimpl\ndef layerkit_components():\n    return {'times': Times}",
        "layerkit_components returned dict; expected a list",
    ),
    "no-component": ("@hookimpl\ndef layerkit_components():\n    return [Times, int]", "<class 'int'> is no component"),
    "an-instance": ("@hookimpl\ndef layerkit_components():\n    return [Times()]", "is no component"),
    "abstract": (
        "class Half(Layer):\n    type: Literal['half'] = 'half'\n    def forward(self, node, inputs): return inputs\n"
        + OFFER.replace("Times", "Times, Half"),
        "Half leaves out backward",
    ),
    "a-family": (OFFER.replace("Times", "Times, Layer"), "Layer needs a type in snake_case"),
    "two-families": (
        "class Both(Times, Initializer):\n    type: Literal['both'] = 'both'\n    def draw(self, shape, rng): pass\n"
        + OFFER.replace("Times", "Both"),
        "Both must belong to exactly one family of Layer, Loss, Initializer",
    ),
    "tag-of-a-builtin": (
        "class ReLU2(Times):\n    type: Literal['relu'] = 'relu'\n" + OFFER.replace("Times", "Times, ReLU2"),
        'ReLU2 has the type "relu" of a built-in layer',
    ),
    "tag-of-a-builtin-loss": (
        "class MyLoss(Times):\n    type: Literal['crossentropy'] = 'crossentropy'\n" + OFFER.replace("Times", "MyLoss"),
        'MyLoss has the type "crossentropy" of a built-in loss',
    ),
    "bad-tag": (
        "class BigTimes(Times):\n    type: Literal['Big-Times'] = 'Big-Times'\n" + OFFER.replace("Times", "BigTimes"),
        'BigTimes needs a type in snake_case, type: Literal["big_times"] = "big_times"; it has \'Big-Times\'',
    ),
    "qualified-tag": (
        "class Own(Times):\n    type: Literal['layerkit:own'] = 'layerkit:own'\n" + OFFER.replace("Times", "Own"),
        "Own needs a type in snake_case",
    ),
    "any-tag": (
        "class Any(Times):\n    type: str = 'any_tag'\n" + OFFER.replace("Times", "Any"),
        'Any needs a type in snake_case, type: Literal["any_tag"] = "any_tag"',
    ),
    "tag-twice": (OFFER.replace("Times", "Times, Times"), 'the type "times_of_tag_twice" is offered twice'),
    "tag-of-layer-and-loss": (
        "class Zero(Loss):\n    type: Literal['times_of_tag_of_layer_and_loss'] = 'times_of_tag_of_layer_and_loss'\n"
        "    def forward(self, node, logits, targets, sample_weight=None): return 0.0\n"
        "    def backward(self, node, d_out=1.0): return 0.0\n"
        "    def prepare(self, targets, logits_shape, dtype): return targets\n"
        "    def predict(self, node, logits): return logits\n" + OFFER.replace("Times", "Times, Zero"),
        'the type "times_of_tag_of_layer_and_loss" is offered twice',
    ),
    "later-api": ("LAYERKIT_API = 3" + OFFER, "it is written for version 3 of the plugin interface; here is version 2"),
    "odd-api": ("LAYERKIT_API = 'two'" + OFFER, "it is written for version 'two' of the plugin interface; here is version 2"),
    "first-api": (
        "LAYERKIT_API = 1" + OFFER,
        "it is written for version 1 of the plugin interface; here is version 2. "
        'Follow "From version 1 to 2" in docs/plugins.md of layerkit, then write '
        'LAYERKIT_API = 2 in first_api and "layerkit>=0.2" among its dependencies',
    ),
    "no-api": (
        "del LAYERKIT_API\n@hookimpl\ndef layerkit_components():\n    raise ValueError('a contract of old')",
        'then write LAYERKIT_API = 2 in no_api and "layerkit>=0.2" among its dependencies',
    ),
    "forward-reference": (
        "class Later(Times):\n    type: Literal['later'] = 'later'\n    other: 'Missing'\n"
        + OFFER.replace("Times", "Times, Later"),
        "Later has a field that no spec can hold: PydanticUndefinedAnnotation: name 'Missing' is not defined",
    ),
    "no-json": (
        "class Calls(Times):\n    type: Literal['calls'] = 'calls'\n    other: Callable\n" + OFFER.replace("Times", "Calls"),
        "Calls has a field that no spec can hold: PydanticInvalidForJsonSchema",
    ),
    "no-json-default": (
        "class Odd(Times):\n    type: Literal['odd'] = 'odd'\n    other: object = len\n" + OFFER.replace("Times", "Odd"),
        "Odd has a field that no spec can hold: PydanticJsonSchemaWarning",
    ),
    "no-command": (
        OFFER + "@hookimpl\ndef layerkit_commands():\n    return [print]",
        "<built-in function print> is no click command with a name in lower case",
    ),
    "nameless-command": (
        OFFER + "@hookimpl\ndef layerkit_commands():\n    return [click.Command(None)]",
        "is no click command with a name in lower case",
    ),
    "command-of-layerkit": (
        OFFER + "@hookimpl\ndef layerkit_commands():\n    return [click.Command('train')]",
        'the command "train" is one of layerkit itself',
    ),
    "command-twice": (
        OFFER + "@hookimpl\ndef layerkit_commands():\n    return [click.Command('more'), click.Command('more')]",
        'the command "more" is offered twice',
    ),
    "commands-none": (
        OFFER + "@hookimpl\ndef layerkit_commands():\n    pass",
        "layerkit_commands returned None; expected a list",
    ),
}
"""Sources of plugins that are broken, each in its own way, and what is said about it."""

UNUSUAL: dict[str, tuple[dict[str, Any], str]] = {
    "missing-attribute": ({"entry_points": {"plugin": "missing_attribute:plugin"}}, "AttributeError: module 'missing_attribute'"),
    "missing-module": ({"entry_points": {"plugin": "no_such_plugin"}}, "ModuleNotFoundError: No module named 'no_such_plugin'"),
    "half-registered": (
        {"entry_points": {"good": "half_registered", "other": "no_such_plugin"}},
        "ModuleNotFoundError: No module named 'no_such_plugin'",
    ),
    "later-layerkit": (
        {"requires": ["numpy", "layerkit[dev] >=99"], "source": "import what_layerkit_99_brings"},
        "it needs layerkit[dev] >=99; here is layerkit ",
    ),
}
"""Distributions that are broken, though their module is not."""

SOUND: dict[str, dict[str, Any]] = {
    "sound": {},
    "Sound.Twin_2": {},
    "sound-with-an-object": {
        "source": "class Plugin:\n    @hookimpl\n    def layerkit_components(self):\n        return [Times]\nplugin = Plugin()",
        "entry_points": {"plugin": "sound_with_an_object:plugin"},
    },
    "sound-in-two-parts": {
        "entry_points": {"one": "sound_in_two_parts", "two": "sound_in_two_parts:Part"},
        "source": OFFER + "class Part:\n    @staticmethod\n    @hookimpl\n    def layerkit_commands():\n        return []",
    },
    "sound-and-ahead": {"source": OFFER + "@hookimpl(optionalhook=True)\ndef layerkit_of_tomorrow():\n    pass"},
    "sound-and-current": {"source": OFFER, "requires": ["layerkit>=0.1,<99", "layerkit-friend>=99"]},
    "sound-of-another-family": {
        "source": "class Two(Initializer):\n    type: Literal['relu'] = 'relu'\n    def draw(self, shape, rng): return 2.0\n"
        + OFFER.replace("Times", "Times, Two")
    },
}
"""Distributions that are fine."""

MALFORMED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no-module": ({"announcement": b"[layerkit]\nplugin = 3 4 5\n"}, "no-module", "Error"),
    "no-version": (
        {"metadata": b"Metadata-Version: 2.1\nName: no-version\n"},
        "no-version",
        "its metadata lacks a proper name or version",
    ),
    "odd-name": (
        {"metadata": b"Metadata-Version: 2.1\nName: odd name\nVersion: 1.0\n"},
        "odd name",
        "its metadata lacks a proper name",
    ),
    "odd-version": ({"version": "one two"}, "odd-version", "its metadata lacks a proper name"),
    "no-name": (
        {"metadata": b"Metadata-Version: 2.1\nVersion: 1.0\n"},
        "(unnamed)",
        "its metadata lacks a proper name or version",
    ),
}
"""Distributions that no installer would leave so, the name that they get, and what is said about them."""

LATIN = b"Metadata-Version: 2.1\nName: \xe9\nVersion: 1.0\n"
"""Metadata that is no UTF-8."""

TIMES = {name: f"times_of_{name.lower().replace('-', '_').replace('.', '_')}" for name in [*BROKEN, *UNUSUAL, *SOUND]}


def network(*types: str) -> str:
    """Return a bare model spec with layers of some types."""
    layers = [*({"type": kind} for kind in types), {"type": "crossentropy"}]
    return json.dumps({"layerkit": 1, "input_shape": [3], "layers": layers})


RUN = {
    "layerkit": 1,
    "data": {"type": "iris"},
    "model": {"input_shape": [4], "layers": [{"type": "affine", "units": 3}, {"type": "relu"}, {"type": "crossentropy"}]},
    "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 2},
}


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with specs: of built-ins alone, with a typo, and with each type of a plugin."""
    folder = tmp_path_factory.mktemp("specs")
    (folder / "run.json").write_text(json.dumps(RUN))
    (folder / "typo.json").write_text(network("rleu"))
    for tag in TIMES.values():
        (folder / f"{tag}.json").write_text(network(tag))
    return folder


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory, lay: Lay) -> Path:
    """Give a folder with every distribution in it."""
    folder = tmp_path_factory.mktemp("laid")
    for name, (source, _) in BROKEN.items():
        lay(folder, name, source)
    for name, (options, _) in UNUSUAL.items():
        lay(folder, name, **options)
    for name, (options, _, _) in MALFORMED.items():
        lay(folder, name, **options)
    for name, options in SOUND.items():
        lay(folder, name, **options)
    for version in ("1.0", "2.0"):
        lay(folder, "recorded-twice", version=version)
    lay(folder, "latin-1", metadata=LATIN)
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, pack: Lay) -> Path:
    """Give a folder into which pip has installed a wheel of each distribution that can be packed as one."""
    wheels, folder = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("installed")
    paths = [pack(wheels, name, source) for name, (source, _) in BROKEN.items()]
    paths += [pack(wheels, name, **options) for name, (options, _) in UNUSUAL.items()]
    paths += [pack(wheels, name, **options) for name, options in SOUND.items()]
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--root-user-action=ignore"]
    pip = [sys.executable, "-m", "pip", "install", *quiet, "--no-index", "--no-deps", "--no-compile", "--target", str(folder)]
    subprocess.run([*pip, *map(str, paths)], check=True)
    return folder


@pytest.fixture(scope="module", params=["laid", "installed"])
def everything(request: pytest.FixtureRequest, specs: Path, ask: Ask, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Give what one process says and does with every distribution on its path."""
    out = tmp_path_factory.mktemp("run")
    tags = sorted(TIMES.values())
    missing, doctor, components, typo, strict, train = ask(
        ["validate", "--format", "json", *(str(specs / f"{tag}.json") for tag in tags)],
        ["doctor", "--format", "json"],
        ["components", "--format", "json"],
        ["validate", "--format", "json", str(specs / "typo.json")],
        ["--strict-plugins", "train", str(specs / "run.json"), "--out", str(out / "strict")],
        ["train", str(specs / "run.json"), "--out", str(out / "run")],
        path=[request.getfixturevalue(request.param)],
        warnings="error" if request.param == "laid" else "default",
    )
    return {
        "missing": {Path(fault["file"]).stem: fault["message"] for fault in missing.json},
        "doctor": {plugin["distribution"]: plugin for plugin in doctor.json["plugins"]},
        "doctor code": doctor.code,
        "components": components.json,
        "typo": typo.json,
        "strict": strict,
        "train": train,
        "laid": request.param == "laid",
    }


@pytest.fixture
def here(laid: Path, put_on_path: Callable[[Path], None]) -> None:
    """Put every distribution on the path of this process for as long as a test runs."""
    put_on_path(laid)


# --- broken plugins -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*BROKEN, *UNUSUAL])
def test_a_broken_plugin_is_set_aside_and_named(everything: dict[str, Any], name: str) -> None:
    reason = (BROKEN | UNUSUAL)[name][1]
    plugin = everything["doctor"][name]
    assert reason in plugin["problem"]
    assert (plugin["version"], plugin["healthy"]) == ("1.0", False)
    assert (plugin["components"], plugin["commands"]) == ([], [])
    assert not [item for item in everything["components"] if item["distribution"] == name]
    mention = f"(plugin {name} 1.0 was set aside: {plugin['problem']})"
    assert mention in everything["missing"][TIMES[name]]
    assert "\n" not in plugin["problem"]
    assert len(plugin["problem"]) < 600


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_plugin_beside_them_is_used(everything: dict[str, Any], name: str) -> None:
    plugin = everything["doctor"][name]
    assert (plugin["problem"], plugin["version"], plugin["healthy"]) == (None, "1.0", True)
    assert {"family": "layer", "name": TIMES[name]} in plugin["components"]
    assert TIMES[name] not in everything["missing"]
    assert [item["version"] for item in everything["components"] if item["name"] == TIMES[name]] == ["1.0"]


@pytest.mark.parametrize("everything", ["laid"], indirect=True)
@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_badly_installed_is_named(everything: dict[str, Any], name: str) -> None:
    _, shown, reason = MALFORMED[name]
    assert reason in everything["doctor"][shown]["problem"]


def test_metadata_that_is_no_text_is_survived(tmp_path: Path, ask: Ask, lay: Lay) -> None:
    folder = lay(tmp_path, "latin-1", metadata=LATIN)
    (doctor,) = ask(["doctor"], path=[folder])
    assert doctor.code == 1
    assert "(unnamed) (unknown) SET ASIDE: its metadata lacks a proper name" in " ".join(doctor.out.split())


def test_python_hears_what_the_command_line_says(here: None) -> None:
    problems = {plugin.distribution: plugin.problem for plugin in installed_plugins()}
    for name, (_, reason) in (BROKEN | UNUSUAL).items():
        assert reason in str(problems[name])
    assert [problems[name] for name in SOUND] == [None] * len(SOUND)
    assert problems["recorded-twice"] == "two versions are recorded in one folder; install it anew"
    with pytest.raises(PluginError, match=r"plugin abstract 1\.0 was set aside: Half leaves out backward\n"):
        require_sound_plugins()
    assert not [item for item in installed_registry().registrations if problems.get(item.distribution)]


def test_built_ins_train_on(everything: dict[str, Any]) -> None:
    assert everything["train"].code == 0
    assert everything["train"].out.count("loss =") == 2
    assert "test set accuracy" in everything["train"].out


def test_a_typo_is_still_called_one(everything: dict[str, Any]) -> None:
    (fault,) = everything["typo"]
    assert (fault["code"], fault["suggestion"]) == ("unknown_type", "relu")
    assert 'no installed distribution offers a layer or a loss of type "rleu"; did you mean "relu"?' in fault["message"]


def test_strict_plugins_names_every_broken_one(everything: dict[str, Any]) -> None:
    strict = everything["strict"]
    assert (strict.code, strict.out) == (2, "")
    for name in [*BROKEN, *UNUSUAL, *([shown for _, shown, _ in MALFORMED.values()] if everything["laid"] else [])]:
        assert f"plugin {name} " in strict.err
    assert "Traceback" not in strict.err


def test_the_doctor_ends_with_1(everything: dict[str, Any]) -> None:
    assert everything["doctor code"] == 1
