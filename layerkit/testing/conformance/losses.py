"""What losses promise: what each sample loses, the gradient of that and of its mean, and targets that are checked.

A loss that is no mean over samples, such as one that ranks the samples of a batch, overrides `forward` and `backward` instead of
`losses` and `d_logits`: what is said of the losses of samples, and of means and weights, does not hold for it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from layerkit.errors import TargetError
from layerkit.losses.targets import sample_weights as given_weights
from layerkit.network.builder import prediction_twins
from layerkit.stack.loss import Loss
from layerkit.stack.node import Node
from layerkit.testing.conformance.verdicts import blaming, global_randomness_kept, refuses, require, require_array, require_same
from layerkit.testing.conformance.workbench import (
    DTYPES,
    Batch,
    Workbench,
    backward_results,
    forward,
    gradients,
    prepared,
    results,
)
from layerkit.testing.derivatives import require_passed
from layerkit.testing.examples import example_input_shape, example_soft_targets
from layerkit.testing.gradients import check_loss_gradients, is_by_sample
from layerkit.typing import Array

COUNT = 4
"""Samples in a batch."""


def logit_gradients(loss: Loss, rng: np.random.Generator) -> None:
    """Gradients of the logits and of every parameter are right, with and without weights, for one sample, for soft targets."""
    shape = example_input_shape(loss)
    soft = example_soft_targets(loss, shape, COUNT, rng)
    cases = [
        (loss.example_targets(shape, COUNT, rng), None),
        (loss.example_targets(shape, COUNT, rng), rng.uniform(0.5, 2, COUNT)),
        (loss.example_targets(shape, 1, rng), None),
        *([] if soft is None else [(soft, None)]),
    ]
    for targets, weight in cases:
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


def losses_by_sample(loss: Loss, rng: np.random.Generator) -> None:
    """``losses`` gives one finite float a sample, of that sample alone; ``d_logits`` gives gradients in the node's dtype."""
    if not is_by_sample(loss):
        return
    bench = Workbench(loss, rng)
    name = type(loss).__name__
    for dtype in DTYPES:
        node, batch = bench.node(dtype=dtype), bench.batches(COUNT)[dtype]
        losses = _losses(node, batch)
        d_losses = rng.standard_normal(COUNT).astype(dtype)
        kept = d_losses.copy()
        with blaming(loss, "d_logits"):
            d_logits = loss.d_logits(node, d_losses)
        require_array(f"the gradients of {name}.d_logits", d_logits, batch.inputs.shape, dtype)
        require_same({"d_losses": d_losses}, {"d_losses": kept}, f"after {name}.d_logits", tolerance=0)
        alone = np.concatenate([_losses(bench.node(dtype=dtype), batch.rows([row])) for row in range(COUNT)])
        require_same({"losses": alone}, {"losses": losses}, "of each sample alone", tolerance=1e-5)


def _losses(node: Node, batch: Batch) -> Array:
    loss = node.stage
    assert isinstance(loss, Loss)
    assert batch.targets is not None
    with blaming(loss, "losses"):
        losses: Any = loss.losses(node, batch.inputs, batch.targets)
    count = len(batch.inputs)
    kind = losses.dtype if isinstance(losses, np.ndarray) and losses.dtype.kind == "f" else np.float64
    require_array(f"what {type(loss).__name__}.losses returns", losses, (count,), kind)
    return np.array(losses)


def mean_of_the_losses(loss: Loss, rng: np.random.Generator) -> None:
    """The loss of a batch is the mean of ``losses``, weighted where there are weights."""
    if not is_by_sample(loss):
        return
    bench = Workbench(loss, rng)
    batch = bench.batch(COUNT)
    losses, weight = _losses(bench.node(), batch), batch.sample_weight
    assert weight is not None
    _require_loss(forward(bench.node(), batch), float(np.average(losses, weights=weight)), "as the weighted mean of its losses")
    plain = forward(bench.node(), replace(batch, sample_weight=None))
    _require_loss(plain, float(losses.mean()), "as the mean of its losses")


