"""Wrongly written components, each with the check that is meant to catch it and a part of what that check says."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from layerkit import Component
from layerkit.testing.conformance import Check

ComponentType = TypeVar("ComponentType", bound=type[Component])


class Mutant(NamedTuple):
    """One wrong component, and how it should be found out."""

    component: type[Component]
    check: Check
    says: str


MUTANTS: list[Mutant] = []
SOUND: list[type[Component]] = []


def caught_by(check: Check, says: str) -> Callable[[ComponentType], ComponentType]:
    """Put a component into the list of mutants; ``says`` is a regular expression that the message must match."""

    def add(component: ComponentType) -> ComponentType:
        MUTANTS.append(Mutant(component, check, says))
        return component

    return add


def sound(component: ComponentType) -> ComponentType:
    """Put a component into the list of the right ones, which the mutants are made of."""
    SOUND.append(component)
    return component
