"""Docstrings of NumPy's style as Markdown."""

from __future__ import annotations

import re
from textwrap import indent

_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)
_ITEM = re.compile(r"^(\S.*)\n((?:    .*\n?)(?:    .*\n?|\n)*)", re.MULTILINE)


def markdown(docstring: str) -> str:
    """Return a docstring as Markdown: its sections as lists, RST's marks for code as Markdown's."""
    text, *sections = _SECTION.split(_without_rst(docstring))
    parts = [text.strip()]
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        parts += [f"**{title}**", _ITEM.sub(_list_item, body).strip()]
    return "\n\n".join(part for part in parts if part)


def _list_item(item: re.Match[str]) -> str:
    names = ", ".join(f"`{name}`" for name in item[1].split(", "))
    return f"- {names}: {indent(item[2].replace('    ', '', 1).strip(), '  ').lstrip()}\n".replace("\n      ", "\n  ")


def _without_rst(text: str) -> str:
    text = re.sub(r"``(.+?)``", r"`\1`", text)
    text = re.sub(r"(\[\d+\])_", r"\1", text)
    text = re.sub(r"^\.\. (?=\[\d+\])", "", text, flags=re.MULTILINE)
    return text.replace("::\n", ":\n")
