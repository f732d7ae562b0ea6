"""Which distributions extend layerkit, and what each of them offers."""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import Distribution, EntryPoint, distribution, entry_points
from typing import TYPE_CHECKING, Any

import numpy as np
import pluggy

from layerkit.errors import PluginError, RegistrationError
from layerkit.registry import hookspecs
from layerkit.registry.registry import Problem, Registration, Registry

if TYPE_CHECKING:
    import click

OWN_DISTRIBUTION = "layerkit"
DISABLE_VARIABLE = "LAYERKIT_DISABLE_PLUGINS"
"""Set to 1, this environment variable keeps every plugin from being loaded."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """One distribution that extends layerkit.

    Attributes
    ----------
    distribution, version, location
        Which distribution it is, and the folder that it is installed in.
    registrations
        The components that it offers.
    commands
        The commands that it offers.
    problem
        Why it was set aside; nothing of such a plugin is used.
    side_effects
        What its import changed for everyone in the process; it was changed back.
    """

    distribution: str
    version: str
    location: str
    registrations: tuple[Registration, ...] = ()
    commands: tuple[click.Command, ...] = ()
    problem: str | None = None
    side_effects: tuple[str, ...] = field(default=())


@cache
def builtin_registry() -> Registry:
    """Return the built-ins, found through the entry point of layerkit's own distribution.

    Where they have no answer they ask `installed_registry`: a spec of built-ins alone imports no plugin.
    """
    own = distribution(OWN_DISTRIBUTION)
    points = [point for point in own.entry_points if point.group == hookspecs.ENTRY_POINT_GROUP]
    return Registry(_registrations(own, [point.load() for point in points]), wider=installed_registry)


@cache
def installed_registry() -> Registry:
    """Return the built-ins and the components of every plugin that loads."""
    plugins = installed_plugins()
    offered = [item for plugin in plugins for item in plugin.registrations]
    problems = [Problem(plugin.distribution, plugin.version, plugin.problem) for plugin in plugins if plugin.problem]
    return Registry([*builtin_registry().registrations, *offered], problems)


@cache
def installed_plugins() -> tuple[Plugin, ...]:
    """Load every plugin, once, and return what became of each; a broken one is set aside and changes nothing else."""
    return tuple(_load(owner, points) for owner, points in _announced())


def require_sound_plugins() -> None:
    """Load every plugin and refuse to go on if one is broken.

    Raises
    ------
    PluginError
        Naming each broken distribution with its version and reason.
    """
    problems = installed_registry().problems
    if problems:
        raise PluginError("\n".join(str(problem) for problem in problems))


def _announced() -> Iterator[tuple[Distribution, list[EntryPoint]]]:
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


def _load(owner: Distribution, points: Iterable[EntryPoint]) -> Plugin:
    """Load one distribution: everything that it offers, or nothing and the reason."""
    identity = owner.name, owner.version, str(owner.locate_file(""))
    side_effects: list[str] = []
    try:
        with _process_state_kept(side_effects.append):
            modules = [point.load() for point in points]
            registrations = _registrations(owner, modules)
            commands = [command for module in modules for command in offered_by(module, "layerkit_commands")]
        _refuse_shadowing(registrations)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may do anything on import, even exit
        text = str(error).strip()
        problem = f"{type(error).__name__}: {text}" if text else type(error).__name__
        return Plugin(*identity, problem=problem, side_effects=tuple(side_effects))
    return Plugin(*identity, tuple(registrations), tuple(commands), side_effects=tuple(side_effects))


@contextmanager
def _process_state_kept(report: Callable[[str], None]) -> Iterator[None]:
    """Undo what an import does to the whole process, and report it."""
    before = np.geterr(), random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002 (it is what must not change)
    try:
        yield
    finally:
        if np.geterr() != before[0]:
            np.seterr(**before[0])
            report("it changes NumPy's error handling (numpy.seterr) on import")
        if random.getstate() != before[1]:
            random.setstate(before[1])
            report("it changes the global random state of the random module on import")
        if repr(np.random.get_state(legacy=False)) != repr(before[2]):  # noqa: NPY002
            np.random.set_state(before[2])  # noqa: NPY002
            report("it changes NumPy's global random state on import")


def _registrations(owner: Distribution, modules: Iterable[Any]) -> list[Registration]:
    """Return what all the modules of one distribution offer: everything, or an exception."""
    found: list[Registration] = []
    for module in modules:
        for component in offered_by(module, "layerkit_components"):
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
    if not manager.get_hookcallers(module):
        raise RegistrationError("it implements no hook; a function layerkit_components marked with @hookimpl is missing")
    caller = getattr(manager.hook, hook)
    results = caller()
    if len(results) < len(caller.get_hookimpls()):  # pluggy drops None without a word
        raise RegistrationError(f"{hook} returned None; expected a list")
    for result in results:
        if not isinstance(result, list | tuple):
            raise RegistrationError(f"{hook} returned {type(result).__name__}; expected a list")
    return [item for result in results for item in result]


def _refuse_shadowing(offered: Iterable[Registration]) -> None:
    taken = {(item.family, item.tag) for item in builtin_registry().registrations}
    for item in offered:
        if (item.family, item.tag) in taken:
            name = item.family.__name__.lower()
            raise RegistrationError(f'{item.component.__name__} has the type "{item.tag}" of a built-in {name}')
