"""Rules that tie several parts of a spec together.

Each takes the parts that are sound and passes over the others (None), so that one reading of a faulty file finds them all.
"""

from __future__ import annotations

from collections.abc import Sequence

from layerkit.data.base import Dataset
from layerkit.spec.faults import Fault, failure
from layerkit.spec.plan import StackError, plan_nodes
from layerkit.spec.structure import structure_faults
from layerkit.stack.loss import Loss
from layerkit.stack.stage import Stage
from layerkit.typing import Shape


def stack_faults(layers: Sequence[Stage | None], input_shape: Shape | None) -> list[Fault]:
    """Return what is wrong with a stack as a whole: loss, names, and shapes up to the first layer that is not sound.

    Behind a loss in the middle no shape is checked: none would fit there, and the loss is told on already.
    """
    faults = structure_faults(layers)
    if input_shape is not None:
        try:
            plan_nodes(_sound_start(layers), input_shape)
        except StackError as error:
            faults.append(error.fault)
    return faults


def _sound_start(layers: Sequence[Stage | None]) -> list[Stage]:
    start: list[Stage] = []
    for layer in layers:
        if layer is None or (start and isinstance(start[-1], Loss)):
            break
        start.append(layer)
    return start


def data_faults(
    data: Dataset | None, layers: Sequence[Stage | None], input_shape: Shape | None, batch_size: int | None
) -> list[Fault]:
    """Return where model and training do not fit the data, as far as the data is known without loading it."""
    if data is None:
        return []
    try:
        facts = data.facts()
    except Exception as error:  # a third party's data may fail in any way
        return [Fault(("data",), "data_failed", failure(f"{data.type} fails", error))]
    faults = []
    if facts.input_shape is not None and input_shape is not None and facts.input_shape != input_shape:
        message = f"samples of {data.type} have shape {facts.input_shape}; the model expects {input_shape}"
        faults.append(Fault(("model", "input_shape"), "data_mismatch", message))
    try:
        n_outputs = _class_count(layers, input_shape)
    except Exception as error:
        n_outputs = None
        faults.append(Fault(("model", "layers", len(layers) - 1), "layer_failed", failure("the loss fails", error)))
    loss = layers[-1] if layers else None
    if facts.task is not None and isinstance(loss, Loss) and loss.task not in (None, facts.task):
        message = f"{loss.type} is for {_TARGETS[loss.task]}; the targets of {data.type} are {_TARGETS[facts.task]}"
        faults.append(Fault(("model", "layers", len(layers) - 1), "task_mismatch", message))
    elif facts.n_classes is not None and n_outputs is not None and facts.n_classes > n_outputs:
        message = f"{data.type} has {facts.n_classes} classes; the loss receives {n_outputs} outputs"
        faults.append(Fault(("model", "layers", len(layers) - 1), "class_count", message))
    if facts.train_count == 0:
        faults.append(Fault(("data",), "data_failed", f"{data.type} leaves no sample to train on"))
    elif facts.train_count is not None and batch_size is not None and batch_size > facts.train_count:
        message = f"{batch_size} is more than the {facts.train_count} training samples of {data.type}"
        faults.append(Fault(("training", "batch_size"), "batch_size", message))
    return faults


_TARGETS = {"classes": "classes", "label_sets": "sets of labels", "numbers": "numbers"}
"""What targets are, in words."""


def _class_count(layers: Sequence[Stage | None], input_shape: Shape | None) -> int | None:
    """Return how many classes the loss at the end tells apart, if the stack is sound that far."""
    sound = [layer for layer in layers if layer is not None]
    if input_shape is None or len(sound) < len(layers) or not sound or not isinstance(sound[-1], Loss):
        return None
    try:
        return sound[-1].class_count(plan_nodes(sound, input_shape)[-1].input_shape)
    except StackError:
        return None
