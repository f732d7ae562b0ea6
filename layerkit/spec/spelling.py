"""What people write for JSON, and what to write instead."""

from __future__ import annotations

import ast
import json
import re

_QUOTED = re.compile(r"""['`“”„‘’«»]([^'`“”„‘’«»"\\\n]{0,80})['`“”„‘’«»]""")
_QUOTES = "'`“”„‘’«»"
_NUMBER_LIKE = re.compile(r"[-+]?(?=\.?[0-9])[0-9A-Za-z_.]+(?:(?<=[eE])[-+][0-9]+)?")
_WORD_LIKE = re.compile(r"[-+]?[^\W\d][\w.-]*(?:/[\w.-]+)*")
_LONGEST_NUMBER = 64
"""Characters of a number that is looked at."""
_JSON_WORDS = {
    "true": "true",
    "yes": "true",
    "on": "true",
    "false": "false",
    "no": "false",
    "off": "false",
    "null": "null",
    "none": "null",
    "nil": "null",
    "undefined": "null",
}
"""The words of JSON by what other languages have for them, in small letters."""


def quoted_otherwise(text: str, offset: int) -> tuple[int, str] | None:
    """Return how long a string in other quotes than JSON's is at ``offset``, and what to say; None where there is none."""
    if text[offset : offset + 1] not in _QUOTES or not text[offset : offset + 1]:
        return None
    match = _QUOTED.match(text, offset)
    if match is None:
        return 1, 'JSON has straight double quotes only: write "'
    return len(match[0]), f"JSON has straight double quotes only: write {json.dumps(match[1], ensure_ascii=False)}"


def number_like(text: str, offset: int) -> str | None:
    """Return what looks like a number at ``offset``, to a person or in some programming language."""
    match = _NUMBER_LIKE.match(text, offset)
    return match[0] if match else None


def number_meant(written: str) -> int | float | None:
    """Return the number that is written otherwise than in JSON; None where none can be made out."""
    bare = written.lstrip("+-").replace("_", "")
    try:
        value = ast.literal_eval(bare.lstrip("0") or "0" if bare.isdigit() else bare) if len(bare) <= _LONGEST_NUMBER else None
    except (ValueError, SyntaxError):
        return None
    return value if isinstance(value, int | float) and value not in (float("inf"), float("-inf")) else None


def number_advice(written: str) -> str:
    """Say how JSON writes a number that is written otherwise."""
    value = number_meant(written)
    if value is None:
        return f"JSON has no number {written[:40]}; a text stands in double quotes"
    sign = "-" if written.startswith("-") else ""
    return f"JSON has no number {written[:40]}; write {sign}{json.dumps(value)}"


def word_like(text: str, offset: int) -> str | None:
    """Return the word that stands at ``offset`` without quotes."""
    match = _WORD_LIKE.match(text, offset)
    return match[0] if match else None


def json_word(word: str) -> str | None:
    """Return which of JSON's own words is meant."""
    return _JSON_WORDS.get(word.lower())


def word_advice(word: str) -> str:
    """Say what to write for a word without quotes."""
    shown = word[:40]
    return f"JSON has no word {shown}; write {json_word(word) or json.dumps(shown, ensure_ascii=False)}"
