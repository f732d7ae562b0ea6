"""A third party's schedules against PyTorch, and its metric against scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from layerkit_thirdparty import Plateau, TopK, WarmupCosine
from numpy.testing import assert_allclose
from sklearn.metrics import top_k_accuracy_score

import layerkit as lk


def test_a_plateau_is_that_of_pytorch(reference: Any) -> None:
    given = reference["schedules"]
    schedule = Plateau(factor=0.3, patience=2, threshold=0.01)
    records = [lk.EpochRecord(epoch, loss) for epoch, loss in enumerate(given["losses"])]
    rates = [
        schedule.learning_rate(0.5, lk.Progress(epoch + 1, 40, epoch + 1, 40, records[: epoch + 1]))
        for epoch in range(len(records))
    ]
    assert_allclose(rates, given["plateau"], rtol=1e-12)
    assert len(set(rates)) > 3


def test_a_plateau_watches_a_metric() -> None:
    records = [lk.EpochRecord(epoch, 1.0, {"validation_loss": 1.0 - epoch}) for epoch in range(9)]
    progress = lk.Progress(9, 40, 9, 40, records)
    assert Plateau(patience=2).learning_rate(0.5, progress) < 0.5
    assert Plateau(patience=2, monitor="validation_loss").learning_rate(0.5, progress) == 0.5


def test_warmup_and_cosine_are_those_of_pytorch(reference: Any) -> None:
    schedule = WarmupCosine(warmup=0.25, floor=0.1)
    rates = [schedule.learning_rate(0.5, lk.Progress(step, 20, 0, 1, ())) for step in range(20)]
    assert_allclose(rates, reference["schedules"]["warmup_cosine"], rtol=1e-10)


def test_two_figures_of_one_type_stand_side_by_side() -> None:
    layers = [lk.Affine(units=3), lk.CategoricalCrossEntropy()]
    model = lk.Sequential(layers, input_shape=(2,), seed=0)
    scores = model.evaluate(np.ones((3, 2)), [0, 1, 2], metrics=[TopK(k=1), TopK(k=2), TopK(k=3)])
    assert list(scores) == ["loss", "top_1", "top_2", "top_3"]
    assert [scores[f"top_{k}"] for k in (1, 2, 3)] == pytest.approx([1 / 3, 2 / 3, 1])
    with pytest.raises(lk.SpecError, match='two figures are called "top_2"'):
        lk.TrainingSpec(optimizer=lk.SGD(learning_rate=1.0), epochs=1, metrics=(TopK(k=2), TopK(k=1), TopK(k=2)))


@pytest.mark.parametrize("k", [1, 2, 4])
def test_top_k_is_that_of_scikit_learn(k: int) -> None:
    rng = np.random.default_rng(0)
    predictions, labels, weights = rng.random((50, 5)), rng.integers(5, size=50), rng.random(50)
    outcome = lk.Outcome(labels, predictions, predictions.argmax(axis=1), weights)
    expected = top_k_accuracy_score(labels, predictions, k=k, sample_weight=weights, labels=range(5))
    assert TopK(k=k).score(outcome) == pytest.approx(expected)
    soft = lk.Outcome(np.eye(5)[labels], predictions, predictions.argmax(axis=1), weights)
    assert TopK(k=k).score(soft) == pytest.approx(expected)
