"""The conformance kit finds every wrong component by the check that is meant for it, and passes every right one."""

from __future__ import annotations

from collections import Counter

import pytest

from layerkit import Component
from layerkit.errors import ConformanceError
from layerkit.testing import check_component, checks_for
from layerkit.testing.conformance import CHECKS, run_check

from .mutants import datasets, descriptions, initializers, layers, losses, observers, optimizers  # noqa: F401 (they list themselves)
from .mutants.catalogue import MUTANTS, SOUND, Mutant

SEEDS = range(3)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.component.__name__}-{mutant.check.__name__}")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_mutant_is_caught_by_its_check(mutant: Mutant, seed: int) -> None:
    assert mutant.check in checks_for(mutant.component)
    with pytest.raises(ConformanceError, match=mutant.says) as error:
        run_check(mutant.check, mutant.component, seed)
    assert str(error.value).startswith(f"{mutant.component.__name__} fails {mutant.check.__name__}: ")


@pytest.mark.parametrize("component", SOUND, ids=lambda component: component.__name__)
@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 50))])
def test_what_the_mutants_are_made_of_passes(component: type[Component], seed: int) -> None:
    check_component(component, seed)


def test_every_check_has_a_mutant() -> None:
    tried = Counter(mutant.check for mutant in MUTANTS)
    assert [check.__name__ for checks in CHECKS.values() for check in checks if check not in tried] == []
