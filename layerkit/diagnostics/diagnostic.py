"""`Diagnostic`: one fault of a spec, with its place, a stable code and what to do."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from layerkit.printable import columns, printable

Location: TypeAlias = tuple[str | int, ...]
"""Place of a value within a document: keys and indices from the top."""

_EXCERPT = 100
"""Widest piece of a source line that is shown."""
_LONGEST = 1000
"""Most characters of place, path and message that are shown."""
_PLAIN_KEY = re.compile(r"[\w$-]{1,64}")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault.

    ``str()`` gives at most three lines: place, path and message; the source line; a caret under the fault.

    Attributes
    ----------
    file
        Where the spec was read from.
    location
        Keys and indices that lead to the fault; empty for the whole document.
    code
        Stable name of the kind of fault; ``docs/diagnostics.md`` lists them all.
    message
        What was expected, what was received, what to do.
    suggestion
        What to write instead, where there is one.
    line, column
        Place within the file, both from 1, the column in characters; None where there is none.
    source
        The line of the file, or a piece of a long one.
    marked
        Where in ``source`` the caret starts, and how long it is, in characters.
    """

    file: str
    location: Location
    code: str
    message: str
    suggestion: str | None = None
    line: int | None = None
    column: int | None = None
    source: str | None = None
    marked: tuple[int, int] = (0, 1)

    @property
    def path(self) -> str:
        """The location as ``model.layers[2].units``."""
        return path_text(self.location)

    @property
    def pointer(self) -> str:
        """The location as a JSON pointer (RFC 6901): ``/model/layers/2/units``."""
        return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in self.location)

    @property
    def place(self) -> str:
        """File, line and column, as far as they are known: ``net.json:7:14``."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)

    def __str__(self) -> str:
        first = printable(shortened(": ".join(part for part in (self.place, self.path, self.message) if part), _LONGEST))
        if self.source is None:
            return first
        start, length = self.marked
        before, marked = columns(self.source[:start]), columns(self.source[start : start + length])
        return f"{first}\n  {self.source}\n  {' ' * len(before)}{'^' * max(1, len(marked))}"

    def as_json(self) -> dict[str, Any]:
        """Return the fault for tools."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "path": self.path,
            "pointer": self.pointer,
            "code": self.code,
            "message": self.message,
            "suggestion": self.suggestion,
        }


def path_text(location: Iterable[str | int]) -> str:
    """Write a location as ``model.layers[2].units``; a key that is no word stands in brackets and quotes."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f'["{shortened(part, 40)}"]'
    return text


class Lines:
    """A text, and where its lines start."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(newline.end() for newline in re.finditer("\n", text))]

    def excerpt(self, offset: int, length: int) -> dict[str, Any]:
        """Return the fields of a `Diagnostic` that show ``length`` characters at ``offset``."""
        row = bisect_right(self._starts, offset)
        start = self._starts[row - 1]
        end = self._starts[row] - 1 if row < len(self._starts) else len(self._text)
        column = offset - start
        if end - start > _EXCERPT:
            first = max(0, column - _EXCERPT // 2)
            piece = self._text[start + first : min(start + first + _EXCERPT, end)]
        else:
            piece = self._text[start:end].lstrip(" \t\r")
            first = end - start - len(piece)
        piece = piece.rstrip("\r")
        shown = column - first
        return {
            "line": row,
            "column": column + 1,
            "source": printable(piece.replace("\t", " ")),
            "marked": (shown, max(1, min(length, len(piece) - shown))),
        }


def shortened(text: str, length: int = 60) -> str:
    """Cut a long text, and say so with dots."""
    return text if len(text) <= length else text[: length - 3] + "..."
