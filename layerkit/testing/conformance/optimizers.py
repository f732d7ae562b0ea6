"""What optimizers promise: steps downhill, in place, that remember nothing but their slots and the number of the step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from layerkit.optimizers.base import Optimizer
from layerkit.optimizers.step import Place, Slot, Step
from layerkit.testing.conformance.descriptions import json_copy
from layerkit.testing.conformance.verdicts import SINGLE, blaming, given, global_randomness_kept, require, require_same
from layerkit.typing import Array

SIZE, STEPS, RATE = 7, 6, 1e-3
MANY_STEPS = 30

Objective: TypeAlias = Callable[[Array, Array], float]
"""A loss of the parameters, which writes its gradient into the second array."""


def quadratic(curvature: Array, lowest: Array) -> Objective:
    """Return half of ``curvature * (parameters - lowest)**2``, summed."""

    def evaluate(parameters: Array, gradients: Array) -> float:
        gaps = parameters - lowest.astype(parameters.dtype)
        np.multiply(curvature.astype(parameters.dtype), gaps, out=gradients)
        return float(gradients @ gaps) / 2

    return evaluate


class Updates:
    """Updates of a vector of parameters, as a trainer makes them; no network.

    Attributes
    ----------
    parameters, gradients
        What is moved, and along what: the arrays that a network would have.
    step
        The workplace.
    evaluated
        The gradient, as it was evaluated last.
    evaluations
        How often it was.
    """

    def __init__(self, optimizer: Optimizer, parameters: Array) -> None:
        self.optimizer = optimizer
        with blaming(optimizer, "slots"):
            slots = optimizer.slots()
        self.parameters, self.gradients = parameters.copy(), np.zeros_like(parameters)
        self.step = Step(self.parameters, self.gradients, _layout(len(parameters)), slots)
        self.evaluated = np.zeros_like(parameters)
        self.evaluations = 0

    def update(self, objective: Objective, learning_rate: float = RATE) -> None:
        """Make one update."""
        step, optimizer = self.step, self.optimizer

        def evaluate() -> float:
            self.evaluations += 1
            loss = objective(self.parameters, self.gradients)
            self.evaluated = self.gradients.copy()
            return loss

        loss = evaluate()
        with blaming(optimizer, "coefficients"):
            coefficients = optimizer.coefficients(learning_rate, step.number + 1)
            step.begin(coefficients, loss, evaluate if optimizer.reevaluates else None)
        with blaming(optimizer, "update"):
            optimizer.update(step)

    def updates(self, objectives: list[Objective], learning_rate: float = RATE) -> Updates:
        """Make one update for each objective, and return self."""
        for objective in objectives:
            self.update(objective, learning_rate)
        return self

    def arrays(self) -> dict[str, Array]:
        """Return all that is moved or remembered, by name."""
        return {"parameters": self.parameters, **{f"slots.{name}": slot for name, slot in self.step.slots.items()}}

    def resumed(self) -> Updates:
        """Return updates that go on from what a checkpoint of these would hold."""
        other = Updates(json_copy(self.optimizer), self.parameters)
        for name, slot in self.step.slots.items():
            other.step.slots[name][...] = slot
        other.step.number = self.step.number
        return other


def _layout(size: int) -> tuple[Place, ...]:
    """Return a matrix that decays and a vector that does not, as far as there are parameters."""
    columns = size // 2
    places = [Place("affine_1.bias", slice(2 * columns, size), (size - 2 * columns,), False)] if size % 2 else []
    return (Place("affine_1.weight", slice(0, 2 * columns), (2, columns), True), *places) if columns else tuple(places)


def _drawn(rng: np.random.Generator, steps: int = STEPS) -> tuple[Array, list[Objective]]:
    """Return parameters (P,), and another quadratic for each step, as each batch has another loss."""
    parameters = rng.standard_normal(SIZE).astype(np.float32).astype(np.float64)
    return parameters, [quadratic(rng.uniform(0.5, 2, SIZE), 3 * rng.standard_normal(SIZE)) for _ in range(steps)]


def descends(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """With a small learning rate, steps along its gradient make a quadratic smaller, in float32 too."""
    objective = quadratic(rng.uniform(0.5, 2, SIZE), np.zeros(SIZE))
    start = rng.choice([-1, 1], SIZE) * rng.uniform(1, 2, SIZE)
    for dtype in ("float64", "float32"):
        updates = Updates(optimizer, start.astype(dtype))
        before = objective(updates.parameters, np.empty_like(updates.parameters))
        updates.updates([objective] * MANY_STEPS)
        after = objective(updates.parameters, np.empty_like(updates.parameters))
        change = f"takes a quadratic from {before:.6g} to {after:.6g} in {MANY_STEPS} steps"
        require(after < before, f"{type(optimizer).__name__}.update {change}")


def learning_rate(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """The length of a step is what ``coefficients`` is given, as a schedule sets it; not the field."""
    parameters, objectives = _drawn(rng)
    short, long = (Updates(optimizer, parameters).updates(objectives, rate).parameters for rate in (RATE, 2 * RATE))
    same = np.array_equal(short, long)
    require(not same, f"{type(optimizer).__name__}.update does the same for learning_rate {RATE} and {2 * RATE}")


def coefficients(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """``coefficients`` gives finite numbers under the same names at every step, which depend on its arguments alone."""
    name = type(optimizer).__name__
    steps = (1, 2, 3, 1000)

    def given_numbers(number: int) -> dict[str, float]:
        with blaming(optimizer, "coefficients"):
            found = optimizer.coefficients(RATE, number)
        require(isinstance(found, Mapping), f"{name}.coefficients must return a mapping, received {type(found).__name__}")
        for key, value in found.items():
            sound = isinstance(value, float | int) and math.isfinite(value)
            require(sound, f"{name}.coefficients gives {key} = {value!r} in step {number}, expected a finite number")
        return dict(found)

    with global_randomness_kept(optimizer, "coefficients"):
        first = {number: given_numbers(number) for number in steps}
        second = {number: given_numbers(number) for number in reversed(steps)}
    for number in steps:
        require(first[number].keys() == first[1].keys(), f"{name}.coefficients gives other names in step {number} than in step 1")
        same = first[number] == second[number]
        require(same, f"{name}.coefficients gives {first[number]} and then {second[number]} for the same step {number}")


def slots(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """``slots`` declares, by name, a `Slot` for each array that is kept between steps: no fewer, and no more."""
    name = type(optimizer).__name__
    with blaming(optimizer, "slots"):
        declared = optimizer.slots()
    require(isinstance(declared, Mapping), f"{name}.slots must return a mapping, received {type(declared).__name__}")
    for key, slot in declared.items():
        require(isinstance(slot, Slot), f"{name}.slots declares {key!r} as {slot!r}, expected a Slot")
        require(str(key).isidentifier(), f"{name}.slots declares {key!r}, which cannot be an attribute")
    parameters, objectives = _drawn(rng, MANY_STEPS)
    updates = Updates(optimizer, parameters).updates(objectives)
    for key, array in updates.step.slots.items():
        require((array != declared[key].fill).any(), f"{name}.update never writes the slot {key!r}")


def work_arrays(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """An update uses no more work arrays of the parameters' size than ``work_size`` says."""
    name = type(optimizer).__name__
    with blaming(optimizer, "work_size"):
        allowed = optimizer.work_size()
    require(type(allowed) is int and allowed >= 0, f"{name}.work_size returned {allowed!r}, expected an int of 0 or more")
    size = 1000
    updates = Updates(optimizer, rng.standard_normal(size))
    updates.updates([quadratic(rng.uniform(0.5, 2, size), rng.standard_normal(size)) for _ in range(STEPS)])
    used = updates.step.buffered_bytes / updates.parameters.nbytes
    require(used <= allowed + 0.5, f"{name}.update uses {used:.3g} work arrays of the parameters' size, work_size says {allowed}")


