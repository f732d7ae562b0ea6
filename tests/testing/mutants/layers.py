"""Right layers of several kinds, and wrong ones made of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from layerkit import (
    Affine,
    Array,
    Branch,
    Constant,
    Layer,
    Node,
    Normal,
    Parameter,
    ReLU,
    Shape,
    ShapeError,
    State,
    chain_shape,
)
from layerkit.testing.conformance import adaptation, layers, stages

from .catalogue import caught_by, sound

# --- right ones ---------------------------------------------------------------------------------------------------


@sound
class Dense(Layer):
    """Square fully connected layer. Shapes: inputs and outputs (N, D)."""

    type: Literal["dense"] = "dense"

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ShapeError(f"dense expects vectors, received {input_shape}")
        return input_shape

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {"weight": Parameter((*input_shape, *input_shape), Normal(std=1.0)), "bias": Parameter(input_shape, decay=False)}

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs
        outputs: Array = inputs @ node.params.weight + node.params.bias
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array | None:
        node.grads.weight = node.cache.T @ d_out
        node.grads.bias = d_out.sum(axis=0)
        d_inputs: Array = d_out @ node.params.weight.T
        return d_inputs


@sound
class Square(Layer):
    """Squares. Shapes: inputs and outputs (N, \\*shape)."""

    type: Literal["square"] = "square"

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs
        return inputs * inputs

    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs: Array = d_out * 2 * node.cache
        return d_inputs


@sound
class Dropout(Layer):
    """Drops half of the inputs during training. Shapes: inputs and outputs (N, \\*shape)."""

    type: Literal["half_dropout"] = "half_dropout"

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = self.mask(node, inputs) if node.training else None
        return inputs if node.cache is None else inputs * node.cache

    def backward(self, node: Node, d_out: Array) -> Array | None:
        return d_out if node.cache is None else d_out * node.cache

    def mask(self, node: Node, inputs: Array) -> Array:
        """Return 0 or 2 for each input."""
        return 2 * (node.rng.random(inputs.shape, node.dtype) < 0.5).astype(node.dtype)


@sound
class BatchNorm(Layer):
    """Batch normalisation. Shapes: inputs and outputs (N, \\*shape)."""

    type: Literal["batch_norm"] = "batch_norm"
    epsilon: float = 1e-3
    """Added to the variance."""

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {"scale": Parameter(input_shape, Constant(value=1.0)), "shift": Parameter(input_shape)}

    def state(self, input_shape: Shape) -> Mapping[str, State]:
        return {
            "mean": State(input_shape),
            "variance": State(input_shape, Constant(value=1.0)),
            "passes": State((), dtype="int64"),
        }

    def forward(self, node: Node, inputs: Array) -> Array:
        mean, variance = self.measure(node, inputs)
        inverse = 1 / np.sqrt(variance + self.epsilon)
        normalized = (inputs - mean) * inverse
        node.cache = normalized, inverse
        outputs: Array = node.params.scale * normalized + node.params.shift
        return outputs

    def measure(self, node: Node, inputs: Array) -> tuple[Array, Array]:
        """Return the mean and the variance to normalize with."""
        if not node.training:
            return node.state.mean, node.state.variance
        mean, variance = inputs.mean(axis=0), inputs.var(axis=0)
        node.state.passes += 1
        node.state.mean = 0.7 * node.state.mean + 0.3 * mean
        node.state.variance = 0.7 * node.state.variance + 0.3 * variance
        return mean, variance

    def backward(self, node: Node, d_out: Array) -> Array | None:
        normalized, inverse = node.cache
        node.grads.scale = (d_out * normalized).sum(axis=0)
        node.grads.shift = d_out.sum(axis=0)
        d_inputs: Array = d_out * node.params.scale
        if node.training:
            d_inputs = d_inputs - d_inputs.mean(axis=0) - normalized * (d_inputs * normalized).mean(axis=0)
        return d_inputs * inverse


@sound
class Skip(Layer):
    """``outputs = inner(inputs) + inputs``. Shapes: inputs and outputs (N, D)."""

    type: Literal["skip"] = "skip"
    inner: Annotated[tuple[Layer, ...], Field(strict=False)] = (Affine(units=5), ReLU(), Affine(units=5))
    """What is added."""

    def branches(self, input_shape: Shape) -> Mapping[str, Branch]:
        return {"inner": Branch(self.inner)}

    def output_shape(self, input_shape: Shape) -> Shape:
        if chain_shape(self.inner, input_shape) != input_shape:
            raise ShapeError(f"skip cannot add anything to samples of shape {input_shape}")
        return input_shape

    def forward(self, node: Node, inputs: Array) -> Array:
        return node.branches["inner"].forward(inputs) + inputs

    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inner = node.branches["inner"].backward(d_out)
        return None if d_inner is None else d_inner + d_out


@sound
class Buffered(Square):
    """Squares in buffers. Shapes: inputs and outputs (N, \\*shape)."""

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs
        return np.multiply(inputs, inputs, out=node.buffer("outputs", inputs.shape))

    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs = np.multiply(d_out, node.cache, out=node.buffer("d_inputs", d_out.shape))
        d_inputs *= 2
        return d_inputs


@sound
class Embedding(Layer):
    """A row of numbers for each of 10 words. Shapes: inputs (N, T) of whole numbers, outputs (N, T, 3)."""

    type: Literal["embedding"] = "embedding"

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, 3)

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {"rows": Parameter((10, 3), Normal(std=1.0))}

    def example_inputs(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(10, size=(count, *input_shape))

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs.astype(np.intp)
        outputs: Array = node.params.rows[node.cache]
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array | None:
        node.grads.rows[...] = 0
        np.add.at(node.grads.rows, node.cache, d_out)
        return None


@sound
class Halves(Layer):
    """One inner stack for each half of the columns. Shapes: inputs (N, 2 D), outputs (N, 2 H)."""

    type: Literal["halves"] = "halves"
    left: Annotated[tuple[Layer, ...], Field(strict=False)] = (Affine(units=4), ReLU())
    """What the first half goes through."""
    right: Annotated[tuple[Layer, ...], Field(strict=False)] = (Affine(units=4),)
    """What the second half goes through."""

    def half(self, input_shape: Shape) -> Shape:
        """Return the shape of half a sample."""
        if len(input_shape) != 1 or input_shape[0] % 2:
            raise ShapeError(f"halves expects an even number of columns, received {input_shape}")
        return (input_shape[0] // 2,)

    def branches(self, input_shape: Shape) -> Mapping[str, Branch]:
        return {name: Branch(getattr(self, name), self.half(input_shape)) for name in ("left", "right")}

    def output_shape(self, input_shape: Shape) -> Shape:
        half = self.half(input_shape)
        return (chain_shape(self.left, half)[0] + chain_shape(self.right, half)[0],)

    def forward(self, node: Node, inputs: Array) -> Array:
        parts = zip(node.branches.values(), np.split(inputs, 2, axis=1), strict=True)
        return np.concatenate([branch.forward(part) for branch, part in parts], axis=1)

    def backward(self, node: Node, d_out: Array) -> Array | None:
        width = chain_shape(self.left, self.half(node.input_shape))[0]
        parts = zip(node.branches.values(), np.split(d_out, [width], axis=1), strict=True)
        d_inputs: list[Any] = [branch.backward(part) for branch, part in parts]
        return np.concatenate(d_inputs, axis=1) if node.needs_input_gradient else None


# --- wrong gradients ----------------------------------------------------------------------------------------------


@caught_by(layers.input_gradients, r"neighbour_1\.scale: .* DISAGREE")
class InputGradientTransposed(Dense):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        super().backward(node, d_out)
        d_inputs: Array = d_out @ node.params.weight
        return d_inputs


@caught_by(layers.input_gradients, r"inputs: .* DISAGREE")
class RightForAnUpstreamOfOnes(Square):
    """Forgets which upstream gradient belongs to which element."""

    def backward(self, node: Node, d_out: Array) -> Array | None:
        return super().backward(node, np.full_like(d_out, d_out.mean()))


@caught_by(layers.input_gradients, "DISAGREE")
class ForgetsUpstream(Square):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        return super().backward(node, np.ones_like(d_out))


@caught_by(layers.input_gradients, "DISAGREE")
class Float32Inside(Square):
    """Computes in float32, whatever the dtype of the node is."""

    def forward(self, node: Node, inputs: Array) -> Array:
        return super().forward(node, inputs.astype(np.float32)).astype(node.dtype)

    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs: Array = d_out * 2 * node.cache.astype(node.dtype)
        return d_inputs


@caught_by(
    layers.input_gradients, r"square_1: NoInputGradient\.backward .* returned NoneType, expected float64 of shape \(3, 5\)"
)
class NoInputGradient(Square):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        return None


@caught_by(layers.input_gradients, "DISAGREE")
class TakesTheMeanForConstant(BatchNorm):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        super().backward(node, d_out)
        d_inputs: Array = d_out * node.params.scale * node.cache[1]
        return d_inputs


@caught_by(layers.input_gradients, "DISAGREE")
class ForgetsTheShortcut(Skip):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        return node.branches["inner"].backward(d_out)


@caught_by(layers.parameter_gradients, r"dense_1\.weight: .* DISAGREE")
class WeightGradientTransposed(Dense):
    """The weight is square, so that no shape tells."""

    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs = super().backward(node, d_out)
        node.grads.weight = node.grads.weight.T.copy()
        return d_inputs


@caught_by(layers.parameter_gradients, r"dense_1\.bias: .* DISAGREE")
class BiasGradientIsAMean(Dense):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs = super().backward(node, d_out)
        node.grads.bias = d_out.mean(axis=0)
        return d_inputs


@caught_by(layers.parameter_gradients, r"dense_1\.weight: .* DISAGREE")
class WrongInOneElement(Dense):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs = super().backward(node, d_out)
        node.grads.weight += 1e-3
        return d_inputs


@caught_by(layers.parameter_gradients, r"skip_1\.inner\.affine_1\.weight: .* DISAGREE")
class StopsWithinABranch(Skip):
    """Calls the last inner layer alone on the way back."""

    def backward(self, node: Node, d_out: Array) -> Array | None:
        last = node.branches["inner"].nodes[-1]
        assert isinstance(last.stage, Layer)
        last.stage.backward(last, d_out)
        return d_out


@caught_by(layers.prediction_gradients, "DISAGREE")
class TrainingGradientInPrediction(BatchNorm):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs: Any = super().backward(node, d_out)
        if node.training:
            return np.asarray(d_inputs)
        normalized, inverse = node.cache
        d_normalized = d_out * node.params.scale
        moved: Array = d_normalized.mean(axis=0) + normalized * (d_normalized * normalized).mean(axis=0)
        return np.asarray(d_inputs - moved * inverse)


@caught_by(layers.prediction_gradients, "DISAGREE")
class VarianceForDeviation(BatchNorm):
    """Divides by the variance on the way back in prediction mode; as long as it is 1, nobody sees."""

    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs = super().backward(node, d_out)
        return d_inputs if node.training or d_inputs is None else d_inputs * node.cache[1]


@caught_by(layers.first_layer, "AttributeError|grads")
class SkipsItsParametersWhenFirst(Dense):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        return super().backward(node, d_out) if node.needs_input_gradient else None


@caught_by(layers.first_layer, "TypeError")
class ReliesOnItsBranch(Skip):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inner: Any = node.branches["inner"].backward(d_out)
        return d_inner + d_out  # type: ignore[no-any-return]  # that it may be None is the mistake


@caught_by(layers.parameter_gradients, r"embedding_1\.rows: .* DISAGREE")
class CountsAWordOnce(Embedding):
    """Counts a word once, however often it stands in a batch."""

    def backward(self, node: Node, d_out: Array) -> Array | None:
        node.grads.rows[...] = 0
        node.grads.rows[node.cache] += d_out
        return None


@caught_by(layers.input_gradients, r"inputs: .* DISAGREE")
class SwapsItsHalves(Halves):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs: Any = super().backward(node, d_out)
        return np.concatenate(np.split(d_inputs, 2, axis=1)[::-1], axis=1)


# --- what a batch is ----------------------------------------------------------------------------------------------


@caught_by(layers.batch_of_one, "ValueError|shape")
class SqueezesABatchOfOne(Square):
    def forward(self, node: Node, inputs: Array) -> Array:
        return super().forward(node, inputs.squeeze())


@caught_by(layers.batch_of_one, "inputs: .* DISAGREE")
class HasNoGradientForOneSample(Square):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs = super().backward(node, d_out)
        return d_inputs if len(d_out) > 1 else np.zeros_like(d_out)


@caught_by(layers.batch_of_one, "row 0 alone in prediction mode")
class MixesSamplesInPrediction(TrainingGradientInPrediction):
    def measure(self, node: Node, inputs: Array) -> tuple[Array, Array]:
        return inputs.mean(axis=0), inputs.var(axis=0)


@caught_by(stages.batches_of_any_size, "after others at the same node")
class KeepsItsFirstCache(Square):
    def forward(self, node: Node, inputs: Array) -> Array:
        if node.cache is None or node.cache.shape != inputs.shape:
            node.cache = inputs
        return inputs * inputs


@caught_by(stages.batches_of_any_size, "a batch of 1, after others")
class ReadsItsWholeOldMemory(Dense):
    """Keeps memory for the largest batch so far, and sums over all of it."""

    memories: ClassVar[dict[Node, Array]] = {}

    def backward(self, node: Node, d_out: Array) -> Array | None:
        memory = self.memories.get(node)
        if memory is None or len(memory) < len(d_out):
            memory = np.zeros(d_out.shape, d_out.dtype)
        memory[: len(d_out)] = d_out
        self.memories[node] = memory
        d_inputs = super().backward(node, d_out)
        node.grads.bias = memory.sum(axis=0)
        return d_inputs


@caught_by(stages.batches_of_any_size, "after others at the same node: d_inputs")
class TransposesItsWeightOnce(Dense):
    """Keeps a transposed copy of a weight that the optimizer will move."""

    transposed: ClassVar[dict[Node, Array]] = {}

    def backward(self, node: Node, d_out: Array) -> Array | None:
        super().backward(node, d_out)
        d_inputs: Array = d_out @ self.transposed.setdefault(node, node.params.weight.T.copy())
        return d_inputs


# --- what belongs to whom -----------------------------------------------------------------------------------------


@caught_by(stages.interleaved_nodes, "d_inputs")
class CacheOnTheClass(Square):
    cached: ClassVar[Any] = None

    def forward(self, node: Node, inputs: Array) -> Array:
        type(self).cached = inputs
        return inputs * inputs

    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs: Array = d_out * 2 * self.cached
        return d_inputs


@caught_by(stages.interleaved_nodes, "d_inputs")
class CacheOnTheDescription(Square):
    _cached: Any = None

    def forward(self, node: Node, inputs: Array) -> Array:
        object.__setattr__(self, "_cached", inputs)
        return inputs * inputs

    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs: Array = d_out * 2 * self._cached
        return d_inputs


@caught_by(stages.interleaved_nodes, "outputs")
class SharedBuffer(Square):
    memory: ClassVar[dict[Shape, Array]] = {}

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs.copy()
        buffer = self.memory.setdefault(inputs.shape, np.empty(inputs.shape))
        return np.multiply(inputs, inputs, out=buffer, casting="same_kind")


@caught_by(stages.gradients_are_overwritten, r"dense_1\.grads\.weight")
class Accumulates(Dense):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        before = node.grads.weight.copy()
        d_inputs = super().backward(node, d_out)
        node.grads.weight += before
        return d_inputs


@caught_by(stages.gradients_are_overwritten, r"dense_1\.grads\.weight")
class FillsItsOwnGradients(Dense):
    """Fills an array of its own, which the network's flat vector does not see."""

    def backward(self, node: Node, d_out: Array) -> Array | None:
        weight = node.grads.weight.copy()
        d_inputs = super().backward(node, d_out)
        node.grads.weight = weight
        return d_inputs


