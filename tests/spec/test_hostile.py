"""Hostile specs are refused, by a `SpecError` and within little memory; ``benchmarks/hostile.py`` has the cases and times."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import layerkit as lk
from layerkit import ModelSpec, Registry, SpecError
from layerkit.cli.main import main
from layerkit.diagnostics.diagnostic import Diagnostic
from layerkit.diagnostics.faults import MAX_FAULTS
from layerkit.errors import MemoryBudgetError
from layerkit.spec.load import load_spec, parse_spec
from layerkit.spec.source import MAX_ITEMS

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "hostile.py"


def loaded(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOSTILE = loaded(PROGRAM)
MOST_BYTES = 50e6


def faults(error: SpecError) -> list[Diagnostic]:
    assert error.diagnostics
    for fault in error.diagnostics:
        lines = str(fault).split("\n")
        assert len(lines) <= 3
        assert all(len(line) < 6_000 for line in lines)
    assert len(error.diagnostics) <= MAX_FAULTS + 1
    return error.diagnostics


@pytest.mark.parametrize("case", HOSTILE.TEXTS)
def test_a_hostile_text_is_refused(case: str) -> None:
    code, make = HOSTILE.TEXTS[case]
    with pytest.raises(SpecError) as refusal:
        parse_spec(make())
    assert code in {fault.code for fault in faults(refusal.value)}


@pytest.mark.parametrize("case", HOSTILE.FILES)
def test_what_is_no_sound_file_is_refused(tmp_path: Path, case: str) -> None:
    code, make = HOSTILE.FILES[case]
    path = tmp_path / "spec.json"
    make(path)
    with pytest.raises(SpecError) as refusal:
        load_spec(path)
    (fault,) = faults(refusal.value)
    assert (fault.code, fault.file) == (code, str(path))


def test_a_name_that_no_path_can_have_is_refused() -> None:
    with pytest.raises(SpecError) as refusal:
        load_spec("nul\0character.json")
    (fault,) = faults(refusal.value)
    assert fault.code == "unreadable"


def test_all_of_them_together_take_little_memory() -> None:
    """In a process of its own, so that what the operating system says is theirs; pydantic's memory is not Python's to measure."""
    result = subprocess.run([sys.executable, PROGRAM, "--together"], capture_output=True, text=True, check=True)
    figures = json.loads(result.stdout)
    assert figures["refused"] == len(HOSTILE.TEXTS) + len(HOSTILE.FILES)
    assert figures["megabytes"] * 1e6 < MOST_BYTES


NESTED = """
import json, resource
from typing import Annotated, Literal
from pydantic import Field
from layerkit import Layer, Registry, SpecError
from layerkit.registry.discovery import builtin_registry
from layerkit.registry.registry import Registration
from layerkit.spec.load import parse_spec
from strategies import Sandwich

class Wide(Sandwich):
    type: Literal["wide"] = "wide"
    layers: Annotated[tuple[Layer, ...], Field(strict=False)]

registry = Registry([*builtin_registry().registrations, Registration(Wide, "acme", "1.0")])

def told(fault, count, depth):
    layers = [fault] * count
    for _ in range(depth):
        layers = [{"type": "wide", "layers": layers}]
    try:
        parse_spec(json.dumps({"layerkit": 1, "input_shape": [4], "layers": layers}), registry=registry)
    except SpecError as error:
        return {fault.code for fault in error.diagnostics}

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

faults = [{"type": "r"}, {"type": "relu", "a": 1, "b": 2, "c": 3, "d": 4}]
for fault in faults:
    told(fault, 1, 1)
