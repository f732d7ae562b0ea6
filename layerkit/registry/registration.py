"""`Registration`: one component and where it comes from, and what cannot be registered."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from pydantic.json_schema import PydanticJsonSchemaWarning

from layerkit.component import Component
from layerkit.data.base import Dataset
from layerkit.errors import RegistrationError
from layerkit.initializers import Initializer
from layerkit.metrics.base import Metric
from layerkit.observers.base import Observer
from layerkit.optimizers.base import Optimizer
from layerkit.schedules.base import Schedule
from layerkit.stack.layer import Layer
from layerkit.stack.loss import Loss, Task
from layerkit.stack.stage import Stage

FAMILIES: tuple[type[Component], ...] = (
    Layer,
    Loss,
    Initializer,
    Optimizer,
    Schedule,
    Metric,
    Dataset,
    Observer,
)
"""Every kind of component that a distribution may offer."""
OWN_DISTRIBUTION = "layerkit"
"""Offers the built-ins, whose types nobody else may have."""

_TAG = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Registration:
    """One component and where it comes from.

    Attributes
    ----------
    component
        The class.
    distribution, version
        What brought it.

    Raises
    ------
    RegistrationError
        If this is no concrete component of exactly one family with a snake_case type, or if a field of it has the name of
        something else in the contract of its family.
    """

    component: type[Component]
    distribution: str
    version: str

    def __post_init__(self) -> None:
        cls = self.component
        if not (isinstance(cls, type) and issubclass(cls, Component)):
            raise RegistrationError(f"{cls!r} is no component: expected a subclass of {_names(FAMILIES)}")
        tag = cls.tag()
        if tag is None or not _TAG.fullmatch(tag) or get_args(cls.model_fields["type"].annotation) != (tag,):
            wanted = tag if tag and _TAG.fullmatch(tag) else _snake(cls.__name__)
            raise RegistrationError(
                f'{cls.__name__} needs a type in snake_case, type: Literal["{wanted}"] = "{wanted}"; it has {tag!r}'
            )
        if sum(issubclass(cls, family) for family in FAMILIES) != 1:
            raise RegistrationError(f"{cls.__name__} must belong to exactly one family of {_names(FAMILIES)}")
        for name in cls.model_fields:
            if name not in self.family.model_fields and hasattr(self.family, name):
                raise RegistrationError(
                    f'{cls.__name__} has a field "{name}", which hides {self.family.__name__}.{name}; give the field another name'
                )
        for name, field in self.family.model_fields.items():
            if name != "type" and cls.model_fields[name].annotation != field.annotation:
                raise RegistrationError(
                    f'{cls.__name__} gives the field "{name}" another type than {self.family.__name__} does; expected '
                    f"{field.annotation}"
                )
        if inspect.isabstract(cls):
            raise RegistrationError(f"{cls.__name__} leaves out {', '.join(sorted(cls.__abstractmethods__))}")
        tasks: object = (cls.task,) if issubclass(cls, Loss) and cls.task is not None else ()
        if issubclass(cls, Metric):
            tasks = getattr(cls, "tasks", None)
        if not isinstance(tasks, tuple) or not {*tasks} <= {*get_args(Task)}:
            known = ", ".join(map(repr, get_args(Task)))
            raise RegistrationError(f"{cls.__name__} is for {tasks!r}, which are no kinds of targets; there are {known}")
        if issubclass(cls, Loss) and cls.forward is Loss.forward:
            missing = [name for name in ("losses", "d_logits") if getattr(cls, name) is getattr(Loss, name)]
            if missing:
                raise RegistrationError(f"{cls.__name__} leaves out {' and '.join(missing)}")

    @property
    def tag(self) -> str:
        """The ``type`` that a spec uses."""
        return self.component.tag() or ""

    @property
    def family(self) -> type[Component]:
        """The family that the component belongs to."""
        return next(family for family in FAMILIES if issubclass(self.component, family))

    @property
    def key(self) -> tuple[type[Component], str]:
        """What no other registration of the distribution, and no built-in, has; layers and losses stand in one stack."""
        return (Stage if issubclass(self.component, Stage) else self.family), self.tag

    @property
    def qualified(self) -> str:
        """The type with the distribution that it comes from, which names it whatever else is installed."""
        return f"{self.distribution}:{self.tag}"


def refuse_indescribable(component: type[Component]) -> None:
    """Build what pydantic would build on first use, so that a field that it cannot take shows now.

    Raises
    ------
    RegistrationError
        If JSON cannot hold a field of the component.
    """
    try:
        component.model_rebuild()
        with warnings.catch_warnings():
            warnings.simplefilter("error", PydanticJsonSchemaWarning)
            component.model_json_schema()
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise RegistrationError(f"{component.__name__} has a field that no spec can hold: {reason}") from error


def canonical_name(distribution: str) -> str:
    """Return the one spelling of a distribution's name: ``Layerkit_Swish`` is ``layerkit-swish``."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _names(classes: Iterable[type]) -> str:
    return ", ".join(cls.__name__ for cls in classes)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
