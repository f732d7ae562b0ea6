"""What can stand in a stack: `Layer` and `Loss`, and the `Parameter` declarations that they make."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from layerkit.component import Component
from layerkit.errors import TargetError
from layerkit.initializers import Initializer, Zeros
from layerkit.layers.node import Node
from layerkit.typing import Array, Shape


class Parameter(NamedTuple):
    """The declaration of one array that a node owns.

    Parameters
    ----------
    shape
        Axis lengths of the array.
    initializer
        How it gets its first values.
    decay
        Whether weight decay applies to it. Biases and scales usually decline.
    """

    shape: Shape
    initializer: Initializer = Zeros()
    decay: bool = True


class Stage(Component):
    """What `Layer` and `Loss` have in common: a place in the stack, and declared arrays."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")] | None = None
    """Name of the node; ``<type>_<count>`` where it is left out."""

    @classmethod
    def noun(cls) -> str:
        return "a layer or a loss" if cls is Stage else super().noun()

    @abstractmethod
    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of one output sample, given that of one input sample.

        Raises
        ------
        ShapeError
            If the layer cannot take ``input_shape``.
        """

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        """Declare the trainable arrays, by name."""
        return {}

    def state(self, input_shape: Shape) -> Mapping[str, Parameter]:
        """Declare the arrays that are saved with the model and not trained, such as a running mean."""
        return {}

    def branches(self, input_shape: Shape) -> Mapping[str, Sequence[Layer]]:
        """Declare the stacks of inner layers, by the name of the field that holds them.

        Each stack starts from the samples that enter this layer. Its nodes are this node's own, in ``node.branches``.
        """
        return {}

    def flops(self, input_shape: Shape) -> int:
        """Return the floating-point operations of ``forward`` on one sample, a multiply-add counted as two.

        By default one for each number that comes out.
        """
        return math.prod(self.output_shape(input_shape))

    def work_size(self, input_shape: Shape) -> int:
        """Return how many numbers the work arrays of a training step hold for one sample, at the most.

        By default the outputs and the gradient of the inputs.
        """
        return math.prod(self.output_shape(input_shape)) + math.prod(input_shape)

    @model_serializer(mode="wrap")
    def _without_empty_name(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        if fields.get("name") is None:
            fields.pop("name", None)
        return fields


class Layer(Stage):
    """A function of a batch, with its derivative.

    ``forward`` keeps on ``node.cache`` what ``backward`` will need. Neither may write into its arguments. ``node`` is the layer's
    own workplace at one position of one network (see `Node`).
    """

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of one output sample; by default the layer keeps the shape."""
        return input_shape

    @abstractmethod
    def forward(self, node: Node, inputs: Array) -> Array:
        """Return the outputs.

        Parameters
        ----------
        node
            Where parameters, state, buffers and the random stream are, and where the cache goes.
        inputs
            Shape (N, \\*input_shape), dtype ``node.dtype``.

        Returns
        -------
        Array
            Shape (N, \\*output_shape), dtype ``node.dtype``.
        """

    @abstractmethod
    def backward(self, node: Node, d_out: Array) -> Array | None:
        """Fill ``node.grads`` (overwriting) and return the gradient of the loss with respect to the inputs.

        Parameters
        ----------
        node
            The node of the forward pass just done.
        d_out
            Gradient of the loss with respect to the outputs, shape (N, \\*output_shape).

        Returns
        -------
        Array or None
            Shape (N, \\*input_shape). None is allowed where ``node.needs_input_gradient`` is false.
        """


def chain_shape(layers: Iterable[Stage], input_shape: Shape) -> Shape:
    """Return the shape of one sample after all of ``layers``.

    Raises
    ------
    ShapeError
        If a layer cannot take the shape that reaches it.
    """
    for layer in layers:
        input_shape = layer.output_shape(input_shape)
    return input_shape


class Loss(Stage):
    """The terminal layer of a stack: compares what the network says with what was wanted."""

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return ``()``: a loss is one number. Overridden to refuse an ``input_shape`` that the loss cannot take."""
        return ()

    @abstractmethod
    def forward(self, node: Node, logits: Array, targets: Array, sample_weight: Array | None = None) -> float:
        """Return the loss of a batch, its mean weighted by ``sample_weight``.

        Parameters
        ----------
        node
            Where the cache goes.
        logits
            Outputs of the layer before, shape (N, \\*input_shape).
        targets
            What was wanted, N of them; each loss documents the shapes it takes.
        sample_weight
            Shape (N,), not negative; None weighs all samples alike.

        Raises
        ------
        TargetError
            If the targets do not fit.
        """

    @abstractmethod
    def backward(self, node: Node, d_out: float = 1.0) -> Array:
        """Return ``d_out`` times the gradient of the loss with respect to the logits, shape (N, \\*input_shape)."""

    @abstractmethod
    def predict(self, logits: Array) -> Array:
        """Return what the loss takes the logits to mean, such as class probabilities (N, K); a new array."""

    def check_targets(self, targets: Array, logits_shape: Shape) -> None:
        """Refuse targets that do not fit logits of shape (N, \\*input_shape); by default their number alone is checked.

        Raises
        ------
        TargetError
            Saying what was expected, and the first offending row where there is one.
        """
        if len(targets) != logits_shape[0]:
            raise TargetError(f"expected {logits_shape[0]} targets, received {len(targets)}")

    def class_count(self, input_shape: Shape) -> int | None:
        """Return how many classes the loss tells apart; None where its targets are not class labels."""
        return None

    def example_targets(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        """Return ``count`` random targets that the loss accepts, for gradient checks; by default standard normal numbers."""
        return rng.standard_normal((count, *input_shape))
