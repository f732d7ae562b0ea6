"""Rules that tie several parts of a spec together.

Each takes the parts that are sound and passes over the others (None), so that one reading of a faulty file finds them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel

from layerkit.data.base import Dataset, DatasetFacts
from layerkit.diagnostics.faults import Fault, failure
from layerkit.errors import TargetError
from layerkit.metrics.base import Metric
from layerkit.registry.discovery import installed_registry
from layerkit.spec.plan import NodePlan, StackError, plan_nodes
from layerkit.spec.source import MAX_DEPTH, TOO_DEEP
from layerkit.spec.structure import loss_kinds, structure_faults
from layerkit.stack.layer import Layer
from layerkit.stack.loss import Loss, Task
from layerkit.stack.stage import Stage
from layerkit.typing import Shape


def checked_stack(layers: Sequence[Stage | None], input_shape: Shape | None) -> tuple[tuple[NodePlan, ...] | None, list[Fault]]:
    """Return the plan of a stack, and what is wrong with it as a whole: loss, names, and shapes up to the first faulty layer.

    There is no plan unless the stack can be built. Behind a loss in the middle no shape is checked: none would fit there, and the
    loss is reported already.
    """
    faults = structure_faults(layers)
    plans = None
    if input_shape is not None:
        try:
            plans = plan_nodes(_sound_start(layers), input_shape)
        except StackError as error:
            faults.append(error.fault)
    return (None if faults or plans is None or len(plans) < len(layers) else plans), faults


def _sound_start(layers: Sequence[Stage | None]) -> list[Stage]:
    start: list[Stage] = []
    losses = loss_kinds(layers)
    for layer in layers:
        if layer is None:
            break
        start.append(layer)
        if type(layer) in losses:
            break
    return start


def depth_faults(plans: Sequence[NodePlan], around: int) -> list[Fault]:
    """Return which layers would be too deep to be read again, written with every default within ``around`` lists and objects.

    Layers that hold no others are flat enough.
    """
    return [
        Fault(("layers", index), "too_deep", f"{TOO_DEEP}, every default filled in")
        for index, plan in enumerate(plans)
        if plan.branches and around + _levels(plan.stage) > MAX_DEPTH
    ]


def _levels(value: Any) -> int:
    """Return how many lists and objects stand in one another in the JSON of ``value``."""
    match value:
        case BaseModel():
            inner = [getattr(value, name) for name in type(value).model_fields]
        case dict():
            inner = list(value.values())
        case tuple() | list() | set() | frozenset():
            inner = list(value)
        case _:
            return 0
    return 1 + max(map(_levels, inner), default=0)


def known_facts(data: Dataset | None) -> tuple[DatasetFacts, list[Fault]]:
    """Return what is known of data without loading it, and what is wrong with that; None stands for data with faults."""
    if data is None:
        return DatasetFacts(), []
    try:
        facts = data.facts()
        if not isinstance(facts, DatasetFacts):
            raise TypeError(f"facts() returned {type(facts).__name__}, expected DatasetFacts")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a third party's data may fail in any way, even exit
        return DatasetFacts(), [Fault(("data",), "data_failed", failure(f"{data.type} fails", error))]
    return facts, []


def data_faults(
    data: Dataset | None,
    facts: DatasetFacts,
    plans: Sequence[NodePlan] | None,
    input_shape: Shape | None,
    batch_size: int | None,
    *,
    held_out: bool = False,
) -> list[Fault]:
    """Return where model and training do not fit the data, as far as it is known.

    ``plans`` are those of a whole stack that is sound; ``held_out`` says that some of the training samples will be held out.
    """
    if data is None:
        return []
    faults = []
    if facts.input_shape is not None and input_shape is not None and facts.input_shape != input_shape:
        written = str(list(facts.input_shape))
        message = f"samples of {data.type} have shape {facts.input_shape}, the model expects {input_shape}; write {written}"
        faults.append(Fault(("model", "input_shape"), "data_mismatch", message, written))
    if plans:
        faults += _target_faults(data, facts, plans)
    if facts.train_count == 0:
        faults.append(Fault(("data",), "data_failed", f"{data.type} leaves no sample to train on; make its test part smaller"))
    elif facts.train_count is not None and batch_size is not None and batch_size > facts.train_count:
        message = (
            f"{batch_size} is more than the {facts.train_count} training samples of {data.type}; write {facts.train_count} or "
            "less, or null for all of them"
        )
        faults.append(Fault(("training", "batch_size"), "batch_size", message, str(facts.train_count)))
    elif facts.train_count is not None and plans and not held_out:
        faults += _small_batch_faults(data, facts.train_count, plans, batch_size)
    return faults


def _small_batch_faults(data: Dataset, count: int, plans: Sequence[NodePlan], batch_size: int | None) -> list[Fault]:
    """Return whether the smallest batch of an epoch has fewer samples than some layer can be trained on."""
    place = ("training", "batch_size")
    for plan in (inner for outer in plans for inner in outer.tree()):
        try:
            least = plan.stage.least_batch(plan.input_shape) if isinstance(plan.stage, Layer) else 1
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a third party's layer may fail in any way, even exit
            return [Fault(place, "layer_failed", failure(f"{plan.stage.type} fails", error))]
        if _smallest(count, batch_size) >= least:
            continue
        sizes = [size for size in range(max(least, batch_size or 0), count + 1) if _smallest(count, size) >= least]
        remedy = f"write {sizes[0]}" if sizes else "give it more samples"
        message = (
            f"{plan.name} takes batches of {least} samples or more, and of the {count} training samples of {data.type} "
            f"the last batch of an epoch has {_smallest(count, batch_size)}; {remedy}"
        )
        return [Fault(place, "batch_size", message, str(sizes[0]) if sizes else None)]
    return []


def _smallest(count: int, batch_size: int | None) -> int:
    """Return how many samples the smallest batch of an epoch has."""
    return count if batch_size is None else count % batch_size or batch_size


def metric_faults(metrics: Sequence[Metric | None], loss: Stage | None) -> list[Fault]:
    """Return which metrics are for other targets than the loss at the end of the stack, where there is one."""
    faults: list[Fault] = []
    if not isinstance(loss, Loss):
        return faults
    for index, metric in enumerate(metrics):
        if metric is not None and loss.task is not None and loss.task not in metric.tasks:
            wanted = " and ".join(_TARGETS[task] for task in metric.tasks)
            message = f"{metric.type} is for {wanted}, {loss.type} is for {_TARGETS[loss.task]}; leave this metric out"
            faults.append(Fault(("training", "metrics", index), "task_mismatch", message))
    return faults


_TARGETS = {"classes": "classes", "label_sets": "sets of labels", "numbers": "numbers"}
"""What targets are, in words."""


def _target_faults(data: Dataset, facts: DatasetFacts, plans: Sequence[NodePlan]) -> list[Fault]:
    """Return whether the loss at the end is for other targets than the data has, or cannot tell all of its classes apart."""
    loss, place = plans[-1].stage, ("model", "layers", len(plans) - 1)
    assert isinstance(loss, Loss)
    if facts.task is not None and loss.task not in (None, facts.task):
        message = f"{loss.type} is for {_TARGETS[loss.task]}, the targets of {data.type} are {_TARGETS[facts.task]}"
        return [Fault(place, "task_mismatch", f"{message}; {_losses_for(facts.task)}")]
    try:
        n_outputs = loss.class_count(plans[-1].input_shape)
        if n_outputs is not None and type(n_outputs) is not int:
            raise TypeError(f"class_count returned {n_outputs!r}, expected a whole number or None")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a third party's loss may fail in any way, even exit
        return [Fault(place, "layer_failed", failure("the loss fails", error))]
    if facts.n_classes is not None and n_outputs is not None and facts.n_classes > n_outputs:
        count = facts.n_classes
        message = f"{data.type} has {count} classes, and {n_outputs} outputs reach the loss, model.layers[{len(plans) - 1}]"
        return [
            _output_fault(plans, count, message, "it needs an output a class", lambda end, shape: end.class_count(shape) == count)
        ]
    if facts.target_shape is None or n_outputs is not None or _takes(loss, plans[-1].input_shape, facts.target_shape):
        return []
    wanted = facts.target_shape
    count, noun = math.prod(wanted), "number" if facts.task == "numbers" else "label"
    message = (
        f"a sample of {data.type} has {count} {noun}{'s' if count > 1 else ''} to predict, and outputs of shape "
        f"{plans[-1].input_shape} reach the loss, model.layers[{len(plans) - 1}]"
    )
    return [_output_fault(plans, count, message, "it needs an output each", lambda end, shape: _takes(end, shape, wanted))]


def _takes(loss: Loss, logits_shape: Shape, target_shape: Shape) -> bool:
    """Return whether a loss takes targets of some shape with some logits."""
    try:
        loss.prepare(np.ones((1, *target_shape)), (1, *logits_shape), np.dtype(np.float64))
    except TargetError:
        return False
    except Exception:  # a third party's loss may fail in any way, and will say so when it is used
        return True
    return True


def _output_fault(
    plans: Sequence[NodePlan], count: int, message: str, otherwise: str, fits: Callable[[Loss, Shape], bool]
) -> Fault:
    """Return that the number of outputs is wrong, at the field where ``count`` is to be written, if there is one."""
    deciding = _deciding_field(plans, count, fits)
    if deciding is None:
        return Fault(("model", "layers", len(plans) - 1), "class_count", f"{message}; {otherwise}")
    return Fault(("model", *deciding), "class_count", f"{message}; write {count}", str(count))


def _losses_for(task: Task) -> str:
    """Say which losses are for such targets."""
    losses = [item for item in installed_registry().registrations if issubclass(item.component, Loss)]
    fitting = sorted({item.tag for item in losses if getattr(item.component, "task", None) == task})
    *others, last = fitting or [""]
    listed = f"{', '.join(others)} or {last}" if others else last
    return f"choose {listed}" if fitting else f"no loss for {_TARGETS[task]} is installed, choose other data"


def _deciding_field(plans: Sequence[NodePlan], count: int, fits: Callable[[Loss, Shape], bool]) -> tuple[str | int, ...] | None:
    """Return the place in the model of the number at which ``count`` makes the outputs fit the loss.

    It is looked for by trying, from the last layer to the last one with parameters.
    """
    for index in range(len(plans) - 2, -1, -1):
        layer = plans[index].stage
        for name in type(layer).model_fields:
            if type(getattr(layer, name)) is int and _fits(layer, {name: count}, plans[index:], fits):
                return "layers", index, name
        if plans[index].parameters:
            break
    return None


def _fits(layer: Stage, change: dict[str, int], plans: Sequence[NodePlan], fits: Callable[[Loss, Shape], bool]) -> bool:
    """Return whether what reaches the loss at the end of ``plans`` fits if the first layer is changed; not where that fails."""
    try:
        shape = layer.model_copy(update=change).output_shape(plans[0].input_shape)
        for plan in plans[1:-1]:
            shape = plan.stage.output_shape(shape)
        loss = plans[-1].stage
        return isinstance(loss, Loss) and fits(loss, shape)
    except KeyboardInterrupt:
        raise
    except BaseException:  # a third party's layer may fail in any way, even exit
        return False
