"""JSON with positions: the fast reader and the careful one agree on every text, and positions point at what was read."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerkit.diagnostics.diagnostic import Location
from layerkit.spec.foreign_files import EXAMPLE
from layerkit.spec.source import Positions, parse

# --- texts --------------------------------------------------------------------------------------------------------

WORDS = st.text(st.characters(codec="utf-8"), max_size=6)
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-3, 3).map(float))
DOCUMENTS = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=12,
)
SPACE = st.text(" \t\r\n", max_size=3)
INTERESTING = "{}[]\",:0123456789.-+eE \n\r\ttrufalsenNIdb\\/#'_é😀\x00\x1f\x7f\u2028\ufeff\ud800\udc00٣"
FRAGMENTS = st.sampled_from(
    [
        *INTERESTING,
        "null",
        "true",
        "NaN",
        "-Infinity",
        "1e999",
        "-0",
        "01",
        '"a":',
        '"a":1,',
        "\\u",
        "\\ud83d",
        '"',
        "// x",
        "[[",
        "}}",
    ]
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Draw a JSON text with a spelling of its own: white space, escapes and all."""

    def written(value: Any) -> str:
        space = draw(SPACE)
        if isinstance(value, dict):
            items = [f"{space}{quoted(key)}{draw(SPACE)}:{draw(SPACE)}{written(item)}" for key, item in value.items()]
            return "{" + ",".join(items) + space + "}"
        if isinstance(value, list):
            return "[" + ",".join(space + written(item) for item in value) + space + "]"
        return quoted(value) if isinstance(value, str) else json.dumps(value)

    def quoted(value: str) -> str:
        return json.dumps(value, ensure_ascii=draw(st.booleans()))

    return draw(SPACE) + written(draw(DOCUMENTS)) + draw(SPACE)


@st.composite
def edited_texts(draw: st.DrawFn) -> str:
    """Draw a JSON text after some slips of the keyboard."""
    text = draw(texts())
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(start + 3, len(text))))
        text = text[:start] + draw(st.one_of(st.just(""), FRAGMENTS)) + text[end:]
    return text


def without_integral_floats(value: Any) -> Any:
    """Return a document with every integral float as an int: JSON knows one kind of number."""
    if isinstance(value, dict):
        return {key: without_integral_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_integral_floats(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def places(value: Any, location: Location = ()) -> Iterator[tuple[Location, Any]]:
    """Yield every place of a document with its value."""
    yield location, value
    if isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*location, step))


def refuses(text: str) -> bool:
    """Whether the fast reader finds anything wrong."""
    try:
        parse(text)
    except (ValueError, RecursionError):
        return True
    return False


# --- both readers -------------------------------------------------------------------------------------------------


@given(texts())
def test_a_sound_text_is_read_as_the_standard_library_reads_it(text: str) -> None:
    wanted = without_integral_floats(json.loads(text))
    document = parse(text)
    positions = Positions(text)
    assert repr(document) == repr(wanted)
    assert repr(positions.document) == repr(wanted)
    assert positions.faults == []
    assert not positions.broken


@given(texts())
def test_positions_point_at_what_was_read(text: str) -> None:
    positions = Positions(text)
    for location, value in places(positions.document):
        offset, length = positions.value(location)
        again, end = json.JSONDecoder().raw_decode(text, offset)
        assert without_integral_floats(again) == value
        assert length == (1 if isinstance(value, dict | list) else end - offset)
        at_key = positions.key(location)
        if location and isinstance(location[-1], str):
            assert at_key is not None
            start, length = at_key
            assert json.loads(text[start : start + length]) == location[-1]
        else:
            assert at_key is None


@given(st.one_of(edited_texts(), st.lists(FRAGMENTS, max_size=20).map("".join)))
def test_the_fast_reader_refuses_what_the_careful_one_finds_faults_in(text: str) -> None:
    positions = Positions(text)
    assert refuses(text) == bool(positions.faults)
    assert all(0 <= fault.offset <= len(text) and fault.length >= 1 for fault in positions.faults)
    assert positions.broken == any(fault.code in ("syntax", "too_deep") for fault in positions.faults)
    assert not any(fault.code in ("syntax", "too_deep") for fault in positions.faults[:-1])
    if not positions.faults:
        assert repr(positions.document) == repr(parse(text))


@given(texts(), st.sampled_from(["NaN", "-Infinity", "1e999", "1" * 5000, '"\\ud800"', '{"a": 1, "a": 2}']), st.data())
def test_what_json_does_not_have_keeps_nothing_else_from_being_read(text: str, intruder: str, data: st.DataObject) -> None:
    document = Positions(text).document
    location = data.draw(st.sampled_from([location for location, _ in places(document)]))
    offset, _ = Positions(text).value(location)
    _, end = json.JSONDecoder().raw_decode(text, offset)
    changed = Positions(text[:offset] + intruder + text[end:])
    (fault,) = changed.faults
    assert not changed.broken
    assert fault.offset >= offset
    assert fault.location[: len(location)] == location
    found = dict(places(changed.document))
    for other, item in places(document):
        if other[: len(location)] != location and not isinstance(item, dict | list):
            assert repr(found[other]) == repr(item)


