"""JSON with positions: where each key and value of a document stands, and what is wrong with its letters.

`parse` is for the document that is as it should be, and leaves the work to the standard library. `Positions` reads the text
again by hand, when there is a fault to point at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sized
from json.decoder import scanstring  # type: ignore[attr-defined]  # documented by its use in JSONDecoder alone
from typing import Any, NamedTuple, NoReturn

from layerkit.diagnostics.diagnostic import Location
from layerkit.diagnostics.faults import MAX_FAULTS
from layerkit.spec.foreign_files import EXAMPLE
from layerkit.spec.spelling import json_word, number_advice, number_like, quoted_otherwise, word_advice, word_like

MAX_CHARACTERS = 2**20
"""Longest text that is read; a spec of ten thousand layers stays below it."""
MAX_DEPTH = 16
"""Most lists and objects in one another, those of overrides included: a run has room for five residual layers in one another."""
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
"""What is said of a list or an object further down."""
MAX_ITEMS = 10_000
"""Longest list, and largest object, that is read."""
MAX_VALUES = 2**17
"""Most values that are read, objects and lists included."""

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_DECIMAL_COMMA = re.compile(r":[ \t]*(-?[0-9]{1,20}),[ \t]*([0-9]{1,20})(?![\w.])")
"""A number with a comma in it, as the value of a key."""
_WORDS = {"true": True, "false": False, "null": None}
_NOT_FINITE = {"NaN", "Infinity", "-Infinity", "+Infinity", "nan", "inf", "-inf"}
_SURROGATE = re.compile("[\ud800-\udfff]")
_COMMENT = re.compile(r"//|/\*|#")
_ARITHMETIC = re.compile(r"[-+*/%^]")


class TextFault(NamedTuple):
    """Something in the text that JSON or a spec does not allow."""

    offset: int
    length: int
    location: Location
    code: str
    message: str


class _SyntaxFault(Exception):
    def __init__(self, fault: TextFault) -> None:
        self.fault = fault


class _Suspect(ValueError):
    """The fast reader met something that `Positions` must look at."""


class TooDeepError(_Suspect):
    """Lists and objects stand in one another further down than a spec may go."""


def parse(text: str, depth: int = 0) -> Any:
    """Return the document in ``text``, which is to stand within ``depth`` lists and objects.

    A number with an integral value becomes an int, however it is spelt: JSON knows one kind of number.

    Raises
    ------
    ValueError, RecursionError
        If there is anything wrong; `Positions` says what, and where.
    """
    text.encode()  # raises where half a surrogate pair stands in the text, and below where an escape makes one
    if "\\u" in text:
        json.dumps(json.loads(text), ensure_ascii=False).encode()
    document = json.loads(text, parse_constant=_refuse, parse_float=_number)
    # Behind each key stands a colon: if there are more, a key stands twice, or else a string holds one.
    if _keys_within(document, MAX_DEPTH - depth) < text.count(":"):
        json.loads(text, object_pairs_hook=_refuse_repeated)
    return document


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise _Suspect


def _refuse(constant: str) -> NoReturn:
    raise _Suspect(constant)


_HOLDERS = frozenset({dict, list})


def _keys_within(document: Any, depth: int) -> int:
    """Return how many keys a document has, unless there is too much in it."""
    level: list[Any] = [[document]]
    count = keys = 0
    for _ in range(depth + 1):
        objects = [holder for holder in level if type(holder) is dict]
        lists = [holder for holder in level if type(holder) is list]
        lengths = [*map(len, objects), *map(len, lists)]
        count += sum(lengths)
        keys += sum(map(len, objects))
        if count > MAX_VALUES or max(lengths) > MAX_ITEMS:
            raise _Suspect
        level = [value for holder in objects for value in holder.values() if type(value) in _HOLDERS]
        level += [value for holder in lists for value in holder if type(value) in _HOLDERS]
        if not level:
            return keys
    raise TooDeepError


def _number(digits: str) -> float | int:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise _Suspect
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


class Positions:
    """A second reading of a text, which keeps where everything stands.

    Parameters
    ----------
    text
        The JSON.
    wanted
        The only places that will be asked for; None stands for all, which takes much more memory than the document.

    Attributes
    ----------
    document
        What could be read; values that cannot be used, such as NaN, are None in it.
    faults
        What is wrong with the text.
    broken
        Whether the last of the faults kept the rest of the text from being read.
    """

    def __init__(self, text: str, wanted: Iterable[Location] | None = None) -> None:
        self.text = text
        self.document: Any = None
        self.faults: list[TextFault] = []
        self.broken = False
        self._wanted = None if wanted is None else {place[:end] for place in wanted for end in range(len(place) + 1)}
        self._count = 0
        self._keys: dict[Location, tuple[int, int]] = {}
        self._values: dict[Location, tuple[int, int]] = {}
        try:
            end = self._skip(0)
            self.document, end = self._value(end, ())
            if self._skip(end) < len(text):
                self._unexpected(self._skip(end), (), "nothing after the document", "; take out what follows")
        except _SyntaxFault as stop:
            self.faults.append(stop.fault)
            self.broken = True

    def key(self, location: Location) -> tuple[int, int] | None:
        """Return offset and length of the key at ``location``; None where there is none."""
        return self._keys.get(location)

    def value(self, location: Location) -> tuple[int, int]:
        """Return offset and length of the value at ``location``, or of the nearest one around it."""
        while location not in self._values and location:
            location = location[:-1]
        return self._values.get(location, (0, 1))

    def _fail(self, offset: int, length: int, location: Location, message: str, code: str = "syntax") -> NoReturn:
        raise _SyntaxFault(TextFault(offset, length, location, code, message))

    def _unexpected(self, offset: int, location: Location, expected: str, remedy: str = "") -> NoReturn:
        """Stop at a character that cannot stand where it does."""
        quoted = quoted_otherwise(self.text, offset)
        if quoted is not None:
            self._fail(offset, quoted[0], location, quoted[1])
        if _COMMENT.match(self.text, offset):
            self._fail(offset, 1, location, "JSON has no comments; take this one out")
        end = len(self.text.rstrip(" \t\n\r"))  # of a text that ends too early, the last line shows more than the empty one below
        if offset >= end:
            remedy = "; the text ends here"
        self._fail(min(offset, end), 1, location, f"expected {expected}{remedy}")

    def _note(self, offset: int, length: int, location: Location, code: str, message: str) -> None:
        if len(self.faults) == MAX_FAULTS:
            self._fail(offset, length, location, f"more than {MAX_FAULTS} faults; the rest was not read", "too_large")
        self.faults.append(TextFault(offset, length, location, code, message))

    def _skip(self, offset: int) -> int:
        match = _SPACE.match(self.text, offset)
        assert match is not None
        return match.end()

    def _value(self, offset: int, location: Location) -> tuple[Any, int]:
        opening = self.text[offset : offset + 1]
        if opening in ("{", "[") and len(location) >= MAX_DEPTH:
            self._fail(offset, 1, location[:3], TOO_DEEP, "too_deep")
        self._count += 1
        if self._count > MAX_VALUES:
            self._fail(offset, 1, location[:3], f"a spec has {MAX_VALUES} values at the most", "too_large")
        read: dict[str, Callable[[int, Location], tuple[Any, int]]]
        read = {"{": self._object, "[": self._array, '"': self._string}
        value, end = read.get(opening, self._plain)(offset, location)
        if self._wanted is None or location in self._wanted:
            self._values[location] = offset, 1 if opening in ("{", "[") else end - offset
        return value, end

    def _object(self, offset: int, location: Location) -> tuple[dict[str, Any], int]:
        result: dict[str, Any] = {}
        end = self._skip(offset + 1)
        if self.text[end : end + 1] == "}":
            return result, end + 1
        while True:
            if self.text[end : end + 1] != '"':
                self._no_key(end, location)
            start = end
            key, end = self._string(start, location, is_key=True)
            inner = (*location, key)
            if key in result:
                self._note(start, end - start, inner, "duplicate_key", "this key stands twice in one object; keep one of them")
            if self._wanted is None or inner in self._wanted:
                self._keys[inner] = start, end - start
            colon = self._skip(end)
            if self.text[colon : colon + 1] != ":":
                self._no_colon(end, colon, inner)
            result[key], end = self._value(self._skip(colon + 1), inner)
            self._refuse_length(result, start, location)
            end, done = self._separator(end, "}", location)
            if done:
                return result, end

    def _array(self, offset: int, location: Location) -> tuple[list[Any], int]:
        result: list[Any] = []
        end = self._skip(offset + 1)
        if self.text[end : end + 1] == "]":
            return result, end + 1
        while True:
            start = end
            value, end = self._value(start, (*location, len(result)))
            result.append(value)
            self._refuse_length(result, start, location)
            end, done = self._separator(end, "]", location)
            if done:
                return result, end

    def _refuse_length(self, items: Sized, offset: int, location: Location) -> None:
        if len(items) > MAX_ITEMS:
            self._fail(offset, 1, location, f"a list or an object has {MAX_ITEMS} items at the most", "too_large")

    def _separator(self, offset: int, closing: str, location: Location) -> tuple[int, bool]:
        """Step over ``,`` or ``closing``; return where to go on, and whether it was ``closing``."""
        mark = self._skip(offset)
        found = self.text[mark : mark + 1]
        if found == closing:
            return mark + 1, True
        if found != ",":
            self._no_separator(offset, mark, closing, location)
        following = self._skip(mark + 1)
        if self.text[following : following + 1] == closing:
            self._fail(mark, 1, location, f'"," before "{closing}"; JSON allows none after the last item, take it out')
        if self.text[following : following + 1] == ",":
            self._fail(following, 1, location, 'there is a "," before this one already; take one of them out')
        return following, False

    def _no_key(self, offset: int, location: Location) -> NoReturn:
        """Stop where a key should begin."""
        word = word_like(self.text, offset) or number_like(self.text, offset)
        if decimal := _DECIMAL_COMMA.search(self.text, max(0, offset - 50), offset + 20):
            self._fail(offset, 1, location, f"expected a key in double quotes; for a fraction write {decimal[1]}.{decimal[2]}")
        if word:
            written = json.dumps(word[:40], ensure_ascii=False)
            self._fail(offset, len(word), location, f"expected a key in double quotes; write {written}")
        self._unexpected(offset, location, "a key in double quotes")

    def _no_colon(self, end: int, offset: int, location: Location) -> NoReturn:
        """Stop where a colon should be, behind a key that ends at ``end``."""
        if self.text[offset : offset + 1] == "=":
            self._fail(offset, 1, location, 'expected ":" after the key; write ":" for "="')
        if self._starts_value(offset):
            self._fail(end, 1, location, 'a ":" is missing here, after the key')
        self._unexpected(offset, location, '":" after the key')

    def _no_separator(self, end: int, offset: int, closing: str, location: Location) -> NoReturn:
        """Stop where a comma or ``closing`` should be, behind a value that ends at ``end``."""
        found = self.text[offset : offset + 1]
        if found == ";":
            self._fail(offset, 1, location, f'expected "," or "{closing}"; write "," for ";"')
        if self.text[end - 1].isdigit() and _ARITHMETIC.match(found) and not _COMMENT.match(self.text, offset):
            self._fail(offset, 1, location, f'expected "," or "{closing}"; JSON cannot calculate, write the result')
        if offset == end and self.text[end - 1] == '"' and word_like(self.text, offset):
            self._fail(end - 1, 1, location, 'this quote ends the string; one within a string is written \\"')
        if self._starts_value(offset):
            self._fail(end, 1, location, 'a "," is missing here')
        remedy = {":": "; close the list before the key", "]": '; "]" closes nothing here', "}": '; "}" closes nothing here'}
        self._unexpected(offset, location, f'"," or "{closing}"', remedy.get(found, ""))

    def _starts_value(self, offset: int) -> bool:
        """Whether a value or a key begins at ``offset``, as it is meant at least."""
        return (
            self.text[offset : offset + 1] in ('"', "{", "[")
            or quoted_otherwise(self.text, offset) is not None
            or (number_like(self.text, offset) or word_like(self.text, offset)) is not None
        )

    def _string(self, offset: int, location: Location, is_key: bool = False) -> tuple[str, int]:
        try:
            value, end = scanstring(self.text, offset + 1, True)
        except json.JSONDecodeError as error:
            if error.msg.startswith("Unterminated") or self.text[error.pos] in "\r\n":
                self._fail(offset, 1, location, 'this string has no closing quote; put a " at its end, in the same line')
            if error.msg.startswith("Invalid control"):
                escape = json.dumps(self.text[error.pos])[1:-1]
                self._fail(error.pos, 1, location, f"this character cannot stand in a string as it is; write {escape}")
            backslash = self.text.rindex("\\", 0, error.pos + 1)
            self._fail(backslash, 2, location, 'JSON has no such escape; a backslash is written as "\\\\"')
        whole = _SURROGATE.sub("\ufffd", value)
        if whole != value:
            place = (*location, whole) if is_key else location
            self._note(
                offset, end - offset, place, "surrogate", "half a surrogate pair is no character; write the character itself"
            )
        return whole, end

    def _plain(self, offset: int, location: Location) -> tuple[Any, int]:
        """Read a number or a word."""
        word = word_like(self.text, offset)
        if word:
            return self._word(word, offset, location)
        written = number_like(self.text, offset)
        if written is None:
            self._no_value(offset, location)
        if not _NUMBER.fullmatch(written):
            self._fail(offset, len(written), location, number_advice(written))
        is_integer = written.lstrip("-").isdigit()
        end = offset + len(written)
        try:
            return (int(written) if is_integer else _number(written)), end
        except ValueError:
            if is_integer:
                self._note(offset, len(written), location, "too_long", "this integer has too many digits; write a smaller one")
            else:
                self._note(
                    offset, len(written), location, "not_finite", "no float is as large as this number; write a smaller one"
                )
            return None, end

    def _no_value(self, offset: int, location: Location) -> NoReturn:
        """Stop where a value should begin."""
        if not location:
            self._unexpected(offset, (), f"a spec, such as {EXAMPLE}")
        remedy = {
            "-": "; a minus stands right before its digits",
            "(": "; a list stands in [ ]",
            ",": "; null stands for none",
            "}": "; null stands for none",
        }
        self._unexpected(offset, location, "a value", remedy.get(self.text[offset : offset + 1], ""))

    def _word(self, word: str, offset: int, location: Location) -> tuple[Any, int]:
        if word in _NOT_FINITE:
            self._note(offset, len(word), location, "not_finite", f"expected a finite number, received {word}; write a number")
        elif word not in _WORDS:
            if not location and json_word(word) is None:  # YAML, a script, or anything else
                self._fail(offset, len(word), (), f"this is no JSON; a spec is a file such as {EXAMPLE}")
            self._fail(offset, len(word), location, word_advice(word))
        return _WORDS.get(word), offset + len(word)
