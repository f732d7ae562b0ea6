"""A step of each optimizer over a million float32 parameters, beside NumPy by hand, and PyTorch if it is there.

    python benchmarks/optimizers.py [--rounds 30]

All on one thread, one after the other in each round. Printed are the median times, and for Adam and SGD with momentum the median
of the rounds' ratios to NumPy by hand and to the fused steps of PyTorch. The bar: 1.3 times NumPy by hand.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402 (the number of threads is read when it is imported)

import layerkit as lk  # noqa: E402

COUNT = 1_000_000
RNG = np.random.default_rng(0)
Step = Callable[[], object]


def numbers() -> lk.Array:
    """Return as many numbers as there are parameters."""
    return RNG.standard_normal(COUNT, np.float32)


def ours(optimizer: lk.Optimizer) -> Step:
    """Return a step of layerkit."""
    step = lk.Step(numbers(), numbers(), (), optimizer.slots())

    def update() -> None:
        step.begin(optimizer.coefficients(1e-3, step.number + 1), 0.0, None)
        optimizer.update(step)

    return update


def adam_by_hand() -> Step:
    p, g, m, v, w = numbers(), numbers(), np.zeros(COUNT, np.float32), np.zeros(COUNT, np.float32), numbers()

    def step() -> None:
        np.subtract(g, m, out=w)
        np.multiply(w, 0.1, out=w)
        np.add(m, w, out=m)
        np.multiply(g, g, out=w)
        np.multiply(w, 0.001, out=w)
        np.multiply(v, 0.999, out=v)
        np.add(v, w, out=v)
        np.sqrt(v, out=w)
        np.add(w, 1e-8, out=w)
        np.divide(m, w, out=w)
        np.multiply(w, 1e-3, out=w)
        np.subtract(p, w, out=p)

    return step


def sgd_by_hand() -> Step:
    p, g, v, w = numbers(), numbers(), np.zeros(COUNT, np.float32), numbers()

    def step() -> None:
        np.multiply(v, 0.9, out=v)
        np.add(v, g, out=v)
        np.multiply(v, 1e-3, out=w)
        np.subtract(p, w, out=p)

    return step


def of_pytorch() -> dict[str, Step]:
    """Return PyTorch's fused steps; nothing where it is not installed."""
    try:
        import torch
    except ImportError:
        return {}
    torch.set_num_threads(1)
    found = {}
    for name, make in {
        "adam": lambda p: torch.optim.Adam([p], fused=True),
        "sgd": lambda p: torch.optim.SGD([p], lr=1e-3, momentum=0.9, fused=True),
    }.items():
        parameter = torch.tensor(numbers(), requires_grad=True)
        parameter.grad = torch.tensor(numbers())
        found[f"{name} of PyTorch"] = make(parameter).step
    return found


def main() -> None:
    """Time the steps."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=30)
    rounds = arguments.parse_args().rounds
    kinds = (lk.Adam(), lk.AdamW(), lk.NAdam(), lk.RAdam(), lk.RMSprop(), lk.Adagrad(), lk.Adadelta(), lk.Adamax(), lk.Lion())
    steps = {optimizer.type: ours(optimizer) for optimizer in kinds}
    steps |= {"sgd": ours(lk.SGD(learning_rate=1e-3, momentum=0.9)), "adam by hand": adam_by_hand(), "sgd by hand": sgd_by_hand()}
    steps |= of_pytorch()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step()  # warm
    for _ in range(rounds):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - start)
    for name, measured in times.items():
        print(f"{name}: {1e3 * statistics.median(measured):.2f} ms")
    for name in ("adam", "sgd"):
        for other in (f"{name} by hand", f"{name} of PyTorch"):
            if other in times:
                ratios = [one / two for one, two in zip(times[name], times[other], strict=True)]
                print(f"{name} to {other}: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