def reevaluation(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """An optimizer that says that it ``reevaluates`` asks for the loss at other parameters."""
    parameters, objectives = _drawn(rng)
    updates = Updates(optimizer, parameters).updates(objectives)
    asks = updates.evaluations > STEPS
    require(asks or not optimizer.reevaluates, f"{type(optimizer).__name__} says reevaluates, and never calls step.evaluate")


def weight_decay(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """``update`` leaves weight decay to the trainer; where ``decoupled`` is None it decays, and spares what does not decay."""
    parameters, objectives = _drawn(rng)
    rules = (optimizer.model_copy(update={"weight_decay": strength}) for strength in (0.0, 0.5))
    plain, decaying = (Updates(rule, parameters).updates(objectives) for rule in rules)
    places = [place for place in plain.step.layout if optimizer.decoupled is not None or not place.decays]
    actual, wanted = ({place.name: updates.parameters[place.segment] for place in places} for updates in (decaying, plain))
    require_same(actual, wanted, "with weight_decay 0.5, against 0", tolerance=0)
    if optimizer.decoupled is None:
        same = np.array_equal(plain.parameters, decaying.parameters)
        require(
            not same, f"{type(optimizer).__name__}.update does the same with weight_decay 0.5 as with 0, and decoupled is None"
        )


def resumes_bit_for_bit(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """Parameters, slots and the number of the step are all that is remembered: what goes on from a copy of them is the same."""
    parameters, objectives = _drawn(rng)
    whole = Updates(optimizer, parameters).updates(objectives)
    half = Updates(optimizer, parameters).updates(objectives[: STEPS // 2])
    resumed = half.resumed().updates(objectives[STEPS // 2 :])
    require_same(resumed.arrays(), whole.arrays(), "a training that was resumed", tolerance=0)


def interleaved_trainings(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """Two trainings with one description do not meet."""
    first, second = _drawn(rng), _drawn(rng)
    wanted = Updates(optimizer, first[0]).updates(first[1])
    ours, other = Updates(optimizer, first[0]), Updates(optimizer, second[0])
    for one, two in zip(first[1], second[1], strict=True):
        ours.update(one)
        other.update(two)
    require_same(ours.arrays(), wanted.arrays(), "with steps of another training in between", tolerance=0)


def gradients_are_kept(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """``update`` does not write into the gradients, but by ``step.evaluate``."""
    parameters, objectives = _drawn(rng)
    updates = Updates(optimizer, parameters)
    for objective in objectives:
        updates.update(objective)
        after = f"after {type(optimizer).__name__}.update"
        require_same({"gradients": updates.gradients}, {"gradients": updates.evaluated}, after, tolerance=0)


def deterministic_steps(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """A step depends on its workplace alone; nothing is drawn."""
    parameters, objectives = _drawn(rng)
    first = Updates(optimizer, parameters).updates(objectives)
    with global_randomness_kept(optimizer, "update"):
        second = Updates(optimizer, parameters).updates(objectives)
    require_same(second.arrays(), first.arrays(), "the same training again", tolerance=0)


def float32_steps(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """Float32 parameters move as float64 ones do, to float32 accuracy; a search that reevaluates may branch otherwise."""
    if optimizer.reevaluates:
        return
    parameters, objectives = _drawn(rng)
    double = Updates(optimizer, parameters).updates(objectives)
    single = Updates(optimizer, parameters.astype(np.float32)).updates(objectives)
    require_same(single.arrays(), double.arrays(), "in float32", SINGLE)


def any_number_of_parameters(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """One parameter can be trained, and a network without any."""
    for count in (0, 1):
        objective = quadratic(rng.uniform(0.5, 2, count), rng.standard_normal(count))
        with given(f"with {count} parameters"):
            updates = Updates(optimizer, rng.standard_normal(count)).updates([objective] * STEPS)
            require(np.isfinite(updates.parameters).all(), f"{type(optimizer).__name__}.update gives NaN or infinity")


OPTIMIZER_CHECKS = (
    descends,
    learning_rate,
    coefficients,
    slots,
    work_arrays,
    reevaluation,
    weight_decay,
    resumes_bit_for_bit,
    interleaved_trainings,
    gradients_are_kept,
    deterministic_steps,
    float32_steps,
    any_number_of_parameters,
)
