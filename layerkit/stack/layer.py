"""`Layer`: a function of a batch, with its derivative."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from layerkit.stack.node import Node
from layerkit.stack.stage import Stage
from layerkit.typing import Array, Shape


class Layer(Stage):
    """A function of a batch, with its derivative.

    ``forward`` keeps on ``node.cache`` what ``backward`` will need. Neither may write into its arguments. ``node`` is the layer's
    own workplace at one position of one network (see `Node`).
    """

    gives_probabilities: ClassVar[bool] = False
    """Whether the outputs are probabilities. A loss that makes them of logits by itself is refused right behind such a layer."""

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
            Shape (N, \\*input_shape), dtype ``node.dtype``, whatever the data is: labels and words come as floats.

        Returns
        -------
        Array
            Shape (N, \\*output_shape), dtype ``node.dtype``. It must stand until `backward` of this node begins, which may write
            over it; so a layer that needs the outputs of a branch afterwards keeps a copy.
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

    def least_batch(self, input_shape: Shape) -> int:
        """Return how many samples a batch must have for the layer to be trained on it; by default 1."""
        return 1

    def adapt(self, node: Node, batches: Iterable[Array]) -> None:
        """Put into ``node.state`` what the layer learns of the training samples before the first step; by default nothing.

        The node of a layer that overrides this has one more array of state, ``adapted``, by which it happens once: a model that
        was loaded, or is trained on, keeps what it learnt. Such a layer stands in the stack of the network, not within another.

        Parameters
        ----------
        node
            The layer's workplace. Parameters are the initial ones.
        batches
            All training inputs as they reach the layer in prediction mode, arrays (N, \\*input_shape) in the order of the data.
            They can be gone through several times; each array may be written over by the next.

        Raises
        ------
        DataError
            If nothing can be learnt of them.
        """


def adapts(stage: Stage) -> bool:
    """Return whether a stage learns something of the training samples before the first step."""
    return isinstance(stage, Layer) and type(stage).adapt is not Layer.adapt


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
