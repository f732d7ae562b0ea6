"""What losses promise: a mean over the batch, its gradient for any ``d_out``, and targets that are checked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from layerkit.errors import TargetError
from layerkit.stack.loss import Loss
from layerkit.testing.conformance.verdicts import blaming, global_randomness_kept, refuses, require, require_array, require_same
from layerkit.testing.conformance.workbench import Workbench, backward_results, forward, gradients, results
from layerkit.testing.examples import example_input_shape
from layerkit.testing.gradients import check_loss_gradients, require_passed

COUNT = 4
"""Samples in a batch."""


def logit_gradients(loss: Loss, rng: np.random.Generator) -> None:
    """The gradients of the logits and of every parameter are right, with and without weights, also for a batch of one."""
    shape = example_input_shape(loss)
    for count, weight in ((COUNT, None), (COUNT, rng.uniform(0.5, 2, COUNT)), (1, None)):
        targets = loss.example_targets(shape, count, rng)
        seed = int(rng.integers(2**31))
        require_passed(check_loss_gradients(loss, shape, targets=targets, sample_weight=weight, seed=seed, elements=20))


def upstream_gradient(loss: Loss, rng: np.random.Generator) -> None:
    """``backward(node, d_out)`` gives ``d_out`` times the gradient, also for 0 and negative numbers; left out, ``d_out`` is 1."""
    bench = Workbench(loss, rng)
    node, batch = bench.node(), bench.batch(COUNT)
    forward(node, batch)
    with blaming(loss, "backward"):
        d_logits = np.array(loss.backward(node))
    plain = {"d_inputs": d_logits, **gradients(node)}
    for d_out in (1.0, 0.0, -1.0, float(rng.uniform(-3, 3))):
        node = bench.node()
        forward(node, batch)
        actual = backward_results(node, replace(batch, d_out=d_out))
        require_same(actual, {name: d_out * array for name, array in plain.items()}, f"with d_out = {d_out:.3g}")


def mean_over_the_batch(loss: Loss, rng: np.random.Generator) -> None:
    """Without weights the loss is a mean: it is the mean of the losses of the samples, and a batch said twice has the same."""
    bench = Workbench(loss, rng)
    batch = replace(bench.batch(COUNT), sample_weight=None)
    once = forward(bench.node(), batch)
    twice = forward(bench.node(), batch.rows(np.tile(np.arange(COUNT), 2)))
    _require_loss(twice, once, "of the same batch said twice")
    alone = [forward(bench.node(), batch.rows([row])) for row in range(COUNT)]
    _require_loss(float(np.mean(alone)), once, "as the mean over the samples one by one")


def sample_weights(loss: Loss, rng: np.random.Generator) -> None:
    """A weight of 2 counts a sample twice, and a weight of 0 leaves it out; equal weights change nothing."""
    bench = Workbench(loss, rng)
    batch = replace(bench.batch(COUNT), sample_weight=None)
    counts = np.array([2, 1, 0, 3])
    weighted = results(bench.node(), replace(batch, sample_weight=counts.astype(np.float64)))
    rows = np.repeat(np.arange(COUNT), counts)
    repeated = results(bench.node(), batch.rows(rows))
    folded = np.zeros_like(batch.inputs)
    np.add.at(folded, rows, repeated["d_inputs"])
    require_same(weighted, {**repeated, "d_inputs": folded}, "with weights 2, 1, 0 and 3, against repeated rows")
    equal = forward(bench.node(), replace(batch, sample_weight=np.full(COUNT, 0.1)))
    _require_loss(equal, forward(bench.node(), batch), "with weights of 0.1 each, against no weights")


def _require_loss(actual: float, wanted: float, circumstance: str) -> None:
    require_same({"the loss": np.array(actual)}, {"the loss": np.array(wanted)}, circumstance)


def number_of_targets(loss: Loss, rng: np.random.Generator) -> None:
    """Too few targets, too many, and one for all are a TargetError, of ``forward`` and of ``check_targets``."""
    bench = Workbench(loss, rng)
    logits = bench.batch(COUNT).inputs
    for count in (1, COUNT - 1, COUNT + 1):
        targets = loss.example_targets(bench.shape, count, rng)
        message = f"accepts {count} targets for {COUNT} rows of logits, expected TargetError"
        forwards = refuses(loss, "forward", TargetError, bench.node(), logits, targets)
        require(forwards, f"{type(loss).__name__}.forward {message}")
        checks = refuses(loss, "check_targets", TargetError, targets, logits.shape)
        require(checks, f"{type(loss).__name__}.check_targets {message}")


def example_targets(loss: Loss, rng: np.random.Generator) -> None:
    """``example_targets`` gives as many targets as it is asked for, which the loss accepts, drawn from ``rng`` alone."""
    shape = example_input_shape(loss)
    seed = int(rng.integers(2**31))
    name = type(loss).__name__
    for count in (1, COUNT):
        with blaming(loss, "example_targets"):
            first = loss.example_targets(shape, count, np.random.default_rng(seed))
            with global_randomness_kept(loss, "example_targets"):
                second = loss.example_targets(shape, count, np.random.default_rng(seed))
        require(len(first) == count, f"{name}.example_targets gives {len(first)} targets, asked for {count}")
        require(np.array_equal(first, second), f"{name}.example_targets gives other targets though rng is the same")
        with blaming(loss, "check_targets"):
            loss.check_targets(first, (count, *shape))


def predictions(loss: Loss, rng: np.random.Generator) -> None:
    """``predict`` gives a new array with a row for each row of logits, and leaves the logits and its earlier results alone."""
    bench = Workbench(loss, rng)
    name = type(loss).__name__
    for dtype in ("float32", "float64"):
        logits, others = (bench.batch(COUNT).inputs.astype(dtype) for _ in range(2))
        kept = logits.copy()
        with blaming(loss, "predict"):
            predicted = loss.predict(logits)
            require_array(f"the predictions of {name}.predict", predicted, (COUNT, *np.shape(predicted)[1:]), predicted.dtype)
            before = predicted.copy()
            loss.predict(others)
            alone = np.concatenate([loss.predict(logits[row : row + 1]) for row in range(COUNT)])
        require(not np.shares_memory(predicted, logits), f"{name}.predict returns the memory of its argument")
        require_same({"logits": logits}, {"logits": kept}, f"after {name}.predict", tolerance=0)
        require_same({"predictions": predicted}, {"predictions": before}, f"after another call of {name}.predict", tolerance=0)
        require_same({"predictions": alone}, {"predictions": before}, "of each row alone", tolerance=1e-5)


LOSS_CHECKS = (
    logit_gradients,
    upstream_gradient,
    mean_over_the_batch,
    sample_weights,
    number_of_targets,
    example_targets,
    predictions,
)
