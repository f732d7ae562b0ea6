"""The rules of the house that the source shows: imports point down, layers import what a third party may, nothing is hidden.

Each rule is a function from a source tree to its violations, and is tried out on a tree with a violation planted in it.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

import pytest

import layerkit as lk

PACKAGE = Path(lk.__file__).parent

FLOORS = (
    ("printable",),
    ("errors", "typing", "lazy_names", "version", "layout", "html_table"),
    ("streams", "files", "memory", "history", "blame", "diagnostics", "parsed_json"),
    ("description",),
    ("component",),
    ("initializers", "schedules"),
    ("stack",),
    ("tables",),
    ("layers", "losses", "optimizers", "metrics", "data"),
    ("observers",),
    ("registry",),
    ("spec",),
    ("network",),
    ("training",),
    ("testing", "estimators"),
    ("cli",),
    ("__main__",),
)
"""Lowest first. A module imports from the floors below its own and from its own part of the house, not from its neighbours."""

UPWARD = {
    ("layerkit.component", "layerkit.registry.discovery"),
    ("layerkit.network.sequential", "layerkit.training.trainer"),
}
"""The exceptions, through the public door: types that a program names without a registry are looked up among those that are
installed, and `Sequential.fit` is a thin call of `Trainer`."""

CONTRACTS = (
    "__init__.py",
    "base.py",
    "elementwise.py",
    "file_array.py",
    "file_samples.py",
    "found_files.py",
    "gathering.py",
    "numpy_files.py",
    "targets.py",
    "step.py",
    "samples.py",
    "splits.py",
    "splitting.py",
    "tabular.py",
    "training.py",
)
"""What the components of a family stand on; the files beside them are written as a third party would."""

HEAVY = {"sklearn", "scipy", "rich", "safetensors", "polars"}
"""What takes long to import, and is imported inside the functions that need it."""

MAX_LAYER_LINES = 170

LEAVES = ("layers", "losses", "optimizers", "schedules", "metrics", "data", "observers")
"""Folders of components, which are written as a third party would write them."""


# --- reading the source -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Import:
    """One module that a file imports, and when that happens; ``door`` says that it stands behind the public door."""

    module: str
    line: int
    when: Literal["on import", "on call", "never"]
    door: bool = False


@dataclass(frozen=True)
class Source:
    """One file of the package."""

    package: Path
    path: Path
    text: str
    tree: ast.Module

    @property
    def inside(self) -> Path:
        """The path within the package."""
        return self.path.relative_to(self.package)

    @property
    def name(self) -> str:
        """The dotted name of the module."""
        parts = (self.package.name, *self.inside.with_suffix("").parts)
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def is_door(self) -> bool:
        """Whether this is the package's own ``__init__.py``."""
        return self.inside == Path("__init__.py")

    @property
    def is_leaf(self) -> bool:
        """Whether the file is written as a third party would write it."""
        return self.inside.parts[0] in LEAVES and self.path.name not in CONTRACTS


def sources(package: Path) -> list[Source]:
    """Read every module of a package."""
    found = []
    for path in sorted(package.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        found.append(Source(package, path, text, ast.parse(text)))
    return found


def homes(package: Path) -> dict[str, str]:
    """Return the module behind each public name."""
    stub = ast.parse((package / "__init__.pyi").read_text(encoding="utf-8"))
    return {alias.name: str(node.module) for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}


def imports(source: Source) -> list[Import]:
    """Return everything that a file imports, in functions too; what comes through the public door counts as its home."""
    root = source.package.name
    public = homes(source.package)
    found: list[Import] = []
    aliases: set[str] = set()

    def through_door(name: str, line: int, when: Literal["on import", "on call", "never"]) -> Import:
        return Import(public.get(name, f"{root}.{name}"), line, when, door=name in public)

    def visit(node: ast.AST, when: Literal["on import", "on call", "never"]) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == root:
                    aliases.add(alias.asname or root)
                else:
                    found.append(Import(alias.name, node.lineno, when))
        elif isinstance(node, ast.ImportFrom):
            module = absolute(node, source)
            if module == root:
                found.extend(through_door(alias.name, node.lineno, when) for alias in node.names)
            else:
                found.append(Import(module, node.lineno, when))
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for statement in node.body:
                visit(statement, "never")
            for statement in node.orelse:
                visit(statement, when)
            return
        inner = "on call" if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) else when
        for child in ast.iter_child_nodes(node):
            visit(child, inner)

    visit(source.tree, "on import")
    found += [
        through_door(node.attr, node.lineno, "on import")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases
        if not node.attr.startswith("__")  # of the package itself
    ]
    return found


def absolute(node: ast.ImportFrom, source: Source) -> str:
    """Return the module that a ``from`` import names, dots resolved."""
    if not node.level:
        return str(node.module)
    folder = (source.package.name, *source.inside.parent.parts)
    above = folder[: len(folder) - node.level + 1]
    return ".".join((*above, *([node.module] if node.module else [])))


# --- the rules ----------------------------------------------------------------------------------------------------


