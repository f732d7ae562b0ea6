"""The table of a network, as ``layerkit summary`` and `Sequential.summary` print it."""

from __future__ import annotations

from collections.abc import Iterator

from layerkit.layout import figures
from layerkit.spec.cost import Cost


def summary_lines(cost: Cost) -> Iterator[str]:
    """Yield a line for each node: its type, shapes, parameters and FLOPs."""
    rows = [("node", "type", "input", "output", "parameters", "FLOPs a step")]
    for node in cost.nodes:
        flops = f"{node.flops * cost.batch:,}"
        rows.append((node.name, node.type, str(node.input_shape), str(node.output_shape), f"{node.parameters:,}", flops))
    return figures(rows, right=(4, 5))
