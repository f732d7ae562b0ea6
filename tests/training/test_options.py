"""The options of a training: what is misspelt or of another type is told by type checkers, and refused at run time."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

import layerkit as lk
from layerkit.spec.training import FitOptions

SNIPPET = """
import numpy as np

import layerkit as lk

model = lk.Sequential([lk.Affine(units=3), lk.CategoricalCrossEntropy()], input_shape=(4,), seed=0)
X, y, sgd = np.ones((3, 4)), [0, 1, 2], lk.SGD(learning_rate=0.1)
model.fit(X, y, optimizer=sgd, epochs=3, batch_size=None, shuffle=False, metrics=(lk.Accuracy(),), observers=())
model.fit(X, y, np.ones(3), optimizer=sgd, epochs=3, schedule=None, folder="runs")
model.fit(X, y, optimiser=sgd, epoch=3)  # wrong: names
model.fit(X, y)
model.fit(X, y, optimizer={"type": "sgd", "learning_rate": 0.1}, metrics=["accuracy"], validation=(X, y), verbose=True)
model.fit(X, y, optimizer="sgd", epochs=3)  # wrong: a name for an optimizer
model.fit(X, y, optimizer=sgd, epochs="3")  # wrong: text for a number
model.fit(X, y, optimizer=sgd, epochs=3, initial_weights="start.safetensors")  # wrong: of a run alone
lk.Trainer(model, lk.TrainingSpec(optimizer=sgd, epochs=3), seed=1).fit(X, y)
lk.Trainer(model, lk.TrainingSpec(optimizer=sgd, epochs=3), sede=1)  # wrong: a name
lk.Trainer(model, optimizer=sgd, epochs=3)  # wrong: no spec
"""


def test_a_type_checker_tells_options_that_there_are_not(tmp_path: Path) -> None:
    path = tmp_path / "snippet.py"
    path.write_text(SNIPPET)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}", str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    wrong = [number for number, line in enumerate(SNIPPET.splitlines(), start=1) if "# wrong" in line]
    told = {int(line.split(":")[1]) for line in result.stdout.splitlines() if ": error:" in line}
    assert sorted(told) == wrong, result.stdout + result.stderr
    for suggestion in ('did you mean "optimizer"?', 'did you mean "epochs"?'):
        assert suggestion in result.stdout


def model() -> lk.Sequential:
    return lk.Sequential([lk.Affine(units=3), lk.CategoricalCrossEntropy()], input_shape=(4,), seed=0)


SGD = lk.SGD(learning_rate=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimiser": SGD, "epochs": 3}, 'optimiser: unknown key; did you mean "optimizer"?'),
        ({"optimizer": SGD, "epoch": 3}, 'epoch: unknown key; did you mean "epochs"?'),
        ({"optimizer": "sgd", "epochs": 3}, 'optimizer: "sgd" alone does not say enough; write {"type": "sgd"'),
        ({"optimizer": SGD, "epochs": "3"}, "epochs: expected an integer"),
        ({"optimizer": SGD, "epochs": 3.5}, "epochs: expected an integer"),
        ({"optimizer": SGD, "epochs": 3, "shuffle": "yes"}, "shuffle: expected true or false"),
        ({"optimizer": SGD, "epochs": 3, "batch_size": True}, "batch_size: expected an integer"),
        (
            {"optimizer": SGD, "epochs": 3, "metrics": ("acuracy",)},
            'metrics[0]: no installed distribution offers a metric of type "acuracy"',
        ),
        ({"optimizer": SGD, "epochs": 3, "observers": (SGD,)}, "observers[0]: expected an observer"),
        ({"optimizer": SGD, "epochs": 3, "schedule": SGD}, "schedule: expected a schedule"),
    ],
    ids=str,
)
def test_options_that_are_wrong_are_refused_before_anything_is_trained(options: dict[str, Any], message: str) -> None:
    network = model()
    before = network.parameters.copy()
    with pytest.raises(lk.SpecError) as caught:
        network.fit(np.ones((3, 4)), [0, 1, 2], **options)
    assert message in str(caught.value)
    np.testing.assert_array_equal(network.parameters, before)
    assert network.training is None


def test_the_options_of_fit_are_those_of_a_training_spec() -> None:
    """All but what a run alone has."""
    assert set(get_type_hints(FitOptions)) == set(lk.TrainingSpec.model_fields) - {
        "initial_weights",
        "report_every",
        "validation",
    }


# --- schedules ----------------------------------------------------------------------------------------------------


def test_a_schedule_is_a_function_of_how_far_the_training_is() -> None:
    met: list[tuple[int, int, int, int, int]] = []

    class Falling(lk.Schedule):
        type: str = "falling"

        def learning_rate(self, initial: float, progress: lk.Progress) -> float:
            met.append((progress.step, progress.steps, progress.epoch, progress.epochs, len(progress.history)))
            return initial * (1 - progress.step / progress.steps)

    network, reference = model(), model()
    rng = np.random.default_rng(0)
    inputs, labels = rng.standard_normal((10, 4)).astype(np.float32), rng.integers(3, size=10)
    options: Any = {"optimizer": SGD, "batch_size": 4, "shuffle": False}
    history = network.fit(inputs, labels, epochs=2, schedule=Falling(), **options)
    assert met == [(step, 6, step // 3, 2, step // 3) for step in range(6)]
    assert [record.learning_rate for record in history] == [pytest.approx(0.1 * 4 / 6), pytest.approx(0.1 / 6)]
    for step in range(6):
        rows = slice(4 * (step % 3), 4 * (step % 3) + 4)
        reference.loss_and_gradients(inputs[rows], labels[rows])
        reference.parameters -= np.float32(0.1 * (1 - step / 6)) * reference.gradients
    np.testing.assert_array_equal(network.parameters, reference.parameters)


def test_a_schedule_may_follow_the_losses() -> None:
    class Plateau(lk.Schedule):
        type: str = "plateau"

        def learning_rate(self, initial: float, progress: lk.Progress) -> float:
            losses = [record.loss for record in progress.history]
            worse = sum(later >= earlier for earlier, later in pairwise(losses))
            return initial * 0.5**worse

    inputs, labels = np.ones((4, 4)), [0, 1, 2, 0]
    history = model().fit(inputs, labels, optimizer=lk.SGD(learning_rate=20.0), epochs=30, schedule=Plateau())
    rates = [record.learning_rate for record in history]
    assert rates[0] == 20
    assert rates[-1] < 5
    assert history.loss[-1] < min(history.loss[:3])
