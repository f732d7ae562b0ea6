"""What whole trainings take, measured in processes of their own, against what was counted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from layerkit.spec.cost import cost_of
from layerkit.spec.load import load_spec

CHILD = """
import re, sys
from pathlib import Path
import numpy as np
from layerkit.cli.program import cli

def train(name):
    cli.main(["train", f"{name}.json", "--out", name, "--max-memory", "1T"], standalone_mode=False)

def size(what):
    return 1024 * int(re.search(what + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

train("warm")  # what is imported and kept for good is no part of a network's cost; nor is the workspace of large products
for dtype in ("float32", "float64"):
    square = np.ones((1000, 1000), dtype)
    square @ square
del square
Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
before = size("VmRSS")
train("case")
print(size("VmHWM") - before, file=sys.stderr)
"""

SHORT = {
    "wide": {"units": [1, 150_000], "batch_size": 2},
    "nesterov": {"units": [2500, 2500], "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4},
}
LONG = {
    "square": {"units": [3000, 3000]},
    "momentum": {"units": [3000, 3000], "momentum": 0.9},
    "decay": {"units": [3000, 3000], "weight_decay": 1e-4},
    "float64": {"units": [2500, 2500], "dtype": "float64"},
    "float64, nesterov": {"units": [2500, 2500], "dtype": "float64", "momentum": 0.9, "nesterov": True},
    "deep": {"units": [64] * 1500},
    "deep and narrow": {"units": [4] * 4000, "batch_size": 4},
    "full batch": {"units": [2000, 2000], "batch_size": None, "train": 1000},
    "scored alone": {"units": [1, 400_000], "batch_size": 1, "train": 10},
}


def run_spec(
    units: list[int], train: int = 64, dtype: str = "float32", batch_size: int | None = 32, **sgd: float | bool
) -> dict[str, Any]:
    """Return a run over some of the digits, with a ReLU after each affine layer but the last."""
    layers = [layer for count in units for layer in ({"type": "affine", "units": count}, {"type": "relu"})]
    return {
        "layerkit": 1,
        "data": {"type": "digits", "test_size": 1 - train / 1797},
        "model": {
            "input_shape": [64],
            "dtype": dtype,
            "layers": [*layers, {"type": "affine", "units": 10}, {"type": "crossentropy"}],
        },
        "training": {"optimizer": {"type": "sgd", "learning_rate": 1e-6, **sgd}, "epochs": 1, "batch_size": batch_size},
    }


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of a process is measured as Linux has it")
@pytest.mark.parametrize("case", [*SHORT, *(pytest.param(case, marks=pytest.mark.long) for case in LONG)])
def test_a_training_takes_no_more_than_is_counted_and_not_much_less(tmp_path: Path, case: str) -> None:
    (tmp_path / "warm.json").write_text(json.dumps(run_spec([8], dtype="float64")))
    (tmp_path / "case.json").write_text(json.dumps(run_spec(**{**SHORT, **LONG}[case])))
    child = subprocess.run([sys.executable, "-c", CHILD], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    taken, counted = int(child.stderr.split()[-1]), cost_of(load_spec(tmp_path / "case.json", max_memory=2**40)).total
    assert taken > 40 * 2**20
    assert taken <= counted <= 2.5 * taken
