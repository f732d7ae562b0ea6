"""Weights by class are sample weights, by number, by label, or so that all classes count alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.utils.class_weight import compute_sample_weight

import layerkit as lk

INPUTS = np.random.default_rng(0).standard_normal((40, 3))
LABELS = np.repeat([0, 1, 2], [25, 10, 5])


def trained(**options: Any) -> lk.Array:
    model = lk.Sequential([lk.Affine(units=3), "crossentropy"], input_shape=3, seed=0, dtype="float64")
    weight = options.pop("sample_weight", None)
    model.fit(INPUTS, LABELS, weight, optimizer=lk.SGD(learning_rate=0.1), epochs=3, batch_size=8, **options)
    return model.parameters


@pytest.mark.parametrize(
    ("given", "weights"),
    [
        ("balanced", compute_sample_weight("balanced", LABELS)),
        ({"2": 5.0}, np.where(LABELS == 2, 5.0, 1.0)),
        ({"0": 0.0, "1": 2}, np.array([0.0, 2.0, 1.0])[LABELS]),
    ],
)
def test_it_is_as_if_the_samples_were_weighed(given: Any, weights: Any) -> None:
    np.testing.assert_allclose(trained(class_weight=given), trained(sample_weight=weights), rtol=1e-12)
    own = np.linspace(0.5, 2, 40)
    both = trained(class_weight=given, sample_weight=own)
    np.testing.assert_allclose(both, trained(sample_weight=weights * own), rtol=1e-12)


def test_classes_of_a_table_go_by_their_labels(tmp_path: Path) -> None:
    flowers = Path(__file__).parents[2] / "specs" / "flowers.csv"
    spec = {
        "data": {"type": "csv", "path": str(flowers), "target": "species"},
        "model": {"layers": ["standardize", {"type": "affine", "units": 3}, "crossentropy"]},
        "training": {
            "optimizer": {"type": "sgd", "learning_rate": 0.1},
            "epochs": 5,
            "class_weight": {"setosa": 0, "virginica": 0},
        },
    }
    run = lk.run(spec, out=tmp_path / "run")
    inputs, targets, _ = run.data.train.take(slice(0, len(run.data.train)))
    model = lk.build(run.spec.model, seed=run.spec.seed)
    options = {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 5}
    list(lk.Trainer(model, options, seed=run.spec.seed).run(inputs, targets, np.array([0.0, 1.0, 0.0])[targets]))
    assert_array_equal(run.model.parameters, model.parameters)


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"rose": 2}, lk.InputError, 'class_weight: "rose" is none of the classes "0", "1", "2"'),
        ({"0": 0, "1": 0, "2": 0}, lk.InputError, "all classes count 0"),
        ({"0": -1}, lk.SpecError, "class_weight"),
        ("heavy", lk.SpecError, "class_weight"),
    ],
)
def test_what_is_wrong_is_told(given: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        trained(class_weight=given)


@pytest.mark.parametrize("counts", [(1, 3, 2), (2, 2, 5)])
def test_a_whole_weight_is_as_many_rows(counts: tuple[int, ...]) -> None:
    """In order and in the full batch, a weight of k is the row k times, history included."""
    times = np.array(counts)[LABELS]
    histories, ends = [], []
    for rows, options in (
        (np.arange(40), {"class_weight": dict(zip("012", counts, strict=True))}),
        (np.repeat(np.arange(40), times), {}),
    ):
        model = lk.Sequential([lk.Affine(units=3), "crossentropy"], input_shape=3, seed=0, dtype="float64")
        given: Any = options
        history = model.fit(INPUTS[rows], LABELS[rows], optimizer=lk.SGD(learning_rate=0.1), epochs=4, batch_size=None, **given)
        histories.append(history.loss)
        ends.append(model.parameters.copy())
    np.testing.assert_allclose(histories[0], histories[1], rtol=1e-12)
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-11)


def test_a_whole_weight_is_as_many_rows_across_a_short_last_batch() -> None:
    """Batches of 4 weighted samples, the last with 2: each sample twice is batches of 8, the last with 4."""
    inputs, labels = INPUTS[:10], LABELS[[0, 25, 35] * 3 + [0]]
    weighted = lk.Sequential([lk.Affine(units=3), "crossentropy"], input_shape=3, seed=0, dtype="float64")
    options: Any = {"optimizer": lk.SGD(learning_rate=0.1), "epochs": 3, "shuffle": False}
    one = weighted.fit(inputs, labels, batch_size=4, class_weight={"0": 2, "1": 2, "2": 2}, **options)
    doubled = lk.Sequential([lk.Affine(units=3), "crossentropy"], input_shape=3, seed=0, dtype="float64")
    other = doubled.fit(np.repeat(inputs, 2, axis=0), np.repeat(labels, 2), batch_size=8, **options)
    np.testing.assert_allclose(one.loss, other.loss, rtol=1e-12)
    np.testing.assert_allclose(weighted.parameters, doubled.parameters, rtol=1e-11)
