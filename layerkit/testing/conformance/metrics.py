"""What metrics promise: one number for all samples together, in which a sample counts as much as it weighs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

import numpy as np

from layerkit.metrics.base import Metric, Outcome
from layerkit.stack.loss import Task
from layerkit.testing.conformance.verdicts import blaming, given, global_randomness_kept, require, require_same
from layerkit.typing import Array

COUNT = 12
"""Samples in an outcome."""
CLASSES = 3


def tasks(metric: Metric, rng: np.random.Generator) -> None:
    """``tasks`` names the kinds of targets that the metric is for, at least one; its label is a text."""
    known = get_args(Task)
    named = getattr(metric, "tasks", None)
    sound = isinstance(named, tuple) and named and set(named) <= set(known)
    require(sound, f"{type(metric).__name__}.tasks is {named!r}, expected a tuple of some of {known}")
    label: object = metric.label
    require(isinstance(label, str) and label, f"{type(metric).__name__}.label is {label!r}, expected a text")


def scores(metric: Metric, rng: np.random.Generator) -> None:
    """The score of each kind of targets is a finite float, and the same whenever it is asked for; nothing is drawn."""
    for circumstance, outcome in _outcomes(metric, rng):
        with given(circumstance):
            score = _score(metric, outcome)
            name = type(metric).__name__
            require(isinstance(score, float), f"{name}.score returned {type(score).__name__}, expected float")
            require(np.isfinite(score), f"{name}.score returned {score}")
            with global_randomness_kept(metric, "score"):
                again = _score(metric, outcome)
            require(again == score, f"{name}.score gives {score}, and then {again}")


def arguments_of_a_score(metric: Metric, rng: np.random.Generator) -> None:
    """``score`` does not write into the outcome, and takes arrays that cannot be written."""
    for circumstance, outcome in _outcomes(metric, rng):
        with given(circumstance):
            kept = {name: array.copy() for name, array in _arrays(outcome).items()}
            score = _score(metric, outcome)
            require_same(_arrays(outcome), kept, f"after {type(metric).__name__}.score", tolerance=0)
            for array in _arrays(outcome).values():
                array.flags.writeable = False
            _require_score(_score(metric, outcome), score, "with read-only arrays")


def weighted_scores(metric: Metric, rng: np.random.Generator) -> None:
    """A weight of 2 counts a sample twice, and a weight of 0 leaves it out; equal weights change nothing."""
    counts = np.tile([2, 1, 0, 3], COUNT // 4)
    rows = np.repeat(np.arange(COUNT), counts)
    for circumstance, outcome in _outcomes(metric, rng):
        with given(circumstance):
            weighted = replace(outcome, sample_weight=counts.astype(np.float64))
            repeated = Outcome(outcome.targets[rows], outcome.predictions[rows], outcome.decisions[rows])
            _require_score(
                _score(metric, weighted), _score(metric, repeated), "with weights 2, 1, 0 and 3, against repeated rows"
            )
            equal = replace(outcome, sample_weight=np.full(COUNT, 0.1))
            _require_score(_score(metric, equal), _score(metric, outcome), "with weights of 0.1 each, against no weights")


def better_scores(metric: Metric, rng: np.random.Generator) -> None:
    """What is right everywhere has a better score than what is not, as ``greater_is_better`` says."""
    for circumstance, outcome, right in _cases(metric, rng):
        with given(circumstance):
            good, poor = _score(metric, right), _score(metric, outcome)
            better = good > poor if metric.greater_is_better else good < poor
            more = "greater" if metric.greater_is_better else "less"
            require(better, f"{type(metric).__name__}.score is {good:.6g} where all is right, expected {more} than {poor:.6g}")


def _score(metric: Metric, outcome: Outcome) -> float:
    with blaming(metric, "score"):
        return metric.score(outcome)


def _require_score(actual: float, wanted: float, circumstance: str) -> None:
    require_same({"the score": np.array(actual)}, {"the score": np.array(wanted)}, circumstance)


def _outcomes(metric: Metric, rng: np.random.Generator) -> Iterator[tuple[str, Outcome]]:
    """Yield an outcome of each kind that the metric is for."""
    for circumstance, outcome, _ in _cases(metric, rng):
        yield circumstance, outcome


def _cases(metric: Metric, rng: np.random.Generator) -> Iterator[tuple[str, Outcome, Outcome]]:
    """Yield an outcome of each kind that the metric is for, some samples of it wrong, and one where all is right."""
    wrong = np.arange(COUNT) % 4 == 1
    if "classes" in metric.tasks:
        targets = rng.permutation(np.arange(COUNT) % CLASSES)
        right = _probabilities(targets, rng)
        wronged = _probabilities(np.where(wrong, (targets + 1) % CLASSES, targets), rng)
        some, all_right = (Outcome(targets, rows, rows.argmax(axis=1)) for rows in (wronged, right))
        yield "for classes", some, all_right
    if "label_sets" in metric.tasks:
        sets = rng.permuted(np.arange(COUNT * CLASSES).reshape(COUNT, CLASSES) % 2, axis=0)
        right = 0.8 * sets + rng.uniform(0.05, 0.15, sets.shape)
        wronged = np.where(wrong[:, np.newaxis], 1 - right, right)
        some, all_right = (Outcome(sets, rows, (rows > 0.5).astype(float)) for rows in (wronged, right))
        yield "for sets of labels", some, all_right
    if "numbers" in metric.tasks:
        for shape in ((COUNT,), (COUNT, 1), (COUNT, 2)):
            numbers = rng.uniform(1, 2, shape)
            right = numbers.reshape(COUNT, -1)
            wronged = right + 0.1 * rng.standard_normal(right.shape)
            some, all_right = (Outcome(numbers, rows.copy(), rows.copy()) for rows in (wronged, right))
            yield f"for numbers of shape {shape}", some, all_right


def _probabilities(classes: Array, rng: np.random.Generator) -> Array:
    """Return rows of probabilities whose largest is that of the class."""
    rows = rng.uniform(0.01, 0.1, (len(classes), CLASSES))
    rows[np.arange(len(classes)), classes] = 1
    probabilities: Array = rows / rows.sum(axis=1, keepdims=True)
    return probabilities


def _arrays(outcome: Outcome) -> dict[str, Array]:
    return {name: getattr(outcome, name) for name in ("targets", "predictions", "decisions")}


METRIC_CHECKS = (tasks, scores, arguments_of_a_score, weighted_scores, better_scores)
