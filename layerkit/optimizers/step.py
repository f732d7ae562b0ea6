"""`Step`: the workplace of an update, as a node is that of a layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from layerkit.errors import InputError
from layerkit.stack.arrays import Arrays, assign, can_be_attribute
from layerkit.stack.buffers import Buffers
from layerkit.typing import Array, Shape


class Slot(NamedTuple):
    """The declaration of what an optimizer remembers from step to step, under one name.

    Parameters
    ----------
    shape
        ``"parameters"`` for one number a parameter; else axis lengths, ``()`` for a single number.
    fill
        What it starts from.
    """

    shape: Literal["parameters"] | Shape = "parameters"
    fill: float = 0.0


class Place(NamedTuple):
    """Where one parameter stands in the flat vectors.

    Parameters
    ----------
    name
        ``node.parameter``.
    segment
        Its numbers in the flat vectors.
    shape
        Its axis lengths.
    decays
        Whether weight decay applies to it.
    """

    name: str
    segment: slice
    shape: Shape
    decays: bool


class Step(Buffers):
    """What an update works on; one object serves all the steps of a training.

    Attributes
    ----------
    parameters
        All trainable numbers of the network, shape (P,); written in place, and assigning copies into them.
    gradients
        Gradient of the loss, shape (P,); not written by an update.
    slots
        The arrays that the optimizer declared; written in place.
    coefficients
        What `Optimizer.coefficients` gave for this step: arrays of shape () and of the parameters' dtype, so that an update is a
        fixed sequence of array operations.
    number
        Number of this update, from 1.
    layout
        Name, place and shape of each parameter, for rules that treat layers apart.
    """

    __slots__ = ("_evaluate", "_given", "_gradients", "_loss", "_parameters", "_slots", "coefficients", "layout", "number")

    def __init__(self, parameters: Array, gradients: Array, layout: tuple[Place, ...], slots: Mapping[str, Slot]) -> None:
        super().__init__(parameters.dtype)
        self._parameters = parameters
        self._gradients = gradients
        self.layout = layout
        self.coefficients = Arrays({})
        self.number = 0
        self._slots = Arrays({name: _filled(slot, parameters) for name, slot in checked_slots(slots).items()})
        self._given: Mapping[str, float] = {}
        self._evaluate: Callable[[], float] | None = None
        self._loss = 0.0

    @property
    def parameters(self) -> Array:
        """All trainable numbers of the network, shape (P,)."""
        return self._parameters

    @parameters.setter
    def parameters(self, values: Array) -> None:
        assign(self._parameters, values, "parameters")

    @property
    def gradients(self) -> Array:
        """Gradient of the loss, shape (P,)."""
        return self._gradients

    @property
    def slots(self) -> Arrays:
        """The arrays that the optimizer declared."""
        return self._slots

    @property
    def loss(self) -> float:
        """The loss of the batch, and for a rule that ``reevaluates`` and is not decoupled the penalty of weight decay: that whose
        gradient ``gradients`` is."""
        return self._loss

    def vector(self, name: str, dtype: Any = None) -> Array:
        """Return a work array of shape (P,), kept between steps; its contents are whatever was left there."""
        return self.buffer(name, self._parameters.shape, dtype)

    def evaluate(self) -> float:
        """Return ``loss`` at the parameters as they are now, for the same batch, and fill ``gradients`` with its gradient.

        Random numbers and state are those of the step's first pass, so that the loss is one function of the parameters.

        Raises
        ------
        InputError
            If the optimizer does not say that it ``reevaluates``.
        """
        if self._evaluate is None:
            raise InputError("only an optimizer with reevaluates = True may ask for the loss again within a step")
        self._loss = self._evaluate()
        return self._loss

    def begin(self, coefficients: Mapping[str, float], loss: float, evaluate: Callable[[], float] | None) -> None:
        """Set what is of one step: called by the trainer before `Optimizer.update`."""
        if coefficients != self._given:
            if coefficients.keys() != self.coefficients.keys():
                _require_attributes(coefficients)
                self.coefficients = Arrays({name: np.empty((), self.dtype) for name in coefficients})
            for name, value in coefficients.items():
                self.coefficients[name][...] = value
            self._given = dict(coefficients)
        self._loss = loss
        self._evaluate = evaluate
        self.number += 1


def checked_slots(slots: object) -> Mapping[str, Slot]:
    """Return what an optimizer's ``slots`` gave.

    Raises
    ------
    TypeError
        If it is not what was to be given.
    """
    if not (isinstance(slots, Mapping) and all(isinstance(slot, Slot) for slot in slots.values())):
        raise TypeError(f"it gives {slots!r}, expected a Slot by each name")
    _require_attributes(slots)
    for name, slot in slots.items():
        lengths = () if slot.shape == "parameters" else slot.shape
        if not (isinstance(lengths, tuple) and all(type(length) is int and length > 0 for length in lengths)):
            raise TypeError(f'its slot {name!r} has the shape {slot.shape!r}, expected "parameters" or axis lengths')
    return slots


def _require_attributes(declared: Mapping[str, object]) -> None:
    for name in declared:
        if not can_be_attribute(name):
            raise TypeError(f"it declares {name!r}, which cannot be an attribute")


def _filled(slot: Slot, parameters: Array) -> Array:
    shape = parameters.shape if slot.shape == "parameters" else slot.shape
    return np.full(shape, slot.fill, parameters.dtype)
