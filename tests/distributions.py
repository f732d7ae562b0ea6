"""Distributions that are thrown away after a test, and processes that find them on their path."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import invalidate_caches
from pathlib import Path
from typing import Any

import pytest

from layerkit.registry.discovery import installed_plugins, installed_registry

PRELUDE = """
from typing import Callable, Literal
import click
from layerkit import Initializer, Layer, Loss, hookimpl

LAYERKIT_API = 2

class Times(Layer):
    \"\"\"Multiplies by a number.\"\"\"
    type: Literal["times_of_{module}"] = "times_of_{module}"
    factor: float = 2.0
    def forward(self, node, inputs):
        return self.factor * inputs
    def backward(self, node, d_out):
        return self.factor * d_out

"""
"""What the source of a plugin starts with, unless it is bare: a layer with a type of its own."""

OFFER = """
@hookimpl
def layerkit_components():
    return [Times]
"""


@dataclass(frozen=True)
class Dist:
    """A distribution with one module; ``source`` follows the prelude unless ``bare`` is set."""

    name: str
    source: str = OFFER
    version: str = "1.0"
    bare: bool = False
    module: str = ""
    entry_points: Mapping[str, str] = field(default_factory=dict)
    requires: Sequence[str] = ()
    metadata: bytes | None = None
    announcement: bytes | None = None

    @property
    def package(self) -> str:
        """Name of the module."""
        return self.module or self.name.lower().replace("-", "_").replace(".", "_")

    def files(self) -> dict[str, bytes]:
        """Return all files that an installer would lay down."""
        info = f"{self.name.replace('-', '_')}-{self.version}.dist-info"
        lines = ["Metadata-Version: 2.1", f"Name: {self.name}", f"Version: {self.version}"]
        lines += [f"Requires-Dist: {requirement}" for requirement in self.requires]
        points = self.entry_points or {"plugin": self.package}
        source = textwrap.dedent(self.source)
        if not self.bare:
            source = PRELUDE.replace("{module}", self.package) + source
        files = {
            f"{self.package}.py": source.encode(),
            f"{info}/METADATA": self.metadata,
            f"{info}/entry_points.txt": self.announcement,
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        if self.metadata is None:
            files[f"{info}/METADATA"] = "\n".join([*lines, ""]).encode()
        if self.announcement is None:
            files[f"{info}/entry_points.txt"] = "\n".join(
                ["[layerkit]", *(f"{key} = {value}" for key, value in points.items()), ""]
            ).encode()
        return {path: content for path, content in files.items() if content is not None}

    def lay(self, folder: Path) -> Path:
        """Put the files into ``folder``, as an installer leaves them."""
        for path, content in self.files().items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return folder

    def wheel(self, folder: Path) -> Path:
        """Write a wheel into ``folder``."""
        files = self.files()
        info = next(path.partition("/")[0] for path in files if ".dist-info/" in path)
        rows = []
        for path, content in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            rows.append(f"{path},sha256={digest},{len(content)}")
        files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
        target = folder / f"{info.removesuffix('.dist-info')}-py3-none-any.whl"
        with zipfile.ZipFile(target, "w") as archive:
            for path, content in files.items():
                archive.writestr(path, content)
        return target


@dataclass(frozen=True)
class Result:
    """What a command line did, and which of the watched modules the process had imported after it."""

    code: int
    out: str
    err: str
    imported: list[str]

    @property
    def json(self) -> Any:
        """What was printed, as data."""
        return json.loads(self.out)


_RUNNER = """
import contextlib, io, json, sys

def outcome(action):
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            action()
        except SystemExit as stop:
            code = stop.code
    return {"code": code, "out": out.getvalue(), "err": err.getvalue(), "imported": sorted(set(sys.modules) & watched)}

def action(step):
    if isinstance(step, str):
        return lambda: exec(step, {"__name__": "steps"})
    def command():
        from layerkit.cli.main import main
        sys.argv = ["layerkit", *step]
        main()
    return command

steps, watched = json.loads(sys.argv[1])
watched = set(watched)
results = [outcome(action(step)) for step in steps]
print(json.dumps(results))
"""


def _ask(
    *steps: Sequence[str] | str,
    path: Sequence[Path] = (),
    watch: Sequence[str] = (),
    warnings: str = "error",
    **environment: str,
) -> list[Result]:
    inherited = [os.environ["PYTHONPATH"]] if "PYTHONPATH" in os.environ else []
    process = subprocess.run(
        [sys.executable, "-W", warnings, "-c", _RUNNER, json.dumps([steps, watch])],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, path), *inherited]), **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [Result(**result) for result in json.loads(process.stdout)]


@pytest.fixture(scope="session")
def ask() -> Callable[..., list[Result]]:
    """Give a function that runs steps in one new process: command lines of layerkit as lists, Python as text."""
    return _ask


@pytest.fixture(scope="session")
def lay() -> Callable[..., Path]:
    """Give a function that puts a distribution into a folder, as an installer leaves it, and returns the folder."""
    return lambda folder, name, *source, **options: Dist(name, *source, **options).lay(folder)


@pytest.fixture(scope="session")
def pack() -> Callable[..., Path]:
    """Give a function that writes the wheel of a distribution into a folder, and returns the wheel."""
    return lambda folder, name, *source, **options: Dist(name, *source, **options).wheel(folder)


@pytest.fixture
def put_on_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Give a function that lets what lies in a folder be installed in this process, for as long as the test runs."""
    folders: list[Path] = []
    before = set(sys.modules)

    def put(folder: Path) -> None:
        folders.append(folder)
        monkeypatch.syspath_prepend(folder)
        _forget_plugins()

    yield put
    _forget_plugins()
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").parent in folders:
            del sys.modules[name]


@pytest.fixture
def install(tmp_path: Path, put_on_path: Callable[[Path], None]) -> Callable[[str, str], Path]:
    """Give a function that installs a distribution with one module of the given source, and returns where."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    put_on_path(folder)

    def lay_here(name: str, source: str) -> Path:
        Dist(name, source, version="2.5", bare=True).lay(folder)
        _forget_plugins()
        return folder

    return lay_here


def _forget_plugins() -> None:
    """Let the next question about plugins look for them anew."""
    invalidate_caches()
    installed_plugins.cache_clear()
    installed_registry.cache_clear()
