"""The public door: every name leads somewhere, and opening it costs nothing that was not asked for."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import layerkit as lk
import layerkit.errors
import layerkit.testing
from layerkit.registry.registration import FAMILIES

ROOT = Path(__file__).parents[1]
DOORS = {"layerkit": lk, "layerkit.testing": layerkit.testing}


def declared(door: ModuleType) -> list[tuple[str, str]]:
    """Return each name in the stub of a package, with its module; every line is a re-export, as type checkers see it."""
    names = []
    for statement in ast.parse(Path(str(door.__file__)).with_suffix(".pyi").read_text(encoding="utf-8")).body:
        assert isinstance(statement, ast.ImportFrom)
        assert statement.level == 0
        (alias,) = statement.names
        assert alias.asname == alias.name
        names.append((alias.name, str(statement.module)))
    return names


NAMES = [(door, name, home) for door in DOORS for name, home in declared(DOORS[door])]


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_people_and_type_checkers_see_the_same_names(door: ModuleType) -> None:
    names = [name for name, _ in declared(door)]
    assert [name for name in names if not name.startswith("_")] == door.__all__
    assert len(names) == len(set(names))
    assert set(names) <= set(dir(door))


@pytest.mark.parametrize(("door", "name", "home"), NAMES, ids=lambda value: value)
def test_every_public_name_leads_to_its_home(door: str, name: str, home: str) -> None:
    module = import_module(home)
    value = getattr(DOORS[door], name)
    assert value is getattr(module, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert value.__module__.startswith(home)


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_no_public_name_is_that_of_a_module(door: ModuleType) -> None:
    """Importing the module would put it in the place of the name."""
    assert not {module.name for module in pkgutil.iter_modules(door.__path__)} & set(door.__all__)


@pytest.mark.parametrize("door", DOORS)
def test_the_star_imports_every_name(door: str) -> None:
    code = f"import {door}; from {door} import *; print(set({door}.__all__) - {{*dir()}})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"


def test_all_built_in_components_errors_and_families_are_public() -> None:
    public = {getattr(lk, name) for name in lk.__all__}
    assert {item.component for item in lk.builtin_registry().registrations} <= public
    assert {
        cls for _, cls in inspect.getmembers(layerkit.errors, inspect.isclass) if cls.__module__ == "layerkit.errors"
    } <= public
    assert {*FAMILIES, lk.Stage, lk.Diagnostic, lk.parse_spec, lk.spec_hash, lk.Registration} <= public


@pytest.mark.parametrize("name", ["no_such_name", "Sequentail", "__wrapped__", "_private"])
@pytest.mark.parametrize("door", DOORS)
def test_an_unknown_name_is_an_attribute_error(door: str, name: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{door}' has no attribute '{name}'"):
        getattr(DOORS[door], name)
    assert not hasattr(DOORS[door], name)


HEAVY = ("sklearn", "scipy", "rich")

TRAIN = """
import numpy as np
from layerkit import SGD, Affine, CategoricalCrossEntropy, ReLU, Sequential

model = Sequential([Affine(units=8), ReLU(), Affine(units=3), CategoricalCrossEntropy()], input_shape=(4,), seed=0)
model.fit(np.eye(4), [0, 1, 2, 0], optimizer=SGD(learning_rate=0.1), epochs=3, batch_size=2)
model.predict(np.eye(4))
"""


@pytest.mark.parametrize(
    ("code", "spared"),
    [
        ("import layerkit", (*HEAVY, "numpy", "pydantic", "pluggy", "click", "safetensors", "importlib.metadata")),
        ("import layerkit; layerkit.__all__; dir(layerkit)", (*HEAVY, "numpy", "pydantic", "pluggy", "click")),
        ("from layerkit import LayerkitError", (*HEAVY, "numpy", "pydantic", "pluggy", "click")),
        ("from layerkit import Layer", (*HEAVY, "pluggy", "click", "safetensors")),
        (TRAIN, (*HEAVY, "click", "safetensors")),
        ("from layerkit import load_spec; load_spec('specs/digits_mlp.json')", (*HEAVY, "click", "safetensors")),
        ("import layerkit.cli.main", (*HEAVY, "layerkit.stack", "layerkit.training")),
        (
            "import sys; from layerkit.cli.main import main; sys.argv = ['layerkit', 'validate', 'specs/iris.json']; main()",
            (*HEAVY, "safetensors"),
        ),
    ],
    ids=["import", "names", "an error", "layer author", "training", "load_spec", "command line", "validate"],
)
def test_only_what_is_needed_is_loaded(code: str, spared: tuple[str, ...]) -> None:
    probe = f"{code}\nimport sys\nprint(*sorted(set({spared!r}) & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout.splitlines()[-1] == ""


def test_every_name_of_a_fresh_interpreter_resolves() -> None:
    """Names resolved one after the other find their home whatever was resolved before."""
    code = "import layerkit; print(len([getattr(layerkit, name) for name in reversed(layerkit.__all__)]))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(result.stdout) == len(lk.__all__)
