"""What layers promise: right gradients, in both modes and at every place of a stack."""

from __future__ import annotations

import numpy as np

from layerkit.stack.layer import Layer
from layerkit.testing.conformance.adaptation import adaptation
from layerkit.testing.conformance.neighbours import network_around
from layerkit.testing.conformance.verdicts import require_same
from layerkit.testing.conformance.workbench import Workbench, backward, forward, gradients, results
from layerkit.testing.derivatives import GradientCheck, require_passed
from layerkit.testing.examples import example_input_shape
from layerkit.testing.gradients import check_network_gradients, check_node_gradients

ELEMENTS = 20
"""Elements of each array whose derivatives are compared."""


def input_gradients(layer: Layer, rng: np.random.Generator) -> None:
    """Within a stack and during training, the gradient that goes back to the layer before is right."""
    _, others = _gradients_in_a_stack(layer, rng)
    require_passed(others)


def parameter_gradients(layer: Layer, rng: np.random.Generator) -> None:
    """Within a stack and during training, the gradient of every parameter is right."""
    own, _ = _gradients_in_a_stack(layer, rng)
    require_passed(own)


def _gradients_in_a_stack(layer: Layer, rng: np.random.Generator) -> tuple[list[GradientCheck], list[GradientCheck]]:
    """Return the comparisons of the layer's own parameters, and those of all other arrays."""
    model = network_around(layer, example_input_shape(layer), rng)
    inputs = model.nodes[0].stage.example_inputs(model.input_shape, 3, rng)
    targets = rng.standard_normal((3, *model.spec.logits_shape))
    checks = check_network_gradients(model, inputs, targets, seed=int(rng.integers(2**31)), elements=ELEMENTS)
    (node,) = [node for node in model.nodes if node.stage is layer]
    prefix = f"{node.name}."
    own = [check for check in checks if check.array.startswith(prefix)]
    return own, [check for check in checks if check not in own]


def prediction_gradients(layer: Layer, rng: np.random.Generator) -> None:
    """Gradients are right in prediction mode too, after some training."""
    bench = Workbench(layer, rng)
    node, batch = bench.predicting(bench.used_node()), bench.batch()
    require_passed(check_node_gradients(node, batch.inputs, np.asarray(batch.d_out), rng, ELEMENTS))


def batch_of_one(layer: Layer, rng: np.random.Generator) -> None:
    """One sample makes a batch, or as many as `least_batch` says; in prediction mode it gives what it gives among others."""
    bench = Workbench(layer, rng)
    for training in (True, False):
        one = bench.batch(bench.least(training=training))
        node = bench.node(training=training)
        require_passed(check_node_gradients(node, one.inputs, np.asarray(one.d_out), rng, ELEMENTS))
    batch = bench.batch()
    together = np.array(forward(bench.node(training=False), batch))
    for row, wanted in enumerate(together):
        alone = np.array(forward(bench.node(training=False), batch.rows([row])))
        require_same({"outputs": alone}, {"outputs": wanted[np.newaxis]}, f"row {row} alone in prediction mode")


def first_layer(layer: Layer, rng: np.random.Generator) -> None:
    """Where ``node.needs_input_gradient`` is false the parameters' gradients are the same; the inputs' may be None."""
    bench = Workbench(layer, rng)
    batch = bench.batch()
    node = bench.node(first=True)
    forward(node, batch)
    backward(node, batch)
    wanted = results(bench.node(), batch)
    ours = gradients(node)
    require_same(ours, {name: wanted[name] for name in ours}, "with node.needs_input_gradient false")


LAYER_CHECKS = (input_gradients, parameter_gradients, prediction_gradients, batch_of_one, first_layer, adaptation)
