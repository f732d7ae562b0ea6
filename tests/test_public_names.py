"""The public door: every name leads somewhere, and opening it costs nothing that was not asked for."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import layerkit as lk

ROOT = Path(__file__).parents[1]
DOOR = Path(lk.__file__)


def declared_for_type_checkers() -> dict[str, str]:
    """Return the names that the ``TYPE_CHECKING`` block imports, with their modules."""
    (block,) = [node for node in ast.parse(DOOR.read_text()).body if isinstance(node, ast.If)]
    assert isinstance(block.test, ast.Name)
    assert block.test.id == "TYPE_CHECKING"
    homes = {}
    for statement in block.body:
        assert isinstance(statement, ast.ImportFrom)
        (alias,) = statement.names
        assert alias.asname == alias.name  # a re-export, as type checkers see it
        assert alias.name not in homes
        homes[alias.name] = str(statement.module)
    return homes


def resolved_on_use() -> dict[str, str]:
    """Return the names of ``_HOMES``, with their modules."""
    (value,) = [
        node.value
        for node in ast.parse(DOOR.read_text()).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "_HOMES"
    ]
    return {name: f"layerkit.{module}" for module, names in ast.literal_eval(value).items() for name in names}


def test_people_and_type_checkers_see_the_same_names() -> None:
    assert resolved_on_use() == declared_for_type_checkers()
    assert sorted(lk.__all__) == sorted(resolved_on_use())
    assert set(lk.__all__) <= set(dir(lk))


@pytest.mark.parametrize("name", lk.__all__)
def test_every_public_name_leads_to_its_home(name: str) -> None:
    home = import_module(resolved_on_use()[name])
    value = getattr(lk, name)
    assert value is getattr(home, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert value.__module__ == home.__name__


@pytest.mark.parametrize("name", ["no_such_name", "Sequentail", "__wrapped__", "_private"])
def test_an_unknown_name_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module 'layerkit' has no attribute '{name}'"):
        getattr(lk, name)
    assert not hasattr(lk, name)


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
