"""What layers and losses promise alike: two passes at a node, and nothing that the node does not own."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from itertools import product

import numpy as np

from layerkit.errors import ShapeError
from layerkit.network.builder import prediction_twins
from layerkit.spec.plan import plan_nodes
from layerkit.stack.declarations import Parameter, State
from layerkit.stack.loss import Loss
from layerkit.stack.node import Node
from layerkit.stack.stage import Branch, Stage
from layerkit.testing.conformance.descriptions import json_copy
from layerkit.testing.conformance.verdicts import (
    SINGLE,
    blaming,
    given,
    global_randomness_kept,
    refuses,
    require,
    require_array,
    require_same,
)
from layerkit.testing.conformance.workbench import (
    DTYPES,
    Batch,
    Workbench,
    backward,
    backward_results,
    forward,
    gradients,
    results,
    state,
    streams,
)
from layerkit.testing.examples import example_input_shape
from layerkit.testing.lone_nodes import copy_contents, lone_node
from layerkit.typing import Array, Shape

MODES = (True, False)
BATCH = 64
"""Samples of a batch whose work arrays are measured."""
FIXED_BYTES = 1024
"""What work arrays may take that do not grow with the batch."""
ODD_SHAPES: tuple[Shape, ...] = ((), (1,), (2,), (1, 1), (2, 3), (1, 1, 1), (3, 1, 2), (1, 2, 1, 2), (1, 1, 1, 1, 1))


def shapes_and_dtypes(stage: Stage, rng: np.random.Generator) -> None:
    """Outputs and gradients have the declared shapes and the node's dtype, and are finite; a loss is a float."""
    bench = Workbench(stage, rng)
    for dtype, training in product(DTYPES, MODES):
        _require_declared(bench.node(training=training, dtype=dtype), bench.batches()[dtype])


def odd_shapes(stage: Stage, rng: np.random.Generator) -> None:
    """A sample shape that the stage cannot take is a ShapeError of ``output_shape``; with any other the passes work."""
    for shape in ODD_SHAPES:
        with given(f"for samples of shape {shape}"):
            if refuses(stage, "output_shape", ShapeError, shape):
                continue
            with blaming(stage, "parameters, state or branches"):
                bench = Workbench(stage, rng, shape)
                node = bench.node()
            _require_declared(node, bench.batch(2))


def _require_declared(node: Node, batch: Batch) -> None:
    name = type(node.stage).__name__
    outputs = forward(node, batch)
    if isinstance(node.stage, Loss):
        require(type(outputs) is float, f"{name}.forward returned {type(outputs).__name__}, expected float")
        require(np.isfinite(outputs), f"{name}.forward returned {outputs}")
    else:
        require_array(f"the outputs of {name}.forward", outputs, (len(batch.inputs), *node.output_shape), node.dtype)
    d_inputs = backward(node, batch)
    if node.needs_input_gradient:
        require_array(f"the input gradients of {name}.backward", d_inputs, batch.inputs.shape, node.dtype)


def float32_agrees_with_float64(stage: Stage, rng: np.random.Generator) -> None:
    """A float32 node gives what a float64 node gives, to float32 accuracy."""
    bench = Workbench(stage, rng)
    for training in MODES:
        batches = bench.batches()
        single, double = bench.node(training=training, dtype="float32"), bench.node(training=training)
        began = streams(double)
        wanted = results(double, batches["float64"])
        if training and streams(double) != began:
            continue  # what is drawn may depend on the dtype
        require_same(results(single, batches["float32"]), wanted, "in float32", SINGLE)


def batches_of_any_size(stage: Stage, rng: np.random.Generator) -> None:
    """Batches grow and shrink and parameters move: what a node was used for before does not matter, but for its state."""
    bench = Workbench(stage, rng)
    for training in MODES:
        used = bench.node(training=training)
        for count in (3, 3, 1, 5, 2):
            batch, fresh = (
                bench.batch(max(count, bench.least(training=training))),
                lone_node(stage, bench.shape, rng, training=training),
            )
            copy_contents([fresh], [used])
            require_same(results(used, batch), results(fresh, batch), f"a batch of {count}, after others at the same node")


def interleaved_nodes(stage: Stage, rng: np.random.Generator) -> None:
    """Two nodes of one description do not meet: each gives what it gives alone, whatever the order of their passes."""
    bench = Workbench(stage, rng)
    batches = bench.batch(), bench.batch()
    alone = [results(bench.node(), batch) for batch in batches]
    nodes = bench.node(), bench.node()
    outputs = [forward(node, batch) for node, batch in zip(nodes, batches, strict=True)]
    for node, batch, output, wanted in zip(nodes, batches, outputs, alone, strict=True):
        together = {"outputs": np.array(output), **backward_results(node, batch)}
        require_same(together, wanted, "with the forward pass of another node in between")


def backward_twice(stage: Stage, rng: np.random.Generator) -> None:
    """A second backward pass after one forward pass gives the same gradients."""
    bench = Workbench(stage, rng)
    for training in MODES:
        node, batch = bench.node(training=training), bench.batch()
        forward(node, batch)
        first = backward_results(node, batch)
        require_same(backward_results(node, batch), first, "the second backward pass")


