"""`Optimizer`: how gradients move parameters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from layerkit.component import Component
from layerkit.optimizers.step import Slot, Step


class Optimizer(Component):
    """Family of the update rules.

    A rule works on the network's flat vectors, at a workplace of its own (see `Step`). What it must remember between steps it
    declares in `slots`; what changes from step to step in a way that is known beforehand, such as a correction of bias, it gives
    in `coefficients`. What is left, `update`, is a fixed sequence of array operations.
    """

    decoupled: ClassVar[bool | None] = False
    """Where weight decay acts. True: the trainer shrinks the decaying parameters by ``learning_rate * weight_decay``
    of themselves before each update (I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019). False: it
    adds ``weight_decay * parameter`` to their gradients, the L2 penalty. None: the trainer keeps out of it, and `update` decays
    what stands at the places of `Step.layout` that decay; for rules that measure the decay along with the gradients."""
    reevaluates: ClassVar[bool] = False
    """Whether `update` may ask for the loss at other parameters, with `Step.evaluate`."""

    learning_rate: float = Field(gt=0, examples=[0.01])
    """Length of a step, before any schedule."""
    weight_decay: float = Field(default=0.0, ge=0)
    """How strongly the parameters that do not decline decay are drawn towards zero."""

    def slots(self) -> Mapping[str, Slot]:
        """Declare the arrays that are kept between steps, by name; they are saved with a checkpoint."""
        return {}

    def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
        """Return the numbers that `update` works with in step ``number``, from 1; by default the learning rate, as ``rate``.

        Parameters
        ----------
        learning_rate
            Length of this step, as the schedule has it.
        number
            Number of this update, from 1.
        """
        return {"rate": learning_rate}

    def work_size(self) -> int:
        """Return how many work arrays of the parameters' size an update uses at the most; by default 2."""
        return 2

    @abstractmethod
    def update(self, step: Step) -> None:
        """Move ``step.parameters`` in place.

        Everything else that is needed stands in ``step`` too: ``gradients``, ``slots.velocity``, ``coefficients.rate``,
        ``vector("work")``. The gradients are not written, but by ``step.evaluate()``.
        """
