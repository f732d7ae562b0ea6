"""``layerkit doctor``: the health of the installation and of every plugin."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

import click
import numpy as np

from layerkit.cli.messages import say, say_json
from layerkit.layout import listing
from layerkit.registry.discovery import (
    DISABLE_VARIABLE,
    Plugin,
    installed_plugins,
    plugins_disabled,
)
from layerkit.registry.registration import OWN_DISTRIBUTION
from layerkit.registry.requirements import unmet_requirement


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(form: str) -> None:
    """Show what is installed and whether it is sound: layerkit, what it needs, and every plugin.

    Ends with 1 where something is broken.
    """
    report = _report()
    if form == "json":
        say_json(report)
    else:
        _show(report)
    sys.exit(0 if report["healthy"] else 1)


def _report() -> dict[str, Any]:
    blas = _blas()  # before a plugin brings another one
    dependencies = list(_dependencies())
    plugins = [_plugin(plugin) for plugin in installed_plugins()]
    return {
        "healthy": not any(item["problem"] for item in [*dependencies, *plugins]),
        "python": {"version": platform.python_version(), "executable": sys.executable, "platform": platform.platform()},
        "layerkit": version(OWN_DISTRIBUTION),
        "dependencies": dependencies,
        "blas": blas,
        "plugins_disabled": plugins_disabled(),
        "plugins": plugins,
    }


def _dependencies() -> Iterator[dict[str, Any]]:
    for requirement in requires(OWN_DISTRIBUTION) or ():
        if ";" in requirement:  # of an extra
            continue
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        try:
            present = version(name)
        except PackageNotFoundError:
            present = None
        unmet = unmet_requirement(requirement)
        yield {"name": name, "version": present, "problem": f"layerkit needs {unmet}" if unmet else None}


def _blas() -> dict[str, Any]:
    """Return what NumPy multiplies matrices with; another library or number of threads gives other last digits."""
    build = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    try:
        from threadpoolctl import threadpool_info  # type: ignore[import-untyped]  # it has no types
    except ImportError:  # it comes with scikit-learn, which may be what is broken
        pools = []
    else:
        pools = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return {"name": build.get("name"), "version": build.get("version"), "threads": pools[0] if pools else None}


def _plugin(plugin: Plugin) -> dict[str, Any]:
    return {
        "distribution": plugin.distribution,
        "version": plugin.version,
        "location": plugin.location,
        "healthy": plugin.problem is None,
        "problem": plugin.problem,
        "components": [{"family": item.family.__name__.lower(), "name": item.tag} for item in plugin.registrations],
        "commands": [str(command.name) for command in plugin.commands],
        "side_effects": list(plugin.side_effects),
    }


def _show(report: dict[str, Any]) -> None:
    blas = report["blas"]
    remarks = {"numpy": f", {blas['name']} {blas['version']} with {blas['threads'] or 'an unknown number of'} threads"}
    rows = [("python", f"{report['python']['version']}, {report['python']['platform']}"), ("layerkit", report["layerkit"])]
    for item in report["dependencies"]:
        problem = f", BROKEN: {item['problem']}" if item["problem"] else ""
        rows.append((item["name"], (item["version"] or "missing") + remarks.get(item["name"], "") + problem))
    say(*listing(rows), "")
    if report["plugins"]:
        names = (f"{plugin['distribution']} {plugin['version']}" for plugin in report["plugins"])
        rows = [row for name, plugin in zip(names, report["plugins"], strict=True) for row in _rows(name, plugin)]
        say(*listing(rows), "")
    elif report["plugins_disabled"]:
        say(f"plugins are disabled by {DISABLE_VARIABLE}", "")
    say("all is well" if report["healthy"] else "something is BROKEN")


def _rows(name: str, plugin: dict[str, Any]) -> Iterator[tuple[str, str]]:
    first, *others = _lines(plugin)
    yield name, first
    for line in others:
        yield "", line


def _lines(plugin: dict[str, Any]) -> Iterator[str]:
    yield f"SET ASIDE: {plugin['problem']}" if plugin["problem"] else "ok"
    if plugin["components"]:
        yield "components: " + ", ".join(item["name"] for item in plugin["components"])
    if plugin["commands"]:
        yield "commands: " + ", ".join(plugin["commands"])
    for side_effect in plugin["side_effects"]:
        yield f"side effect, undone: {side_effect}"
    yield f"in {plugin['location']}"
