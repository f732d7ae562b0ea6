"""The page of all built-in components, with their formulas and with plots of what can be plotted."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator

import numpy as np
from docstring_markdown import markdown
from plots import Curve, plot
from spec_page import HEADINGS

from layerkit import EpochRecord, Layer, Progress, Schedule, builtin_registry
from layerkit.component import Component
from layerkit.registry.registration import FAMILIES
from layerkit.testing.lone_nodes import lone_node

INTRODUCTION = """# The components

<!-- Made from the code by `python docs/make_reference.py`: change the docstrings, and make it anew. -->

What layerkit has built in, family by family, with formulas and sources. [spec.md](spec.md) has their keys, and
[plugins.md](plugins.md) says how more are written. In the shell, `layerkit components` lists all that are installed,
`layerkit components --search norm` finds some of them, and `layerkit components TYPE` shows one.
"""

STEPS, EPOCHS = 100, 20
"""Of the training that schedules are plotted for."""


def components_page() -> tuple[str, dict[str, str]]:
    """Return the page, and the plots by the names of their files."""
    parts, plots = [INTRODUCTION], {}
    for family in FAMILIES:
        members = [item.component for item in builtin_registry().registrations if item.family is family]
        if not members:
            continue
        parts.append(f"## {HEADINGS[family.__name__]}")
        parts.append(", ".join(f"[`{member.tag()}`](#{member.tag()})" for member in members))
        for member in members:
            parts += [f"### `{member.tag()}`", markdown(inspect.cleandoc(member.__doc__ or ""))]
            curves = list(_curves(member))
            if curves:
                plots[f"{member.tag()}.svg"] = plot(str(member.tag()), curves)
                parts.append(f"![{member.tag()}](plots/{member.tag()}.svg)")
    return "\n\n".join(part.strip() for part in parts) + "\n", plots


def _curves(component: type[Component]) -> Iterator[Curve]:
    """Yield what is to be plotted of a component: functions of one number, and learning rates in the course of a training."""
    instance = next(iter(component.examples()))
    if isinstance(instance, Layer) and "element by element" in (component.__doc__ or ""):
        yield from _function(instance)
    if isinstance(instance, Schedule):
        for schedule in list(component.examples())[:3]:
            assert isinstance(schedule, Schedule)
            yield Curve(_written(schedule), [(step, _rate(schedule, step)) for step in range(STEPS)])


def _function(layer: Layer) -> Iterator[Curve]:
    inputs = np.linspace(-4, 4, 161)[:, np.newaxis]
    node = lone_node(layer, (1,), np.random.default_rng(0))
    outputs = np.array(layer.forward(node, inputs))
    slopes = np.array(layer.backward(node, np.ones_like(outputs)))
    yield Curve("outputs", list(zip(inputs[:, 0].tolist(), outputs[:, 0].tolist(), strict=True)))
    yield Curve("derivative", list(zip(inputs[:, 0].tolist(), slopes[:, 0].tolist(), strict=True)), dashed=True)


def _rate(schedule: Schedule, step: int) -> float:
    """Return the rate of a step, in a training whose loss gets no better after a while."""
    epoch = step * EPOCHS // STEPS
    losses = [max(1 - 0.2 * number, 0.4) for number in range(epoch)]
    history = [EpochRecord(number, loss, {"validation_loss": loss}, 0.1, 1.0) for number, loss in enumerate(losses)]
    return schedule.learning_rate(0.1, Progress(step, STEPS, epoch, EPOCHS, history))


def _written(component: Component) -> str:
    fields = component.model_dump(mode="json", exclude_defaults=True)
    short = {name: value["type"] if isinstance(value, dict) else json.dumps(value) for name, value in fields.items()}
    return ", ".join(f"{name} {value}" for name, value in short.items()) or component.type
