"""`Update`: what happens between the gradients of a batch and the next batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from layerkit.blame import Blame
from layerkit.data.samples import Batch
from layerkit.errors import DataError
from layerkit.network.sequential import Sequential
from layerkit.optimizers.base import Optimizer
from layerkit.optimizers.step import Step
from layerkit.stack.buffers import Buffers
from layerkit.stack.rewind import Rewind
from layerkit.training.clipping import Clipping


class Update:
    """Lets weight decay and an optimizer move the parameters of a network.

    Parameters
    ----------
    model
        The network.
    optimizer
        The update rule.
    step
        Its workplace.
    clipping
        What cuts the gradients before; None leaves them as they are.
    """

    def __init__(self, model: Sequential, optimizer: Optimizer, step: Step, clipping: Clipping | None) -> None:
        self._model = model
        self._optimizer = optimizer
        self._step = step
        self._clipping = clipping
        segments = _joined([place.segment for place in model.layout if place.decays])
        self._decaying = [(model.parameters[segment], model.gradients[segment], segment) for segment in segments]
        self._rewind = Rewind(model.nodes) if optimizer.reevaluates else None
        self._work = Buffers(model.parameters.dtype)
        self._in_coefficients = Blame(optimizer, "coefficients")
        # One that asks for the loss again meets what a layer may refuse.
        self._in_update = Blame(optimizer, "update", refusals=(DataError,) if optimizer.reevaluates else ())

    def before_pass(self) -> None:
        """Remember what a second pass over the same batch must meet again, where the optimizer may ask for one."""
        if self._rewind is not None:
            self._rewind.keep()

    def apply(self, batch: Batch, loss: float, learning_rate: float) -> None:
        """Move the parameters; ``loss`` is that of ``batch``, and the network's gradients are its gradients."""
        step = self._step
        if self._clipping is not None:
            self._clipping.apply()
        with self._in_coefficients:
            coefficients = self._optimizer.coefficients(learning_rate, step.number + 1)
            step.begin(coefficients, loss + self._decay(learning_rate), self._objective(batch, learning_rate))
        try:
            with self._in_update:
                self._optimizer.update(step)
        except BaseException:
            step.number -= 1  # one that failed is not done
            raise

    def _decay(self, learning_rate: float) -> float:
        """Let weight decay act, and return what it adds to the loss, where the optimizer may ask."""
        strength, penalty = self._optimizer.weight_decay, 0.0
        if not strength or self._optimizer.decoupled is None:
            return penalty
        if self._optimizer.decoupled:
            for parameters, _, _ in self._decaying:
                parameters *= 1 - learning_rate * strength
            return penalty
        work = self._work.buffer("decay", self._model.parameters.shape)
        for parameters, gradients, segment in self._decaying:
            gradients += np.multiply(parameters, strength, out=work[segment])
            if self._rewind is not None:
                penalty += strength / 2 * float(np.dot(parameters, parameters))
        return penalty

    def _objective(self, batch: Batch, learning_rate: float) -> Callable[[], float] | None:
        """Return what gives the loss of ``batch``, with its penalty, at the parameters as they are, and fills the gradients."""
        rewind, model = self._rewind, self._model
        if rewind is None:
            return None

        def evaluate() -> float:
            rewind.restore()
            loss = model.batch_loss(batch)
            model.backward()
            return loss if self._optimizer.decoupled else loss + self._decay(learning_rate)

        return evaluate


def _joined(segments: Iterable[slice]) -> list[slice]:
    """Join the segments that touch."""
    joined: list[slice] = []
    for segment in segments:
        if joined and joined[-1].stop == segment.start:
            joined[-1] = slice(joined[-1].start, segment.stop)
        else:
            joined.append(segment)
    return joined
