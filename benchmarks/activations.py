"""A forward and a backward pass of each activation, side by side with NumPy formulations written by hand, on one thread.

    python benchmarks/activations.py [--rounds 60]

Each round times both, one after the other, so that a machine whose speed drifts treats them alike. The formulations by hand work
in place, in arrays that are there, with as few passes as their writer could find. Printed are the median times and the median of
the rounds' ratios. The bar: 1.3.
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
from layerkit.testing.lone_nodes import lone_node  # noqa: E402

X = np.random.default_rng(0).standard_normal((128, 256)).astype(np.float32)
D = np.random.default_rng(1).standard_normal((128, 256)).astype(np.float32)
Y, W, G = (np.empty_like(X) for _ in range(3))
B = np.empty(X.shape, bool)


def sigmoid() -> None:
    np.exp(np.negative(X, out=Y), out=Y)
    np.reciprocal(np.add(Y, 1, out=Y), out=Y)
    np.multiply(np.multiply(np.subtract(1, Y, out=G), Y, out=G), D, out=G)


def tanh() -> None:
    np.tanh(X, out=Y)
    np.multiply(np.subtract(1, np.multiply(Y, Y, out=G), out=G), D, out=G)


def relu() -> None:
    np.maximum(X, 0, out=Y)
    np.multiply(D, np.greater(Y, 0, out=B), out=G)


def leaky_relu() -> None:
    np.maximum(X, np.multiply(X, 0.01, out=Y), out=Y)
    np.copyto(np.multiply(D, 0.01, out=G), D, where=np.greater(X, 0, out=B))


def elu() -> None:
    np.expm1(np.minimum(X, 0, out=Y), out=Y)
    np.copyto(Y, X, where=np.greater(X, 0, out=B))
    np.copyto(np.add(Y, 1, out=G), 1, where=B)
    np.multiply(G, D, out=G)


def silu() -> None:
    np.exp(np.negative(X, out=W), out=W)
    np.reciprocal(np.add(W, 1, out=W), out=W)
    np.multiply(X, W, out=Y)
    np.multiply(np.subtract(1, W, out=G), Y, out=G)
    np.multiply(np.add(G, W, out=G), D, out=G)


def softplus() -> None:
    np.log1p(np.exp(np.negative(np.abs(X, out=Y), out=Y), out=Y), out=Y)
    np.add(Y, np.maximum(X, 0, out=W), out=Y)
    np.divide(D, np.add(np.exp(np.negative(X, out=G), out=G), 1, out=G), out=G)


def softsign() -> None:
    np.divide(X, np.add(np.abs(X, out=W), 1, out=W), out=Y)
    np.divide(np.divide(D, W, out=G), W, out=G)


def gelu() -> None:
    from scipy.special import erf

    erf(np.multiply(X, 0.70710678, out=W), out=W)
    np.multiply(np.add(W, 1, out=W), 0.5, out=W)
    np.multiply(X, W, out=Y)
    np.exp(np.multiply(np.multiply(X, X, out=G), -0.5, out=G), out=G)
    np.multiply(np.multiply(G, X, out=G), 0.39894228, out=G)
    np.multiply(np.add(G, W, out=G), D, out=G)


def hard_sigmoid() -> None:
    np.clip(np.add(np.multiply(X, 1 / 6, out=Y), 0.5, out=Y), 0, 1, out=Y)
    np.multiply(np.multiply(D, np.less(np.abs(X, out=G), 3, out=B), out=G), 1 / 6, out=G)


BY_HAND: dict[type[lk.Layer], Callable[[], None]] = {
    lk.Sigmoid: sigmoid,
    lk.Tanh: tanh,
    lk.ReLU: relu,
    lk.LeakyReLU: leaky_relu,
    lk.ELU: elu,
    lk.SiLU: silu,
    lk.Softplus: softplus,
    lk.Softsign: softsign,
    lk.GELU: gelu,
    lk.HardSigmoid: hard_sigmoid,
}


def main() -> None:
    """Time the passes."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=60)
    rounds = arguments.parse_args().rounds
    for cls, by_hand in BY_HAND.items():
        layer = cls()
        node = lone_node(layer, (256,), np.random.default_rng(0), dtype="float32")
        ratios, times = [], []
        for _ in range(rounds):
            start = time.perf_counter()
            layer.forward(node, X)
            layer.backward(node, D)
            middle = time.perf_counter()
            by_hand()
            end = time.perf_counter()
            ratios.append((middle - start) / (end - middle))
            times.append(middle - start)
        print(f"{layer.type}: {1e6 * statistics.median(times):.0f} us, ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
