"""What optimizers promise: steps downhill, in place, that remember nothing but their slots."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from layerkit.optimizers.base import Optimizer
from layerkit.testing.conformance.descriptions import json_copy
from layerkit.testing.conformance.verdicts import SINGLE, blaming, given, global_randomness_kept, require, require_same
from layerkit.typing import Array

SIZE, STEPS, RATE = 7, 6, 1e-3


class Training:
    """Parameters, slots and a count of steps, as a trainer keeps them; no network."""

    def __init__(self, optimizer: Optimizer, parameters: Array) -> None:
        self.optimizer = optimizer
        self.parameters = parameters.copy()
        self.slots = {name: np.zeros_like(parameters) for name in optimizer.slots}
        self.count = 0

    def step(self, gradients: Array, learning_rate: float = RATE) -> None:
        """Make one update."""
        self.count += 1
        slots = MappingProxyType(self.slots)
        with blaming(self.optimizer, "update"):
            self.optimizer.update(slots, self.parameters, gradients, learning_rate, self.count)

    def steps(self, gradients: Array, learning_rate: float = RATE) -> Training:
        """Make one update for each row of gradients, and return the training."""
        for row in gradients:
            self.step(row, learning_rate)
        return self

    def arrays(self) -> dict[str, Array]:
        """Return all that there is, by name."""
        return {"parameters": self.parameters, **{f"slots[{name!r}]": slot for name, slot in self.slots.items()}}

    def resumed(self) -> Training:
        """Return a training that goes on from what a checkpoint of this one would hold."""
        other = Training(json_copy(self.optimizer), self.parameters)
        other.slots = {name: slot.copy() for name, slot in self.slots.items()}
        other.count = self.count
        return other


def _drawn(rng: np.random.Generator) -> tuple[Array, Array]:
    """Return parameters (P,), and gradients for some steps (S, P), in numbers that float32 can tell apart."""
    drawn = rng.standard_normal((STEPS + 1, SIZE)).astype(np.float32).astype(np.float64)
    return drawn[0], drawn[1:]


def descends(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """With a small learning rate, steps along its gradient make a quadratic smaller."""
    curvature = rng.uniform(0.5, 2, SIZE)
    training = Training(optimizer, rng.choice([-1, 1], SIZE) * rng.uniform(1, 2, SIZE))
    before = float(curvature @ training.parameters**2)
    for _ in range(30):
        training.step(curvature * training.parameters)
    after = float(curvature @ training.parameters**2)
    require(after < before, f"{type(optimizer).__name__}.update takes a quadratic from {before:.6g} to {after:.6g} in 30 steps")


def learning_rate(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """The length of a step is the argument ``learning_rate``, which a schedule sets; not the field."""
    parameters, gradients = _drawn(rng)
    short, long = (Training(optimizer, parameters).steps(gradients, rate).parameters for rate in (RATE, 2 * RATE))
    same = np.array_equal(short, long)
    require(not same, f"{type(optimizer).__name__}.update does the same for learning_rate {RATE} and {2 * RATE}")


def slots_are_used(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """``slots`` names, once each, the vectors that ``update`` uses: no fewer, and no more."""
    names = optimizer.slots
    sound = isinstance(names, tuple) and len(set(names)) == len(names) and all(str(name).isidentifier() for name in names)
    require(sound, f"{type(optimizer).__name__}.slots must be a tuple of different names, received {names!r}")
    parameters, gradients = _drawn(rng)
    for name, slot in Training(optimizer, parameters).steps(gradients).slots.items():
        require(slot.any(), f"{type(optimizer).__name__}.update never writes the slot {name!r}")


def resumes_bit_for_bit(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """Parameters, slots and the number of the step are all that is remembered: what goes on from a copy of them is the same."""
    parameters, gradients = _drawn(rng)
    whole = Training(optimizer, parameters).steps(gradients)
    half = Training(optimizer, parameters).steps(gradients[: STEPS // 2])
    resumed = half.resumed().steps(gradients[STEPS // 2 :])
    require_same(resumed.arrays(), whole.arrays(), "a training that was resumed", tolerance=0)


def interleaved_trainings(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """Two trainings with one description do not meet."""
    first, second = _drawn(rng), _drawn(rng)
    wanted = Training(optimizer, first[0]).steps(first[1])
    ours, other = Training(optimizer, first[0]), Training(optimizer, second[0])
    for one, two in zip(first[1], second[1], strict=True):
        ours.step(one)
        other.step(two)
    require_same(ours.arrays(), wanted.arrays(), "with steps of another training in between", tolerance=0)


def gradients_are_kept(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """``update`` does not write into the gradients."""
    parameters, gradients = _drawn(rng)
    kept = gradients.copy()
    Training(optimizer, parameters).steps(gradients)
    require_same({"gradients": gradients}, {"gradients": kept}, f"after {type(optimizer).__name__}.update", tolerance=0)


def deterministic_steps(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """A step depends on its arguments alone; nothing is drawn."""
    parameters, gradients = _drawn(rng)
    first = Training(optimizer, parameters).steps(gradients)
    with global_randomness_kept(optimizer, "update"):
        second = Training(optimizer, parameters).steps(gradients)
    require_same(second.arrays(), first.arrays(), "the same training again", tolerance=0)


def float32_steps(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """Float32 parameters move as float64 ones do, to float32 accuracy."""
    parameters, gradients = _drawn(rng)
    double = Training(optimizer, parameters).steps(gradients)
    single = Training(optimizer, parameters.astype(np.float32)).steps(gradients.astype(np.float32))
    require_same(single.arrays(), double.arrays(), "in float32", SINGLE)


def any_number_of_parameters(optimizer: Optimizer, rng: np.random.Generator) -> None:
    """One parameter can be trained, and a network without any."""
    parameters, gradients = _drawn(rng)
    for count in (0, 1):
        with given(f"with {count} parameters"):
            training = Training(optimizer, parameters[:count]).steps(gradients[:, :count])
            require(np.isfinite(training.parameters).all(), f"{type(optimizer).__name__}.update gives NaN or infinity")


OPTIMIZER_CHECKS = (
    descends,
    learning_rate,
    slots_are_used,
    resumes_bit_for_bit,
    interleaved_trainings,
    gradients_are_kept,
    deterministic_steps,
    float32_steps,
    any_number_of_parameters,
)