@caught_by(stages.backward_twice, "the second backward pass|TypeError")
class BackwardUsesUpTheCache(Square):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs = super().backward(node, d_out)
        node.cache = None
        return d_inputs


@caught_by(stages.arguments_are_kept, r"after WritesInputs\.forward: inputs")
class WritesInputs(Square):
    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs.copy()
        inputs *= inputs
        return inputs


@caught_by(stages.arguments_are_kept, r"after WritesUpstream\.backward: d_out")
class WritesUpstream(Square):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_out *= 2 * node.cache
        return d_out


@caught_by(stages.arguments_are_kept, r"after OverwritesAView\.backward: inputs")
class OverwritesAView(Layer):
    """Hands out a view of its inputs, and uses that memory for the gradient."""

    type: Literal["overwrites_a_view"] = "overwrites_a_view"

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs[:]
        view: Array = node.cache
        return view

    def backward(self, node: Node, d_out: Array) -> Array | None:
        np.copyto(node.cache, d_out)
        d_inputs: Array = node.cache
        return d_inputs


@caught_by(stages.read_only_arguments, r"forward raised ValueError: .*read-only")
class BorrowsItsInputs(Square):
    """Writes into its inputs and puts back what was there."""

    def forward(self, node: Node, inputs: Array) -> Array:
        kept = inputs.copy()
        inputs *= kept
        outputs = inputs.copy()
        inputs[...] = kept
        node.cache = kept
        return outputs


