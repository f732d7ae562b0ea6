"""The table of a network, as ``layerkit summary`` and `Sequential.summary` print it."""

from __future__ import annotations

from io import StringIO

from layerkit.spec.cost import Cost


def summary_table(cost: Cost) -> str:
    """Return a line for each node: its type, shapes, parameters and FLOPs."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("node", no_wrap=True)
    for column in ("type", "input", "output"):
        table.add_column(column)
    for column in ("parameters", "FLOPs a step"):
        table.add_column(column, justify="right", no_wrap=True)
    for node in cost.nodes:
        flops = f"{node.flops * cost.batch:,}"
        table.add_row(node.name, node.type, str(node.input_shape), str(node.output_shape), f"{node.parameters:,}", flops)
    text = StringIO()
    # The table takes what it needs and no more; on a narrow terminal a long line wraps, and no figure is cut.
    Console(file=text, highlight=False, markup=False, width=1000).print(table)
    return text.getvalue()
