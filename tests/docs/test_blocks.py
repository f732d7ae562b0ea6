"""Every block of code on every page is run or read by a test; pages with a test of their own stand at the top.

The page of a new plugin is followed by ``.ci/plugin_new.sh``.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import sysconfig
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import pytest

import layerkit as lk
from layerkit.registry.registration import FAMILIES

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^(`{3,})(\w*)[^\n]*\n(.*?)^\1$", re.MULTILINE | re.DOTALL)

ELSEWHERE = {
    "README.md": "tests/docs/test_readme.py",
    "docs/diagnostics.md": "tests/diagnostics/test_diagnostic.py",
    "docs/spec.md": "tests/docs/test_reference.py",
    "docs/writing-a-layer.md": "tests/docs/test_writing_a_layer.py",
}
"""Pages with blocks that a test of their own runs: in the order of the page, or by what they are about."""

NOT_RUN = {
    "tensorboard --logdir runs": "serves a page until it is stopped, and belongs to TensorBoard",
    "ruff check . && ruff format . && mypy": ".ci/run does",
    ".ci/run": "runs this test",
}
"""Commands on the pages that no test runs, and why."""


def pages() -> list[Path]:
    patterns = ("*.md", "docs/*.md", "plugins/*/README.md", "benchmarks/*.md")
    return sorted(page for pattern in patterns for page in ROOT.glob(pattern))


def blocks_of(page: Path) -> list[tuple[str, str]]:
    """Return the language and the text of each block of a page."""
    return [(language, text) for _, language, text in FENCE.findall(page.read_text(encoding="utf-8"))]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


PAGES = [page for page in pages() if blocks_of(page) and name_of(page) not in ELSEWHERE]
BLOCKS = [
    pytest.param(page, language, text, id=f"{name_of(page)}-{number}")
    for page in PAGES
    for number, (language, text) in enumerate(blocks_of(page))
]


def of(language: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("page", "language", "text"), [block for block in BLOCKS if block.values[1] == language])


@pytest.fixture(autouse=True)
def plugin_of_the_page(request: pytest.FixtureRequest) -> None:
    """Skip the page of a plugin that is not installed here."""
    page = request.node.callspec.params.get("page") if hasattr(request.node, "callspec") else None
    if page is not None and page.parts[-3] == "plugins":
        pytest.importorskip(page.parent.name.replace("-", "_"))


def test_pages_with_a_test_of_their_own_are_in_it() -> None:
    for name, test in ELSEWHERE.items():
        assert blocks_of(ROOT / name)
        assert Path(name).name in (ROOT / test).read_text(encoding="utf-8")


def test_there_are_no_blocks_of_other_kinds() -> None:
    assert {block.values[1] for block in BLOCKS} == {"json", "sh", "toml", "python", ""}


@of("json")
def test_json_describes_components(page: Path, language: str, text: str) -> None:
    value: Any = json.loads(f"[{{{text}}}]" if text.startswith('"') else f"[{text}]")
    items = [item for entry in value for item in entry.get("observers", [entry])]
    for item in items:
        if item["type"].startswith("layerkit-swish:"):
            pytest.importorskip("layerkit_swish")
        resolved = lk.installed_registry().resolve(lk.Component, item["type"])
        described = next(family for family in FAMILIES if issubclass(resolved, family)).model_validate(item)
        assert described.model_dump(mode="json", exclude_defaults=True).keys() | {"type"} == item.keys()


@of("sh")
def test_commands_are_there_and_do_something(
    page: Path, language: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("specs", "plugins", "tests"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    for line in text.splitlines():
        command = line.partition("  #")[0].strip()
        match shlex.split(command):
            case ["layerkit", "components", "swish"] if find_spec("layerkit_swish") is None:
                continue
            case ["layerkit", *arguments]:
                run_of_the_page = Path("runs/digits-mlp-001")
                if str(run_of_the_page) in arguments:
                    layerkit("train", "specs/digits_mlp.json", "--set", "training.epochs=1", "--out", str(run_of_the_page))
                layerkit(*arguments, *(["--set", "training.epochs=1"] if arguments[0] == "train" else []))
            case ["pip", "install", target]:
                folder, _, extras = target.partition("[")
                project = tomllib.loads(Path(folder, "pyproject.toml").read_text(encoding="utf-8"))["project"]
                assert {*extras.rstrip("]").split(",")} - {""} <= {*project.get("optional-dependencies", {})}
            case ["python", "-m", "pytest", *paths]:
                assert all([*Path(path).rglob("test_*.py")] for path in paths)
            case _:
                assert command in NOT_RUN


def layerkit(*arguments: str) -> None:
    program = Path(sysconfig.get_path("scripts")) / "layerkit"
    done = subprocess.run([sys.executable, program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@of("toml")
def test_toml_is_that_of_a_plugin(page: Path, language: str, text: str) -> None:
    shown = tomllib.loads(text)["project"]["entry-points"]["layerkit"]
    file = ROOT / "plugins" / "layerkit-swish" / "pyproject.toml"
    assert shown == tomllib.loads(file.read_text(encoding="utf-8"))["project"]["entry-points"]["layerkit"]


class MyLayer(lk.Layer):
    """A layer of a program; shapes stay as they are, (N, \\*shape)."""

    type: Literal["my_layer"] = "my_layer"

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        return inputs

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        return d_out


TEXT = '{"layerkit": 1, "input_shape": [3], "layers": ["local:my_layer", "crossentropy"]}'


@of("python")
def test_python_runs(page: Path, language: str, text: str) -> None:
    if re.search(r"^class \w+\(", text, re.MULTILINE):  # tests/docs/test_plugins.py has those of this chapter
        assert text in page.read_text(encoding="utf-8").partition("## The families")[2].partition("### From version")[0]
        return
    names = {**{name: getattr(lk, name) for name in lk.__all__}, "MyLayer": MyLayer, "text": TEXT, "greet": None}
    exec(text, names)
    if "spec" in names:
        assert names["spec"].layers[0] == MyLayer()


@of("")
def test_output_is_what_comes(page: Path, language: str, text: str) -> None:
    spec = {"layerkit": 1, "plugins": {"swish": "layerkit-swish==0.1.0"}, "input_shape": [3], "layers": ["swish", "crossentropy"]}
    with pytest.raises(lk.SpecError) as caught:
        lk.parse_spec(json.dumps(spec), registry=lk.builtin_registry())
    assert text.strip().partition("].type: ")[2] in str(caught.value)