def gradients_are_overwritten(stage: Stage, rng: np.random.Generator) -> None:
    """``backward`` overwrites ``node.grads``: what stood there before does not matter."""
    bench = Workbench(stage, rng)
    batch = bench.batch()
    found = []
    for before in (0.0, 1.0):
        node = bench.node()
        held = {f"{inner.name}.grads.{name}": array for inner in node.tree() for name, array in inner.grads.items()}
        for array in held.values():
            array.fill(before)
        results(node, batch)
        found.append(held)
    require_same(found[1], found[0], "with ones in the gradients before")


def arguments_are_kept(stage: Stage, rng: np.random.Generator) -> None:
    """Neither pass writes into its arguments."""
    bench = Workbench(stage, rng)
    for training in MODES:
        node, batch = bench.node(training=training), bench.batch()
        kept = batch.with_each(np.copy).arrays()
        for method in (forward, backward, forward):
            method(node, batch)
            require_same(batch.arrays(), kept, f"after {type(stage).__name__}.{method.__name__}", tolerance=0)


def read_only_arguments(stage: Stage, rng: np.random.Generator) -> None:
    """Arguments may be read-only arrays."""
    bench = Workbench(stage, rng)
    for training in MODES:
        batch = bench.batch()
        wanted = results(bench.node(training=training), batch)
        require_same(results(bench.node(training=training), batch.with_each(_read_only)), wanted, "with read-only arguments")


def strided_arguments(stage: Stage, rng: np.random.Generator) -> None:
    """Arguments may lie anyhow in memory, as a transposed or a sliced array does."""
    bench = Workbench(stage, rng)
    for training, laid_out in product(MODES, (_spaced, np.asfortranarray)):
        batch = bench.batch()
        wanted = results(bench.node(training=training), batch)
        actual = results(bench.node(training=training), batch.with_each(laid_out))
        require_same(actual, wanted, "with arguments that are not contiguous")


def _read_only(array: Array) -> Array:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def _spaced(array: Array) -> Array:
    spaced = np.repeat(array, 2, axis=-1)
    spaced[..., 1::2] = 99
    return spaced[..., ::2]


def deterministic(stage: Stage, rng: np.random.Generator) -> None:
    """The node's random stream is the only source of randomness: where it stands the same, all comes out the same."""
    bench = Workbench(stage, rng)
    for training in MODES:
        batch = bench.batch()
        first = results(bench.node(training=training), batch)
        with global_randomness_kept(stage, "forward or backward"):
            second = results(bench.node(training=training), batch)
        require_same(second, first, "with the random stream at the same place")


def prediction_changes_nothing(stage: Stage, rng: np.random.Generator) -> None:
    """A forward pass in prediction mode draws no random numbers and writes neither parameters nor state."""
    bench = Workbench(stage, rng)
    node, batch = bench.node(training=False), bench.batch()
    before, began = state(node), streams(node)
    outputs = np.array(forward(node, batch))
    name = type(stage).__name__
    require(streams(node) == began, f"{name}.forward draws from node.rng though node.training is false")
    require_same(state(node), before, f"after {name}.forward with node.training false", tolerance=0)
    (twin,) = prediction_twins([node])
    with given("at a node that may read parameters and state, and not write them"):
        again = np.array(forward(twin, batch))
    require_same({"outputs": again}, {"outputs": outputs}, "at a node that may read parameters and state alone", tolerance=0)


def saved_arrays(stage: Stage, rng: np.random.Generator) -> None:
    """Parameters and declared state are all that a trained node knows: a new node that is given them predicts the same."""
    bench = Workbench(stage, rng)
    trained = bench.used_node()
    batch = bench.batch()
    (twin,) = prediction_twins([trained])
    wanted = np.array(forward(twin, batch))
    loaded = lone_node(json_copy(stage), bench.shape, rng, training=False)
    copy_contents([trained], [loaded])
    actual = np.array(forward(loaded, batch))
    require_same(
        {"outputs": actual}, {"outputs": wanted}, "in prediction mode, at a new node with the saved parameters and state"
    )
    going_on = bench.node()
    copy_contents([trained], [going_on])
    require_same(
        results(going_on, batch), results(trained, batch), "in training, at a new node with the saved parameters and state"
    )


def parameters_are_used(stage: Stage, rng: np.random.Generator) -> None:
    """Every declared parameter has an influence on the outputs, and its gradient is not always zero."""
    bench = Workbench(stage, rng)
    batch, node = bench.batch(8), bench.node()
    results(node, batch)
    for name, gradient in gradients(node).items():
        require(gradient.any(), f"{name} is zero for random inputs and a random d_out")
    for place, inner in enumerate(node.tree()):
        for name in inner.params:
            used = _matters(bench, batch, place, "params", name)
            require(used, f"{inner.name}.params.{name} is declared, and has no influence on the outputs")


