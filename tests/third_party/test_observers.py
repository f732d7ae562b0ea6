"""A third party's observers: what they remember, what they write, and how they end a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from layerkit_thirdparty import BatchNorm, GradientNorms, ParameterAverage
from numpy.testing import assert_allclose, assert_array_equal

import layerkit as lk

INPUTS = np.random.default_rng(0).standard_normal((30, 3))
LABELS = (INPUTS.sum(axis=1) > 0).astype(np.int64)


def network() -> lk.Sequential:
    layers = [lk.Affine(units=4), BatchNorm(), lk.Affine(units=2), lk.CategoricalCrossEntropy()]
    return lk.Sequential(layers, input_shape=(3,), dtype="float64", seed=0)


def options(observer: lk.Observer, **others: Any) -> Any:
    return {"optimizer": lk.SGD(learning_rate=0.2), "epochs": 4, "batch_size": 10, "observers": (observer,)} | others


def test_an_average_is_that_of_the_parameters_after_each_step() -> None:
    model, plain = network(), network()
    average = plain.parameters.copy()
    for _ in range(4):
        # A full batch, so that each call is one step.
        plain.fit(INPUTS, LABELS, optimizer=lk.SGD(learning_rate=0.2), epochs=1)
        average = 0.7 * average + 0.3 * plain.parameters
    model.fit(INPUTS, LABELS, **options(ParameterAverage(decay=0.7), batch_size=None))
    assert_allclose(model.parameters, average, rtol=1e-12)
    assert_array_equal(model.training.arrays()["observers/parameter_average_1/trained"], plain.parameters)


def test_an_average_goes_on_from_what_was_trained() -> None:
    once, twice = network(), network()
    once.fit(INPUTS, LABELS, **options(ParameterAverage(decay=0.7), epochs=6))
    for _ in range(2):
        twice.fit(INPUTS, LABELS, **options(ParameterAverage(decay=0.7), epochs=3))
    assert_array_equal(once.parameters, twice.parameters)


def test_gradient_norms_are_written_step_by_step(tmp_path: Path) -> None:
    model, plain = network(), network()
    model.fit(INPUTS, LABELS, folder=tmp_path, **options(GradientNorms(), batch_size=None, epochs=2))
    expected = []
    for number in (1, 2):
        plain.fit(INPUTS, LABELS, optimizer=lk.SGD(learning_rate=0.2), epochs=1)
        expected.append([number, np.linalg.norm(plain.gradients)])
    assert_allclose(np.loadtxt(tmp_path / "gradient_norms.tsv"), expected, rtol=1e-12)


def test_gradient_norms_are_kept_where_a_training_fails(tmp_path: Path) -> None:
    trainer = lk.Trainer(network(), lk.TrainingSpec(**options(GradientNorms())), folder=tmp_path)
    records = trainer.run(INPUTS, LABELS)
    next(records)
    records.close()
    assert len((tmp_path / "gradient_norms.tsv").read_text().splitlines()) == 3