def upward_imports(package: Path) -> Iterator[str]:
    """Each floor knows only the floors below it; only the public door knows them all."""
    floor_of = {part: number for number, floor in enumerate(FLOORS) for part in floor}
    for source in sources(package):
        if source.is_door:
            continue
        part = source.name.split(".")[1]
        if part not in floor_of:
            yield f"{source.inside}: {part} stands on no floor"
            continue
        for item in imports(source):
            if item.module.split(".")[0] != package.name or (source.name, item.module) in UPWARD:
                continue
            other = item.module.split(".")[1]
            if other != part and not floor_of.get(other, len(FLOORS)) < floor_of[part]:
                yield f"{source.inside}:{item.line}: {part} imports {item.module}, which is not below it"


def privileged_leaves(package: Path) -> Iterator[str]:
    """A layer, an optimizer or a data source imports what a third party may: the public names and the checks of targets."""
    for source in sources(package):
        if source.is_leaf:
            for item in imports(source):
                own = item.module.split(".")[0] == package.name
                if own and not item.door and item.module != f"{package.name}.losses.targets":
                    yield f"{source.inside}:{item.line}: {item.module} does not come through the public door"


def eager_imports(package: Path) -> Iterator[str]:
    """What takes long to import is imported inside functions; click belongs to the command line."""
    for source in sources(package):
        for item in imports(source):
            library = item.module.split(".")[0]
            if library in HEAVY and item.when == "on import":
                yield f"{source.inside}:{item.line}: {library} is imported as soon as the module is"
            if library == "click" and item.when != "never" and source.inside.parts[0] != "cli":
                yield f"{source.inside}:{item.line}: click is imported outside the command line"


def hidden_code(package: Path) -> Iterator[str]:
    """Nothing is unpickled, and no text is run as code."""
    for source in sources(package):
        for item in imports(source):
            if item.module.split(".")[0] in ("pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"):
                yield f"{source.inside}:{item.line}: {item.module} is imported"
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Name) and node.id in ("eval", "exec", "compile", "__import__"):
                yield f"{source.inside}:{node.lineno}: {node.id} is used"
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
                yield f"{source.inside}:{node.value.lineno}: pickles are allowed"


def long_layers(package: Path) -> Iterator[str]:
    """A layer fits on two screens."""
    for source in sources(package):
        lines = len(source.text.splitlines())
        if source.is_leaf and source.inside.parts[0] in ("layers", "losses") and lines > MAX_LAYER_LINES:
            yield f"{source.inside}: {lines} lines, more than {MAX_LAYER_LINES}"


def undocumented(package: Path) -> Iterator[str]:
    """Every module, public class and public function says what it is; a hook is documented where it is specified."""
    for source in sources(package):
        if not ast.get_docstring(source.tree):
            yield f"{source.inside}: the module has no docstring"
        for node in source.tree.body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
                continue
            is_hook = any(ast.unparse(decorator).endswith("hookimpl") for decorator in node.decorator_list)
            if not is_hook and not ast.get_docstring(node):
                yield f"{source.inside}:{node.lineno}: {node.name} has no docstring"


Rule = Callable[[Path], Iterator[str]]
RULES: tuple[Rule, ...] = (upward_imports, privileged_leaves, eager_imports, hidden_code, long_layers, undocumented)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_the_rule(rule: Rule) -> None:
    assert list(rule(PACKAGE)) == []


def test_every_part_of_the_house_was_read() -> None:
    names = {source.name for source in sources(PACKAGE)}
    assert {module.name for module in pkgutil.walk_packages([str(PACKAGE)], "layerkit.")} <= names
    leaves = {str(source.inside) for source in sources(PACKAGE) if source.is_leaf}
    assert {"layers/affine.py", "optimizers/sgd.py", "data/bundled.py", "metrics/accuracy.py"} <= leaves


def test_the_exception_is_still_needed() -> None:
    made = {(source.name, item.module) for source in sources(PACKAGE) for item in imports(source)}
    assert made >= UPWARD


def test_every_public_method_is_documented() -> None:
    """An override may leave its docstring to the method that it overrides."""
    missing = []
    for source in sources(PACKAGE):
        for name, cls in inspect.getmembers(import_module(source.name), inspect.isclass):
            if cls.__module__ == source.name and not name.startswith("_"):
                members = [(member, value) for member, value in vars(cls).items() if not member.startswith("_")]
                missing += [
                    f"{source.name}.{name}.{member}"
                    for member, value in members
                    if isinstance(value, property | classmethod | staticmethod) or inspect.isfunction(value)
                    if not inspect.getdoc(getattr(cls, member))
                ]
    assert missing == []


# --- the rules see what they are for ------------------------------------------------------------------------------

DOOR = """from layerkit.stack.layer import Layer as Layer
from layerkit.training.trainer import Trainer as Trainer
"""

