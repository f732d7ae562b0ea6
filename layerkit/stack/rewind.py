"""`Rewind`: lets passes through nodes meet the same random numbers and the same state again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from layerkit.stack.node import Node
from layerkit.typing import Array


class Rewind:
    """The random streams and the state of some nodes at one moment.

    Parameters
    ----------
    nodes
        The nodes; those within their branches are rewound too.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._nodes = [node for top in nodes for node in top.tree()]
        self._kept: list[tuple[Any, dict[str, Array]]] = []
        self.keep()

    def keep(self) -> None:
        """Make now the moment to go back to."""
        self._kept = [
            (
                node.rng.bit_generator.state if node.has_drawn else None,
                {name: array.copy() for name, array in node.state.items()},
            )
            for node in self._nodes
        ]

    def restore(self) -> None:
        """Go back to that moment."""
        for node, (stream, state) in zip(self._nodes, self._kept, strict=True):
            node.restart_stream(stream)
            for name, array in state.items():
                node.state[name][...] = array