def mean_over_the_batch(loss: Loss, rng: np.random.Generator) -> None:
    """Without weights the loss is a mean: it is the mean of the losses of the samples, and a batch said twice has the same."""
    if not is_by_sample(loss):
        return
    bench = Workbench(loss, rng)
    batch = replace(bench.batch(COUNT), sample_weight=None)
    once = forward(bench.node(), batch)
    twice = forward(bench.node(), batch.rows(np.tile(np.arange(COUNT), 2)))
    _require_loss(twice, once, "of the same batch said twice")
    alone = [forward(bench.node(), batch.rows([row])) for row in range(COUNT)]
    _require_loss(float(np.mean(alone)), once, "as the mean over the samples one by one")


def sample_weights(loss: Loss, rng: np.random.Generator) -> None:
    """A weight of 2 counts a sample twice, and a weight of 0 leaves it out; equal weights change nothing."""
    if not is_by_sample(loss):
        return
    bench = Workbench(loss, rng)
    batch = replace(bench.batch(COUNT), sample_weight=None)
    counts = np.array([2, 1, 0, 3])
    weighted = results(bench.node(), replace(batch, sample_weight=given_weights(counts, COUNT)))
    rows = np.repeat(np.arange(COUNT), counts)
    repeated = results(bench.node(), batch.rows(rows))
    folded = np.zeros_like(batch.inputs)
    np.add.at(folded, rows, repeated["d_inputs"])
    require_same(weighted, {**repeated, "d_inputs": folded}, "with weights 2, 1, 0 and 3, against repeated rows")
    equal = forward(bench.node(), replace(batch, sample_weight=np.full(COUNT, 0.1)))
    _require_loss(equal, forward(bench.node(), batch), "with weights of 0.1 each, against no weights")


def no_weight_at_all(loss: Loss, rng: np.random.Generator) -> None:
    """In a batch whose weights are all 0 no sample counts: its loss is 0, and so are all the gradients."""
    bench = Workbench(loss, rng)
    for dtype in DTYPES:
        batch = replace(bench.batches(COUNT)[dtype], sample_weight=np.zeros(COUNT))
        found = results(bench.node(dtype=dtype), batch)
        require_same(found, {name: np.zeros_like(array) for name, array in found.items()}, "with weights of 0", tolerance=0)


def _require_loss(actual: float, wanted: float, circumstance: str) -> None:
    require_same({"the loss": np.array(actual)}, {"the loss": np.array(wanted)}, circumstance)


def number_of_targets(loss: Loss, rng: np.random.Generator) -> None:
    """Too few targets, too many, and one for all are a TargetError of ``prepare``."""
    shape = example_input_shape(loss)
    for count in (1, COUNT - 1, COUNT + 1):
        targets = loss.example_targets(shape, count, rng)
        refused = refuses(loss, "prepare", TargetError, targets, (COUNT, *shape), np.dtype(np.float64))
        message = f"accepts {count} targets for {COUNT} rows of logits, expected TargetError"
        require(refused, f"{type(loss).__name__}.prepare {message}")


def refused_targets(loss: Loss, rng: np.random.Generator) -> None:
    """``prepare`` refuses with a TargetError what is no target: text, numbers that are not finite, labels of no class."""
    shape = example_input_shape(loss)
    examples = loss.example_targets(shape, COUNT, rng)
    wrong = {name: np.full(examples.shape, value) for name, value in (("text", "one"), ("NaN", np.nan), ("infinity", np.inf))}
    n_classes = loss.class_count(shape)
    if loss.task == "classes" and n_classes is not None and examples.dtype.kind in "iu":
        labels = np.zeros_like(examples)
        labels[-1] = n_classes
        wrong[f"the label {n_classes}"] = labels
        wrong["the label -1"] = -np.ones_like(examples, dtype=np.int64)
    for what, targets in wrong.items():
        refused = refuses(loss, "prepare", TargetError, targets, (COUNT, *shape), np.dtype(np.float64))
        require(refused, f"{type(loss).__name__}.prepare accepts {what} as targets, expected TargetError")


