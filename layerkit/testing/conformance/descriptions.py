"""What every component promises: it is data, and it says what it is."""

from __future__ import annotations

import contextlib
import inspect
import json
from multiprocessing.reduction import ForkingPickler

import numpy as np

from layerkit.component import Component, ComponentT
from layerkit.registry.discovery import installed_registry
from layerkit.registry.registration import Registration
from layerkit.spec.field_docs import field_docs
from layerkit.stack.stage import Stage
from layerkit.testing.conformance.verdicts import blaming, given, require


def json_copy(component: ComponentT) -> ComponentT:
    """Return the component that stands in the JSON text of another, read as a spec is."""
    with blaming(component, "model_dump_json"):
        text = component.model_dump_json()
    with given(f"reading {text}"), blaming(component, "model_validate_json"):
        return type(component).model_validate_json(text, context={"resolver": installed_registry()})


def registration(component: Component, rng: np.random.Generator) -> None:
    """The class can be registered: a concrete member of one family, with a type in snake_case."""
    Registration(type(component), "conformance", "0")


def json_round_trip(component: Component, rng: np.random.Generator) -> None:
    """JSON has every field, and gives an equal component back."""
    written = json.loads(component.model_dump_json())
    unnamed = {"name"} if isinstance(component, Stage) and component.name is None else set()
    lost = sorted(type(component).model_fields.keys() - written.keys() - unnamed)
    require(not lost, f"the JSON of {type(component).__name__} leaves out {', '.join(lost)}")
    again = json_copy(component)
    require(again == component, f"the JSON of {component!r} was read as {again!r}")


def json_schema(component: Component, rng: np.random.Generator) -> None:
    """The class has a JSON Schema, so that editors can check specs."""
    with blaming(component, "model_json_schema"):
        json.dumps(type(component).model_json_schema())


def pickling(component: Component, rng: np.random.Generator) -> None:
    """A description can be sent to another process."""
    with blaming(component, "__reduce__"):
        again = ForkingPickler.loads(ForkingPickler.dumps(component))
    require(again == component, f"{component!r} arrived as {again!r}")


def immutable(component: Component, rng: np.random.Generator) -> None:
    """A description cannot be changed."""
    for name in type(component).model_fields:
        with contextlib.suppress(ValueError):
            setattr(component, name, getattr(component, name))
            require(False, f"{type(component).__name__}.{name} can be assigned; a description must stay frozen")


def docstring(component: Component, rng: np.random.Generator) -> None:
    """The class has a docstring of its own; its first line is what lists of components show."""
    doc = type(component).__dict__.get("__doc__") or ""
    require(doc.strip(), f"{type(component).__name__} has no docstring")


def documented_fields(component: Component, rng: np.random.Generator) -> None:
    """Every field is documented, by the string under it."""
    cls = type(component)
    try:
        inspect.getsource(cls)
    except (OSError, TypeError):  # typed into a session, where there is no source to read
        return
    docs = field_docs(cls)
    bare = [name for name, field in cls.model_fields.items() if name != "type" and not (field.description or docs.get(name))]
    require(not bare, f"fields of {cls.__name__} without a docstring under them: {', '.join(bare)}")


DESCRIPTION_CHECKS = (registration, json_round_trip, json_schema, pickling, immutable, docstring, documented_fields)
