"""A third party's data sets: one on disk, of which no more is read than is asked for, and one that is split at random."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layerkit_thirdparty import FileSamples, MemoryMapped, Moons
from numpy.testing import assert_array_equal

import layerkit as lk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inputs = np.random.default_rng(0).standard_normal((4000, 3)).astype(np.float32)
    np.save(tmp_path / "inputs.npy", inputs)
    np.save(tmp_path / "targets.npy", (inputs.sum(axis=1) > 0).astype(np.int64))
    return tmp_path


def run(**training: Any) -> lk.RunSpec:
    model = lk.ModelSpec(input_shape=(3,), layers=(lk.Affine(units=2), lk.CategoricalCrossEntropy()))
    options = {"optimizer": lk.SGD(learning_rate=0.5), "epochs": 2, "batch_size": 100, "metrics": (lk.Accuracy(),)} | training
    return lk.RunSpec(data=MemoryMapped(test_count=1500), model=model, training=lk.TrainingSpec(**options))


def test_no_more_than_a_part_is_in_memory_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts, take = [], FileSamples.take
    monkeypatch.setattr(
        FileSamples, "take", lambda self, *given: counts.append(len(take(self, *given).inputs)) or take(self, *given)
    )
    done = lk.run(run(), out=folder / "out", folder=folder)
    assert max(counts) <= 1024
    assert sum(counts) == 2 * 2500 + 1500
    assert done.scores["accuracy"] > 0.95


def test_a_file_trains_and_scores_as_arrays_do(folder: Path) -> None:
    done = lk.run(run(), out=folder / "out", folder=folder)
    inputs, targets = np.load(folder / "inputs.npy"), np.load(folder / "targets.npy")
    model = lk.build(done.spec.model, seed=0)
    trainer = lk.Trainer(model, done.spec.training, seed=0)
    assert [*trainer.run(inputs[:2500], targets[:2500])] == list(done.history)
    assert_array_equal(model.parameters, done.model.parameters)
    assert done.scores == pytest.approx(model.evaluate(inputs[2500:], targets[2500:], metrics=[lk.Accuracy()]), rel=1e-6)


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (
            lambda inputs, targets: (np.where(np.arange(4000)[:, None] == 77, np.nan, inputs), targets),
            "row 77, column 0 of",
        ),
        (lambda inputs, targets: (inputs, targets + 1), "label 2 is out of range"),
        (lambda inputs, targets: (inputs, targets + 0.5), "expected integer labels"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(folder: Path, spoil: Callable[..., Any], match: str) -> None:
    inputs, targets = spoil(np.load(folder / "inputs.npy"), np.load(folder / "targets.npy"))
    np.save(folder / "inputs.npy", inputs)
    np.save(folder / "targets.npy", targets)
    with pytest.raises(lk.DataError, match=match):
        lk.run(run(), out=folder / "out", folder=folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "targets.npy").unlink()
    with pytest.raises(lk.DataError, match=r"targets\.npy"):
        lk.run(run(), out=folder / "out", folder=folder)


def test_moons_are_split_and_known_beforehand() -> None:
    data = Moons(test_size=0.25, stratify=True)
    split = data.load(lk.DataRequest(seed=0, folder=Path()))
    facts = data.facts()
    assert (facts.train_count, facts.input_shape, facts.task, facts.n_classes) == (300, (2,), "classes", 2)
    assert len(split.train) == 300
    assert split.test is not None
    inputs, targets, _ = split.test.take(slice(0, 100))
    assert np.bincount(targets).tolist() == [50, 50]
    exact = Moons(noise=0.0, test_size=None).load(lk.DataRequest(seed=0, folder=Path())).train.take(slice(0, 400))
    above = exact.inputs[exact.targets == 0]
    assert np.allclose(np.linalg.norm(above, axis=1), 1)
    assert inputs.shape == (100, 2)
