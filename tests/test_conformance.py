"""Every component that layerkit registers keeps its promises, in each of its examples, whatever is drawn."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from layerkit import Component
from layerkit.registry.discovery import builtin_registry
from layerkit.testing import check_component

DISTRIBUTION = "layerkit"


def test_conformance(conformance_check: Callable[[], None]) -> None:
    conformance_check()


@pytest.mark.parametrize("component", [item.component for item in builtin_registry().registrations], ids=lambda cls: cls.tag())
@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 50))])
def test_no_seed_raises_a_false_alarm(component: type[Component], seed: int) -> None:
    check_component(component, seed)
