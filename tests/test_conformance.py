"""Every component that layerkit registers keeps its promises, with the defaults and with other options, whatever is drawn."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from layerkit import SGD, Component, Constant, Diabetes, Digits, Iris, Normal, Wine
from layerkit.registry.discovery import builtin_registry
from layerkit.testing import check_component

DISTRIBUTION = "layerkit"


def test_conformance(conformance_check: Callable[[], None]) -> None:
    conformance_check()


@pytest.mark.parametrize("component", [item.component for item in builtin_registry().registrations], ids=lambda cls: cls.tag())
@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 50))])
def test_no_seed_raises_a_false_alarm(component: type[Component], seed: int) -> None:
    check_component(component, seed)


@pytest.mark.parametrize(
    "component",
    [
        SGD(learning_rate=0.1, momentum=0.9),
        SGD(learning_rate=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
        Constant(value=-3),
        Normal(mean=2.0, std=0.5),
        Digits(as_images=True, standardize=True, stratify=True),
        Iris(test_size=None, standardize=True),
        Wine(split_seed=5, test_size=0.5),
        Diabetes(standardize=True),
    ],
    ids=repr,
)
def test_other_options_keep_the_promises_too(component: Component) -> None:
    check_component(component)