# --- single values ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.0", 1),
        ("-0", 0),
        ("-0.0", 0),
        ("1e3", 1000),
        ("5E-1", 0.5),
        ("100e-2", 1),
        ("9007199254740991.0", 2**53 - 1),
        ("9007199254740992.0", 2.0**53),
        ("1e300", 1e300),
        ("1e-999", 0),
        ("9" * 4300, int("9" * 4300)),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\u00e9\\/\\t"', "é/\t"),
        ('"\x7f\u2028"', "\x7f\u2028"),
        (" \r\n\tnull ", None),
    ],
)
def test_spellings_of_one_value(text: str, value: object) -> None:
    for document in (parse(text), Positions(text).document):
        assert (document, type(document)) == (value, type(value))


FAULTS = [
    ("", 0, 1, "syntax", f"expected a spec, such as {EXAMPLE}; the text ends here"),
    (" \n ", 0, 1, "syntax", f"expected a spec, such as {EXAMPLE}; the text ends here"),
    ("[1, 2\n\n", 5, 1, "syntax", 'expected "," or "]"; the text ends here'),
    ("[1 2]", 2, 1, "syntax", 'a "," is missing here'),
    ("[1,]", 2, 1, "syntax", '"," before "]"; JSON allows none after the last item, take it out'),
    ('{"a":1,}', 6, 1, "syntax", '"," before "}"; JSON allows none after the last item, take it out'),
    ("{a: 1}", 1, 1, "syntax", 'expected a key in double quotes; write "a"'),
    ("{'a': 1}", 1, 3, "syntax", 'JSON has straight double quotes only: write "a"'),
    ('{"a" 1}', 4, 1, "syntax", 'a ":" is missing here, after the key'),
    ('{"a": 1 // one\n}', 8, 1, "syntax", "JSON has no comments; take this one out"),
    ("# a", 0, 1, "syntax", "JSON has no comments; take this one out"),
    ("1 1", 2, 1, "syntax", "expected nothing after the document; take out what follows"),
    ("[True]", 1, 4, "syntax", "JSON has no word True; write true"),
    ("[None]", 1, 4, "syntax", "JSON has no word None; write null"),
    ("[-nil]", 1, 4, "syntax", 'JSON has no word -nil; write "-nil"'),
    ("[" + "x" * 99 + "]", 1, 99, "syntax", f'JSON has no word {"x" * 40}; write "{"x" * 40}"'),
    ("[-01]", 1, 3, "syntax", "JSON has no number -01; write -1"),
    ('["a\n"]', 1, 1, "syntax", 'this string has no closing quote; put a " at its end, in the same line'),
    ('["a', 1, 1, "syntax", 'this string has no closing quote; put a " at its end, in the same line'),
    ('["a\tb"]', 3, 1, "syntax", "this character cannot stand in a string as it is; write \\t"),
    ('["a\\x"]', 3, 2, "syntax", 'JSON has no such escape; a backslash is written as "\\\\"'),
    ('["\\\\\\u12"]', 4, 2, "syntax", 'JSON has no such escape; a backslash is written as "\\\\"'),
    ("[.25]", 1, 3, "syntax", "JSON has no number .25; write 0.25"),
    ("[-.25]", 1, 4, "syntax", "JSON has no number -.25; write -0.25"),
    ("[+0.1]", 1, 4, "syntax", "JSON has no number +0.1; write 0.1"),
    ("[1.]", 1, 2, "syntax", "JSON has no number 1.; write 1.0"),
    ("[0x10]", 1, 4, "syntax", "JSON has no number 0x10; write 16"),
    ("[1_000]", 1, 5, "syntax", "JSON has no number 1_000; write 1000"),
    ("[64px]", 1, 4, "syntax", "JSON has no number 64px; a text stands in double quotes"),
    ("[1e]", 1, 2, "syntax", "JSON has no number 1e; a text stands in double quotes"),
    ("[- 1]", 1, 1, "syntax", "expected a value; a minus stands right before its digits"),
    ('{"a": 0,5}', 8, 1, "syntax", "expected a key in double quotes; for a fraction write 0.5"),
    ('{"a": 1, 2}', 9, 1, "syntax", "expected a key in double quotes; for a fraction write 1.2"),
    ('{"a": 1e5, 2: 0}', 11, 1, "syntax", 'expected a key in double quotes; write "2"'),
    ('{"a": 1/255}', 7, 1, "syntax", 'expected "," or "}"; JSON cannot calculate, write the result'),
    ("[2**3]", 2, 1, "syntax", 'expected "," or "]"; JSON cannot calculate, write the result'),
    ("[yes]", 1, 3, "syntax", "JSON has no word yes; write true"),
    ("[OFF]", 1, 3, "syntax", "JSON has no word OFF; write false"),
    ("[undefined]", 1, 9, "syntax", "JSON has no word undefined; write null"),
    ("[he-normal]", 1, 9, "syntax", 'JSON has no word he-normal; write "he-normal"'),
    ("[true//x\n]", 5, 1, "syntax", "JSON has no comments; take this one out"),
    ("['a', 1]", 1, 3, "syntax", 'JSON has straight double quotes only: write "a"'),
    ("[“a”, 1]", 1, 3, "syntax", 'JSON has straight double quotes only: write "a"'),
    ("['it", 1, 1, "syntax", 'JSON has straight double quotes only: write "'),
    ('["a" “b”]', 4, 1, "syntax", 'a "," is missing here'),
    ('["a"b"]', 3, 1, "syntax", 'this quote ends the string; one within a string is written \\"'),
    ('{"a": 1\n  "b": 2}', 7, 1, "syntax", 'a "," is missing here'),
    ('{"a": [1]\n  "b": 2}', 9, 1, "syntax", 'a "," is missing here'),
    ('{"a": 1; "b": 2}', 7, 1, "syntax", 'expected "," or "}"; write "," for ";"'),
    ('{"a" = 1}', 5, 1, "syntax", 'expected ":" after the key; write ":" for "="'),
    ('{"a", 1}', 4, 1, "syntax", 'expected ":" after the key'),
    ('{"a": [1, "b": 2}', 13, 1, "syntax", 'expected "," or "]"; close the list before the key'),
    ("[1}", 2, 1, "syntax", 'expected "," or "]"; "}" closes nothing here'),
    ("[1,,2]", 3, 1, "syntax", 'there is a "," before this one already; take one of them out'),
    ('{"a": (4,)}', 6, 1, "syntax", "expected a value; a list stands in [ ]"),
    ('{"a": }', 6, 1, "syntax", "expected a value; null stands for none"),
    ("layerkit: 1", 0, 8, "syntax", f"this is no JSON; a spec is a file such as {EXAMPLE}"),
    ("---\nlayerkit: 1", 0, 1, "syntax", f"expected a spec, such as {EXAMPLE}"),
    ("[" * 17, 16, 1, "too_deep", "nested deeper than 16 levels"),
    ("[NaN]", 1, 3, "not_finite", "expected a finite number, received NaN; write a number"),
    ("[+Infinity]", 1, 9, "not_finite", "expected a finite number, received +Infinity; write a number"),
    ("[1e999]", 1, 5, "not_finite", "no float is as large as this number; write a smaller one"),
    ("[" + "1" * 4301 + "]", 1, 4301, "too_long", "this integer has too many digits; write a smaller one"),
    ('["\\udead"]', 1, 8, "surrogate", "half a surrogate pair is no character; write the character itself"),
    ('["\ud800"]', 1, 3, "surrogate", "half a surrogate pair is no character; write the character itself"),
    ('{"a": 1, "a": 2}', 9, 3, "duplicate_key", "this key stands twice in one object; keep one of them"),
]


