"""Which distributions extend layerkit, and what each of them offers."""

from __future__ import annotations

import difflib
import io
import os
import random
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import Distribution, EntryPoint, distribution, distributions, entry_points
from traceback import TracebackException
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pluggy

from layerkit.errors import PluginError, RegistrationError
from layerkit.printable import printable
from layerkit.registry import hookspecs
from layerkit.registry.command_names import own_commands
from layerkit.registry.registration import OWN_DISTRIBUTION, Registration, canonical_name, refuse_indescribable
from layerkit.registry.registry import LOCAL_DISTRIBUTION, Problem, Registry, refuse_repeated
from layerkit.registry.requirements import unmet_requirement
from layerkit.registry.synonyms import type_meant

if TYPE_CHECKING:
    import click

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION = re.compile(r"[A-Za-z0-9.!+_-]+")
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
    side_effects: tuple[str, ...] = ()


# --- what there is ------------------------------------------------------------------------------------------------


@cache
def builtin_registry() -> Registry:
    """Return the built-ins alone, found through the entry point of layerkit's own distribution."""
    own = distribution(OWN_DISTRIBUTION)
    modules = [point.load() for point in _entry_points(own)]
    return Registry(_registrations(modules, OWN_DISTRIBUTION, own.version))


def builtin_meant(name: str) -> str | None:
    """Return what the class of a built-in is called that goes by ``name`` elsewhere; None where there is none."""
    return next((item.component.__name__ for item in builtin_registry().registrations if item.tag == type_meant(name)), None)


@cache
def installed_registry() -> Registry:
    """Return what specs are read with: the built-ins and the components of every plugin that loads.

    Plugins are loaded when it is asked for something else than a built-in.
    """
    return Registry(builtin_registry().registrations, whole=_registry_with_plugins)


def _registry_with_plugins() -> Registry:
    plugins = installed_plugins()
    offered = [item for plugin in plugins for item in plugin.registrations]
    problems = [Problem(plugin.distribution, plugin.version, plugin.problem) for plugin in plugins if plugin.problem]
    remark = f"plugins are disabled by {DISABLE_VARIABLE}" if plugins_disabled() else None
    return Registry([*builtin_registry().registrations, *offered], problems, remark)


@cache
def installed_plugins() -> tuple[Plugin, ...]:
    """Load every plugin, once, and return what became of each; a broken one is set aside and changes nothing else."""
    return tuple(_without_rivals([_load(owner) for owner in _announced()]))


def plugins_disabled() -> bool:
    """Return whether the environment asks for no plugin to be loaded."""
    return os.environ.get(DISABLE_VARIABLE, "0") not in ("", "0")


def require_sound_plugins() -> None:
    """Load every plugin and refuse to go on if one is broken.

    Raises
    ------
    PluginError
        Naming each broken distribution with its version and reason.
    """
    problems = installed_registry().problems
    if problems:
        raise PluginError(*problems)


# --- from distributions to plugins --------------------------------------------------------------------------------


def _announced() -> Iterator[Distribution]:
    """Yield the distributions that announce a plugin, by name; of several copies, the one that Python imports."""
    if plugins_disabled():
        return
    points = entry_points(group=hookspecs.ENTRY_POINT_GROUP)
    owners = {canonical_name(_recorded(point.dist, "Name")): point.dist for point in points if point.dist}
    for name in sorted(owners.keys() - {OWN_DISTRIBUTION}):
        yield owners[name]


def _recorded(owner: Distribution, key: str) -> str:
    """Return what the metadata of a distribution says; nothing where a removal or a copy went wrong half-way."""
    try:
        return owner.metadata[key] if key in owner.metadata else ""  # noqa: SIM401 (its type has no get)
    except ValueError:
        return ""


def _load(owner: Distribution) -> Plugin:
    """Load one distribution: everything that it offers, or nothing and the reason."""
    name, location = _recorded(owner, "Name"), str(owner.locate_file(""))
    copies = distributions(name=name, path=[location]) if name else [owner]
    versions = sorted({_recorded(copy, "Version") for copy in copies})
    identity = name or "(unnamed)", " or ".join(versions) or "(unknown)", location
    side_effects: list[str] = []
    try:
        if len(versions) > 1:  # nobody knows which of them the code is
            raise RegistrationError("two versions are recorded in one folder; install it anew")
        if not (_NAME.fullmatch(name) and _VERSION.fullmatch("".join(versions))):  # what specs record would be of no use
            raise RegistrationError("its metadata lacks a proper name or version; install it anew")
        if canonical_name(name) == LOCAL_DISTRIBUTION:
            raise RegistrationError(f'the name "{LOCAL_DISTRIBUTION}" stands for what a program itself defines')
        with _process_state_kept(side_effects.append):
            registrations, commands = _offer(owner)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may do anything on import, even exit
        return Plugin(*identity, problem=_reason(error), side_effects=tuple(side_effects))
    return Plugin(*identity, tuple(registrations), tuple(commands), side_effects=tuple(side_effects))


def _offer(owner: Distribution) -> tuple[list[Registration], list[click.Command]]:
    """Import what a distribution announces and return what it offers, everything checked."""
    for requirement in owner.requires or ():
        if re.match(rf"{OWN_DISTRIBUTION}(?![\w.-])", requirement) and (unmet := unmet_requirement(requirement)):
            raise RegistrationError(f"it needs {unmet}")
    points = _entry_points(owner)
    modules = [point.load() for point in points]
    for point in points:
        _refuse_other_version(sys.modules[point.module])
    registrations = _registrations(modules, owner.name, owner.version)
    builtin_registry().refuse_shadowing(registrations)
    for item in registrations:
        refuse_indescribable(item.component)
    return registrations, _commands(modules)


