"""Which distributions extend layerkit, and what each of them offers."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import Distribution, EntryPoint, distribution, entry_points
from typing import Any

import pluggy

from layerkit.errors import RegistrationError
from layerkit.registry import hookspecs
from layerkit.registry.registry import Problem, Registration, Registry

OWN_DISTRIBUTION = "layerkit"
DISABLE_VARIABLE = "LAYERKIT_DISABLE_PLUGINS"
"""Set to 1, this environment variable keeps every plugin from being loaded."""


@cache
def builtin_registry() -> Registry:
    """Return the built-ins, found through the entry point of layerkit's own distribution.

    Where they have no answer they ask `installed_registry`: a spec of built-ins alone imports no plugin.
    """
    own = distribution(OWN_DISTRIBUTION)
    registrations = _registrations(own, _entry_points_of(own))
    return Registry(registrations, wider=installed_registry)


@cache
def installed_registry() -> Registry:
    """Return the built-ins and the components of every plugin that loads."""
    builtins = builtin_registry().registrations
    registrations, problems = list(builtins), []
    for plugin, points in _plugins():
        try:
            offered = _registrations(plugin, points)
            _refuse_shadowing(offered, builtins)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may do anything on import, even exit
            problems.append(Problem(plugin.name, plugin.version, _reason(error)))
        else:
            registrations += offered
    return Registry(registrations, problems)


def _plugins() -> Iterable[tuple[Distribution, list[EntryPoint]]]:
    """Yield the distributions that announce themselves, in an order that does not depend on ``sys.path``."""
    if os.environ.get(DISABLE_VARIABLE) == "1":
        return
    points: dict[str, list[EntryPoint]] = defaultdict(list)
    owners: dict[str, Distribution] = {}
    for point in entry_points(group=hookspecs.ENTRY_POINT_GROUP):
        if point.dist is not None and point.dist.name != OWN_DISTRIBUTION:
            points[point.dist.name].append(point)
            owners[point.dist.name] = point.dist
    for name in sorted(owners):
        yield owners[name], sorted(points[name], key=lambda point: point.name)


def _entry_points_of(owner: Distribution) -> list[EntryPoint]:
    return [point for point in owner.entry_points if point.group == hookspecs.ENTRY_POINT_GROUP]


def _registrations(owner: Distribution, points: Iterable[EntryPoint]) -> list[Registration]:
    """Return what all the entry points of one distribution offer: everything, or an exception."""
    found: list[Registration] = []
    for point in points:
        for component in offered_by(point.load(), "layerkit_components"):
            registration = Registration(component, owner.name, owner.version)
            if any((item.family, item.tag) == (registration.family, registration.tag) for item in found):
                raise RegistrationError(f'the type "{registration.tag}" is offered twice')
            found.append(registration)
    return found


def offered_by(module: Any, hook: str) -> Sequence[Any]:
    """Return what the plugin ``module`` hands back from ``hook``, all implementations in one list.

    A manager of its own keeps each plugin from the others: no shared names, and no hook left behind by one that failed.

    Raises
    ------
    RegistrationError
        If a hook is misspelt, or returns something else than a list or tuple.
    """
    manager = pluggy.PluginManager("layerkit")
    manager.add_hookspecs(hookspecs)
    manager.register(module)
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise RegistrationError(f"it implements a hook that layerkit does not have: {error}") from error
    caller = getattr(manager.hook, hook)
    results = caller()
    if len(results) < len(caller.get_hookimpls()):  # pluggy drops None without a word
        raise RegistrationError(f"{hook} returned None; expected a list")
    for result in results:
        if not isinstance(result, list | tuple):
            raise RegistrationError(f"{hook} returned {type(result).__name__}; expected a list")
    return [item for result in results for item in result]


def _refuse_shadowing(offered: Iterable[Registration], builtins: Iterable[Registration]) -> None:
    taken = {(item.family, item.tag) for item in builtins}
    for item in offered:
        if (item.family, item.tag) in taken:
            raise RegistrationError(
                f'{item.component.__name__} has the type "{item.tag}" of a built-in {item.family.__name__.lower()}'
            )


def _reason(error: BaseException) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
