"""What may reach a terminal."""

from __future__ import annotations

import pickle

import pytest

import layerkit as lk
from layerkit.printable import between, columns, from_columns, printable, printable_lines

HOSTILE = {
    "escape": "\x1b[2Ja\x1b]0;title\x07",
    "C1": "\x9b31mred\x85",
    "delete": "a\x7f\x08b",
    "line": "a\nerror: forged",
    "return": "a\rerror: forged",
    "separator": "a\u2028error: forged\u2029",
    "bidi": "\u202eevil\u202c\u2066\u2069",
    "nothing": "a\u200b\u200d\ufeffb",
    "half": "a\ud800b",
    "null": "a\x00b",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_a_terminal_would_obey_is_replaced(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text)) == len(text)


@pytest.mark.parametrize("text", ["", "plain", "größe 漢字 ±√ é", 'quotes " and \\ backslashes'])
def test_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_lines_that_are_meant_stay() -> None:
    assert printable_lines("a\x1b\n  b\r\n") == "a\ufffd\n  b\ufffd\n"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("kind", [lk.LayerkitError, lk.DataError, lk.ModelFileError, lk.DivergedError, lk.RunDirectoryError])
def test_errors_are_lines_of_ours(kind: type[lk.LayerkitError], text: str) -> None:
    error = kind(f"first {text}", f"second {text}")
    lines = str(error).split("\n")
    assert [line.split()[0] for line in lines] == ["first", "second"]
    assert all(line.isprintable() for line in lines)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (kind, str(error))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_a_component_raises_is_one_line(text: str) -> None:
    error = lk.ComponentError.caused_by(ValueError(text), lk.ReLU(), "forward", "relu_1")
    assert str(error).isprintable()


@pytest.mark.parametrize(("text", "width"), [("", 0), ("affine", 6), ("größe", 5), ("学習率", 6), ("ｆull", 5), ("a学b", 4)])
def test_wide_characters_take_two_columns(text: str, width: int) -> None:
    assert len(columns(text)) == width
    assert from_columns(columns(text)) == text


@pytest.mark.parametrize(
    ("start", "stop", "piece"),
    [(0, 6, "a学b率"), (0, 3, "a学"), (0, 2, "a "), (2, 4, " b"), (2, 5, " b "), (3, 9, "b率"), (6, 9, "")],
)
def test_a_piece_of_columns_is_as_wide_as_asked(start: int, stop: int, piece: str) -> None:
    assert between("a学b率", start, stop) == piece
