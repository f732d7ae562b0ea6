"""Right optimizers: with slots, with coefficients, by layer, with a search; and wrong ones made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from layerkit import Array, Optimizer, Slot, Step
from layerkit.testing.conformance import optimizers

from .catalogue import caught_by, sound


@sound
class Momentum(Optimizer):
    """Gradient descent with a momentum of 0.9."""

    type: Literal["momentum"] = "momentum"

    def slots(self) -> Mapping[str, Slot]:
        return {"velocity": Slot()}

    def update(self, step: Step) -> None:
        velocity = step.slots.velocity
        velocity *= 0.9
        velocity += step.gradients
        step.parameters -= step.coefficients.rate * velocity


@sound
class AdamW(Optimizer):
    """Adam with its usual constants, and a weight decay of its own kind."""

    decoupled: ClassVar[bool | None] = True
    type: Literal["plain_adamw"] = "plain_adamw"

    def slots(self) -> Mapping[str, Slot]:
        return {"mean": Slot(), "square": Slot()}

    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        return {"rate": learning_rate / (1 - 0.9**number), "inverse": 1 / (1 - 0.999**number)}

    def update(self, step: Step) -> None:
        mean, square, work = step.slots.mean, step.slots.square, step.vector("work")
        mean *= 0.9
        mean += 0.1 * step.gradients
        square *= 0.999
        square += np.multiply(np.multiply(step.gradients, step.gradients, out=work), 0.001, out=work)
        np.sqrt(np.multiply(square, step.coefficients.inverse, out=work), out=work)
        work += 1e-8
        step.parameters -= step.coefficients.rate * mean / work


@sound
class Adagrad(Optimizer):
    """Adagrad, whose sums do not start from 0."""

    type: Literal["plain_adagrad"] = "plain_adagrad"

    def slots(self) -> Mapping[str, Slot]:
        return {"total": Slot(fill=0.1), "updates": Slot(shape=())}

    def update(self, step: Step) -> None:
        step.slots.updates += 1
        step.slots.total += step.gradients**2
        step.parameters -= step.coefficients.rate * step.gradients / np.sqrt(step.slots.total)


@sound
class Sign(Optimizer):
    """Steps of one length, against the sign of each gradient."""

    type: Literal["sign"] = "sign"

    def update(self, step: Step) -> None:
        step.parameters -= step.coefficients.rate * np.sign(step.gradients)


@sound
class ByLayer(Optimizer):
    """Steps of one length a layer, along its gradient."""

    type: Literal["by_layer"] = "by_layer"

    def update(self, step: Step) -> None:
        for place in step.layout:
            gradient = step.gradients[place.segment]
            step.parameters[place.segment] -= step.coefficients.rate * gradient / (np.sqrt(gradient @ gradient) + 1e-12)


@sound
class Backtracking(Optimizer):
    """Halves its step until the loss is less."""

    reevaluates: ClassVar[bool] = True
    type: Literal["backtracking"] = "backtracking"

    def work_size(self) -> int:
        return 2

    def update(self, step: Step) -> None:
        start, direction = step.vector("start"), step.vector("direction")
        np.copyto(start, step.parameters)
        np.multiply(step.gradients, step.coefficients.rate, out=direction)
        before = step.loss
        for _ in range(10):
            np.subtract(start, direction, out=step.parameters)
            if step.evaluate() <= before:
                return
            direction /= 2
        np.copyto(step.parameters, start)


@caught_by(optimizers.descends, r"takes a quadratic from .* to .* in 30 steps")
class Ascends(Sign):
    def update(self, step: Step) -> None:
        step.parameters += step.coefficients.rate * np.sign(step.gradients)


@caught_by(optimizers.descends, "takes a quadratic")
class MovesACopy(Sign):
    def update(self, step: Step) -> None:
        parameters = step.parameters
        parameters = parameters - step.coefficients.rate * np.sign(step.gradients)


@caught_by(optimizers.descends, r"update raised ShapeError: array 'parameters' has shape \(7,\)")
class PutsOtherParametersInPlace(Sign):
    def update(self, step: Step) -> None:
        step.parameters = (step.parameters - step.coefficients.rate * np.sign(step.gradients))[:, np.newaxis]


@caught_by(optimizers.descends, "update raised InputError: only an optimizer with reevaluates = True")
class SearchesWithoutSayingSo(Backtracking):
    reevaluates: ClassVar[bool] = False


@caught_by(optimizers.learning_rate, r"does the same for learning_rate 0\.001 and 0\.002")
class ReadsItsOwnLearningRate(Sign):
    def update(self, step: Step) -> None:
        step.parameters -= self.learning_rate * np.sign(step.gradients)


@caught_by(optimizers.learning_rate, r"does the same for learning_rate 0\.001 and 0\.002")
class HandsOnItsOwnLearningRate(Sign):
    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        return {"rate": self.learning_rate}


@caught_by(optimizers.coefficients, r"coefficients gives .* and then .* for the same step 1")
class DrawsCoefficients(Sign):
    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        return {"rate": learning_rate * np.random.default_rng().uniform(0.9, 1.1)}


@caught_by(optimizers.coefficients, "uses global random state")
class DrawsCoefficientsGlobally(Sign):
    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        return {"rate": learning_rate * float(np.random.uniform(0.9, 1.1))}  # noqa: NPY002 (the mistake)


@caught_by(optimizers.coefficients, r"coefficients gives .* and then .* for the same step")
class CountsItsCoefficients(Sign):
    calls: ClassVar[int] = 0

    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        type(self).calls += 1
        return {"rate": learning_rate / self.calls}


@caught_by(optimizers.coefficients, "coefficients gives other names in step 2 than in step 1")
class CorrectsTheFirstStepAlone(Sign):
    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        first = {"correction": 0.1} if number == 1 else {}
        return {"rate": learning_rate, **first}


@caught_by(optimizers.coefficients, "coefficients gives rate = inf in step 1000, expected a finite number")
class GrowsBeyondAllBounds(Sign):
    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        return {"rate": learning_rate if number < 1000 else float("inf")}


@caught_by(optimizers.slots, r"update raised AttributeError: no array 'velocity' was declared")
class ForgetsToNameASlot(Momentum):
    def slots(self) -> Mapping[str, Slot]:
        return {}


@caught_by(optimizers.slots, "update never writes the slot 'spare'")
class NamesASlotTooMany(Momentum):
    def slots(self) -> Mapping[str, Slot]:
        return {"velocity": Slot(), "spare": Slot(fill=0.5)}


@caught_by(optimizers.slots, "update never writes the slot 'count'")
class NamesACounterTooMany(Momentum):
    def slots(self) -> Mapping[str, Slot]:
        return {"velocity": Slot(), "count": Slot(shape=())}


@caught_by(optimizers.slots, r"slots must return a mapping, received tuple")
class NamesItsSlotsInATuple(Momentum):
    def slots(self) -> Any:
        return ("velocity",)


@caught_by(optimizers.slots, r"slots declares 'velocity' as 0\.0, expected a Slot")
class DeclaresAFillAlone(Momentum):
    def slots(self) -> Any:
        return {"velocity": 0.0}


@caught_by(optimizers.slots, r"update raised AttributeError: .*no setter")
class ReplacesItsSlots(Momentum):
    def update(self, step: Any) -> None:
        step.slots = {"velocity": 0.9 * step.slots.velocity + step.gradients}
        step.parameters -= step.coefficients.rate * step.slots["velocity"]


@caught_by(optimizers.slots, r"update raised AttributeError: .*has no attribute 'velocity'")
class RemembersAtTheStep(Sign):
    """Sets what it must remember by hand, where no checkpoint finds it."""

    def update(self, step: Any) -> None:
        step.velocity = 0.9 * getattr(step, "velocity", 0.0) + step.gradients
        step.parameters -= step.coefficients.rate * step.velocity


@caught_by(optimizers.work_arrays, r"uses 2 work arrays of the parameters' size, work_size says 1")
class CountsTooFewWorkArrays(Backtracking):
    def work_size(self) -> int:
        return 1


@caught_by(optimizers.work_arrays, r"uses 6 work arrays of the parameters' size, work_size says 2")
class AsksForNewWorkEveryStep(Sign):
    def update(self, step: Step) -> None:
        np.multiply(np.sign(step.gradients), step.coefficients.rate, out=step.vector(f"work_{step.number}"))
        step.parameters -= step.vector(f"work_{step.number}")


@caught_by(optimizers.work_arrays, r"work_size returned 1\.0, expected an int of 0 or more")
class CountsWorkInFloats(Sign):
    def work_size(self) -> int:
        return 1.0  # type: ignore[return-value]  # the mistake


@caught_by(optimizers.reevaluation, r"says reevaluates, and never calls step\.evaluate")
class SaysThatItSearches(Sign):
    reevaluates: ClassVar[bool] = True


@sound
class DecaysAlong(Sign):
    """Decays by itself, and spares what does not decay."""

    decoupled: ClassVar[bool | None] = None
    type: Literal["decays_along"] = "decays_along"  # type: ignore[assignment]  # another tag

    def update(self, step: Step) -> None:
        super().update(step)
        for place in step.layout:
            if place.decays:
                step.parameters[place.segment] *= 1 - step.coefficients.rate * self.weight_decay


@caught_by(optimizers.weight_decay, r"with weight_decay 0.5, against 0: affine_1\.bias")
class DecaysEverything(DecaysAlong):
    def update(self, step: Step) -> None:
        Sign.update(self, step)
        step.parameters *= 1 - step.coefficients.rate * self.weight_decay


@caught_by(
    optimizers.weight_decay, r"ForgetsToDecay\.update does the same with weight_decay 0\.5 as with 0, and decoupled is None"
)
class ForgetsToDecay(DecaysAlong):
    """Says that it decays by itself."""

    def update(self, step: Step) -> None:
        Sign.update(self, step)


@caught_by(optimizers.weight_decay, r"with weight_decay 0.5, against 0: affine_1\.weight")
class DecaysTwice(Sign):
    """Does itself what the trainer does."""

    def update(self, step: Step) -> None:
        super().update(step)
        step.parameters -= step.coefficients.rate * self.weight_decay * step.parameters


@caught_by(optimizers.resumes_bit_for_bit, "a training that was resumed: parameters")
class RemembersByArray(Optimizer):
    """Keeps a velocity for each vector of parameters, in the class."""

    type: Literal["remembers_by_array"] = "remembers_by_array"
    velocities: ClassVar[dict[int, tuple[Array, Array]]] = {}

    def update(self, step: Step) -> None:
        _, velocity = self.velocities.setdefault(id(step.parameters), (step.parameters, np.zeros_like(step.parameters)))
        velocity *= 0.9
        velocity += step.gradients
        step.parameters -= step.coefficients.rate * velocity


MEMORY: dict[int, Array] = {}


@caught_by(optimizers.resumes_bit_for_bit, "a training that was resumed: parameters")
class RemembersInItsModule(Sign):
    """Keeps the last gradient of each workplace in a dict of the module."""

    def update(self, step: Step) -> None:
        before = MEMORY.get(id(step)) if step.number > 1 else None
        MEMORY[id(step)] = step.gradients.copy()
        super().update(step)
        if before is not None:
            step.parameters -= step.coefficients.rate * before


@caught_by(optimizers.resumes_bit_for_bit, "a training that was resumed: parameters")
class RemembersInAWorkArray(Sign):
    """Takes what is left in a work array for what was put there."""

    def update(self, step: Step) -> None:
        signs = step.vector("signs", np.int8)
        if step.number == 1:
            signs.fill(0)
        super().update(step)
        step.parameters -= step.coefficients.rate * signs
        signs[...] = np.sign(step.gradients)


@caught_by(optimizers.resumes_bit_for_bit, "a training that was resumed: (parameters|slots)")
class CountsOnTheDescription(Momentum):
    _count: int = 0

    def update(self, step: Step) -> None:
        object.__setattr__(self, "_count", 0 if step.number == 1 else self._count + 1)
        super().update(step)
        step.parameters += step.coefficients.rate * self._count * step.slots.velocity / 100


@caught_by(optimizers.interleaved_trainings, "with steps of another training in between: parameters")
class RemembersInTheClass(Sign):
    previous: ClassVar[Array | float] = 0.0

    def update(self, step: Step) -> None:
        previous = 0.0 if step.number == 1 else self.previous
        step.parameters -= step.coefficients.rate * np.sign(step.gradients + previous)
        type(self).previous = step.gradients.copy()


@caught_by(optimizers.gradients_are_kept, r"after ScalesGradients\.update: gradients")
class ScalesGradients(Sign):
    def update(self, step: Step) -> None:
        gradients = step.gradients
        gradients *= step.coefficients.rate
        step.parameters -= gradients


@caught_by(optimizers.deterministic_steps, "uses global random state")
class AddsGlobalNoise(Sign):
    def update(self, step: Step) -> None:
        super().update(step)
        step.parameters += 1e-6 * np.random.standard_normal(step.parameters.shape)  # noqa: NPY002 (the mistake)


@caught_by(optimizers.deterministic_steps, "the same training again: parameters")
class AddsNoise(Sign):
    def update(self, step: Step) -> None:
        super().update(step)
        step.parameters += 1e-6 * np.random.default_rng().standard_normal(step.parameters.shape)


@caught_by(optimizers.float32_steps, "in float32: parameters")
class RoundsToFloat16(Sign):
    def update(self, step: Step) -> None:
        super().update(step)
        if step.parameters.dtype == np.float32:
            step.parameters[...] = step.parameters.astype(np.float16)


@caught_by(optimizers.float32_steps, "update raised UFuncTypeError")
class NeedsFloat64(Sign):
    def update(self, step: Step) -> None:
        super().update(step)
        np.add(step.parameters, np.zeros(step.parameters.shape), out=step.parameters, casting="safe")


@caught_by(optimizers.any_number_of_parameters, "with 0 parameters: .*update raised ValueError")
class ScalesByTheLargest(Sign):
    def update(self, step: Step) -> None:
        step.parameters -= step.coefficients.rate * step.gradients / np.abs(step.gradients).max()


@caught_by(optimizers.any_number_of_parameters, "with 1 parameters: .*update gives NaN or infinity")
class DividesByTheDeviation(Sign):
    def update(self, step: Step) -> None:
        if len(step.gradients):
            with np.errstate(all="ignore"):
                step.parameters -= step.coefficients.rate * step.gradients / step.gradients.std()
