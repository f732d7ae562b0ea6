"""The pages of reference are those that the code makes now."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import layerkit as lk
from layerkit import testing
from layerkit.registry.discovery import builtin_registry

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the pages as they are made now."""
    folder = tmp_path_factory.mktemp("reference")
    subprocess.run([sys.executable, DOCS / "make_reference.py", folder], check=True)
    return folder


@pytest.mark.parametrize("name", ["api.md", "components.md", "spec.md"])
def test_the_page_is_current(made: Path, name: str) -> None:
    now = (made / name).read_text(encoding="utf-8")
    assert (DOCS / name).read_text(encoding="utf-8") == now, f"docs/{name} is out of date; run python docs/make_reference.py"


def test_the_plots_are_current(made: Path) -> None:
    """Points may be a tenth of a pixel elsewhere: exponentials differ in their last digits from CPU to CPU."""
    now, there = (sorted(path.name for path in (folder / "plots").iterdir()) for folder in (made, DOCS))
    assert now == there
    page = (DOCS / "components.md").read_text(encoding="utf-8")
    assert re.findall(r"\(plots/(.*?)\)", page) != []
    assert sorted(re.findall(r"\(plots/(.*?)\)", page)) == now
    for name in now:
        one, other = (re.split(r"(-?\d+\.\d)", (folder / "plots" / name).read_text(encoding="utf-8")) for folder in (made, DOCS))
        assert one[::2] == other[::2], f"docs/plots/{name} is out of date; run python docs/make_reference.py"
        assert [float(number) for number in one[1::2]] == pytest.approx([float(number) for number in other[1::2]], abs=0.11)


def test_every_public_name_has_an_entry_that_says_something() -> None:
    entries = re.split(r"^### ", (DOCS / "api.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    told = {entry.split("`")[1]: entry.split("\n## ")[0].split("\n\n")[1:] for entry in entries}
    assert told.keys() == {*lk.__all__, "__version__", *testing.__all__}
    head_alone = {name for name, paragraphs in told.items() if len([text for text in paragraphs if text.strip()]) < 2}
    assert head_alone == {"__version__"}


def test_every_example_of_a_component_is_one() -> None:
    page = (DOCS / "spec.md").read_text(encoding="utf-8")
    examples = [json.loads(block) for block in re.findall(r"^```json\n(\{\"type\".*)\n```$", page, re.MULTILINE)]
    registered = builtin_registry().registrations
    assert sorted(item["type"] for item in examples) == sorted(item.tag for item in registered)
    for item in examples:
        classes = [found.component for found in registered if found.tag == item["type"]]
        assert any(_takes(component, item) for component in classes)


def _takes(component: type[lk.Component], document: dict[str, Any]) -> bool:
    try:
        return component.model_validate(document).type == document["type"]
    except ValueError:
        return False
