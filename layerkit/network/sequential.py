"""`Sequential`: the runtime network."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt

from layerkit.errors import DataError, ModelFileError, TargetError
from layerkit.losses.targets import batch_share
from layerkit.network.builder import assemble
from layerkit.network.model_file import assign_arrays, named_arrays, read_arrays, write_arrays
from layerkit.spec.canonical import resolved_json
from layerkit.spec.load import parse_spec
from layerkit.spec.model import ModelSpec
from layerkit.stack.chain import Chain
from layerkit.stack.loss import Loss
from layerkit.stack.node import Node
from layerkit.stack.stage import Stage
from layerkit.streams import fresh_seed
from layerkit.typing import Array, Shape

if TYPE_CHECKING:
    from layerkit.training.history import History

_ROWS_AT_ONCE = 1024
"""Samples that a prediction takes through the network together: enough to be fast, few enough to stay in the cache."""


class Sequential:
    """A stack of layers that ends with a loss, ready to run.

    Parameters
    ----------
    layers
        Descriptions, from the inputs to the loss. One object may stand in several places: each place gets its own node.
    input_shape
        Shape of one sample, without the batch.
    dtype
        Of every floating-point array in the network.
    seed
        Decides the initial weights and every random number of the nodes; None takes a fresh one, kept in ``seed``.

    Attributes
    ----------
    spec
        The network as data; ``build(model.spec, seed=model.seed)`` makes it again.
    nodes
        One `Node` a position. ``model["affine_1"]`` finds one by name, those within branches too.
    parameters, gradients
        Flat vectors (P,); the nodes' ``params`` and ``grads`` are views into them.
    decaying
        The stretches of the flat vectors that weight decay applies to.

    Raises
    ------
    pydantic.ValidationError
        If the layers do not make a network (see `ModelSpec`).
    MemoryBudgetError
        If it is larger than the memory that is free.
    InputError
        If the seed is negative.
    """

    def __init__(
        self,
        layers: Sequence[Stage],
        *,
        input_shape: Shape,
        dtype: Literal["float32", "float64"] = "float32",
        seed: int | None = None,
    ) -> None:
        self.spec = ModelSpec(layers=tuple(layers), input_shape=tuple(input_shape), dtype=dtype)
        self.seed = fresh_seed() if seed is None else operator.index(seed)
        assembly = assemble(self.spec.plan(), dtype, self.seed)
        self.nodes: tuple[Node, ...] = assembly.nodes
        self.parameters = assembly.parameters
        self.gradients = assembly.gradients
        self.decaying = assembly.decaying
        *hidden, loss_node = self.nodes
        self._hidden = Chain(hidden)
        assert isinstance(loss_node.layer, Loss)
        self._loss, self._loss_node = loss_node.layer, loss_node

    def __repr__(self) -> str:
        stack = " -> ".join(node.name for node in self.nodes)
        return f"<Sequential {self.spec.input_shape} {stack}, {self.parameters.size:,} parameters, {self.spec.dtype}>"

    def __getitem__(self, name: str) -> Node:
        """Return the node called ``name``.

        Raises
        ------
        KeyError
            If there is none.
        """
        known = {node.name: node for top in self.nodes for node in top.tree()}
        if name not in known:
            raise KeyError(f"no node is called {name!r}; there are {', '.join(known)}")
        return known[name]

    def loss_and_gradients(
        self, inputs: npt.ArrayLike, targets: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> float:
        """Return the loss of a batch in training mode and fill ``gradients`` with its gradient, overwriting.

        Parameters
        ----------
        inputs
            Shape (N, \\*input_shape).
        targets
            N targets, as the loss takes them.
        sample_weight
            Shape (N,); None weighs all samples alike.

        Raises
        ------
        DataError
            If the inputs have another shape than the network expects, or there are none.
        TargetError
            If the targets do not fit the loss.
        """
        loss = self.forward_loss(inputs, targets, sample_weight)
        self.backward()
        return loss

    def forward_loss(self, inputs: npt.ArrayLike, targets: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float:
        """Return the loss of a batch in training mode, ready for `backward`; parameters as for `loss_and_gradients`."""
        self._set_training(True)
        return self._forward_to_loss(self.checked_inputs(inputs), targets, sample_weight)

    def backward(self, d_out: float = 1.0) -> Array | None:
        """Fill ``gradients`` with ``d_out`` times the gradient of the loss of the forward pass just done, overwriting.

        Returns
        -------
        Array or None
            The gradient with respect to the network's inputs where the first node was asked for it.
        """
        return self._hidden.backward(self._loss.backward(self._loss_node, d_out))

    def loss(self, inputs: npt.ArrayLike, targets: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float:
        """Return the loss of samples in prediction mode, a weighted mean; parameters as for `loss_and_gradients`."""
        inputs = self.checked_inputs(inputs)
        targets = self.checked_targets(targets, len(inputs))
        share = np.full(len(inputs), 1 / len(inputs))
        if sample_weight is not None:
            share = np.asarray(batch_share(_as_array(sample_weight, "sample weights"), len(inputs), np.dtype(np.float64)))
        self._set_training(False)
        total = 0.0
        for rows in _stretches(len(inputs)):
            part = float(share[rows].sum())
            if part:
                weight = None if sample_weight is None else share[rows]
                total += part * self._forward_to_loss(inputs[rows], targets[rows], weight)
        return min(total, sys.float_info.max)

    def logits(self, inputs: npt.ArrayLike) -> Array:
        """Return what enters the loss, in prediction mode, as a new array (N, \\*logits_shape)."""
        return self._in_stretches(inputs, lambda logits: logits)

    def predict(self, inputs: npt.ArrayLike) -> Array:
        """Return what the loss predicts from the logits, such as probabilities (N, K), in prediction mode, as a new array."""
        return self._in_stretches(inputs, self._loss.predict)

    def fit(self, inputs: npt.ArrayLike, targets: npt.ArrayLike, **options: Any) -> History:
        """Train on samples; a thin call of `layerkit.Trainer`, which documents the options."""
        from layerkit import Trainer

        return Trainer(self, **options).fit(inputs, targets)

    def save(self, path: str | Path) -> None:
        """Write the spec, the parameters and the state to one safetensors file, whole or not at all.

        Raises
        ------
        ModelFileError
            If the file cannot be written.
        """
        write_arrays(Path(path), named_arrays(self.nodes), {"spec": resolved_json(self.spec)})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Return the network that `save` wrote; its predictions are the same bit for bit on the same machine.

        Nothing in the file is executed: the spec in it is validated like any other. The random streams start anew, from seed 0.

        Raises
        ------
        ModelFileError
            If the file is missing, damaged, or no saved model.
        """
        path = Path(path)
        arrays, metadata = read_arrays(path)
        if "spec" not in metadata:
            raise ModelFileError(f"{path}: there is no spec in this file; it holds weights only")
        try:
            spec = parse_spec(metadata["spec"], f"{path}, spec in the metadata")
        except ValueError as error:
            raise ModelFileError(f"{path}: the spec in this file is not valid here\n{error}") from None
        if not isinstance(spec, ModelSpec):
            raise ModelFileError(f"{path}: the spec in this file is a run; expected a model")
        model = cls(spec.layers, input_shape=spec.input_shape, dtype=spec.dtype, seed=0)
        assign_arrays(model.nodes, arrays, path)
        return model

    def load_weights(self, path: str | Path) -> None:
        """Copy the parameters and the state of a safetensors file into the network, by name.

        Raises
        ------
        ModelFileError
            If the file is missing or damaged, or its names and shapes differ from the network's.
        """
        assign_arrays(self.nodes, read_arrays(Path(path))[0], Path(path))

    def checked_inputs(self, inputs: npt.ArrayLike) -> Array:
        """Return ``inputs`` as an array of the network's dtype.

        Raises
        ------
        DataError
            If the shape is not (N, \\*input_shape) with N of at least 1, or the values are no real numbers in the dtype's range.
        """
        given = _as_array(inputs, "inputs")
        if given.shape[1:] != self.spec.input_shape or not len(given):
            expected = "(N, " + ", ".join(map(str, self.spec.input_shape)) + ") with N of 1 or more"
            raise DataError(f"expected inputs of shape {expected}, received shape {given.shape}")
        if given.dtype == self._loss_node.dtype:
            return given
        if given.dtype.kind not in "biuf":
            raise DataError(f"inputs must be real numbers, received an array of {given.dtype}")
        with np.errstate(over="ignore"):
            array = given.astype(self._loss_node.dtype)
        if (np.isinf(array) & ~np.isinf(given)).any():
            raise DataError(f"inputs hold numbers that are too large for {array.dtype}")
        return array

    def checked_targets(self, targets: npt.ArrayLike, count: int) -> Array:
        """Return ``targets`` as an array of ``count`` targets that the loss takes.

        Raises
        ------
        TargetError
            If they do not fit; names the first offending row.
        DataError
            If they make no array.
        """
        array = _as_array(targets, "targets")
        if not array.ndim or len(array) != count:
            raise TargetError(f"expected {count} targets, one a sample; received an array of shape {array.shape}")
        self._loss.check_targets(array, (count, *self._loss_node.input_shape))
        return array

    def _set_training(self, training: bool) -> None:
        if self._loss_node.training != training:
            for top in self.nodes:
                for node in top.tree():
                    node.training = training

    def _forward_to_loss(self, inputs: Array, targets: npt.ArrayLike, sample_weight: npt.ArrayLike | None) -> float:
        weight = None if sample_weight is None else _as_array(sample_weight, "sample weights")
        return self._loss.forward(self._loss_node, self._hidden.forward(inputs), _as_array(targets, "targets"), weight)

    def _in_stretches(self, inputs: npt.ArrayLike, finish: Callable[[Array], Array]) -> Array:
        array = self.checked_inputs(inputs)
        self._set_training(False)
        # A copy each: what the layers return are buffers that the next stretch will overwrite.
        parts = [np.array(finish(self._hidden.forward(array[rows]))) for rows in _stretches(len(array))]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def build(spec: ModelSpec, seed: int | None = None) -> Sequential:
    """Return the network that ``spec`` describes; the same ``seed`` gives the same weights, bit for bit."""
    return Sequential(spec.layers, input_shape=spec.input_shape, dtype=spec.dtype, seed=seed)


def _as_array(values: npt.ArrayLike, what: str) -> Array:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise DataError(f"{what} make no array: {error}") from None


def _stretches(count: int) -> Iterator[slice]:
    for start in range(0, count, _ROWS_AT_ONCE):
        yield slice(start, min(start + _ROWS_AT_ONCE, count))
