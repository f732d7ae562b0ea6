"""An epoch over samples that stay in a file, side by side with one over the same samples in memory, on one thread.

    python benchmarks/streaming.py [--rounds 15]

Each round times both, one after the other, so that a machine whose speed drifts treats them alike; the file is in the cache of
the system. Printed are the median times and the median of the rounds' ratios. The bar: 1.3.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402 (the number of threads is read when it is imported)

from layerkit import (  # noqa: E402 (it imports NumPy)
    NPY,
    SGD,
    Affine,
    CategoricalCrossEntropy,
    DataRequest,
    ReLU,
    Sequential,
    Trainer,
    TrainingSpec,
)

CASES = {
    "64-32-10, batch 32, float32": ((64, 32, 10), 32, 100_000),
    "64-32-10, batch 256, float32": ((64, 32, 10), 256, 100_000),
    "784-256-128-10, batch 128, float32": ((784, 256, 128, 10), 128, 20_000),
    "784-10, batch 128, float32": ((784, 10), 128, 20_000),
}


def epochs(folder: Path, sizes: tuple[int, ...], batch: int, *, in_memory: bool):  # type: ignore[no-untyped-def]
    """Return the epochs of a training on the arrays in a folder."""
    samples = NPY(inputs="inputs.npy", targets="targets.npy", in_memory=in_memory).load(DataRequest(folder=folder)).train
    stack = [layer for size in sizes[1:] for layer in (Affine(units=size), ReLU())][:-1]
    model = Sequential([*stack, CategoricalCrossEntropy()], input_shape=sizes[:1], dtype="float32", seed=0)
    spec = TrainingSpec(optimizer=SGD(learning_rate=1e-3, momentum=0.9), epochs=10**9, batch_size=batch)
    return Trainer(model, spec).train(samples)


def main() -> None:
    """Time the cases."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=15)
    rounds = arguments.parse_args().rounds
    for name, (sizes, batch, count) in CASES.items():
        rng = np.random.default_rng(0)
        with TemporaryDirectory() as folder:
            np.save(Path(folder) / "inputs.npy", rng.standard_normal((count, sizes[0]), np.float32))
            np.save(Path(folder) / "targets.npy", rng.integers(0, sizes[-1], count))
            kinds = {kind: epochs(Path(folder), sizes, batch, in_memory=kind == "memory") for kind in ("memory", "file")}
            times: dict[str, list[float]] = {kind: [] for kind in kinds}
            for training in kinds.values():
                next(training)  # warm
            for _ in range(rounds):
                for kind, training in kinds.items():
                    start = time.perf_counter()
                    next(training)
                    times[kind].append(time.perf_counter() - start)
        ratios = [file / memory for memory, file in zip(times["memory"], times["file"], strict=True)]
        memory, file = (1e3 * statistics.median(times[kind]) for kind in ("memory", "file"))
        print(f"{name}: memory {memory:.1f} ms, file {file:.1f} ms an epoch, ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
