"""A pytest plugin that puts the components of an installed distribution to the conformance kit.

A whole test file::

    DISTRIBUTION = "layerkit-swish"


    def test_conformance(conformance_check):
        conformance_check()

makes one test for each component and check, such as ``test_conformance[swish-input_gradients]``; where a component gives several
examples, one for each of them, ``test_conformance[sgd-1-descends]``. pytest loads this module in every session of an environment,
so it imports nothing else before it is asked to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from layerkit.component import Component
    from layerkit.registry.registration import Registration


@pytest.fixture
def conformance_check(request: pytest.FixtureRequest) -> Callable[[], None]:
    """One check of one component of the distribution that the test module names as DISTRIBUTION; call it."""
    check: Callable[[], None] = request.param

    def checked() -> None:
        from layerkit.testing.conformance.verdicts import Unavailable

        try:
            check()
        except Unavailable as error:
            pytest.skip(str(error))

    return checked


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test for each example of a component and each check."""
    if "conformance_check" not in metafunc.fixturenames:
        return
    from layerkit.testing.conformance import checks_for, run_check

    cases = [
        pytest.param(partial(run_check, check, subject), id=f"{name}-{check.__name__}")
        for item in _registrations(getattr(metafunc.module, "DISTRIBUTION", None))
        for name, subject in _subjects(item)
        for check in checks_for(item.component)
    ]
    metafunc.parametrize("conformance_check", cases, indirect=True)


def _subjects(item: Registration) -> Iterator[tuple[str, type[Component] | Component]]:
    """Yield the examples of a component, numbered from 1 where there are several; the class itself where it gives none of it."""
    try:
        examples = list(item.component.examples())
    except KeyboardInterrupt:
        raise
    except BaseException:  # each check will say what it was
        examples = []
    if any(type(example) is not item.component for example in examples):
        examples = []  # each check will say so
    if len(examples) < 2:
        yield item.tag, examples[0] if examples else item.component
        return
    for number, example in enumerate(examples, start=1):
        yield f"{item.tag}-{number}", example


def _registrations(distribution: str | None) -> tuple[Registration, ...]:
    """Return what a distribution offers; where that is nothing, the module that names it is an error of collection."""
    from layerkit.registry.discovery import builtin_registry, installed_plugins
    from layerkit.registry.registration import OWN_DISTRIBUTION, canonical_name

    if not isinstance(distribution, str):
        raise pytest.Collector.CollectError('conformance_check needs the module to say DISTRIBUTION = "name-of-the-distribution"')
    name = canonical_name(distribution)
    if name == OWN_DISTRIBUTION:
        return builtin_registry().registrations
    plugin = next((plugin for plugin in installed_plugins() if canonical_name(plugin.distribution) == name), None)
    if plugin is None:
        raise pytest.Collector.CollectError(f"{distribution} {_absence(name)}")
    if plugin.problem:
        raise pytest.Collector.CollectError(f"{distribution} was set aside: {plugin.problem}")
    if not plugin.registrations:
        raise pytest.Collector.CollectError(f"{distribution} offers no components")
    return plugin.registrations


def _absence(name: str) -> str:
    """Return why no plugin of that name was found."""
    from importlib.metadata import PackageNotFoundError, distribution

    from layerkit.registry.discovery import DISABLE_VARIABLE, plugins_disabled
    from layerkit.registry.hookspecs import ENTRY_POINT_GROUP

    if plugins_disabled():
        return f"was not loaded: {DISABLE_VARIABLE} keeps every plugin from being loaded"
    try:
        distribution(name)
    except PackageNotFoundError:
        return "is not installed"
    return f'is installed, and has no entry point in the group "{ENTRY_POINT_GROUP}"'
