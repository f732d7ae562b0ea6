"""A warm training step of built-in layers allocates nothing that grows with the batch.

NumPy itself works through buffers of a fixed size, by default 8192 elements, in operations that broadcast or cast. Here they
are as small as NumPy lets them be, so that they do not hide what the layers would allocate.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Literal

import numpy as np
import pytest

from layerkit import SGD, Affine, Array, CategoricalCrossEntropy, ReLU, Sequential, Step, Trainer, TrainingSpec

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
    step = Step(model.parameters, model.gradients, model.layout, optimizer.slots())
    prepared = model.checked(*samples(batch, dtype, labels))
    gauge = Gauge()
    for number in range(1, WARM_UP + 5):
        step.begin(optimizer.coefficients(0.01, number), model.batch_loss(prepared), None)
        model.backward()
        optimizer.update(step)
        gauge.mark()
    return min(gauge.peaks[WARM_UP:])


def step_of_trainer(batch: int, batches: int, dtype: Literal["float32", "float64"], labels: str, *, weighted: bool) -> int:
    """Return what a step of the last epoch takes; the first of an epoch, which draws the order, is left out if there are more."""
    gauge = Gauge()

    class Gauged(SGD):
        def update(self, step: Step) -> None:
            super().update(step)
            gauge.mark()

    optimizer = Gauged(learning_rate=0.01, momentum=0.9, weight_decay=1e-3)
    spec = TrainingSpec(optimizer=optimizer, epochs=WARM_UP + 3, batch_size=None if batches == 1 else batch)
    inputs, targets = samples(batch * batches, dtype, labels)
    weight = np.linspace(0.5, 1.5, len(inputs)) if weighted else None
    Trainer(network(dtype), spec).fit(inputs, targets, weight)
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
@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
def test_a_step_of_the_trainer(dtype: Literal["float32", "float64"], batches: int, labels: str, weighted: bool) -> None:
    small, large = (step_of_trainer(batch, batches, dtype, labels, weighted=weighted) for batch in (SMALL, LARGE))
    assert large - small < TOLERANCE, f"{small} bytes at batch {SMALL}, {large} at batch {LARGE}"


@pytest.mark.parametrize("options", [{"momentum": 0.9}, {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-3}], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_update_allocates_nothing_that_grows_with_the_network(
    dtype: Literal["float32", "float64"], options: dict[str, float]
) -> None:
    """Not even with weight decay, which acts on some segments of the parameters."""
    peaks = {}
    for units in (8, 256):
        gauge = Gauge()

        class Gauged(SGD):
            def update(self, step: Step, gauge: Gauge = gauge) -> None:
                super().update(step)
                gauge.mark()

        layers = [Affine(units=units), ReLU(), Affine(units=units), CategoricalCrossEntropy()]
        model = Sequential(layers, input_shape=(8,), dtype=dtype, seed=0)
        optimizer = Gauged(learning_rate=0.01, **options)
        inputs, _ = samples(4, dtype, "int64")
        Trainer(model, TrainingSpec(optimizer=optimizer, epochs=WARM_UP + 3)).fit(inputs, np.zeros(4, int))
        peaks[model.parameters.size] = min(gauge.peaks[WARM_UP:])
    (few, small), (many, large) = peaks.items()
    assert many - few > 60_000
    assert large - small < 2000, f"{small} bytes with {few} parameters, {large} with {many}"


def test_the_gauge_sees_one_byte_a_sample_that_is_gone_again() -> None:
    gauge = Gauge()
    for size in (0, 0, LARGE):
        np.empty(size, np.uint8)
        gauge.mark()
    assert gauge.peaks[2] - gauge.peaks[1] > TOLERANCE
