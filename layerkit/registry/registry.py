"""`Registry`: an immutable map from family and type to the class, and to the distribution that it came from."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from layerkit.component import Component, ComponentT
from layerkit.errors import AmbiguousTypeError, RegistrationError, UnknownTypeError, WrongFamilyError
from layerkit.registry.known_plugins import known_owner
from layerkit.registry.registration import OWN_DISTRIBUTION, Registration, canonical_name, refuse_indescribable
from layerkit.registry.synonyms import not_needed, spelling, type_meant

LOCAL_DISTRIBUTION = "local"
"""Stands for the running program, where it brings a class of its own."""
LOCAL_VERSION = "0"


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
        The components. No two of one distribution may share a `Registration.key`.
    problems
        Distributions that could not be registered; errors about unknown types mention them.
    remark
        What else errors about unknown types should mention.
    whole
        Gives the registry of all that there is, ``registrations`` included. It is called once, and not before something else
        than a built-in of ``registrations`` is asked for.
    """

    def __init__(
        self,
        registrations: Iterable[Registration],
        problems: Iterable[Problem] = (),
        remark: str | None = None,
        whole: Callable[[], Registry] | None = None,
    ) -> None:
        self._own = tuple(registrations)
        self._problems = tuple(problems)
        self._remark = remark
        self._load = whole
        self._index: dict[tuple[type, str], list[Registration]] = defaultdict(list)
        for item in self._own:
            qualified = f"{canonical_name(item.distribution)}:{item.tag}"
            ancestry = item.component.__mro__
            for family in ancestry[: ancestry.index(Component) + 1]:
                self._index[family, item.tag].append(item)
                self._index[family, qualified].append(item)
        # Nothing may shadow a built-in, so what names one alone names it whatever plugins there are.
        self._settled = {
            key: found[0].component
            for key, found in self._index.items()
            if len(found) == 1 and found[0].distribution == OWN_DISTRIBUTION
        }

    @cached_property
    def _whole(self) -> Registry:
        return self if self._load is None else self._load()

    @property
    def registrations(self) -> tuple[Registration, ...]:
        """All components."""
        return self._whole._own

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Distributions that could not be registered."""
        return self._whole._problems

    def matches(self, family: type[Component], tag: str) -> Sequence[Registration]:
        """Return all registrations in ``family`` under ``tag``, which may be qualified as ``distribution:tag``."""
        return self._whole._held(family, tag)

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
        settled = self._settled.get((family, tag))
        if settled is not None:
            return settled  # type: ignore[return-value]  # the index knows its family
        found = self.matches(family, tag)
        if len(found) == 1:
            return found[0].component  # type: ignore[return-value]  # the index knows its family
        if found:
            choices = " or ".join(f'"{item.qualified}"' for item in found)
            raise AmbiguousTypeError(f'several distributions offer the type "{tag}"; choose {choices}')
        raise self._whole._missing(family, tag)

    def with_components(self, *classes: type[Component]) -> Registry:
        """Return a registry that holds these classes too, so that specs may name what a program or a notebook defines.

        They count as components of the distribution ``local``.

        Raises
        ------
        RegistrationError
            If a class cannot be registered, or has the type of a built-in or of another class of the program.
        """
        local = [Registration(cls, LOCAL_DISTRIBUTION, LOCAL_VERSION) for cls in classes]
        for item in local:
            refuse_indescribable(item.component)
        refuse_repeated([*(item for item in self._own if item.distribution == LOCAL_DISTRIBUTION), *local])
        self.refuse_shadowing(local)

        def whole() -> Registry:
            known = self._whole
            return Registry([*known._own, *local], known._problems, known._remark)

        return whole() if self._load is None else Registry([*self._own, *local], whole=whole)

    def refuse_shadowing(self, offered: Iterable[Registration]) -> None:
        """Refuse to register what has the type of a built-in.

        Raises
        ------
        RegistrationError
            Naming the built-in.
        """
        taken = {item.key: item for item in self._own if item.distribution == OWN_DISTRIBUTION}
        for item in offered:
            if item.key in taken:
                noun = taken[item.key].family.__name__.lower()
                raise RegistrationError(f'{item.component.__name__} has the type "{item.tag}" of a built-in {noun}')

    def _held(self, family: type[Component], tag: str) -> Sequence[Registration]:
        """Return what this registry itself has, and not what there is beyond it."""
        distribution, colon, bare = tag.rpartition(":")
        return self._index.get((family, f"{canonical_name(distribution)}:{bare}" if colon else bare), ())

    def where_from(self, tag: str) -> str | None:
        """Return what to say of a type that is not here and that a known plugin has; None where there is nothing to say.

        A plugin that was set aside is none to install.
        """
        distribution, colon, bare = tag.rpartition(":")
        owner = known_owner(bare)
        if owner is None or self.matches(Component, tag) or owner in {problem.distribution for problem in self.problems}:
            return None
        if colon and canonical_name(distribution) != owner:
            return None
        remark = self._whole._remark
        return f"{owner} has it" if remark else f"{owner} has it: pip install {owner}"

    def _missing(self, family: type[Component], tag: str) -> UnknownTypeError | WrongFamilyError:
        noun, tag = family.noun(), tag[:64]
        remarks = [str(problem) for problem in self._problems] + ([self._remark] if self._remark else [])
        closing = "".join(f" ({remark})" for remark in remarks)
        members = [item for item in self._own if issubclass(item.component, family)]
        known = sorted({item.qualified if ":" in tag else item.tag for item in members})
        elsewhere = self._held(Component, tag)
        if elsewhere:
            choice = f", such as {known[0]}" if known else "; there is none here"
            return WrongFamilyError(f'"{tag}" is {elsewhere[0].family.noun()}; expected {noun}{choice}{closing}')
        advice, suggestion = self._advice(family, tag, known)
        return UnknownTypeError(f'no installed distribution offers {noun} of type "{tag}"; {advice}{closing}', suggestion)

    def _advice(self, family: type[Component], tag: str, known: list[str]) -> tuple[str, str | None]:
        """Return what to do about an unknown type, and what to write instead where that is clear."""
        meant = type_meant(tag)
        needless = not_needed(tag)
        if needless and self._held(family, needless[0]):
            return needless[1], None
        if meant and self._held(family, meant):
            return (
                f'write "{meant}", as it is called here' if spelling(meant) != spelling(tag) else f'did you mean "{meant}"?'
            ), meant
        origin = self.where_from(meant or tag)
        if origin:
            return f'write "{meant}", as it is called here; {origin}' if meant and meant != tag else origin, meant
        spelt = {spelling(name): name for name in reversed(known)}
        alike = [spelt[spelling(tag)]] if spelling(tag) in spelt else _nearest(tag.lower(), known)
        if alike:
            quoted = [f'"{name}"' for name in alike]
            return f"did you mean {' or '.join(quoted)}?", alike[0]
        return f"there {'is' if len(known) == 1 else 'are'} {', '.join(known) or 'none'}", None


def _nearest(tag: str, known: Sequence[str]) -> list[str]:
    """Return the types that a misspelt one is nearest to: one, or several that are as near."""
    alike = difflib.get_close_matches(tag, known, n=3)
    near = [difflib.SequenceMatcher(None, name, tag).ratio() for name in alike]
    return [name for name, ratio in zip(alike, near, strict=True) if ratio > near[0] - 0.05]


def refuse_repeated(offered: Iterable[Registration]) -> None:
    """Refuse two components of one distribution under one type.

    Raises
    ------
    RegistrationError
        Naming the type.
    """
    keys = set()
    for item in offered:
        if item.key in keys:
            again = "; begin with installed_registry() to offer a class anew" if item.distribution == LOCAL_DISTRIBUTION else ""
            raise RegistrationError(f'the type "{item.tag}" is offered twice{again}')
        keys.add(item.key)
