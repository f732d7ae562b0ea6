"""A third party's optimizers against PyTorch's trajectories."""

from __future__ import annotations

import itertools
from typing import Any, Literal

import numpy as np
import pytest
from layerkit_thirdparty import LAMB, LBFGS, Adagrad, AdamW, Lion, NAdam
from numpy.testing import assert_allclose, assert_array_equal

import layerkit as lk

OPTIMIZERS: list[type[lk.Optimizer]] = [AdamW, Lion, Adagrad, NAdam, LBFGS, LAMB]


def network(dtype: Literal["float32", "float64"] = "float64") -> lk.Sequential:
    layers = [lk.Affine(units=4), lk.ReLU(), lk.Affine(units=3), lk.CategoricalCrossEntropy()]
    return lk.Sequential(layers, input_shape=(3,), dtype=dtype, seed=0)


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_twenty_steps_are_those_of_pytorch(cls: type[lk.Optimizer], reference: Any) -> None:
    given = reference["optimizers"]
    case = given["cases"][cls.tag()]
    model = network()
    model.parameters = given["start"]
    trainer = lk.Trainer(model, lk.TrainingSpec(optimizer=cls(**case["options"]), epochs=20))
    for record in trainer.run(np.array(given["inputs"]), np.array(given["labels"])):
        expected = case["parameters"].get(str(record.epoch + 1))
        if expected is not None:
            assert_allclose(model.parameters, expected, rtol=1e-9, atol=1e-10, err_msg=f"after {record.epoch + 1} steps")


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_a_step_keeps_the_dtype_of_the_network(cls: type[lk.Optimizer], reference: Any) -> None:
    model, given = network("float32"), reference["optimizers"]
    model.parameters = given["start"]
    trainer = lk.Trainer(model, lk.TrainingSpec(optimizer=cls(**given["cases"][cls.tag()]["options"]), epochs=3))
    trainer.fit(np.array(given["inputs"]), np.array(given["labels"]))
    assert {array.dtype for array in trainer.training.arrays().values()} == {np.dtype(np.float32)}
    assert_allclose(model.parameters, given["cases"][cls.tag()]["parameters"]["3"], rtol=1e-3, atol=1e-4)


def test_lbfgs_shortens_a_step_until_the_loss_falls(reference: Any) -> None:
    given = reference["optimizers"]
    model = network()
    model.parameters = given["start"]
    inputs, labels = np.array(given["inputs"]), np.array(given["labels"])
    losses = model.fit(inputs, labels, optimizer=LBFGS(learning_rate=1000.0), epochs=30).loss
    assert all(after < before for before, after in itertools.pairwise(losses))
    assert losses[-1] < 0.3 * losses[0]


def test_lbfgs_stays_where_no_step_helps(reference: Any) -> None:
    given = reference["optimizers"]
    model = network()
    model.parameters = given["start"]
    model.fit(np.array(given["inputs"]), np.array(given["labels"]), optimizer=LBFGS(learning_rate=1e30), epochs=2)
    assert_array_equal(model.parameters, given["start"])
