"""`Chain`: nodes in a row, the outputs of each the inputs of the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from layerkit.errors import ComponentError, DataError
from layerkit.stack.layer import Layer
from layerkit.stack.node import Node
from layerkit.typing import Array, Shape


class Chain:
    """Nodes in a row, all of them layers.

    What a layer returns is checked where it enters: its shape and its dtype. Work arrays come back step after step, and one that
    was checked is not checked again, as long as the number of samples stays the same.

    Attributes
    ----------
    nodes
        In the order of the forward pass.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes = tuple(nodes)
        layers = [(node.stage, node) for node in self.nodes if isinstance(node.stage, Layer)]
        self._forward = [Pass(layer.forward, node, node.output_shape) for layer, node in layers]
        self._backward = [Pass(layer.backward, node, node.input_shape) for layer, node in reversed(layers)]
        self._count = 0

    def forward(self, inputs: Array) -> Array:
        """Return what comes out at the end, shape (N, \\*output_shape); with no nodes, the inputs.

        Raises
        ------
        ComponentError
            If a layer raises, or returns something else than an array of its declared shape and the node's dtype; names the node.
        DataError
            If a layer refuses the samples; names the node.
        """
        count = len(inputs)
        if count != self._count:
            self._forget_checked(count)
        step = None
        try:
            for step in self._forward:
                outputs = step.run(step.node, inputs)
                if outputs is not step.checked:
                    step.check(outputs, count)
                inputs = outputs
        except (ComponentError, KeyboardInterrupt):
            raise
        except DataError as error:
            if step is not None and error.node is None:
                error.node = step.node.name
            raise
        except BaseException as error:
            assert step is not None
            raise ComponentError.caused_by(error, step.node.stage, "forward", step.node.name) from error
        return inputs

    def _forget_checked(self, count: int) -> None:
        for step in (*self._forward, *self._backward):
            step.checked = _NOTHING
        self._count = count

    def backward(self, d_out: Array) -> Array | None:
        """Fill the gradients of all nodes and return the gradient of the inputs; None where no node asks for it.

        Raises
        ------
        ComponentError
            As for `forward`; also if a layer returns no gradient although one was asked for.
        """
        step = None
        try:
            for step in self._backward:
                d_inputs = step.run(step.node, d_out)
                if not step.node.needs_input_gradient:
                    return None
                if d_inputs is not step.checked:
                    step.check(d_inputs, len(d_out))
                d_out = d_inputs
        except (ComponentError, KeyboardInterrupt):
            raise
        except BaseException as error:
            assert step is not None
            raise ComponentError.caused_by(error, step.node.stage, "backward", step.node.name) from error
        return d_out


_NOTHING = object()
"""What no layer returns."""


class Pass:
    """One pass at one node: the method, the shape of the samples that it returns, and the result that was checked last."""

    __slots__ = ("checked", "node", "run", "shape")

    def __init__(self, run: Callable[..., Any], node: Node, shape: Shape) -> None:
        self.run = run
        self.node = node
        self.shape = shape
        self.checked: object = _NOTHING

    def check(self, result: Any, count: int) -> None:
        """Refuse what is no result of a pass over ``count`` samples.

        Raises
        ------
        ComponentError
            Unless it is an array of the declared shape and the node's dtype.
        """
        if isinstance(result, np.ndarray) and result.shape == (count, *self.shape) and result.dtype == self.node.dtype:
            self.checked = result
            return
        received = f"{result.dtype} of shape {result.shape}" if isinstance(result, np.ndarray) else type(result).__name__
        fault = f"returned {received}, expected {self.node.dtype} of shape {(count, *self.shape)}"
        raise ComponentError(self.node.stage, self.run.__name__, fault, self.node.name)
