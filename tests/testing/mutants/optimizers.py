"""Right optimizers, and wrong ones made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from layerkit import Array, Optimizer
from layerkit.testing.conformance import optimizers

from .catalogue import caught_by, sound


@sound
class Momentum(Optimizer):
    """Gradient descent with a momentum of 0.9."""

    type: Literal["momentum"] = "momentum"

    @property
    def slots(self) -> tuple[str, ...]:
        return ("velocity",)

    def update(self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        velocity = slots["velocity"]
        velocity *= 0.9
        velocity += gradients
        parameters -= learning_rate * velocity


@sound
class Adam(Optimizer):
    """Adam, with its usual constants."""

    type: Literal["plain_adam"] = "plain_adam"

    @property
    def slots(self) -> tuple[str, ...]:
        return ("mean", "square")

    def update(self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        mean, square = slots["mean"], slots["square"]
        mean *= 0.9
        mean += 0.1 * gradients
        square *= 0.999
        square += 0.001 * gradients**2
        parameters -= learning_rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)


@sound
class Sign(Optimizer):
    """Steps of one length, against the sign of each gradient."""

    type: Literal["sign"] = "sign"

    def update(self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        parameters -= learning_rate * np.sign(gradients)


@caught_by(optimizers.descends, r"takes a quadratic from .* to .* in 30 steps")
class Ascends(Sign):
    def update(self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        super().update(slots, parameters, gradients, -learning_rate, step)


@caught_by(optimizers.descends, "takes a quadratic")
class MovesACopy(Sign):
    def update(self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        parameters = parameters - learning_rate * np.sign(gradients)


@caught_by(optimizers.learning_rate, r"does the same for learning_rate 0\.001 and 0\.002")
class ReadsItsOwnLearningRate(Sign):
    def update(self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        super().update(slots, parameters, gradients, self.learning_rate, step)


@caught_by(optimizers.slots_are_used, r"update raised KeyError: 'velocity'")
class ForgetsToNameASlot(Momentum):
    @property
    def slots(self) -> tuple[str, ...]:
        return ()


@caught_by(optimizers.slots_are_used, "update never writes the slot 'spare'")
class NamesASlotTooMany(Momentum):
    @property
    def slots(self) -> tuple[str, ...]:
        return ("velocity", "spare")


@caught_by(optimizers.slots_are_used, "slots must be a tuple of different names, received 'v'")
class NamesItsSlotsInAString(Momentum):
    @property
    def slots(self) -> Any:
        return "v"


@caught_by(optimizers.slots_are_used, r"update raised TypeError: 'mappingproxy' object does not support item assignment")
class ReplacesItsSlot(Momentum):
    def update(self, slots: Any, parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        slots["velocity"] = 0.9 * slots["velocity"] + gradients
        parameters -= learning_rate * slots["velocity"]


@caught_by(optimizers.resumes_bit_for_bit, "a training that was resumed: parameters")
class RemembersByArray(Optimizer):
    """Keeps a velocity for each vector of parameters, in the class."""

    type: Literal["remembers_by_array"] = "remembers_by_array"
    velocities: ClassVar[dict[int, tuple[Array, Array]]] = {}

    def update(self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        _, velocity = self.velocities.setdefault(id(parameters), (parameters, np.zeros_like(parameters)))
        velocity *= 0.9
        velocity += gradients
        parameters -= learning_rate * velocity


@caught_by(optimizers.resumes_bit_for_bit, "a training that was resumed: (parameters|slots)")
class CountsOnTheDescription(Momentum):
    _count: int = 0

    def update(self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        object.__setattr__(self, "_count", 0 if step == 1 else self._count + 1)
        super().update(slots, parameters, gradients, learning_rate / (1 + self._count), step)


@caught_by(optimizers.interleaved_trainings, "with steps of another training in between: parameters")
class RemembersInTheClass(Sign):
    previous: ClassVar[Array | float] = 0.0

    def update(self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        previous = 0.0 if step == 1 else self.previous
        super().update(slots, parameters, gradients + previous, learning_rate, step)
        type(self).previous = gradients.copy()


@caught_by(optimizers.gradients_are_kept, r"after ScalesGradients\.update: gradients")
class ScalesGradients(Sign):
    def update(self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        gradients *= learning_rate
        parameters -= gradients


@caught_by(optimizers.deterministic_steps, "uses global random state")
class AddsGlobalNoise(Sign):
    def update(self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        super().update(slots, parameters, gradients, learning_rate, step)
        parameters += 1e-6 * np.random.standard_normal(parameters.shape)  # noqa: NPY002 (the mistake)


@caught_by(optimizers.deterministic_steps, "the same training again: parameters")
class AddsNoise(Sign):
    def update(self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        super().update(slots, parameters, gradients, learning_rate, step)
        parameters += 1e-6 * np.random.default_rng().standard_normal(parameters.shape)


@caught_by(optimizers.float32_steps, "in float32: parameters")
class RoundsToFloat16(Sign):
    def update(self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        super().update(slots, parameters, gradients, learning_rate, step)
        if parameters.dtype == np.float32:
            parameters[...] = parameters.astype(np.float16)


@caught_by(optimizers.float32_steps, "update raised UFuncTypeError")
class NeedsFloat64(Sign):
    def update(self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        parameters -= learning_rate * np.sign(gradients).astype(np.float64)
        np.add(parameters, np.zeros(parameters.shape), out=parameters, casting="safe")


@caught_by(optimizers.any_number_of_parameters, "with 0 parameters: .*update raised ValueError")
class ScalesByTheLargest(Sign):
    def update(self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        parameters -= learning_rate * gradients / np.abs(gradients).max()


@caught_by(optimizers.any_number_of_parameters, "with 1 parameters: .*update gives NaN or infinity")
class DividesByTheDeviation(Sign):
    def update(self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        if len(gradients):
            with np.errstate(all="ignore"):
                parameters -= learning_rate * gradients / gradients.std()
