"""`Chain`: nodes in a row, the outputs of each the inputs of the next."""

from __future__ import annotations

from collections.abc import Iterable

from layerkit.errors import GradientError
from layerkit.stack.layer import Layer
from layerkit.stack.node import Node
from layerkit.typing import Array


class Chain:
    """Nodes in a row.

    Attributes
    ----------
    nodes
        In the order of the forward pass.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes = tuple(nodes)
        self._steps = [(node.layer, node) for node in self.nodes if isinstance(node.layer, Layer)]

    def forward(self, inputs: Array) -> Array:
        """Return what comes out at the end, shape (N, \\*output_shape); with no nodes, the inputs."""
        for layer, node in self._steps:
            inputs = layer.forward(node, inputs)
        return inputs

    def backward(self, d_out: Array) -> Array | None:
        """Fill the gradients of all nodes and return the gradient of the inputs; None where no node asks for it.

        Raises
        ------
        GradientError
            If a layer returns no gradient although one was asked for.
        """
        for layer, node in reversed(self._steps):
            d_inputs = layer.backward(node, d_out)
            if not node.needs_input_gradient:
                return None
            if d_inputs is None:
                raise GradientError(f"{node.name}: backward returned None, though node.needs_input_gradient is true")
            d_out = d_inputs
        return d_out