def _refuse_other_version(module: ModuleType) -> None:
    written_for = getattr(module, hookspecs.API_VARIABLE, 1)
    if written_for == hookspecs.API_VERSION:
        return
    reason = f"it is written for version {written_for!r} of the plugin interface; here is version {hookspecs.API_VERSION}"
    if written_for == 1:
        reason += (
            f'. Follow "From version 1 to {hookspecs.API_VERSION}" in docs/plugins.md of layerkit, then write '
            f"{hookspecs.API_VARIABLE} = {hookspecs.API_VERSION} in {module.__name__} "
            f'and "{OWN_DISTRIBUTION}>={hookspecs.API_SINCE}" among its dependencies'
        )
    raise RegistrationError(reason)


def _entry_points(owner: Distribution) -> list[EntryPoint]:
    return sorted(owner.entry_points.select(group=hookspecs.ENTRY_POINT_GROUP), key=lambda point: (point.name, point.value))


def _reason(error: BaseException) -> str:
    """Say on one line why a plugin was set aside; an exception of a plugin may even fail to say what it is."""
    text = " ".join(str(TracebackException.from_exception(error)).split())[:500]
    if isinstance(error, RegistrationError):
        return printable(text)
    return printable(f"{type(error).__name__}: {text}" if text else type(error).__name__)


@contextmanager
def _process_state_kept(report: Callable[[str], None]) -> Iterator[None]:
    """Undo what an import does to the whole process, and report it."""
    before = np.geterr(), random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002 (it is what must not change)
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):  # what layerkit prints may be read by a program
            yield
    finally:
        if printed.getvalue():
            report("it prints on import")
        if np.geterr() != before[0]:
            np.seterr(**before[0])
            report("it changes NumPy's error handling (numpy.seterr) on import")
        if random.getstate() != before[1]:
            random.setstate(before[1])
            report("it changes the global random state of the random module on import")
        if _comparable(np.random.get_state(legacy=False)) != _comparable(before[2]):  # noqa: NPY002
            np.random.set_state(before[2])  # noqa: NPY002
            report("it changes NumPy's global random state on import")


def _comparable(state: Any) -> Any:
    """Return a state of NumPy's in a form that ``==`` compares."""
    if isinstance(state, dict):
        return {key: _comparable(value) for key, value in state.items()}
    return state.tobytes() if isinstance(state, np.ndarray) else state


# --- what a plugin module offers ----------------------------------------------------------------------------------


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
    callers = manager.get_hookcallers(module)
    if not callers:
        raise RegistrationError("it implements no hook; a function layerkit_components marked with @hookimpl is missing")
    for caller in callers:
        if not caller.has_spec() and not all(implementation.optionalhook for implementation in caller.get_hookimpls()):
            hooks = [name for name in vars(hookspecs) if name.startswith("layerkit_")]
            advice = " or ".join(difflib.get_close_matches(caller.name, hooks, n=1) or hooks)
            raise RegistrationError(f"layerkit has no hook {caller.name}; did you mean {advice}?")
    caller = getattr(manager.hook, hook)
    results = caller()
    if len(results) < len(caller.get_hookimpls()):  # pluggy drops None without a word
        raise RegistrationError(f"{hook} returned None; expected a list")
    for result in results:
        if not isinstance(result, list | tuple):
            raise RegistrationError(f"{hook} returned {type(result).__name__}; expected a list")
    return [item for result in results for item in result]


def _registrations(modules: Iterable[Any], distribution: str, version: str) -> list[Registration]:
    """Return the components that all the modules of one distribution offer."""
    offered = [component for module in modules for component in offered_by(module, "layerkit_components")]
    registrations = [Registration(component, distribution, version) for component in offered]
    refuse_repeated(registrations)
    return registrations


def _commands(modules: Iterable[Any]) -> list[click.Command]:
    """Return the commands that all the modules of one distribution offer."""
    found: dict[str, click.Command] = {}
    for module in modules:
        for command in offered_by(module, "layerkit_commands"):
            name = str(getattr(command, "name", None))
            if not callable(getattr(command, "make_context", None)) or not re.fullmatch(r"[a-z][a-z0-9-]*", name):
                raise RegistrationError(f"{command!r} is no click command with a name in lower case")
            if name in own_commands():
                raise RegistrationError(f'the command "{name}" is one of layerkit itself')
            if name in found:
                raise RegistrationError(f'the command "{name}" is offered twice')
            found[name] = command
    return list(found.values())


def _without_rivals(plugins: Sequence[Plugin]) -> Iterator[Plugin]:
    """Set aside all plugins that offer the same thing, so that none of them wins by its name or its place on ``sys.path``.

    Types are no such thing, since a spec can choose between distributions.
    """
    claimants: dict[str, list[Plugin]] = defaultdict(list)
    for plugin in plugins:
        for claim in _claims(plugin):
            claimants[claim].append(plugin)
    for plugin in plugins:
        contested = [
            f"{claim} is also offered by {rival.distribution} {rival.version}"
            for claim in _claims(plugin)
            for rival in claimants[claim]
            if rival is not plugin
        ]
        yield replace(plugin, registrations=(), commands=(), problem="; ".join(contested)) if contested else plugin


def _claims(plugin: Plugin) -> list[str]:
    # Distributions that bring modules of one name offer one class: Python imports only one of the modules.
    classes = [item.component for item in plugin.registrations]
    return [f"the class {cls.__module__}.{cls.__qualname__}" for cls in classes] + [
        f'the command "{command.name}"' for command in plugin.commands
    ]
