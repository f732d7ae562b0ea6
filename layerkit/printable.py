"""What may reach a terminal: foreign text moves no cursor there, hides nothing and makes no line of its own."""

from __future__ import annotations

from unicodedata import east_asian_width

_SECOND_HALF = "\0"
"""Stands for the second column of a wide character; no printable text has it."""


def printable(text: str) -> str:
    """Return ``text`` as one line, with a replacement character for each control character.

    Those are all that Unicode holds for unprintable: C0 and C1, with them ends of lines and the escapes of terminals; what turns
    the direction of writing; what takes no room; halves of characters.
    """
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def printable_lines(text: str) -> str:
    """Return ``text`` with each of its lines printable: for text whose ends of lines are meant."""
    return "\n".join(map(printable, text.split("\n")))


def columns(text: str) -> str:
    """Return printable text with a character for each column that it takes: wide ones, as of Chinese, take two."""
    if text.isascii():
        return text
    return "".join(letter + _SECOND_HALF if east_asian_width(letter) in "WF" else letter for letter in text)


def from_columns(text: str) -> str:
    """Return the text of which `columns`, or a piece of them, are given."""
    return text.replace(_SECOND_HALF, "")


def between(text: str, start: int, stop: int) -> str:
    """Return what of printable text stands in the columns from ``start`` to ``stop``; a blank for half a wide character."""
    shown = columns(text)
    piece = shown[start:stop]
    if piece.startswith(_SECOND_HALF):
        piece = f" {piece[1:]}"
    if shown[stop : stop + 1] == _SECOND_HALF:
        piece = f"{piece[:-1]} "
    return from_columns(piece)
