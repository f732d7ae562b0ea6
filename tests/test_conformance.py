"""Every component that layerkit registers keeps its promises, in each of its examples, whatever is drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars
import pytest

from layerkit import Component
from layerkit.registry.discovery import builtin_registry
from layerkit.testing import check_component

DISTRIBUTION = "layerkit"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work where the files are that the examples of data sets name."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    inputs, targets = rng.standard_normal((30, 4)), np.arange(30) % 3
    np.save("inputs.npy", inputs)
    np.save("targets.npy", targets)
    np.savez("arrays.npz", inputs=inputs, targets=targets)
    columns = {f"column_{number}": inputs[:, number].tolist() for number in range(4)}
    columns |= {"colour": [["red", "green", "blue", ""][number % 4] for number in range(30)]}
    columns |= {"species": [["setosa", "virginica"][number % 2] for number in range(30)], "patient": [n // 3 for n in range(30)]}
    frame = polars.DataFrame(columns)
    frame.write_csv("flowers.csv")
    frame.with_columns(polars.col("colour").replace("", None)).write_parquet("flowers.parquet")


def test_conformance(conformance_check: Callable[[], None]) -> None:
    conformance_check()


@pytest.mark.parametrize("component", [item.component for item in builtin_registry().registrations], ids=lambda cls: cls.tag())
@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 20))])
def test_no_seed_raises_a_false_alarm(component: type[Component], seed: int) -> None:
    check_component(component, seed)
