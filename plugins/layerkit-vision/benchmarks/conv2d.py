"""A convolution forward and backward, side by side with PyTorch, on one thread.

    python benchmarks/conv2d.py [--rounds 40]

Each round times both, one after the other, so that a machine whose speed drifts treats them alike. Printed are the median times
and the median of the rounds' ratios, for both of PyTorch's memory formats. The bar: no more than 2.5 times PyTorch. Where PyTorch
is not installed in the same environment, layerkit is timed alone.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402
from layerkit_vision import Conv2D, GlobalAveragePool2D  # noqa: E402

from layerkit import Array, CategoricalCrossEntropy, Sequential  # noqa: E402

BATCH, SIZE, CHANNELS, FILTERS, KERNEL = 64, 28, 16, 32, 3


def layerkit_pass(inputs: Array, d_out: Array) -> Callable[[], object]:
    """Return one forward and backward pass of the layer, the input gradient included."""
    layer = Conv2D(filters=FILTERS, kernel_size=(KERNEL, KERNEL), padding="same")
    stack = [layer, GlobalAveragePool2D(), CategoricalCrossEntropy()]
    node = Sequential(stack, input_shape=inputs.shape[1:], seed=0, needs_input_gradient=True).nodes[0]

    def run() -> object:
        layer.forward(node, inputs)
        return layer.backward(node, d_out)

    return run


def pytorch_passes(inputs: Array, d_out: Array) -> dict[str, Callable[[], object]]:
    """Return the same of PyTorch, by memory format; none where it is not installed."""
    try:
        import torch
    except ImportError:
        return {}
    torch.set_num_threads(1)

    def make(memory_format: torch.memory_format) -> Callable[[], object]:
        layer = torch.nn.Conv2d(CHANNELS, FILTERS, KERNEL, padding="same").to(memory_format=memory_format)
        images, gradient = (
            torch.from_numpy(array).permute(0, 3, 1, 2).contiguous(memory_format=memory_format) for array in (inputs, d_out)
        )
        images.requires_grad_()

        def run() -> object:
            layer.zero_grad()
            images.grad = None
            return layer(images).backward(gradient)

        return run

    return {"channels first": make(torch.contiguous_format), "channels last": make(torch.channels_last)}


def seconds(run: Callable[[], object]) -> float:
    """Return the time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    """Time the passes and print a line for each peer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((BATCH, SIZE, SIZE, CHANNELS)).astype(np.float32)
    d_out = rng.standard_normal((BATCH, SIZE, SIZE, FILTERS)).astype(np.float32)
    ours, peers = layerkit_pass(inputs, d_out), pytorch_passes(inputs, d_out)
    for run in (ours, *peers.values()):
        seconds(run)  # warm up
    times = [(seconds(ours), *(seconds(peer) for peer in peers.values())) for _ in range(rounds)]
    own, *others = (statistics.median(column) * 1e3 for column in zip(*times, strict=True))
    case = f"{SIZE}x{SIZE}x{CHANNELS} -> {FILTERS} channels, {KERNEL}x{KERNEL}, same, batch {BATCH}, float32"
    print(f"{case}: layerkit {own:.1f} ms" + ("" if peers else "; PyTorch is not installed here, so there is no ratio"))
    for index, (name, other) in enumerate(zip(peers, others, strict=True), start=1):
        ratio = statistics.median(row[0] / row[index] for row in times)
        print(f"  PyTorch, {name}: {other:.1f} ms, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