def prepared_targets(loss: Loss, rng: np.random.Generator) -> None:
    """``prepare`` gives a row a target, of that target alone; it writes into nothing, and what it gave it takes or refuses."""
    shape = example_input_shape(loss)
    targets = loss.example_targets(shape, COUNT, rng)
    kept = targets.copy()
    targets.flags.writeable = False
    rows = np.array([2, 0, 3])
    name = type(loss).__name__
    for dtype in DTYPES:
        whole = prepared(loss, targets, (COUNT, *shape), dtype)
        part = prepared(loss, targets[rows], (len(rows), *shape), dtype)
        require_same({"targets": part}, {"targets": whole[rows]}, f"some targets, prepared by {name} alone", tolerance=1e-5)
        if not refuses(loss, "prepare", TargetError, whole, (COUNT, *shape), np.dtype(dtype)):
            again = prepared(loss, whole, (COUNT, *shape), dtype)
            require_same({"targets": again}, {"targets": whole}, f"targets that {name}.prepare gave, prepared again", 1e-5)
    require_same({"targets": targets}, {"targets": kept}, f"after {name}.prepare", tolerance=0)


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
        prepared(loss, first, (count, *shape))


def predictions(loss: Loss, rng: np.random.Generator) -> None:
    """``predict`` gives a new array with a row for each row of logits, and leaves the logits and its earlier results alone."""
    bench = Workbench(loss, rng)
    name = type(loss).__name__
    for dtype in DTYPES:
        (node,) = prediction_twins([bench.node(dtype=dtype)])
        logits, others = (bench.batches(COUNT)[dtype].inputs for _ in range(2))
        kept = logits.copy()
        with blaming(loss, "predict"):
            predicted = loss.predict(node, logits)
            require_array(f"the predictions of {name}.predict", predicted, (COUNT, *np.shape(predicted)[1:]), predicted.dtype)
            before = predicted.copy()
            loss.predict(node, others)
            alone = np.concatenate([loss.predict(node, logits[row : row + 1]) for row in range(COUNT)])
        require(not np.shares_memory(predicted, logits), f"{name}.predict returns the memory of its argument")
        require_same({"logits": logits}, {"logits": kept}, f"after {name}.predict", tolerance=0)
        require_same({"predictions": predicted}, {"predictions": before}, f"after another call of {name}.predict", tolerance=0)
        require_same({"predictions": alone}, {"predictions": before}, "of each row alone", tolerance=1e-5)


def decisions(loss: Loss, rng: np.random.Generator) -> None:
    """``decide`` gives a row for each row of predictions, and leaves these alone: classes (N,), or zeros and ones for a set."""
    bench = Workbench(loss, rng)
    (node,) = prediction_twins([bench.node()])
    with blaming(loss, "predict"):
        predicted = loss.predict(node, bench.batch(COUNT).inputs)
    kept = predicted.copy()
    with blaming(loss, "decide"):
        decided = loss.decide(predicted)
        alone = np.concatenate([loss.decide(predicted[row : row + 1]) for row in range(COUNT)])
    what = f"the decisions of {type(loss).__name__}.decide"
    require_array(what, decided, (COUNT, *np.shape(decided)[1:]), np.asarray(decided).dtype)
    require_same({"predictions": predicted}, {"predictions": kept}, f"after {type(loss).__name__}.decide", tolerance=0)
    require_same({"decisions": alone}, {"decisions": decided}, "of each row alone", tolerance=1e-5)
    n_classes = loss.class_count(bench.shape)
    received = f"{what} are {decided.dtype} of shape {decided.shape}"
    if loss.task == "classes":
        sound = decided.shape == (COUNT,) and decided.dtype.kind in "iu" and (decided >= 0).all()
        known = n_classes is None or (decided < n_classes).all()
        require(sound and known, f"{received}, expected one of {n_classes or 'the'} classes a sample")
    elif loss.task == "label_sets":
        zeros_and_ones = decided.dtype.kind in "biu" and np.isin(decided, (0, 1)).all()
        require(zeros_and_ones, f"{received}, expected zeros and ones, as whole numbers")


def task(loss: Loss, rng: np.random.Generator) -> None:
    """``task`` is one of the kinds of targets, or None."""
    known = ("classes", "label_sets", "numbers", None)
    require(loss.task in known, f"{type(loss).__name__}.task is {loss.task!r}, expected one of {known}")


LOSS_CHECKS = (
    logit_gradients,
    upstream_gradient,
    losses_by_sample,
    mean_of_the_losses,
    mean_over_the_batch,
    sample_weights,
    no_weight_at_all,
    number_of_targets,
    refused_targets,
    prepared_targets,
    example_targets,
    predictions,
    decisions,
    task,
)
