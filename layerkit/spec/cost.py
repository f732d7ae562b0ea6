"""What a network and its training will take, computed from the spec with nothing allocated."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from layerkit.data.base import DatasetFacts
from layerkit.diagnostics.faults import failure
from layerkit.errors import InputError
from layerkit.initializers import Initializer
from layerkit.optimizers.base import Optimizer
from layerkit.optimizers.step import checked_slots
from layerkit.spec.model import ModelSpec
from layerkit.spec.plan import NodePlan
from layerkit.spec.run import RunSpec
from layerkit.stack.declarations import Parameter, State
from layerkit.typing import Shape


def rows_at_once(work_size: int, itemsize: int) -> int:
    """Return how many samples a prediction takes through a network together.

    Enough to be fast, few enough to stay in the cache, and never so many that the work arrays grow beyond 64 MiB.

    Parameters
    ----------
    work_size
        Numbers in the work arrays for one sample, of all nodes.
    itemsize
        Bytes of a float.
    """
    return max(1, min(_MOST_ROWS, _PREDICTION_BYTES // max(1, work_size * itemsize)))


_MOST_ROWS = 1024
_PREDICTION_BYTES = 2**26


class NodeCost(NamedTuple):
    """What one node takes.

    Attributes
    ----------
    name, type, input_shape, output_shape
        Which node it is; shapes without the batch.
    parameters
        Trainable numbers.
    flops
        Floating-point operations of one sample in a training step, forward and backward.
    work_size
        Numbers in the work arrays for one sample in a training step, at the most.
    """

    name: str
    type: str
    input_shape: Shape
    output_shape: Shape
    parameters: int
    flops: int
    work_size: int


@dataclass(frozen=True)
class Cost:
    """What a whole network takes to be built, trained, scored and saved, in bytes unless said otherwise, and at the most.

    What the data set itself takes is not counted, since it is not known before it is loaded.

    Attributes
    ----------
    plans
        The plans of its nodes.
    dtype
        Of its floating-point arrays.
    batch
        Samples a step that the figures are for.
    optimizer
        What trains it; None for a network alone.
    facts
        What is known of the data.
    reads_weights
        Whether the initial weights come from a file.
    """

    plans: tuple[NodePlan, ...]
    dtype: np.dtype[Any]
    batch: int = 1
    optimizer: Optimizer | None = None
    facts: DatasetFacts = field(default_factory=DatasetFacts)
    reads_weights: bool = False

    @cached_property
    def every(self) -> list[NodePlan]:
        """The plans of all nodes, those within branches after the node that they belong to."""
        return [plan for top in self.plans for plan in (top.tree() if top.branches else (top,))]

    @cached_property
    def _arrays(self) -> list[Parameter | State]:
        arrays: list[Parameter | State] = [array for plan in self.every if plan.state for array in plan.state.values()]
        return arrays + [array for plan in self.every if plan.parameters for array in plan.parameters.values()]

    @cached_property
    def parameter_count(self) -> int:
        """Trainable numbers."""
        return sum([plan.parameter_count for plan in self.every])

    @cached_property
    def work_size(self) -> int:
        """Numbers in the work arrays for one sample in a training step, at the most."""
        return sum([plan.work_size for plan in self.every])

    @property
    def parameters(self) -> int:
        """The flat parameter vector; the flat gradient vector takes as much again."""
        return self.parameter_count * self.dtype.itemsize

    @cached_property
    def state(self) -> int:
        """Arrays that are saved and not trained."""
        declared = [declared for plan in self.every if plan.state for declared in plan.state.values()]
        return sum(math.prod(array.shape) * np.dtype(array.dtype or self.dtype).itemsize for array in declared)

    @property
    def slots(self) -> int:
        """What the optimizer keeps between steps."""
        shapes = [] if self.optimizer is None else _slot_shapes(self.optimizer)
        return sum(math.prod(shape) * self.dtype.itemsize if isinstance(shape, tuple) else self.parameters for shape in shapes)

    @property
    def update(self) -> int:
        """Work arrays of an update, and of the weight decay before it; the state where a step may be repeated."""
        if self.optimizer is None:
            return 0
        adds_decay = self.optimizer.weight_decay > 0 and not self.optimizer.decoupled
        vectors = (_update_vectors(self.optimizer) + adds_decay) * self.parameters
        return vectors + (self.state if self.optimizer.reevaluates else 0)

    @property
    def work(self) -> int:
        """Work arrays of a training step."""
        return self.work_size * self.dtype.itemsize * self.batch

    @property
    def samples(self) -> int:
        """The samples in the network's dtype, their order, and the batch that is made of them."""
        inputs = math.prod(self.plans[0].input_shape)
        # A class is written as a label of 8 bytes, other targets as numbers, no more than there are logits.
        numbers = 0 if self.facts.n_classes else self._logits
        one = inputs * self.dtype.itemsize + (numbers * self.dtype.itemsize or 8)
        # Whether each number is finite, where the sample comes in the order, and what its targets are in float64, twice.
        checks = inputs + 8 + 16 * numbers
        count = (self.facts.train_count or 0) + (self.facts.test_count or 0)
        return self.batch * one + count * (one + checks)

    @property
    def rows(self) -> int:
        """Samples that a prediction takes through the network together."""
        return rows_at_once(self.work_size, self.dtype.itemsize)

    @property
    def prediction(self) -> int:
        """Work arrays of a prediction, one at a time; what is predicted of the test samples, and what that decides."""
        one = self._logits * (self.dtype.itemsize + 1) + 8
        return self.work_size * self.dtype.itemsize * self.rows + (self.facts.test_count or 0) * one

    @property
    def _logits(self) -> int:
        return math.prod(self.plans[-1].input_shape)

    @property
    def objects(self) -> int:
        """The nodes and their views of arrays as Python objects."""
        return _NODE * len(self.every) + _VIEWS * len(self._arrays)

    @cached_property
    def temporary(self) -> int:
        """What drawing the initial weights, reading them, or saving the network takes for a while: the most of the three."""
        saved = self.parameters + self.state
        kinds = {type(array.initializer) for array in self._arrays}  # many arrays have few kinds
        whole = {kind for kind in kinds if kind.fill is Initializer.fill}
        drawn = [math.prod(array.shape) for array in self._arrays if type(array.initializer) in whole] if whole else []
        drawing = _DRAWN * max(drawn, default=0)
        reading = saved + 2 * max(1, 8 // self.dtype.itemsize) * saved if self.reads_weights else 0
        saving = 3 * saved
        return max(drawing, reading, saving)

    @property
    def parts(self) -> dict[str, int]:
        """Bytes by what they are for; the names are those of the properties."""
        return {
            "parameters": self.parameters,
            "gradients": self.parameters,
            "state": self.state,
            "slots": self.slots,
            "update": self.update,
            "work": self.work,
            "samples": self.samples,
            "prediction": self.prediction,
            "objects": self.objects,
            "temporary": self.temporary,
        }

    @property
    def total(self) -> int:
        """Everything together."""
        return sum(self.parts.values())

    @cached_property
    def nodes(self) -> tuple[NodeCost, ...]:
        """Node by node, in the order of ``every``."""
        nodes = []
        trained_before = False
        for plan in self.every:
            # Backward repeats the work of forward for the parameters, and again for the inputs where they need a gradient.
            flops = _flops(plan) * (1 + bool(plan.parameters) + trained_before)
            trained_before |= bool(plan.parameters)
            shapes = plan.input_shape, plan.output_shape
            nodes.append(NodeCost(plan.name, plan.stage.type, *shapes, plan.parameter_count, flops, plan.work_size))
        return tuple(nodes)

    @property
    def flops(self) -> int:
        """Floating-point operations of a training step."""
        return self.batch * sum(node.flops for node in self.nodes)

    def as_json(self) -> dict[str, Any]:
        """Return the figures for tools."""
        return {
            "nodes": [node._asdict() for node in self.nodes],
            "batch": self.batch,
            "parameter_count": self.parameter_count,
            "flops": self.flops,
            "bytes": {**self.parts, "total": self.total},
        }


_NODE = 6 * 2**10
"""Bytes of a node and of its like for predictions, arrays apart."""
_VIEWS = 2**10
"""Bytes of the views of one declared array, and of their names."""
_DRAWN = 4 * 8
"""Bytes for each number that is drawn with the rest of its array: an orthogonal matrix takes four arrays of float64."""


def cost_of(spec: RunSpec | ModelSpec) -> Cost:
    """Return what ``spec`` takes; a bare model is counted with a batch of 1 and no optimizer."""
    if isinstance(spec, ModelSpec):
        return Cost(spec.plan(), np.dtype(spec.dtype))
    training, facts = spec.training, spec.data.facts()
    return Cost(
        spec.model.plan(),
        np.dtype(spec.model.dtype),
        batch=training.batch_size or facts.train_count or 1,
        optimizer=training.optimizer,
        facts=facts,
        reads_weights=training.initial_weights is not None,
    )


def _flops(plan: NodePlan) -> int:
    what = f"{plan.stage.type}.flops"
    flops = _answer(what, lambda: plan.stage.flops(plan.input_shape), f" on samples of shape {plan.input_shape}")
    return _count(flops, what, "operations")


def _slot_shapes(optimizer: Optimizer) -> list[Shape | str]:
    slots = _answer(f"{optimizer.type}.slots", lambda: checked_slots(optimizer.slots()))
    return [slot.shape for slot in slots.values()]


def _update_vectors(optimizer: Optimizer) -> int:
    what = f"{optimizer.type}.work_size"
    return _count(_answer(what, optimizer.work_size), what, "arrays")


def _answer(what: str, ask: Callable[[], Any], where: str = "") -> Any:
    try:
        return ask()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a third party's component may fail in any way
        raise InputError(failure(f"{what} fails{where}", error)) from error


def _count(answer: Any, what: str, of: str) -> int:
    if type(answer) is not int or answer < 0:
        raise InputError(f"{what} gives {answer!r}; expected a whole number of {of}")
    return answer
