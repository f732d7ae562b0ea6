"""`Registry`: an immutable map from family and type to the class, and to the distribution that it came from."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

from layerkit.component import Component, ComponentT
from layerkit.data.base import Dataset
from layerkit.errors import AmbiguousTypeError, RegistrationError, UnknownTypeError, WrongFamilyError
from layerkit.initializers import Initializer
from layerkit.layers.base import Layer, Loss
from layerkit.observer import Observer
from layerkit.optimizers.base import Optimizer

FAMILIES: tuple[type[Component], ...] = (Layer, Loss, Initializer, Optimizer, Dataset, Observer)
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
        if tag is None or not _TAG.fullmatch(tag):
            raise RegistrationError(
                f'{cls.__name__} needs a type in snake_case, such as type: Literal["{_snake(cls.__name__)}"] = '
                f'"{_snake(cls.__name__)}"; it has {tag!r}'
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
        All components. No two of one distribution may share family and type.
    problems
        Distributions that could not be registered; errors about unknown types mention them.
    wider
        Gives the registry to ask when this one has no answer. It is called at most once a question, and only then.
    """

    def __init__(
        self,
        registrations: Iterable[Registration],
        problems: Iterable[Problem] = (),
        wider: Callable[[], Registry] | None = None,
    ) -> None:
        self.registrations = tuple(registrations)
        self.problems = tuple(problems)
        self._wider = wider
        self._resolved: dict[tuple[type[Component], str], type[Component]] = {}

    def matches(self, family: type[Component], tag: str) -> list[Registration]:
        """Return all registrations in ``family`` under ``tag``, which may be qualified as ``distribution:tag``."""
        distribution, _, bare = tag.rpartition(":")
        return [
            item
            for item in self.registrations
            if item.tag == bare and issubclass(item.component, family) and distribution in ("", item.distribution)
        ]

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
            choices = " or ".join(f'"{item.distribution}:{item.tag}"' for item in found)
            raise AmbiguousTypeError(f'several distributions offer the type "{tag}"; choose {choices}')
        if self._wider is not None:
            return self._wider().resolve(family, tag)
        raise self._missing(family, tag)

    def _missing(self, family: type[Component], tag: str) -> UnknownTypeError | WrongFamilyError:
        noun = family.noun()
        elsewhere = self.matches(Component, tag)
        if elsewhere:
            return WrongFamilyError(f'"{tag}" is {elsewhere[0].family.noun()}; expected {noun}')
        known = sorted({item.tag for item in self.registrations if issubclass(item.component, family)})
        nearest = difflib.get_close_matches(tag[:64], known, n=3)
        hint = " or ".join(f'"{name}"' for name in nearest) if nearest else ""
        message = f'no installed distribution offers {noun} of type "{tag[:64]}"'
        message += f"; did you mean {hint}?" if hint else f"; there are {', '.join(known) or 'none'}"
        message += "".join(f" ({problem})" for problem in self.problems)
        return UnknownTypeError(message, nearest[0] if nearest else None)


def _names(classes: Iterable[type]) -> str:
    return ", ".join(cls.__name__ for cls in classes)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