@caught_by(stages.strided_arguments, r"forward raised ValueError: .*contiguous")
class NeedsContiguousInputs(Square):
    def forward(self, node: Node, inputs: Array) -> Array:
        flat = np.frombuffer(inputs, inputs.dtype)
        node.cache = inputs
        squares: Array = (flat * flat).reshape(inputs.shape)
        return squares


@caught_by(stages.strided_arguments, "not contiguous")
class ReadsInputsInMemoryOrder(Square):
    def forward(self, node: Node, inputs: Array) -> Array:
        return super().forward(node, inputs.ravel(order="K").reshape(inputs.shape))


# --- shapes and dtypes --------------------------------------------------------------------------------------------


@caught_by(stages.shapes_and_dtypes, "the outputs of AlwaysFloat64.forward are float64, expected float32")
class AlwaysFloat64(Square):
    def forward(self, node: Node, inputs: Array) -> Array:
        return super().forward(node, inputs).astype(np.float64)


@caught_by(stages.shapes_and_dtypes, "the input gradients of Float64Gradient.backward are float64, expected float32")
class Float64Gradient(Square):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        return d_out * (2 * node.cache).astype(np.float64)


@caught_by(stages.shapes_and_dtypes, r"the outputs of OneTooMany.forward have shape \(3, 5\), expected \(3, 6\)")
class OneTooMany(Square):
    def output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], input_shape[-1] + 1)


