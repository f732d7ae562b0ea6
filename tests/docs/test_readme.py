"""The Python of the README, run in the order of the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from layerkit import History, Run, Sequential

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the blocks in a folder where the specs are, and give the names that they leave."""
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(block, names)
    return names


def test_the_python_of_the_readme_does_what_it_says(names: dict[str, Any]) -> None:
    assert len(BLOCKS) == 2
    model, scores, history, run = names["model"], names["scores"], names["history"], names["run"]
    assert isinstance(model, Sequential)
    np.testing.assert_array_equal(model.predict(names["X_test"]), names["probabilities"])
    assert scores.keys() == {"loss", "accuracy"}
    assert scores["accuracy"] > 0.9
    assert isinstance(history, History)
    assert len(history) == 20
    assert isinstance(run, Run)
    assert run.scores["accuracy"] > 0.9
    assert (run.directory / "model.safetensors").exists()
