"""Limited-memory BFGS with a backtracking line search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from pydantic import PositiveInt

from layerkit import Array, Optimizer, Slot, Step


class LBFGS(Optimizer):
    """Steps along an approximate Newton direction, as far as the loss falls; for full batches.

    From moves s and changes of gradient y, vectors (P,), come directions d (J. Nocedal and S. Wright, "Numerical optimization",
    2006, algorithm 7.4); t = learning_rate is halved until ``loss(p + t d) <= loss(p) + 1e-4 t (g . d)``.
    """

    reevaluates: ClassVar[bool] = True
    type: Literal["lbfgs"] = "lbfgs"
    history: PositiveInt = 5
    """How many pairs of s and y are kept."""

    def slots(self) -> Mapping[str, Slot]:
        names = ["move", "gradients", *(f"{kind}_{place}" for kind in "sy" for place in range(self.history))]
        return {"count": Slot(shape=())} | dict.fromkeys(names, Slot())

    def update(self, step: Step) -> None:
        slots, origin, loss = step.slots, step.parameters.copy(), step.loss
        change = step.gradients - slots.gradients
        if step.number > 1 and change @ slots.move > 1e-10:
            place = int(slots.count) % self.history
            slots[f"s_{place}"], slots[f"y_{place}"] = slots.move, change
            slots.count += 1
        slots.gradients = step.gradients  # `evaluate` will write over them
        direction = self._direction(step)
        length = step.coefficients.rate * (1 if slots.count else 1 / max(1, np.abs(slots.gradients).sum()))
        for _ in range(20):
            slots.move = length * direction
            step.parameters = origin + slots.move
            if step.evaluate() <= loss + 1e-4 * (slots.move @ slots.gradients):
                return
            length /= 2
        step.parameters, slots.move = origin, 0 * origin

    def _direction(self, step: Step) -> Array:
        slots, count, direction, along = step.slots, int(step.slots.count), -step.gradients, list[float]()
        places = [i % self.history for i in range(max(0, count - self.history), count)]
        pairs = [(slots[f"s_{place}"], slots[f"y_{place}"]) for place in places]
        for s, y in reversed(pairs):
            along.append((s @ direction) / (s @ y))
            direction -= along[-1] * y
        direction *= (pairs[-1][0] @ pairs[-1][1]) / (pairs[-1][1] @ pairs[-1][1]) if pairs else 1.0
        for s, y in pairs:
            direction += s * (along.pop() - (y @ direction) / (s @ y))
        return direction
