"""`Registry`: an immutable map from family and type to the class, and to the distribution that it came from."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast, get_args

from layerkit.component import Component, ComponentT
from layerkit.data.base import Dataset
from layerkit.errors import AmbiguousTypeError, RegistrationError, UnknownTypeError, WrongFamilyError
from layerkit.initializers import Initializer
from layerkit.metrics.base import Metric
from layerkit.observers.base import Observer
from layerkit.optimizers.base import Optimizer
from layerkit.schedules.base import Schedule
from layerkit.stack.layer import Layer
from layerkit.stack.loss import Loss
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

_TAG = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Registration:
    """One component and where it comes from."""

    component: type[Component]
    distribution: str
    version: str

    def __post_init__(self) -> None:
        """Refuse what cannot be registered.

        Raises
        ------
        RegistrationError
            If this is no concrete component of exactly one family with a snake_case type.
        """
        cls = self.component
        if not (isinstance(cls, type) and issubclass(cls, Component)):
            raise RegistrationError(f"{cls!r} is no component: expected a subclass of {_names(FAMILIES)}")
        tag = cls.tag()
        if tag is None or not _TAG.fullmatch(tag) or get_args(cls.model_fields["type"].annotation) != (tag,):
            wanted = tag if tag and _TAG.fullmatch(tag) else _snake(cls.__name__)
            raise RegistrationError(
                f'{cls.__name__} needs a type in snake_case, type: Literal["{wanted}"] = "{wanted}"; it has {tag!r}'
            )
        if inspect.isabstract(cls):
            raise RegistrationError(f"{cls.__name__} leaves out {', '.join(sorted(cls.__abstractmethods__))}")
        if sum(issubclass(cls, family) for family in FAMILIES) != 1:
            raise RegistrationError(f"{cls.__name__} must belong to exactly one family of {_names(FAMILIES)}")

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


@dataclass(frozen=True, slots=True)
class Problem:
    """A distribution that was set aside, and why."""

    distribution: str
    version: str
    reason: str

    def __str__(self) -> str:
        return f"plugin {self.distribution} {self.version} was set aside: {self.reason}"


class Registry:
    """The components that specs may name.

    Parameters
    ----------
    registrations
        All components. No two of one distribution may share a `Registration.key`.
    problems
        Distributions that could not be registered; errors about unknown types mention them.
    wider
        Gives the registry to ask when this one has no answer. It is called at most once a question, and only then.
    remark
        What else errors about unknown types should mention.
    """

    def __init__(
        self,
        registrations: Iterable[Registration],
        problems: Iterable[Problem] = (),
        wider: Callable[[], Registry] | None = None,
        remark: str | None = None,
    ) -> None:
        self.registrations = tuple(registrations)
        self.problems = tuple(problems)
        self._wider = wider
        self._remark = remark
        self._resolved: dict[tuple[type[Component], str], type[Component]] = {}

    def matches(self, family: type[Component], tag: str) -> list[Registration]:
        """Return all registrations in ``family`` under ``tag``, which may be qualified as ``distribution:tag``."""
        distribution, qualified, bare = tag.rpartition(":")
        found = [item for item in self.registrations if item.tag == bare and issubclass(item.component, family)]
        if not qualified:
            return found
        return [item for item in found if canonical_name(item.distribution) == canonical_name(distribution)]

    def resolve(self, family: type[ComponentT], tag: str) -> type[ComponentT]:
        """Return the class that ``tag`` names within ``family``.

        Raises
        ------
        UnknownTypeError
            If no distribution offers the type; names the nearest types, and the plugins that were set aside.
        WrongFamilyError
            If only another family has the type.
        AmbiguousTypeError
            If several distributions offer it.
        """
        known = self._resolved.get((family, tag))
        if known is not None:
            return cast("type[ComponentT]", known)
        found = self.matches(family, tag)
        if len(found) == 1:
            self._resolved[family, tag] = found[0].component
            return self.resolve(family, tag)
        if len(found) > 1:
            choices = " or ".join(f'"{item.qualified}"' for item in found)
            raise AmbiguousTypeError(f'several distributions offer the type "{tag}"; choose {choices}')
        if self._wider is not None:
            return self._wider().resolve(family, tag)
        raise self._missing(family, tag)

    def _missing(self, family: type[Component], tag: str) -> UnknownTypeError | WrongFamilyError:
        noun = family.noun()
        remarks = [str(problem) for problem in self.problems] + ([self._remark] if self._remark else [])
        closing = "".join(f" ({remark})" for remark in remarks)
        elsewhere = self.matches(Component, tag)
        if elsewhere:
            return WrongFamilyError(f'"{tag}" is {elsewhere[0].family.noun()}; expected {noun}{closing}')
        members = [item for item in self.registrations if issubclass(item.component, family)]
        known = sorted({item.qualified if ":" in tag else item.tag for item in members})
        nearest = difflib.get_close_matches(tag[:64].lower(), known, n=3)
        hint = " or ".join(f'"{name}"' for name in nearest)
        message = f'no installed distribution offers {noun} of type "{tag[:64]}"'
        message += f"; did you mean {hint}?" if hint else f"; there are {', '.join(known) or 'none'}"
        return UnknownTypeError(message + closing, nearest[0] if nearest else None)


def canonical_name(distribution: str) -> str:
    """Return the one spelling of a distribution's name: ``Layerkit_Swish`` is ``layerkit-swish``."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _names(classes: Iterable[type]) -> str:
    return ", ".join(cls.__name__ for cls in classes)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
