"""A warm training step of built-in layers allocates nothing that grows with the batch.

NumPy itself works through buffers of a fixed size, by default 8192 elements, in operations that broadcast or cast. Here they
are as small as NumPy lets them be, so that they do not hide what the layers would allocate.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import pytest

from layerkit import SGD, Affine, Array, CategoricalCrossEntropy, ReLU, Sequential, Trainer

SMALL, LARGE = 64, 4096
TOLERANCE = 1000
"""Bytes. One byte a sample would be 4032 more for the large batch; small objects come and go by themselves."""
WARM_UP = 3
"""Steps before the measured ones."""


@pytest.fixture(autouse=True)
def traced() -> Iterator[None]:
    size = np.setbufsize(16)
    tracemalloc.start()
    yield
    tracemalloc.stop()
    np.setbufsize(size)


class Gauge:
    """The most memory above where it began that each of several steps held."""

    def __init__(self) -> None:
        self.peaks: list[int] = []
        self._began = 0

    def mark(self) -> None:
        """End a step and begin the next."""
        current, peak = tracemalloc.get_traced_memory()
        self.peaks.append(peak - self._began)
        self._began = current
        tracemalloc.reset_peak()


def network(dtype: Literal["float32", "float64"]) -> Sequential:
    layers = [Affine(units=16), ReLU(), Affine(units=16), ReLU(), Affine(units=10), CategoricalCrossEntropy()]
    return Sequential(layers, input_shape=(8,), dtype=dtype, seed=0)


def samples(count: int, dtype: str, labels: str) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((count, 8)).astype(dtype), rng.integers(0, 10, count).astype(labels)


def step_by_hand(batch: int, dtype: Literal["float32", "float64"], labels: str) -> int:
    model, optimizer = network(dtype), SGD(learning_rate=0.01, momentum=0.9)
    slots = {"velocity": np.zeros_like(model.parameters)}
    inputs, targets = samples(batch, dtype, labels)
    gauge = Gauge()
    for step in range(1, WARM_UP + 5):
        model.loss_and_gradients(inputs, targets)
        optimizer.update(slots, model.parameters, model.gradients, 0.01, step)
        gauge.mark()
    return min(gauge.peaks[WARM_UP:])


def step_of_trainer(batch: int, batches: int, dtype: Literal["float32", "float64"], labels: str) -> int:
    """Return what a step of the last epoch takes; the first of an epoch, which draws the order, is left out if there are more."""
    gauge = Gauge()

    class Gauged(SGD):
        def update(
            self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int
        ) -> None:
            super().update(slots, parameters, gradients, learning_rate, step)
            gauge.mark()

    optimizer = Gauged(learning_rate=0.01, momentum=0.9, weight_decay=1e-3)
    trainer = Trainer(network(dtype), optimizer=optimizer, epochs=WARM_UP + 3, batch_size=None if batches == 1 else batch)
    trainer.fit(*samples(batch * batches, dtype, labels))
    assert len(gauge.peaks) == (WARM_UP + 3) * batches
    return min(gauge.peaks[WARM_UP:]) if batches == 1 else min(gauge.peaks[1 - batches :])


@pytest.mark.parametrize("labels", ["int64", "uint8"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_step_by_hand(dtype: Literal["float32", "float64"], labels: str) -> None:
    small, large = (step_by_hand(batch, dtype, labels) for batch in (SMALL, LARGE))
    assert large - small < TOLERANCE, f"{small} bytes at batch {SMALL}, {large} at batch {LARGE}"


@pytest.mark.parametrize("labels", ["int64", "uint8"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batches", [1, 5], ids=["full batch", "shuffled mini-batches"])
def test_a_step_of_the_trainer(dtype: Literal["float32", "float64"], batches: int, labels: str) -> None:
    small, large = (step_of_trainer(batch, batches, dtype, labels) for batch in (SMALL, LARGE))
    assert large - small < TOLERANCE, f"{small} bytes at batch {SMALL}, {large} at batch {LARGE}"


def test_the_gauge_sees_one_byte_a_sample_that_is_gone_again() -> None:
    gauge = Gauge()
    for size in (0, 0, LARGE):
        np.empty(size, np.uint8)
        gauge.mark()
    assert gauge.peaks[2] - gauge.peaks[1] > TOLERANCE