@caught_by(stages.shapes_and_dtypes, r"the input gradients of SummedGradient.backward have shape \(5,\), expected \(3, 5\)")
class SummedGradient(Square):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs: Array = (d_out * 2 * node.cache).sum(axis=0)
        return d_inputs


@caught_by(stages.shapes_and_dtypes, "the outputs of GivesAList.forward must be an array, received list")
class GivesAList(Square):
    def forward(self, node: Node, inputs: Array) -> Array:
        outputs: Any = super().forward(node, inputs).tolist()
        return outputs  # type: ignore[no-any-return]  # a list is the mistake


@caught_by(stages.float32_agrees_with_float64, "in float32: ")
class Float16Inside(Square):
    def forward(self, node: Node, inputs: Array) -> Array:
        outputs = super().forward(node, inputs)
        return outputs if node.dtype == np.float64 else outputs.astype(np.float16).astype(node.dtype)


@caught_by(stages.odd_shapes, r"for samples of shape \(\): IndexFaultInShape.output_shape raised IndexError")
class IndexFaultInShape(Square):
    def output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *input_shape[1:])


@caught_by(stages.odd_shapes, r"for samples of shape \(\): .*parameters, state or branches raised .*IndexError")
class IndexFaultInParameters(Dense):
    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {"weight": Parameter((input_shape[0], input_shape[0])), "bias": Parameter((input_shape[0],))}


