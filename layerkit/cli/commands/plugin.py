"""``layerkit plugin``: help for those who write layers of their own."""

from __future__ import annotations

import keyword
import re
import tempfile
from importlib.resources import files
from pathlib import Path
from string import Template

import click

from layerkit.cli.advice import Commands
from layerkit.cli.messages import say
from layerkit.component import Component
from layerkit.errors import InputError, WorkError
from layerkit.files import is_full, reason
from layerkit.registry.discovery import builtin_registry

_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_LONGEST = 40
"""Characters of a name; types and names of runs, which may have 64, are made from it."""

_FILES = {
    "pyproject.template": "pyproject.toml",
    "README.template": "README.md",
    "layer.template": "$package/__init__.py",
    "typed.template": "$package/py.typed",
    "spec.template": "specs/digits_$tag.json",
    "test.template": "tests/test_$tag.py",
}
"""The templates, and where in the new package each one goes."""


@click.group(cls=Commands)
def command() -> None:
    """Help with plugins: packages that bring layers of your own."""


@command.command()
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Where the folder layerkit-NAME goes; here by default.",
)
def new(name: str, into: Path) -> None:
    """Make the package layerkit-NAME, with one layer, that installs, trains and passes its own tests."""
    names = _names(name)
    folder = into / names["distribution"]
    _write(folder, names)
    say(
        f"made {folder}",
        "",
        "try it:",
        f"  cd {folder}",
        "  pip install -e .",
        "  python -m pytest",
        f"  layerkit train specs/digits_{names['tag']}.json",
        "",
        f"then write your own layer in {names['package']}/__init__.py",
    )


def _names(given: str) -> dict[str, str]:
    """Return what the templates ask for.

    Raises
    ------
    InputError
        If ``given`` cannot name a package, a module, a class and a type.
    """
    bare = given.removeprefix("layerkit-")
    if not _NAME.fullmatch(bare) or len(bare) > _LONGEST:
        raise InputError(
            f"{given!r} cannot name a plugin: expected words of lower-case letters and digits with hyphens between them, such as "
            f"my-layer, {_LONGEST} characters or fewer"
        )
    tag = bare.replace("-", "_")
    class_name = "".join(word.capitalize() for word in tag.split("_"))
    if keyword.iskeyword(tag) or keyword.iskeyword(class_name):
        raise InputError(f"{given!r} cannot name a plugin: it is a word of the Python language")
    if re.search(rf"^from .* import .*\b{class_name}\b", "\n".join(map(_template, _FILES)), re.MULTILINE):
        raise InputError(f"{given!r} cannot name a plugin: its files need the name {class_name} for something else")
    taken = builtin_registry().matches(Component, tag)
    if taken:
        raise InputError(f'{given!r} cannot name a plugin: "{tag}" is {taken[0].family.noun()} of layerkit itself')
    name = tag.replace("_", "-")
    return {
        "name": name,
        "distribution": f"layerkit-{name}",
        "package": f"layerkit_{tag}",
        "tag": tag,
        "class_name": class_name,
    }


def _write(folder: Path, names: dict[str, str]) -> None:
    """Make ``folder``, whole or not at all.

    Raises
    ------
    InputError
        If it is there already, or cannot be made there.
    WorkError
        If the disk is full.
    """
    if folder.exists() or folder.is_symlink():
        raise InputError(f"{folder} is there already; nothing was written")
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
            draft = Path(scratch) / folder.name
            for template, destination in _FILES.items():
                path = draft / Template(destination).substitute(names)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(Template(_template(template)).substitute(names), encoding="utf-8")
            draft.rename(folder)
    except OSError as error:
        kind = WorkError if is_full(error) else InputError
        raise kind(f"cannot make {folder}: {reason(error)}; --into names another place") from None


def _template(name: str) -> str:
    return files("layerkit.cli").joinpath("plugin_template", name).read_text(encoding="utf-8")
