"""Text for people, as wide as the terminal: lines break between words, and nothing is cut."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Collection, Iterable, Iterator, Sequence

from layerkit.printable import columns, from_columns, printable

_NARROWEST = 30
"""Columns in which a text can still be read beside others."""
_ENDLESS = 1_000_000
_BELOW = " " * 4


def terminal_width() -> int:
    """Return the columns of the terminal, or of ``COLUMNS``; where the output goes to a file or a pipe, as good as endless."""
    return shutil.get_terminal_size(fallback=(_ENDLESS, 24)).columns


def wrapped(line: str, width: int, hang: str | None = None) -> list[str]:
    """Break one line between words where it is too long; what follows begins with ``hang``, or is indented by two more blanks."""
    if len(columns(line)) <= width:
        return [line]
    hang = " " * (indent(line) + 2) if hang is None else hang
    pieces = textwrap.wrap(columns(line), width, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False)
    return [from_columns(piece) for piece in pieces]


def listing(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table whose last column is text; one too long is wrapped, beside the others or below them."""
    width = terminal_width()
    *others, texts = _aligned(rows)
    heads = _side_by_side(others)
    beside = len(columns(heads[0])) + 2
    room, longest = width - beside, max(map(len, texts))
    for head, text in zip(heads, texts, strict=True):
        if room >= max([min(_NARROWEST, longest), *(len(columns(word)) for word in text.split())]):
            yield from wrapped(f"{head}  {text}".rstrip(), width, " " * beside)
        else:
            if head.strip():
                yield from wrapped(head.rstrip(), width)
            yield from wrapped(_BELOW + text.rstrip(), width, _BELOW)


def figures(rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> Iterator[str]:
    """Yield the lines of a table of names with figures, the columns in ``right`` at their right end.

    Where the lines are too long, the figures stand below the names.
    """
    width = terminal_width()
    names, *others = _aligned(rows, right)
    values = _side_by_side(others)
    if len(columns(f"{names[0]}  {values[0]}")) <= width:
        yield from (f"{name}  {value}".rstrip() for name, value in zip(names, values, strict=True))
        return
    for name, value in zip(names, values, strict=True):
        yield from wrapped(name.rstrip(), width)
        yield from wrapped((_BELOW + value).rstrip(), width)


def _aligned(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[list[str]]:
    """Return the columns of a table, the cells of each as wide as the widest."""
    aligned = []
    for number, cells in enumerate(zip(*rows, strict=True)):
        shown = [columns(printable(cell)) for cell in cells]
        width = max(map(len, shown))
        aligned.append([from_columns(cell.rjust(width) if number in right else cell.ljust(width)) for cell in shown])
    return aligned


def _side_by_side(cells: Iterable[Iterable[str]]) -> list[str]:
    return ["  ".join(row) for row in zip(*cells, strict=True)]


def plain_text(docstring: str) -> Iterator[str]:
    """Yield the lines of a docstring without marks; a paragraph with a line that is too long is filled anew."""
    width = terminal_width()
    for block in _blocks(without_marks(docstring).split("\n")):
        if not indent(block[0]) and max(map(len, block)) > width:
            yield from wrapped(" ".join(block), width, "")
        else:
            for line in block:
                yield from wrapped(line, width, " " * indent(line))


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield what may be filled together: the lines of a paragraph, an item of a list or a heading."""
    block: list[str] = []
    for line in lines:
        begins = not line or line.startswith(("[", "- "))
        if block and (begins or not block[-1].strip("-") or indent(line) != indent(block[-1])):
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def indent(line: str) -> int:
    """Return how many blanks a line begins with."""
    return len(line) - len(line.lstrip())


_QUOTED = re.compile(r"(?::[\w+.:-]+:)?(`{1,2})(.+?)\1_{0,2}", re.DOTALL)
_OTHER_MARKS = re.compile(r"(?m)\\([*`_|\\])|:(:)$|^\.\. (?=\[)|(?<=\])_\b")


def without_marks(text: str) -> str:
    """Return reStructuredText without the marks of names, of code, of references and of what is to be read as it stands."""
    return _OTHER_MARKS.sub(r"\1\2", _QUOTED.sub(r"\2", text))