@caught_by(stages.odd_shapes, r"for samples of shape \(1, 1\): .*backward raised ValueError")
class TakesMatricesForVectors(Dense):
    def output_shape(self, input_shape: Shape) -> Shape:
        if not input_shape:
            raise ShapeError("samples must have an axis")
        return input_shape

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        length = int(np.prod(input_shape))
        return {"weight": Parameter((length, length)), "bias": Parameter((length,))}


# --- state, modes and randomness ----------------------------------------------------------------------------------


@caught_by(stages.saved_arrays, "at a new node with the saved parameters and state")
class UndeclaredState(BatchNorm):
    """Keeps its running variance where no checkpoint finds it."""

    running: ClassVar[dict[int, tuple[Node, Array]]] = {}

    def measure(self, node: Node, inputs: Array) -> tuple[Array, Array]:
        place = node.params.scale.ctypes.data  # which a network and its prediction twins share
        _, variance = self.running.get(place, (node, np.ones(node.input_shape, node.dtype)))
        if not node.training:
            return node.state.mean, variance
        self.running[place] = node, 0.7 * variance + 0.3 * inputs.var(axis=0)
        return super().measure(node, inputs)


@caught_by(stages.saved_arrays, "in training, at a new node with the saved parameters and state")
class StateInTheCache(Square):
    """Divides by the largest input that it has seen."""

    def forward(self, node: Node, inputs: Array) -> Array:
        largest = 1.0 if node.cache is None else node.cache[1]
        node.cache = inputs, max(largest, float(np.abs(inputs).max()))
        outputs: Array = inputs * inputs / largest
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array | None:
        inputs, largest = node.cache
        d_inputs: Array = d_out * 2 * inputs / largest
        return d_inputs


