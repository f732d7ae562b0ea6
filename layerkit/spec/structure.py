"""The order and the names of a stack: what can be said of it without asking a layer for its shapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from layerkit.diagnostics.faults import Fault
from layerkit.stack.layer import Layer, adapts
from layerkit.stack.loss import Loss
from layerkit.stack.stage import Stage


def node_names(layers: Sequence[Stage | None]) -> list[str]:
    """Return each layer's own name, or its type and count: ``affine_1``, ``relu_1``, ``affine_2``."""
    counts: dict[str, int] = {}
    names = []
    for layer in layers:
        tag, name = ("", None) if layer is None else (layer.type, layer.name)
        counts[tag] = number = counts.get(tag, 0) + 1
        names.append(name or f"{tag}_{number}")
    return names


def loss_kinds(layers: Iterable[Stage | None]) -> set[type]:
    """Return which of the classes in a stack are losses: a stack is long, its kinds are few."""
    return {kind for kind in set(map(type, layers)) if issubclass(kind, Loss)}


def structure_faults(layers: Sequence[Stage | None]) -> list[Fault]:
    """Return what is wrong with the order and the names of a stack; None stands for a layer that is faulty in itself."""
    faults = []
    last = len(layers) - 1
    losses = loss_kinds(layers)
    for index, layer in enumerate(layers):
        if layer is not None and type(layer) in losses and index < last:
            message = f"{layer.type} is a loss, and only the last of the layers can be one; take it out or move it to the end"
            faults.append(Fault(("layers", index), "misplaced_loss", message))
        elif index == last and layer is not None and not isinstance(layer, Loss):
            message = f'the last of the layers must be a loss, and {layer.type} is none; put {{"type": "crossentropy"}} after it'
            faults.append(Fault(("layers", index), "missing_loss", message))
    *_, before, loss = (None, None, *layers)
    if isinstance(loss, Loss) and loss.takes_logits and isinstance(before, Layer) and before.gives_probabilities:
        message = (
            f"{loss.type} takes logits and makes probabilities of them by itself, and {before.type} has made some; take it out"
        )
        faults.append(Fault(("layers", last - 1), "misplaced_layer", message))
    return faults + name_faults(layers)


def inner_faults(layers: Sequence[Stage], field: str) -> list[Fault]:
    """Return which of the stages within another layer have no place there: losses, and layers that adapt."""
    faults = []
    for index, stage in enumerate(layers):
        if isinstance(stage, Loss):
            message = f"{stage.type} is a loss; within a layer there is nothing for it to end, take it out"
            faults.append(Fault((field, index), "misplaced_loss", message))
        elif adapts(stage):
            message = (
                f"{stage.type} measures what reaches it before the training, which is not done within a layer; put it before"
            )
            faults.append(Fault((field, index), "misplaced_layer", message))
    return faults


def name_faults(layers: Sequence[Stage | None], field: str = "layers") -> list[Fault]:
    """Return which names stand twice; where a layer is faulty, counts are not known, and given names alone are compared."""
    if not any(layer is not None and layer.name for layer in layers):
        return []  # a type and a count give no name twice
    sound = type(None) not in set(map(type, layers))
    names = node_names(layers) if sound else [layer.name if layer is not None else None for layer in layers]
    faults: list[Fault] = []
    if len(set(names)) == len(names):
        return faults
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        if name is None:
            continue
        if name in seen:
            message = f'the name "{name}" belongs to {field}[{seen[name]}] already; give this one another name'
            faults.append(Fault((field, index), "duplicate_name", message))
        seen.setdefault(name, index)
    return faults
