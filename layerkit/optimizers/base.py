"""`Optimizer`: how gradients move parameters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

from pydantic import Field

from layerkit.component import Component
from layerkit.typing import Array


class Optimizer(Component):
    """Family of the update rules.

    A rule works on the network's flat vectors. What it must remember between steps it names in ``slots``; the trainer
    allocates those, filled with zeros and shaped like the parameters, and saves them with a checkpoint.
    """

    learning_rate: float = Field(gt=0, examples=[0.01])
    """Length of a step, before any schedule."""
    weight_decay: float = Field(default=0.0, ge=0)
    """L2 penalty: ``weight_decay * parameter`` is added to the gradient of each parameter that does not decline decay.
    The trainer adds it before `update`, so that every optimizer spares the same parameters."""

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the vectors that are kept between steps."""
        return ()

    @abstractmethod
    def update(self, slots: Mapping[str, Array], parameters: Array, gradients: Array, learning_rate: float, step: int) -> None:
        """Move ``parameters`` in place.

        Parameters
        ----------
        slots
            The vectors named in ``slots``, shape (P,); written in place.
        parameters
            All trainable numbers of the network, shape (P,); written in place.
        gradients
            Gradient of the loss, shape (P,), weight decay included; not written.
        learning_rate
            Length of this step.
        step
            Number of this update, from 1.
        """