@pytest.mark.parametrize(("text", "offset", "length", "code", "message"), FAULTS)
def test_a_fault_says_what_and_where(text: str, offset: int, length: int, code: str, message: str) -> None:
    assert refuses(text)
    (fault,) = Positions(text).faults
    assert (fault.offset, fault.length, fault.code, fault.message) == (offset, length, code, message)


def test_values_that_cannot_be_used_are_left_out_of_the_document() -> None:
    positions = Positions('{"a": [NaN, 1, 1e999], "b": "x\\ud800", "c\\ud800": 1, "d": 1, "d": 2}')
    assert positions.document == {"a": [None, 1, None], "b": "x\ufffd", "c\ufffd": 1, "d": 2}
    assert [fault.location for fault in positions.faults] == [("a", 0), ("a", 2), ("b",), ("c\ufffd",), ("d",)]


def test_of_equal_keys_the_last_is_pointed_at() -> None:
    positions = Positions('{"a": {"b": 1}, "a": {"b": 2}}')
    assert positions.document == {"a": {"b": 2}}
    assert positions.key(("a",)) == (16, 3)
    assert positions.value(("a", "b")) == (27, 1)


def test_what_is_not_there_has_the_place_of_what_is_around_it() -> None:
    positions = Positions('{"a": {"b": [1, 2]}}')
    assert positions.value(("a", "b", 2)) == positions.value(("a", "b")) == (12, 1)
    assert positions.value(("a", "c", "d")) == positions.value(("a",))
    assert positions.value(("z",)) == (0, 1)
    assert positions.key(("a", "c")) is None


def test_a_text_that_was_not_read_has_a_place_all_the_same() -> None:
    assert Positions("").value(("a", 0)) == (0, 1)


def test_the_limit_of_digits_is_that_of_the_interpreter() -> None:
    """Somebody may have lowered it, and an integer that cannot be read is told on all the same."""
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        assert refuses("1" * 641)
        (fault,) = Positions("1" * 641).faults
    finally:
        sys.set_int_max_str_digits(limit)
    assert fault.code == "too_long"
