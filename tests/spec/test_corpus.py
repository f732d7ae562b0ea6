"""A corpus of faulty files: every fault of each, and nothing else, is found where a person would point.

``corpus/expected.json`` gives, for each file beside it, ``[line, column, path, code]`` of its faults in the order of the file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from unicodedata import east_asian_width

import pytest

from layerkit import SpecError, load_spec
from layerkit.cli.main import main
from layerkit.diagnostics.diagnostic import Diagnostic

FOLDER = Path(__file__).parent / "corpus"

Place = tuple[int, int, str, str]
EXPECTED: dict[str, list[Place]] = {
    name: [(line, column, path, code) for line, column, path, code in faults]
    for name, faults in json.loads((FOLDER / "expected.json").read_text(encoding="utf-8")).items()
}

_MODEL = b"""{
  "layerkit": 1,
  "input_shape": [4],
  "layers": [
    {"type": "affine", "units": %s},
    {"type": "crossentropy"}
  ]
}
"""
_FAULTY = _MODEL % b"0"

MADE: dict[str, tuple[bytes, list[Place]]] = {
    "byte_order_mark": (b"\xef\xbb\xbf" + _FAULTY, [(1, 1, "", "not_utf8")]),
    "utf_16": (_FAULTY.decode().encode("utf-16"), [(1, 1, "", "not_utf8")]),
    "utf_16_without_mark": (_FAULTY.decode().encode("utf-16-le"), [(1, 2, "", "syntax")]),
    "latin_1": ('{\n "größe": 1}'.encode("latin-1"), [(2, 5, "", "not_utf8")]),
    "latin_1_behind_utf_8": ('{"größe": '.encode() + b'"\xe9"}', [(1, 12, "", "not_utf8")]),
    "cut_off_within_a_character": ('{"name": "€'.encode()[:-1], [(1, 11, "", "not_utf8")]),
    "surrogate_in_utf_8": (b'{"name": "\xed\xa0\x80"}', [(1, 11, "", "not_utf8")]),
    "overlong_slash": (b'{"name": "\xc0\xaf"}', [(1, 11, "", "not_utf8")]),
    "null_character": (b"\x00", [(1, 1, "", "syntax")]),
    "windows_line_ends": (_FAULTY.replace(b"\n", b"\r\n"), [(5, 33, "layers[0].units", "out_of_range")]),
    "windows_line_end_in_a_string": (b'{\r\n "name": "iris\r\n}', [(2, 10, "name", "syntax")]),
    "windows_line_ends_that_are_cut_off": (b'{\r\n "name": 1\r\n\r\n', [(2, 11, "", "syntax")]),
    "old_line_ends": (_FAULTY.replace(b"\n", b"\r"), [(1, 88, "layers[0].units", "out_of_range")]),
    "integer_of_5000_digits": (_MODEL % (b"1" * 5000), [(5, 33, "layers[0].units", "too_long")]),
    "negative_integer_of_4300_digits": (_MODEL % (b"-" + b"1" * 4300), [(5, 33, "layers[0].units", "out_of_range")]),
    "integer_of_4300_digits": (_MODEL % (b"1" * 4300), [(5, 5, "layers[0]", "memory")]),
    "float_of_5000_digits": (_MODEL % (b"1" * 5000 + b".5"), [(5, 33, "layers[0].units", "not_finite")]),
    "nested_16_levels": (
        b'{"layerkit": 1, "input_shape": ' + b"[" * 15 + b"]" * 15 + b', "layers": 1}',
        [(1, 33, "input_shape[0]", "wrong_type"), (1, 74, "layers", "wrong_type")],
    ),
    "nested_17_levels": (
        b'{"layerkit": 1, "input_shape": ' + b"[" * 16 + b"]" * 16 + b', "layers": 1}',
        [(1, 47, "input_shape[0][0]", "too_deep")],
    ),
    "nested_as_deep_as_it_goes": (b"[" * 2**20, [(1, 17, "[0][0][0]", "too_deep")]),
    "nested_objects_as_deep_as_it_goes": (b'{"a":' * 2**17, [(1, 81, "a.a.a", "too_deep")]),
    "longest_text_of_wide_characters": ("😀".encode() * 2**20, [(1, 1, "", "syntax")]),
    "long_line": (
        (_MODEL % b"0").replace(b"\n", b" " * 500),
        [(1, 2084, "layers[0].units", "out_of_range")],
    ),
    "long_text_at_fault": (
        b'{"layerkit": 1, "input_shape": [4], "layers": "' + b"x" * 10_000 + b'"}',
        [(1, 47, "layers", "wrong_type")],
    ),
    "long_key_at_fault": (
        b'{"layerkit": 1, "input_shape": [4], "layers": [{"type": "crossentropy"}], "' + b"x" * 10_000 + b'": 1}',
        [(1, 75, f'["{"x" * 37}..."]', "unknown_key")],
    ),
}
"""Files whose bytes matter, with their faults."""


@pytest.fixture(params=[*EXPECTED, *MADE], name="sample")
def faulty_file(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[Place]]:
    """Give a faulty file, and its faults."""
    if request.param in EXPECTED:
        return FOLDER / request.param, EXPECTED[request.param]
    content, faults = MADE[request.param]
    path = tmp_path / f"{request.param}.json"
    path.write_bytes(content)
    return path, faults


def error_of(path: Path) -> SpecError:
    """Return the error of a faulty file."""
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    return caught.value


def character_at(diagnostic: Diagnostic, lines: list[str]) -> str:
    """Return the character of the file in the place of a diagnostic, as a terminal may show it."""
    assert diagnostic.line is not None
    assert diagnostic.column is not None
    character = lines[diagnostic.line - 1][diagnostic.column - 1 : diagnostic.column].strip(" \t\r")
    return character if character.isprintable() else "\ufffd"


def test_there_is_an_expectation_for_every_file() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*EXPECTED, "expected.json"}
    assert len(EXPECTED) >= 90


def test_exactly_its_faults_are_found(sample: tuple[Path, list[Place]]) -> None:
    path, faults = sample
    found = error_of(path).diagnostics
    assert [(fault.line, fault.column, fault.path, fault.code) for fault in found] == faults
    assert {fault.file for fault in found} == {str(path)}


def test_each_fault_is_three_lines_with_the_caret_under_the_column(sample: tuple[Path, list[Place]]) -> None:
    path, _ = sample
    error = error_of(path)
    assert str(error) == "\n".join(map(str, error.diagnostics))
    for diagnostic in error.diagnostics:
        head, *rest = str(diagnostic).split("\n")
        assert head.startswith(f"{path}:{diagnostic.line}:{diagnostic.column}: ")
        assert len(head) <= 1000
        assert head.isprintable()
        if diagnostic.code == "not_utf8":
            assert rest == []
            continue
        source, carets = rest
        assert source.isprintable()
        assert set(carets.strip()) == {"^"}
        caret = carets.index("^")
        cells = [cell for letter in source for cell in ([letter, ""] if east_asian_width(letter) in "WF" else [letter])]
        assert len(source) <= 102
        assert len(carets) <= max(len(cells), caret + 1)
        lines = path.read_bytes().decode().split("\n")
        assert "".join(cells[caret : caret + 1]).strip(" ") == character_at(diagnostic, lines)


def test_validate_prints_the_same(
    sample: tuple[Path, list[Place]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = sample
    monkeypatch.setattr(sys, "argv", ["layerkit", "validate", str(path)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert capsys.readouterr() == ("", f"{error_of(path)}\n")
