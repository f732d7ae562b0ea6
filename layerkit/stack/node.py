"""`Node`: one layer at one position of one network, and everything that it owns there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from layerkit.errors import ShapeError
from layerkit.typing import Array, Shape

if TYPE_CHECKING:
    from layerkit.stack.chain import Chain
    from layerkit.stack.stage import Stage


class Arrays(Mapping[str, Array]):
    """A node's arrays by name, as attributes and as a mapping.

    Assigning copies into the array that is there, so that it stays a view of the network's flat vector:
    ``node.grads.weight = inputs.T @ d_out`` does what it says.

    Raises
    ------
    AttributeError
        If the name was not declared.
    ShapeError
        If what is assigned has another shape.
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self.__dict__.update(arrays)

    def __getattr__(self, name: str) -> Array:
        raise AttributeError(f"no array {name!r} was declared; there are {sorted(self) or 'none'}")

    def __setattr__(self, name: str, value: Any) -> None:
        array: Array = self.__dict__[name] if name in self.__dict__ else self.__getattr__(name)
        if np.shape(value) != array.shape:
            raise ShapeError(f"array {name!r} has shape {array.shape}, received one of shape {np.shape(value)}")
        array[...] = value

    def __getitem__(self, name: str) -> Array:
        array: Array = self.__dict__[name]
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __len__(self) -> int:
        return len(self.__dict__)


class Node:
    """One layer at one position of one network.

    Attributes
    ----------
    layer
        The description that the node runs.
    name
        Unique within the network.
    input_shape, output_shape
        Shapes of one sample.
    dtype
        Of every floating-point array in the network.
    params, grads
        The declared parameters and their gradients, views into the network's two flat vectors.
    state
        The declared arrays that are saved but not trained.
    rng
        The node's own random stream.
    cache
        Whatever ``forward`` keeps for ``backward``.
    training
        True during a training step, false during prediction.
    needs_input_gradient
        False where nothing before the node is trained: ``backward`` may then return None.
    branches
        The declared stacks of inner layers, each a `Chain` of nodes of their own.
    """

    def __init__(
        self,
        layer: Stage,
        *,
        name: str,
        input_shape: Shape,
        output_shape: Shape,
        dtype: np.dtype[Any],
        params: Mapping[str, Array],
        grads: Mapping[str, Array],
        state: Mapping[str, Array],
        rng: np.random.Generator,
        needs_input_gradient: bool,
        branches: Mapping[str, Chain] | None = None,
    ) -> None:
        self.layer = layer
        self.name = name
        self.input_shape = input_shape
        self.output_shape = output_shape
        self.dtype = dtype
        self.params = Arrays(params)
        self.grads = Arrays(grads)
        self.state = Arrays(state)
        self.rng = rng
        self.cache: Any = None
        self.training = False
        self.needs_input_gradient = needs_input_gradient
        self.branches: Mapping[str, Chain] = branches or {}
        self._memory: dict[str, Array] = {}
        self._views: dict[tuple[str, Shape, Any], Array] = {}

    def __repr__(self) -> str:
        return f"<Node {self.name}: {self.input_shape} -> {self.output_shape}>"

    def tree(self) -> Iterator[Node]:
        """Yield the node, and every node within its branches."""
        yield self
        for chain in self.branches.values():
            for node in chain.nodes:
                yield from node.tree()

    def buffer(self, name: str, shape: Shape, dtype: Any = None) -> Array:
        """Return a C-contiguous work array that is kept between calls; its contents are whatever was left there.

        Memory grows to the largest request under ``name`` and is then reused, so a warm step allocates nothing.
        Two requests under one name share memory.

        Parameters
        ----------
        name
            What the array is for.
        shape
            Axis lengths, the batch axis included.
        dtype
            ``node.dtype`` where it is left out.
        """
        key = (name, shape, dtype)
        view = self._views.get(key)
        if view is None:
            view = self._views[key] = self._carve(name, shape, np.dtype(self.dtype if dtype is None else dtype))
        return view

    def _carve(self, name: str, shape: Shape, dtype: np.dtype[Any]) -> Array:
        size = math.prod(shape) * dtype.itemsize
        memory = self._memory.get(name)
        outgrown = memory is None or memory.nbytes < size
        if outgrown or sum(key[0] == name for key in self._views) >= _VIEWS_PER_BUFFER:
            self._views = {key: view for key, view in self._views.items() if key[0] != name}
        if memory is None or outgrown:
            memory = self._memory[name] = np.empty(size, np.uint8)
        return memory[:size].view(dtype).reshape(shape)


_VIEWS_PER_BUFFER = 16
"""Batches of ever new sizes must not pile up views without end."""
