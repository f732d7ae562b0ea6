"""`Node`: one layer at one position of one network, and everything that it owns there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn, Protocol, SupportsIndex

import numpy as np

from layerkit.stack.arrays import Arrays
from layerkit.stack.buffers import Buffers
from layerkit.stack.stage import Stage
from layerkit.typing import Array, Shape

_NONE = Arrays({})
"""Most nodes own no arrays of one kind or another."""


class InnerStack(Protocol):
    """A stack of inner layers, as the layer that holds them runs it; a `layerkit.Chain` of nodes of its own."""

    nodes: tuple[Node, ...]

    def forward(self, inputs: Array) -> Array:
        """Return what comes out at the end."""
        ...

    def backward(self, d_out: Array) -> Array | None:
        """Fill the gradients of the nodes and return the gradient of the inputs; None where no node asks for it."""
        ...


class Node(Buffers):
    """One layer or loss at one position of one network.

    No attribute can be added, and arrays are written in place: what a layer must remember from step to step it declares as state,
    which is saved and restored.

    Attributes
    ----------
    stage
        The description that the node runs.
    name
        Unique within the network.
    input_shape, output_shape
        Shapes of one sample.
    dtype
        Of the parameters and of everything that passes between layers.
    params, grads
        The declared parameters and their gradients, views into the network's two flat vectors.
    state
        The declared arrays that are saved but not trained.
    rng
        The node's own random stream.
    cache
        Whatever ``forward`` keeps for ``backward``.
    sample_count, normalized_weight
        At a loss: how many samples the last batch had, and what each counts in the mean over it, an array (N,) or one number.
    training
        True where the node runs training steps, false where it predicts.
    needs_input_gradient
        False where nothing before the node is trained: ``backward`` may then return None.
    branches
        The declared stacks of inner layers, each a `Chain` of nodes of their own.
    """

    __slots__ = (
        "_branches",
        "_grads",
        "_make_rng",
        "_needs_input_gradient",
        "_params",
        "_rng",
        "_state",
        "_training",
        "cache",
        "input_shape",
        "name",
        "normalized_weight",
        "output_shape",
        "sample_count",
        "stage",
    )

    def __init__(
        self,
        stage: Stage,
        *,
        name: str,
        input_shape: Shape,
        output_shape: Shape,
        dtype: np.dtype[Any],
        params: Mapping[str, Array],
        grads: Mapping[str, Array],
        state: Mapping[str, Array],
        make_rng: Callable[[], np.random.Generator],
        training: bool,
        needs_input_gradient: bool,
        branches: Mapping[str, InnerStack] | None = None,
    ) -> None:
        super().__init__(dtype)
        self.stage = stage
        self.name = name
        self.input_shape = input_shape
        self.output_shape = output_shape
        self.cache: Any = None
        self.sample_count = 0
        self.normalized_weight: Array | float = 1.0
        self._params = Arrays(params) if params else _NONE
        self._grads = Arrays(grads) if grads else _NONE
        self._state = Arrays(state) if state else _NONE
        self._make_rng = make_rng
        self._rng: np.random.Generator | None = None
        self._training = training
        self._needs_input_gradient = needs_input_gradient
        self._branches = branches or {}

    def __repr__(self) -> str:
        return f"<Node {self.name}: {self.input_shape} -> {self.output_shape}>"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a node belongs to its network, and its arrays are views of the network's; copy the network")

    @property
    def params(self) -> Arrays:
        """The declared parameters."""
        return self._params

    @property
    def grads(self) -> Arrays:
        """The gradients of the declared parameters."""
        return self._grads

    @property
    def state(self) -> Arrays:
        """The declared state."""
        return self._state

    @property
    def training(self) -> bool:
        """Whether the node runs training steps."""
        return self._training

    @property
    def needs_input_gradient(self) -> bool:
        """Whether ``backward`` must return the gradient of the inputs."""
        return self._needs_input_gradient

    @property
    def branches(self) -> Mapping[str, InnerStack]:
        """The stacks of inner layers."""
        return self._branches

    @property
    def rng(self) -> np.random.Generator:
        """The node's own random stream, made when it is first asked for: most layers draw nothing."""
        if self._rng is None:
            self._rng = self._make_rng()
        return self._rng

    @property
    def has_drawn(self) -> bool:
        """Whether the random stream was ever asked for."""
        return self._rng is not None

    def restart_stream(self, state: Any = None) -> None:
        """Let the random stream go on from ``state``, that of its bit generator; from its start where that is None."""
        self._rng = None
        if state is not None:
            self.rng.bit_generator.state = state

    def tree(self) -> Iterator[Node]:
        """Yield the node, and every node within its branches."""
        yield self
        for chain in self._branches.values():
            for node in chain.nodes:
                yield from node.tree()
