"""`EpochRecord` and `History`: how a training reports itself."""

from __future__ import annotations

import numpy as np
import pytest

import layerkit as lk
from layerkit import EpochRecord, History


@pytest.mark.parametrize(
    ("epoch", "loss", "line"),
    [
        (0, 8.58761, "Epoch    0, loss = 8.5876"),
        (50, 0.60024, "Epoch   50, loss = 0.6002"),
        (9999, 0.0001, "Epoch 9999, loss = 0.0001"),
        (12345, 123456.78916, "Epoch 12345, loss = 123456.7892"),
        (5, 0.0, "Epoch    5, loss = 0.0000"),
        (6, -0.25, "Epoch    6, loss = -0.2500"),
        (7, 0.00004, "Epoch    7, loss = 4.0000e-05"),
        (8, 3.21449e12, "Epoch    8, loss = 3.2145e+12"),
        (9, -1e300, "Epoch    9, loss = -1.0000e+300"),
    ],
)
def test_a_record_reads_as_a_line_of_the_table(epoch: int, loss: float, line: str) -> None:
    assert str(EpochRecord(epoch, loss)) == line


def test_a_record_tells_its_metrics_too() -> None:
    record = EpochRecord(3, 0.5, {"validation_loss": 0.25, "accuracy": 2 / 3}, learning_rate=0.1, seconds=1.5)
    assert str(record) == "Epoch    3, loss = 0.5000, validation_loss = 0.2500, accuracy = 0.6667"


def test_records_are_equal_whatever_they_took() -> None:
    assert EpochRecord(0, 1.0, seconds=1.0) == EpochRecord(0, 1.0, seconds=2.0)
    assert EpochRecord(0, 1.0, learning_rate=0.1) != EpochRecord(0, 1.0, learning_rate=0.2)
    assert EpochRecord(0, 1.0, {"accuracy": 1.0}) != EpochRecord(0, 1.0)


def test_a_history_is_the_tuple_of_its_records() -> None:
    records = [EpochRecord(0, 2.0), EpochRecord(1, 1.5)]
    history = History(iter(records))
    assert history == tuple(records)
    assert history.loss == [2.0, 1.5]
    assert history[-1].loss == 1.5
    assert History() == ()
    assert History().loss == []


def test_fit_returns_a_history_of_python_floats() -> None:
    model = lk.Sequential([lk.Affine(units=2), lk.CategoricalCrossEntropy()], input_shape=(3,), seed=0)
    history = model.fit(np.eye(3), [0, 1, 1], optimizer=lk.SGD(learning_rate=0.1), epochs=2)
    assert isinstance(history, History)
    assert [type(loss) for loss in history.loss] == [float, float]
    assert [type(record.epoch) for record in history] == [int, int]
    assert [record.learning_rate for record in history] == [0.1, 0.1]
    assert all(type(record.seconds) is float and record.seconds > 0 for record in history)
