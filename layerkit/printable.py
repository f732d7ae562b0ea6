"""What may reach a terminal: foreign text moves no cursor there, hides nothing and makes no line of its own."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return ``text`` as one line, with a replacement character for each control character.

    Those are all that Unicode holds for unprintable: C0 and C1, with them ends of lines and the escapes of terminals; what turns
    the direction of writing; what takes no room; halves of characters.
    """
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def printable_lines(text: str) -> str:
    """Return ``text`` with each of its lines printable: for text whose ends of lines are meant."""
    return "\n".join(map(printable, text.split("\n")))
