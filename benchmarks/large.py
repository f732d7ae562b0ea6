"""What is large: building a network of 30,001 nodes, and the JSON Schema of 10,000 components.

    python benchmarks/large.py

The bars are 2 s for the network and 5 s for the schema. Sizes are doubled on the way, so that what grows faster than it should
shows in the ratios from one line to the next, whatever the machine: 2 is linear. A stack has 10,000 layers at the most; more
nodes stand in branches.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import create_model

import layerkit as lk
from layerkit.spec.schema import spec_schema


def seconds(work: Callable[[], Any]) -> float:
    """Return the time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class Block(lk.Layer):
    """An affine layer and two rectifiers, as a branch. Shapes: inputs and outputs (N, 4)."""

    type: Literal["block"] = "block"

    def branches(self, input_shape: lk.Shape) -> Mapping[str, lk.Branch]:
        return {"layers": lk.Branch((lk.Affine(units=4), lk.ReLU(), lk.ReLU()))}

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        return node.branches["layers"].forward(inputs)

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array | None:
        return node.branches["layers"].backward(d_out)


def network(nodes: int) -> Callable[[], lk.Sequential]:
    """Return what builds a network of so many nodes, and the loss, from the description of its layers."""
    layers = [*[Block()] * (nodes // 4), lk.CategoricalCrossEntropy()]
    return lambda: lk.Sequential(layers, input_shape=(4,), seed=0)


def schema(components: int) -> Callable[[], Any]:
    """Return what makes the schema of so many layers beside the built-ins."""
    classes: list[Any] = [
        create_model(f"Layer{number}", __base__=lk.ReLU, type=(Literal[f"layer_{number}"], f"layer_{number}"))
        for number in range(components)
    ]
    registry = lk.builtin_registry().with_components(*classes)
    return lambda: spec_schema(registry)


def main() -> None:
    """Print the times and how they grow."""
    for what, make, sizes in (("nodes", network, (7_500, 15_000, 30_000)), ("components", schema, (2_500, 5_000, 10_000))):
        before = 0.0
        for size in sizes:
            taken = seconds(make(size))
            growth = f", {taken / before:.1f} times the line above" if before else ""
            print(f"{size:6,} {what}: {taken:.2f} s{growth}")
            before = taken


if __name__ == "__main__":
    main()
