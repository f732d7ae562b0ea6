"""A warm training step, side by side with its matrix products alone, on one thread.

    python benchmarks/step.py [--rounds 40]

Each round times both, one after the other, so that a machine whose speed drifts treats them alike. Printed are the median times
and the median of the rounds' ratios. The bar: a full-batch step of ``digits_mlp`` within 2.2 times its matrix products.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from itertools import pairwise

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402 (the number of threads is read when it is imported)

from layerkit import (  # noqa: E402 (it imports NumPy)
    SGD,
    Affine,
    CategoricalCrossEntropy,
    ReLU,
    Sequential,
    Trainer,
    TrainingSpec,
)

CASES = {
    "digits_mlp, 1347 x 64-32-10, full batch, float64": ((64, 32, 10), 1347, "float64"),
    "64-32-10, batch 32, float32": ((64, 32, 10), 32, "float32"),
    "784-256-128-10, batch 128, float32": ((784, 256, 128, 10), 128, "float32"),
}


def layerkit_step(sizes: tuple[int, ...], batch: int, dtype: str) -> Callable[[], object]:
    """Return one step of the real trainer on data that does not change."""
    rng = np.random.default_rng(0)
    stack = [layer for size in sizes[1:] for layer in (Affine(units=size), ReLU())][:-1]
    model = Sequential([*stack, CategoricalCrossEntropy()], input_shape=sizes[:1], dtype=dtype, seed=0)  # type: ignore[arg-type]  # a table of strings
    inputs = rng.standard_normal((batch, sizes[0])).astype(dtype)
    targets = rng.integers(0, sizes[-1], batch)
    epochs = Trainer(model, TrainingSpec(optimizer=SGD(learning_rate=1e-3), epochs=10**9)).run(inputs, targets)
    return lambda: next(epochs)


def products_alone(sizes: tuple[int, ...], batch: int, dtype: str) -> Callable[[], object]:
    """Return the matrix products of one step: forward, weight gradients, and input gradients of all layers but the first."""
    rng = np.random.default_rng(0)
    values = [rng.standard_normal((batch, size)).astype(dtype) for size in sizes]
    weights = [rng.standard_normal(pair).astype(dtype) for pair in pairwise(sizes)]
    outputs = [np.empty_like(value) for value in values]
    gradients = [np.empty_like(weight) for weight in weights]

    def step() -> None:
        for index, weight in enumerate(weights):
            np.matmul(values[index], weight, out=outputs[index + 1])
        for index in range(len(weights) - 1, -1, -1):
            np.matmul(values[index].T, values[index + 1], out=gradients[index])
            if index:
                np.matmul(values[index + 1], weights[index].T, out=outputs[index])

    return step


def seconds_each(step: Callable[[], object], repeats: int) -> float:
    """Return the mean time of one call."""
    start = time.perf_counter()
    for _ in range(repeats):
        step()
    return (time.perf_counter() - start) / repeats


def main() -> None:
    """Time every case and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    for name, case in CASES.items():
        step, products = layerkit_step(*case), products_alone(*case)
        repeats = max(1, int(0.02 / seconds_each(step, 20)))
        seconds_each(products, repeats)
        pairs = [(seconds_each(step, repeats), seconds_each(products, repeats)) for _ in range(rounds)]
        ours, alone = (statistics.median(column) * 1e6 for column in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"{name}: step {ours:.0f} us, products alone {alone:.0f} us, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