@caught_by(stages.shapes_and_dtypes, r"forward raised AttributeError: .*no attribute 'passes'")
class StateByHand(Square):
    """Sets what it must remember at its node, where no checkpoint finds it."""

    def forward(self, node: Any, inputs: Array) -> Array:
        node.passes = getattr(node, "passes", 0) + 1
        return super().forward(node, inputs)


@caught_by(stages.shapes_and_dtypes, r"backward raised AttributeError: .*no setter")
class SwitchesTheMode(Square):
    def backward(self, node: Any, d_out: Array) -> Array | None:
        node.training = False
        return super().backward(node, d_out)


@caught_by(stages.shapes_and_dtypes, r"backward raised AttributeError: .*no setter")
class ReplacesItsGradients(Dense):
    """Fills arrays of its own, which the network's flat vector does not see."""

    def backward(self, node: Any, d_out: Array) -> Array | None:
        node.grads = type(node.grads)({name: np.empty_like(array) for name, array in node.grads.items()})
        return super().backward(node, d_out)


@caught_by(stages.saved_arrays, "in training, at a new node with the saved parameters and state")
class RemembersInAWorkArray(Square):
    """Scales by how often a number was seen, as it is left in a work array."""

    def forward(self, node: Node, inputs: Array) -> Array:
        fresh = not node.buffered_bytes
        passes = node.buffer("passes", (), np.int64)
        passes[...] = 1 if fresh else passes + 1
        node.cache = inputs * (passes if node.training else 1)
        outputs: Array = node.cache * inputs
        return outputs.astype(node.dtype)


@caught_by(stages.saved_arrays, "in prediction mode, at a new node with the saved parameters and state")
class CountsElsewhere(BatchNorm):
    """Corrects its running mean by a count that no checkpoint finds."""

    counts: ClassVar[dict[int, tuple[Node, int]]] = {}

    def measure(self, node: Node, inputs: Array) -> tuple[Array, Array]:
        place = node.params.scale.ctypes.data
        _, count = self.counts.get(place, (node, 0))
        if node.training:
            self.counts[place] = node, count + 1
            return super().measure(node, inputs)
        return node.state.mean / (1 - 0.7 ** (count + 1)), node.state.variance


@caught_by(stages.state_is_used, r"batch_norm_1\.state\.spare is declared")
class DeclaresACounterTooMany(BatchNorm):
    def state(self, input_shape: Shape) -> Mapping[str, State]:
        return {**super().state(input_shape), "spare": State((), dtype="int64")}


@caught_by(stages.state_is_used, r"square_1\.state\.started is declared")
class DeclaresAFlagTooMany(Square):
    def state(self, input_shape: Shape) -> Mapping[str, State]:
        return {"started": State((), dtype="bool")}


@caught_by(
    stages.prediction_changes_nothing,
    "may read parameters and state, and not write them: .*forward raised ValueError: .*read-only",
)
class ClipsItsWeight(Dense):
    """Writes into its parameters in a forward pass; another thread may read them."""

    def forward(self, node: Node, inputs: Array) -> Array:
        np.clip(node.params.weight, -100, 100, out=node.params.weight)
        return super().forward(node, inputs)


@caught_by(stages.prediction_changes_nothing, r"batch_norm_1\.state\.passes")
class CountsInPrediction(BatchNorm):
    def measure(self, node: Node, inputs: Array) -> tuple[Array, Array]:
        if not node.training:
            node.state.passes += 1
        return super().measure(node, inputs)


@caught_by(stages.state_is_used, r"square_1\.state\.counter is declared")
class UnusedState(Square):
    def state(self, input_shape: Shape) -> Mapping[str, State]:
        return {"counter": State(())}


@caught_by(stages.parameters_are_used, r"dense_1\.grads\.unused is zero")
class UnusedParameter(Dense):
    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        return {**super().parameters(input_shape), "unused": Parameter((2,))}


