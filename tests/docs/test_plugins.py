"""The components on the page about plugins: each is one that may be registered, and together they train."""

from __future__ import annotations

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import layerkit as lk
from layerkit import testing
from layerkit.registry.registration import FAMILIES, Registration

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
FAMILIES_SECTION = PAGE[PAGE.index("## The families") : PAGE.index("## From version 1 to 2")]
BLOCKS = re.findall(r"^```python\n(.*?)^```$", FAMILIES_SECTION, re.MULTILINE | re.DOTALL)

IMPORTS = """from __future__ import annotations
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal
import numpy as np
from pydantic import Field, NonNegativeInt, PositiveInt
from layerkit import *
"""
"""What a reader imports: the standard library's, NumPy, pydantic, and public names."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """Give the page as a module."""
    path = tmp_path_factory.mktemp("page") / "components_of_the_page.py"
    path.write_text(IMPORTS + "\n".join(BLOCKS), encoding="utf-8")
    found = spec_from_file_location(path.stem, path)
    assert found is not None
    assert found.loader is not None
    module = sys.modules[path.stem] = module_from_spec(found)
    found.loader.exec_module(module)
    return module


def components(page: ModuleType) -> list[type[lk.Component]]:
    return [
        item
        for item in vars(page).values()
        if isinstance(item, type) and item.__module__ == page.__name__
        if "type" in vars(item).get("__annotations__", {})
    ]


def test_each_example_can_be_registered(page: ModuleType) -> None:
    registrations = [Registration(component, "example", "1") for component in components(page)]
    assert len(registrations) == len(BLOCKS)
    assert {item.family for item in registrations} == set(FAMILIES) - {lk.Layer}


def test_each_example_passes_the_conformance_kit(page: ModuleType) -> None:
    for component in components(page):
        testing.check_component(component)


def test_each_example_is_short() -> None:
    assert all(10 <= len(block.splitlines()) <= 30 for block in BLOCKS)


def run_spec(page: ModuleType, epochs: int) -> lk.RunSpec:
    layers = (lk.Affine(units=16, weight_init=page.CutNormal()), lk.ReLU(), lk.Affine(units=1), page.Pinball())
    training = lk.TrainingSpec(
        optimizer=page.OwnAdam(learning_rate=0.02, weight_decay=1e-4),
        schedule=page.HalfWave(warm_up=20),
        epochs=epochs,
        batch_size=50,
        metrics=(page.MeanAbsoluteError(),),
        observers=(page.Patience(epochs=30),),
    )
    return lk.RunSpec(data=page.Sine(), model=lk.ModelSpec(input_shape=(1,), layers=layers), training=training)


def test_together_they_train(page: ModuleType, tmp_path: Path) -> None:
    run = lk.run(run_spec(page, 30), out=tmp_path / "run")
    assert run.scores["mean_absolute_error"] < 0.1  # that of the wave itself is 0.08
    assert run.history[0].learning_rate == pytest.approx(0.02 * 15 / 20)
    assert run.history[-1].learning_rate < 0.001


def test_the_observer_ends_a_training_that_gets_no_better(page: ModuleType) -> None:
    model = lk.Sequential([lk.Affine(units=1), page.Pinball()], input_shape=(1,), seed=0)
    inputs, targets = page.Sine(noise=0).arrays()
    watched = (page.Patience(epochs=2),)
    history = model.fit(inputs, 0 * targets + 1, optimizer=lk.SGD(learning_rate=1.0), epochs=100, observers=watched)
    assert model.training is not None
    lowest = history.loss.index(min(history.loss))
    assert model.training.stopped == f"the loss has not fallen since epoch {lowest}"
    assert len(history) == lowest + 3


def test_the_mean_of_the_parameters_is_put_in_place_and_taken_away_again(page: ModuleType) -> None:
    split = page.Lines().load(lk.DataRequest(seed=0, folder=Path()))
    samples = [*split.train.take(slice(0, 1000))][:2]
    averaged, plain = (
        lk.Sequential([lk.Affine(units=1), page.Pinball()], input_shape=(1,), dtype="float64", seed=0) for _ in range(2)
    )
    options = {"optimizer": lk.SGD(learning_rate=0.1), "batch_size": 100}
    ends = []
    for _ in range(2):
        averaged.fit(*samples, epochs=2, observers=(page.Mean(),), **options)
        for _ in range(2):
            plain.fit(*samples, epochs=1, **options)
            ends.append(plain.parameters.copy())
        np.testing.assert_allclose(averaged.parameters, np.mean(ends, axis=0), rtol=1e-12)
