"""The hooks, and the page about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from layerkit.registry import hookspecs

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
HOOKS = [name for name in vars(hookspecs) if name.startswith("layerkit_")]


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_documented(name: str) -> None:
    hook = getattr(hookspecs, name)
    assert hook.__doc__
    assert f"| `{name}()` |" in PAGE
    assert hook() == ()


def test_there_are_two_hooks() -> None:
    assert HOOKS == ["layerkit_components", "layerkit_commands"]