def state_is_used(stage: Stage, rng: np.random.Generator) -> None:
    """Every declared array of state is written during training, or has an influence on the outputs."""
    bench = Workbench(stage, rng)
    batch, node = bench.batch(), bench.node()
    before = state(node)
    forward(node, batch)
    after = state(node)
    for place, inner in enumerate(node.tree()):
        for name in inner.stage.state(inner.input_shape):
            key = f"{inner.name}.state.{name}"
            used = not np.array_equal(before[key], after[key]) or _matters(bench, batch, place, "state", name)
            require(used, f"{key} is declared, and neither written during training nor of any influence on the outputs")


def _matters(bench: Workbench, batch: Batch, place: int, arrays: str, name: str) -> bool:
    """Return whether one array of one node within the tree has an influence on the outputs, in either mode."""
    for training in MODES:
        node, moved = bench.node(training=training), bench.node(training=training)
        array = getattr(list(moved.tree())[place], arrays)[name]
        _move(array)
        if not np.array_equal(np.array(forward(node, batch)), np.array(forward(moved, batch))):
            return True
    return False


def _move(array: Array) -> None:
    """Put other values into an array, whatever it holds."""
    if array.dtype == bool:
        np.logical_not(array, out=array)
    elif array.dtype.kind == "i":
        array += 1
    else:
        array += np.linspace(0.5, 1, array.size).reshape(array.shape)


def declarations(stage: Stage, rng: np.random.Generator) -> None:
    """``parameters``, ``state`` and ``branches`` declare a `Parameter`, `State` or `Branch` by each name, every time the same."""
    shape = example_input_shape(stage)
    for method, kind in (("parameters", Parameter), ("state", State), ("branches", Branch)):
        with blaming(stage, method):
            declared, again = (getattr(stage, method)(shape) for _ in range(2))
        where = f"{type(stage).__name__}.{method}"
        require(isinstance(declared, Mapping), f"{where} must return a mapping, received {type(declared).__name__}")
        for name, item in declared.items():
            require(isinstance(item, kind), f"{where} declares {name!r} as {item!r}, expected a {kind.__name__}")
        require(list(declared.items()) == list(again.items()), f"{where} declares something else when it is called again")


def work_size(stage: Stage, rng: np.random.Generator) -> None:
    """The work arrays of a training step take no more than ``work_size`` numbers a sample, those of inner layers included."""
    shape = example_input_shape(stage)
    (plan,) = plan_nodes([stage], shape)
    declared = sum(inner.work_size for inner in plan.tree())
    bench = Workbench(stage, rng, shape)
    for dtype, training in product(DTYPES, MODES):
        node = bench.node(training=training, dtype=dtype)
        for _ in range(3):
            results(node, bench.batches(BATCH)[dtype])
        taken = sum(inner.buffered_bytes for inner in node.tree())
        allowed = declared * node.dtype.itemsize * BATCH + FIXED_BYTES
        message = f"takes {taken} bytes for {BATCH} samples in {dtype}; work_size({shape}) = {declared} numbers a sample are "
        require(taken <= allowed, f"{type(stage).__name__} {message}{declared * node.dtype.itemsize * BATCH}")


def example_inputs(stage: Stage, rng: np.random.Generator) -> None:
    """``example_inputs`` gives as many finite samples as it is asked for, of the given shape, drawn from ``rng`` alone."""
    shape = example_input_shape(stage)
    seed = int(rng.integers(2**31))
    name = type(stage).__name__
    for count in (1, 4):
        with blaming(stage, "example_inputs"):
            first = stage.example_inputs(shape, count, np.random.default_rng(seed))
            with global_randomness_kept(stage, "example_inputs"):
                second = stage.example_inputs(shape, count, np.random.default_rng(seed))
        require_array(f"the samples of {name}.example_inputs", first, (count, *shape), first.dtype)
        require(first.dtype.kind in "biuf", f"{name}.example_inputs gives {first.dtype}, expected real numbers")
        require(np.array_equal(first, second), f"{name}.example_inputs gives other samples though rng is the same")


def costs(stage: Stage, rng: np.random.Generator) -> None:
    """``flops`` and ``work_size`` are whole numbers that are not negative."""
    shape = Workbench(stage, rng).shape
    for method in ("flops", "work_size"):
        with blaming(stage, method):
            cost = getattr(stage, method)(shape)
        where = f"{type(stage).__name__}.{method} returned {cost!r} for samples of shape {shape}"
        require(type(cost) is int and cost >= 0, f"{where}, expected an int of 0 or more")


def documented_shapes(stage: Stage, rng: np.random.Generator) -> None:
    """The docstring says which shapes go in and come out, the batch axis first: ``(N, ...)``."""
    doc = inspect.cleandoc(type(stage).__doc__ or "")
    require(re.search(r"\(N\b", doc), f"the docstring of {type(stage).__name__} names no shape such as (N, D)")


STAGE_CHECKS = (
    shapes_and_dtypes,
    odd_shapes,
    float32_agrees_with_float64,
    batches_of_any_size,
    interleaved_nodes,
    backward_twice,
    gradients_are_overwritten,
    arguments_are_kept,
    read_only_arguments,
    strided_arguments,
    deterministic,
    prediction_changes_nothing,
    saved_arrays,
    parameters_are_used,
    state_is_used,
    declarations,
    costs,
    work_size,
    example_inputs,
    documented_shapes,
)