@caught_by(stages.parameters_are_used, r"dense_1\.params\.unused is declared, and has no influence on the outputs")
class UnusedParameterWithAGradient(UnusedParameter):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        node.grads.unused = node.params.unused + 1
        return super().backward(node, d_out)


@caught_by(stages.parameters_are_used, r"dense_1\.grads\.bias is zero")
class NoBiasGradient(Dense):
    def backward(self, node: Node, d_out: Array) -> Array | None:
        d_inputs = super().backward(node, d_out)
        node.grads.bias[...] = 0
        return d_inputs


@caught_by(stages.prediction_changes_nothing, r"forward draws from node\.rng though node\.training is false")
class DropsInPrediction(Dropout):
    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = None if node.training else self.mask(node, inputs)
        return inputs if node.cache is None else inputs * node.cache


@caught_by(stages.prediction_changes_nothing, r"batch_norm_1\.state\.mean")
class MeasuresInPrediction(BatchNorm):
    def measure(self, node: Node, inputs: Array) -> tuple[Array, Array]:
        if not node.training:
            node.state.mean = 0.7 * node.state.mean + 0.3 * inputs.mean(axis=0)
        return super().measure(node, inputs)


@caught_by(stages.deterministic, "uses global random state")
class DrawsFromGlobalState(Dropout):
    def mask(self, node: Node, inputs: Array) -> Array:
        return 2 * (np.random.random(inputs.shape) < 0.5).astype(node.dtype)  # noqa: NPY002 (the mistake)


@caught_by(stages.deterministic, "uses global random state")
class SeedsGlobalState(Square):
    def forward(self, node: Node, inputs: Array) -> Array:
        np.random.seed(0)  # noqa: NPY002 (the mistake)
        return super().forward(node, inputs)


@caught_by(stages.deterministic, "with the random stream at the same place: (outputs|d_inputs)")
class DrawsFromAStreamOfItsOwn(Dropout):
    def mask(self, node: Node, inputs: Array) -> Array:
        return np.random.default_rng().standard_normal(inputs.shape).astype(node.dtype)


# --- what is said of it -------------------------------------------------------------------------------------------


@caught_by(stages.costs, r"flops returned 10\.0 for samples of shape \(5,\), expected an int")
class CountsInFloats(Square):
    def flops(self, input_shape: Shape) -> int:
        return 2.0 * input_shape[0]  # type: ignore[return-value]  # the mistake


@caught_by(stages.costs, "flops returned -5")
class CountsBelowZero(Square):
    def flops(self, input_shape: Shape) -> int:
        return -input_shape[0]


@caught_by(stages.documented_shapes, "names no shape")
class UndocumentedShapes(Square):
    """Squares what it is given."""


@caught_by(stages.declarations, r"state declares 'counter' as Parameter\(.*\), expected a State")
class DeclaresParametersForState(Square):
    """Declares its state as version 1 did."""

    def state(self, input_shape: Shape) -> Any:
        return {"counter": Parameter(())}


@caught_by(stages.declarations, r"branches declares 'inner' as \(.*\), expected a Branch")
class DeclaresBareBranches(Skip):
    """Declares its branch as version 1 did."""

    def branches(self, input_shape: Shape) -> Any:
        return {"inner": self.inner[:2]}


@caught_by(stages.declarations, "parameters must return a mapping, received list")
class DeclaresAList(Dense):
    def parameters(self, input_shape: Shape) -> Any:
        return [Parameter(input_shape)]


@caught_by(stages.declarations, "parameters declares something else when it is called again")
class DeclaresMoreEachTime(Dense):
    calls: ClassVar[int] = 0

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        type(self).calls += 1
        return {"weight": Parameter((*input_shape, self.calls)), "bias": Parameter(input_shape)}


@caught_by(stages.work_size, r"takes 2560 bytes for 64 samples in float32; work_size\(\(5,\)\) = 5 numbers a sample are 1280")
class CountsItsOutputsAlone(Buffered):
    def work_size(self, input_shape: Shape) -> int:
        return math.prod(input_shape)


