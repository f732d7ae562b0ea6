"""Patterns in words."""

from __future__ import annotations

import pytest

from layerkit.diagnostics.pattern_words import REQUIREMENT, in_words


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (
            "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
            'letters, digits, ".", "_" and "-", starting with a letter or a digit, at most 64 characters',
        ),
        ("^[A-Za-z][A-Za-z0-9_-]{0,63}$", 'letters, digits, "_" and "-", starting with a letter, at most 64 characters'),
        (REQUIREMENT, "a distribution and its version, such as layerkit-swish==1.0"),
        ("^[A-Z]{3}$", "capital letters, 3 characters"),
        ("^[a-z]+$", "small letters"),
        ("^[a-z]*$", "small letters"),
        (r"^[\w ]+$", 'letters, digits, "_" and a space'),
        (r"^[\d]{1}$", "digits, 1 character"),
        ("^[a-f0-9]{8,}$", '"a" to "f" and digits, at least 8 characters'),
        (r"^[\]\\]{1,2}$", '"]" and "\\", at most 2 characters'),
        ("^[A-Z][a-z]?$", "small letters, starting with a capital letter, at most 2 characters"),
        ("^[A-Z][A-Z]+$", "capital letters, at least 2 characters"),
    ],
)
def test_sets_of_characters_are_told_in_words(pattern: str, words: str) -> None:
    assert in_words(pattern) == words


@pytest.mark.parametrize("pattern", ["", "^$", "[a-z]+", "^[^a]$", "^a|b$", "^(a)+$", "^[a-z]+[0-9]+$", "^[a][b][c]$", r"^\d+$"])
def test_of_any_other_pattern_the_pattern_is_told(pattern: str) -> None:
    assert in_words(pattern) == f"text that matches the pattern {pattern}"
