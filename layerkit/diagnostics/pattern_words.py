"""What text a pattern takes, in words: nobody should have to read a regular expression to name a layer."""

from __future__ import annotations

import re
from functools import cache

REQUIREMENT = r"^[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+$"
"""What is recorded of a distribution, in the form that pip installs."""
_PIECE = re.compile(r"\[((?:\\.|[^\]\\^])(?:\\.|[^\]\\])*)\]([*+?]|\{[0-9]+(?:,[0-9]*)?\})?")
_RANGES = {
    "A-Za-z": "letters",
    "a-zA-Z": "letters",
    "a-z": "small letters",
    "A-Z": "capital letters",
    "0-9": "digits",
    r"\d": "digits",
    r"\w": 'letters, digits, "_"',
}


@cache
def in_words(pattern: str) -> str:
    """Return what text ``pattern`` takes, such as ``letters and digits, starting with a letter, at most 64 characters``.

    Patterns of another kind than one or two sets of characters in a row are shown as they are.
    """
    if pattern == REQUIREMENT:
        return "a distribution and its version, such as layerkit-swish==1.0"
    pieces = list(_PIECE.finditer(pattern, 1))
    if not pieces or pattern != f"^{''.join(piece[0] for piece in pieces)}$" or len(pieces) > 2:
        return f"text that matches the pattern {pattern}"
    sets = [_named(piece[1]) for piece in pieces]
    counts = [_count(piece[2]) for piece in pieces]
    if len(pieces) == 2 and counts[0] != (1, 1):
        return f"text that matches the pattern {pattern}"
    least, most = sum(low for low, _ in counts), counts[-1][1]
    words = _listed(sets[-1], "and")
    if len(sets) == 2 and set(sets[0]) != set(sets[1]):
        words += f", starting with {_listed([_one(name) for name in sets[0]], 'or')}"
    if most is None:
        return words if least < 2 else f"{words}, at least {least} characters"
    most += len(pieces) - 1
    return f"{words}, {most if least == most else f'at most {most}'} character{'s' if most > 1 else ''}"


def _named(characters: str) -> list[str]:
    """Return the names of the characters in a set: ranges in words, marks in quotes."""
    names: list[str] = []
    while characters:
        known = next((text for text in _RANGES if characters.startswith(text)), None)
        if known:
            names += _RANGES[known].split(", ")
            characters = characters[len(known) :]
        elif re.match(r"[^\\]-.", characters):
            names.append(f'"{characters[0]}" to "{characters[2]}"')
            characters = characters[3:]
        else:
            mark = characters[1:2] if characters[0] == "\\" else characters[0]
            names.append(f'"{mark}"')
            characters = characters[2:] if characters[0] == "\\" else characters[1:]
    return ["a space" if name == '" "' else name for name in names]


def _count(quantifier: str | None) -> tuple[int, int | None]:
    if quantifier is None:
        return 1, 1
    if quantifier in "*+?":
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[quantifier]
    least, comma, most = quantifier[1:-1].partition(",")
    return int(least), int(most) if most else None if comma else int(least)


def _one(name: str) -> str:
    """Return the singular of a name."""
    return f"a {name.removesuffix('s')}" if name.endswith("s") else name


def _listed(names: list[str], last: str) -> str:
    return f" {last} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