@caught_by(stages.work_size, r"takes \d+ bytes for 64 samples in float32; work_size\(\(5,\)\) = 10 numbers a sample")
class TakesNewWorkEveryStep(Buffered):
    calls: ClassVar[int] = 0

    def forward(self, node: Node, inputs: Array) -> Array:
        type(self).calls += 1
        node.cache = inputs
        return np.multiply(inputs, inputs, out=node.buffer(f"outputs_{self.calls}", inputs.shape))


@caught_by(stages.work_size, r"in float32; work_size\(\(5,\)\) = 10 numbers a sample")
class WorksInFloat64(Buffered):
    """Counts numbers of its own dtype, and takes twice as long ones."""

    def forward(self, node: Node, inputs: Array) -> Array:
        node.cache = inputs
        squares = np.multiply(inputs, inputs, out=node.buffer("squares", inputs.shape, np.float64))
        return squares.astype(node.dtype)


@caught_by(stages.example_inputs, r"the samples of TooFewExamples\.example_inputs have shape \(3, 5\), expected \(4, 5\)")
class TooFewExamples(Square):
    def example_inputs(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return super().example_inputs(input_shape, min(count, 3), rng)


@caught_by(stages.example_inputs, "example_inputs gives other samples though rng is the same")
class ExamplesOfItsOwn(Embedding):
    def example_inputs(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return super().example_inputs(input_shape, count, np.random.default_rng())


@caught_by(stages.example_inputs, "the samples of ExamplesOfNothing.example_inputs hold NaN or infinity")
class ExamplesOfNothing(Square):
    def example_inputs(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return super().example_inputs(input_shape, count, rng) * np.nan


# --- layers that adapt --------------------------------------------------------------------------------------------


@sound
class Centred(Layer):
    """Takes the mean of the training samples away. Shapes: inputs and outputs (N, \\*shape)."""

    type: Literal["centred"] = "centred"

    def state(self, input_shape: Shape) -> Mapping[str, State]:
        return {"mean": State(input_shape)}

    def adapt(self, node: Node, batches: Iterable[Array]) -> None:
        count, total = 0, np.zeros(node.input_shape)
        for inputs in batches:
            count, total = count + len(inputs), total + inputs.sum(axis=0)
        node.state.mean = total / count

    def forward(self, node: Node, inputs: Array) -> Array:
        outputs: Array = inputs - node.state.mean
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array | None:
        return d_out.copy()


@caught_by(adaptation.adaptation, "in blocks of .*state.mean")
class KnowsTheLastBlockAlone(Centred):
    """Forgets the blocks before."""

    def adapt(self, node: Node, batches: Iterable[Array]) -> None:
        for inputs in batches:
            node.state.mean = inputs.mean(axis=0)


@caught_by(adaptation.adaptation, "in blocks of .*state.mean")
class AveragesTheBlocks(Centred):
    """Takes all blocks to be of one size."""

    def adapt(self, node: Node, batches: Iterable[Array]) -> None:
        node.state.mean = np.mean([inputs.mean(axis=0) for inputs in batches], axis=0)


@caught_by(adaptation.adaptation, "in blocks of .*state.mean")
class KeepsBlocks(Centred):
    """Keeps the arrays, which are written over."""

    def adapt(self, node: Node, batches: Iterable[Array]) -> None:
        node.state.mean = np.concatenate(list(batches)).mean(axis=0)


@caught_by(adaptation.adaptation, "learns nothing")
class LearnsNothing(Centred):
    """Has a method, and an empty one."""

    def adapt(self, node: Node, batches: Iterable[Array]) -> None:
        node.state.mean = np.full(node.input_shape, 7.0)


@caught_by(adaptation.adaptation, "adapt .*raised ValueError: output array is read-only")
class WritesIntoTheSamples(Centred):
    """Saves an array."""

    def adapt(self, node: Node, batches: Iterable[Array]) -> None:
        for inputs in batches:
            inputs -= inputs.mean(axis=0)


@caught_by(adaptation.adaptation, "node.state.adapted")
class AdaptsForEver(Centred):
    """Says after a pass that it has not adapted."""

    def forward(self, node: Node, inputs: Array) -> Array:
        if node.training:
            node.state.adapted = np.False_
        return super().forward(node, inputs)


@caught_by(adaptation.adaptation, "draws from node.rng")
class MeasuresAtRandom(Centred):
    """Moves the mean by chance."""

    def adapt(self, node: Node, batches: Iterable[Array]) -> None:
        super().adapt(node, batches)
        node.state.mean += node.rng.normal()