before = peak()
codes = [sorted(told(fault, 9_999, 6)) for fault in faults]
print(json.dumps([codes, peak() - before]))
"""


def test_faults_below_many_layers_take_little_memory() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    result = subprocess.run([sys.executable, "-c", NESTED], capture_output=True, text=True, check=True, env=environment)
    codes, taken = json.loads(result.stdout)
    assert codes == [["too_large", "unknown_type"], ["too_large", "unknown_key"]]
    assert taken < MOST_BYTES


def test_a_half_character_in_the_text_itself_is_refused() -> None:
    """Files hold none; a string from Python may."""
    for text in (HOSTILE.model(more=', "\ud800": 1'), HOSTILE.model('[{"type": "\ud800"}]'), '"\udfff'):
        with pytest.raises(SpecError) as refusal:
            parse_spec(text)
        assert "\ud800" not in str(refusal.value)


def test_of_very_many_faults_the_first_are_told_and_that_there_are_more() -> None:
    _, make = HOSTILE.TEXTS["9,999 numbers for layers"]
    with pytest.raises(SpecError) as refusal:
        parse_spec(make())
    *told, last = faults(refusal.value)
    assert [fault.path for fault in told] == [f"layers[{index}]" for index in range(MAX_FAULTS)]
    assert (last.code, last.message) == ("too_large", f"there are more than these {MAX_FAULTS} faults")


def test_a_list_or_an_object_may_be_so_long_and_no_longer() -> None:
    def text(length: int) -> str:
        return HOSTILE.model(more=f', "plugins": {json.dumps({f"type_{index}": "acme==1.0" for index in range(length)})}')

    assert parse_spec(text(MAX_ITEMS))
    with pytest.raises(SpecError) as refusal:
        parse_spec(text(MAX_ITEMS + 1))
    (fault,) = faults(refusal.value)
    assert (fault.code, fault.path) == ("too_large", "plugins")


def test_unknown_types_are_looked_up_so_often_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    lookups: list[str] = []
    resolve = Registry.resolve

    def counted(registry: Registry, family: Any, tag: str) -> Any:
        lookups.append(tag)
        return resolve(registry, family, tag)

    monkeypatch.setattr(Registry, "resolve", counted)
    _, make = HOSTILE.TEXTS["9,999 unknown types"]
    with pytest.raises(SpecError):
        parse_spec(make())
    assert MAX_FAULTS <= len(set(lookups)) <= MAX_FAULTS + 10


@pytest.mark.parametrize("size", ["2", str(2**63), "1" + "0" * 30])
def test_sizes_reach_the_check_of_memory_unharmed(size: str) -> None:
    with pytest.raises(SpecError) as refusal:
        parse_spec(HOSTILE.model(HOSTILE.listed([HOSTILE.affine(size), HOSTILE.LOSS])), max_memory=1)
    (fault,) = faults(refusal.value)
    assert fault.code == "memory"


# --- from Python --------------------------------------------------------------------------------------------------


def test_a_million_layers_are_too_many_from_python_too() -> None:
    with pytest.raises(SpecError, match="expected 10000 or fewer items"):
        ModelSpec(layers=(lk.ReLU(),) * 10**6, input_shape=(4,))


def test_a_million_axes_are_too_many_from_python_too() -> None:
    with pytest.raises(SpecError, match="expected 32 or fewer items"):
        ModelSpec(layers=(lk.CategoricalCrossEntropy(),), input_shape=(1,) * 10**6)


@pytest.mark.parametrize("units", [10**12, 2**63, 2**64, 10**1000])
def test_sizes_that_no_array_has_are_refused_from_python_too(units: int) -> None:
    with pytest.raises(MemoryBudgetError):
        lk.Sequential([lk.Affine(units=units), lk.CategoricalCrossEntropy()], input_shape=(3,))


# --- from the command line ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["validate", "summary", "train", "gradcheck"])
@pytest.mark.parametrize("case", ["10^12 parameters", "100,000 lists in one another", "an integer of 5,000 digits"])
def test_every_command_refuses_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, case: str
) -> None:
    _, make = HOSTILE.TEXTS[case]
    path = tmp_path / "spec.json"
    path.write_text(make())
    monkeypatch.setattr(sys, "argv", ["layerkit", command, str(path)])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"{path}:")
    assert list(tmp_path.iterdir()) == [path]