CLEAN = {
    "errors.py": "import math\n",
    "layers/__init__.py": "",
    "stack/layer.py": "from layerkit.errors import LayerkitError\nfrom layerkit.component import Component\n",
    "layers/swish.py": "import numpy\nfrom layerkit import Layer\n",
    "losses/mse.py": "from layerkit import Layer\nfrom layerkit.losses.targets import check\n",
    "losses/targets.py": "from ..errors import LayerkitError\nfrom . import base\n",
    "registry.py": "import layerkit as lk\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import click\nlk.Layer\n",
    "registry/places.py": "import layerkit\nlayerkit.__path__\n",
    "network.py": "def save():\n    'Save.'\n    from safetensors import numpy\n",
    "cli/train.py": "import click\nfrom layerkit.training.trainer import Trainer\n",
}
"""A tree that keeps every rule; `plant` adds the modules' docstrings."""

PLANTED = [
    (upward_imports, "stack/layer.py", "from layerkit.spec.model import ModelSpec", "stack imports layerkit.spec.model"),
    (upward_imports, "stack/layer.py", "import layerkit.network.builder", "stack imports layerkit.network.builder"),
    (upward_imports, "stack/layer.py", "from layerkit import Trainer", "stack imports layerkit.training.trainer"),
    (upward_imports, "stack/layer.py", "import layerkit as lk\nlk.Trainer", "stack imports layerkit.training.trainer"),
    (upward_imports, "stack/layer.py", "import layerkit\nlayerkit.Trainer", "stack imports layerkit.training.trainer"),
    (upward_imports, "stack/layer.py", "from layerkit import cli", "stack imports layerkit.cli"),
    (upward_imports, "stack/layer.py", "from ..network import builder", "stack imports layerkit.network"),
    (upward_imports, "stack/layer.py", "from .. import network", "stack imports layerkit.network"),
    (
        upward_imports,
        "stack/layer.py",
        "from layerkit.optimizers.base import Optimizer",
        "stack imports layerkit.optimizers.base",
    ),
    (upward_imports, "stack/layer.py", "def late():\n    from layerkit.cli import main", "stack imports layerkit.cli"),
    (
        upward_imports,
        "errors.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from layerkit.spec import diagnostics",
        "errors imports layerkit.spec",
    ),
    (upward_imports, "attic.py", "", "attic stands on no floor"),
    (privileged_leaves, "layers/swish.py", "from layerkit.stack.layer import Layer", "layerkit.stack.layer does not come"),
    (privileged_leaves, "layers/swish.py", "from layerkit import errors", "layerkit.errors does not come"),
    (privileged_leaves, "data/csv.py", "def load():\n    from . import base", "layerkit.data does not come"),
    (eager_imports, "network.py", "from safetensors.numpy import save", "safetensors is imported as soon"),
    (eager_imports, "cli/train.py", "import rich.console", "rich is imported as soon"),
    (eager_imports, "network.py", "try:\n    import scipy\nexcept ImportError:\n    pass", "scipy is imported as soon"),
    (eager_imports, "network.py", "class Lazy:\n    import sklearn", "sklearn is imported as soon"),
    (eager_imports, "registry.py", "def late():\n    import click", "click is imported outside"),
    (hidden_code, "network.py", "def load():\n    import pickle", "pickle is imported"),
    (hidden_code, "network.py", "def load(text):\n    return eval(text)", "eval is used"),
    (hidden_code, "network.py", "run = exec", "exec is used"),
    (hidden_code, "network.py", "__import__('os')", "__import__ is used"),
    (hidden_code, "data/npy.py", "import numpy\nnumpy.load('x', allow_pickle=True)", "pickles are allowed"),
    (long_layers, "layers/swish.py", "\n" * 170, "lines, more than 170"),
    (undocumented, "network.py", "def public():\n    pass", "public has no docstring"),
    (undocumented, "network.py", "class Public:\n    pass", "Public has no docstring"),
]


def plant(folder: Path, files: dict[str, str]) -> Path:
    """Write a package with these files, each with a docstring on top."""
    package = folder / "layerkit"
    package.mkdir()
    (package / "__init__.py").write_text('"""A door."""\n')
    (package / "__init__.pyi").write_text(DOOR)
    for name, text in files.items():
        path = package / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'"""A module."""\n{text}')
    return package


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_tree_without_violations_passes(tmp_path: Path, rule: Rule) -> None:
    assert list(rule(plant(tmp_path, CLEAN))) == []


@pytest.mark.parametrize(("rule", "name", "text", "violation"), PLANTED)
def test_a_planted_violation_is_found(tmp_path: Path, rule: Rule, name: str, text: str, violation: str) -> None:
    found = list(rule(plant(tmp_path, {**CLEAN, name: text})))
    assert len(found) == 1
    assert found[0].startswith(name)
    assert violation in found[0]


def test_a_module_without_docstring_is_found(tmp_path: Path) -> None:
    package = plant(tmp_path, {})
    (package / "network.py").write_text("import math\n")
    assert list(undocumented(package)) == ["network.py: the module has no docstring"]


def test_the_exception_is_for_one_module_alone(tmp_path: Path) -> None:
    text = "def fit():\n    from layerkit import Trainer\n"
    package = plant(tmp_path, {"network/sequential.py": text, "network/builder.py": text})
    assert [violation.split(":")[0] for violation in upward_imports(package)] == ["network/builder.py"]
