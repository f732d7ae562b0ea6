"""Diagnostics: how they read, and the page that explains every code."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import layerkit
from layerkit.cli.main import main
from layerkit.diagnostics.diagnostic import Diagnostic, Lines, Location, path_text, printable, shortened
from layerkit.diagnostics.faults import _EXPECTED
from layerkit.errors import ComponentLookupError
from layerkit.spec.source import MAX_CHARACTERS

PACKAGE = Path(layerkit.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "diagnostics.md"

# --- one diagnostic -----------------------------------------------------------------------------------------------

FAULT = Diagnostic(
    "net.json",
    ("model", "layers", 2, "unit"),
    "unknown_key",
    'unknown key; did you mean "units"?',
    "units",
    7,
    26,
    '{"type": "affine", "unit": 3},',
    (19, 6),
)


def test_a_diagnostic_is_three_lines() -> None:
    assert str(FAULT).split("\n") == [
        'net.json:7:26: model.layers[2].unit: unknown key; did you mean "units"?',
        '  {"type": "affine", "unit": 3},',
        "                     ^^^^^^",
    ]


def test_tools_get_everything() -> None:
    assert FAULT.as_json() == {
        "file": "net.json",
        "line": 7,
        "column": 26,
        "path": "model.layers[2].unit",
        "pointer": "/model/layers/2/unit",
        "code": "unknown_key",
        "message": 'unknown key; did you mean "units"?',
        "suggestion": "units",
    }


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"source": None}, 'net.json:7:26: model.layers[2].unit: unknown key; did you mean "units"?'),
        ({"source": None, "location": (), "message": "is empty"}, "net.json:7:26: is empty"),
        ({"source": None, "line": None, "column": None, "location": (), "message": "is empty"}, "net.json: is empty"),
        ({"source": None, "file": "a\x1b[2J\nb", "location": (), "message": "x\ty"}, "a\ufffd[2J\ufffdb:7:26: x\ufffdy"),
        ({"source": "", "location": (), "marked": (0, 1), "message": "ends"}, "net.json:7:26: ends\n  \n  ^"),
    ],
)
def test_what_is_not_known_is_left_out(changes: dict[str, object], text: str) -> None:
    assert str(dataclasses.replace(FAULT, **changes)) == text  # type: ignore[arg-type]  # the fields are the table's


def test_a_message_without_end_is_cut() -> None:
    endless = dataclasses.replace(FAULT, message="x" * 10_000)
    head, *_ = str(endless).split("\n")
    assert len(head) == 1000
    assert head.endswith("xxx...")
    assert endless.as_json()["message"] == "x" * 10_000


@pytest.mark.parametrize(
    ("location", "path", "pointer"),
    [
        ((), "", ""),
        (("seed",), "seed", "/seed"),
        (("model", "layers", 0, "weight_init", "std"), "model.layers[0].weight_init.std", "/model/layers/0/weight_init/std"),
        ((0, 1, "a"), "[0][1].a", "/0/1/a"),
        (("$schema",), "$schema", "/$schema"),
        (("größe", "x-y"), "größe.x-y", "/größe/x-y"),
        (("",), '[""]', "/"),
        (("a b", "c"), '["a b"].c', "/a b/c"),
        (("a", "b.c"), 'a["b.c"]', "/a/b.c"),
        (("~/",), '["~/"]', "/~0~1"),
        (("x" * 65,), f'["{"x" * 37}..."]', f"/{'x' * 65}"),
    ],
)
def test_a_location_is_written_in_two_ways(location: Location, path: str, pointer: str) -> None:
    diagnostic = dataclasses.replace(FAULT, location=location)
    assert (diagnostic.path, diagnostic.pointer) == (path, pointer)
    assert path_text(iter(location)) == path


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, größe, 漢字 😀", "plain, größe, 漢字 😀"),
        ("\x1b[31mred\x1b[0m", "\ufffd[31mred\ufffd[0m"),
        ("a\nb\rc\x00d\x7fe", "a\ufffdb\ufffdc\ufffdd\ufffde"),
        ("right\u202eto left", "right\ufffdto left"),
        ("zero\u200bwidth\ufeff", "zero\ufffdwidth\ufffd"),
        ("half\udcff", "half\ufffd"),
        ("c1\x9b2J\x85\u2028", "c1\ufffd2J\ufffd\ufffd"),
    ],
)
def test_nothing_that_is_shown_moves_the_cursor(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(("text", "short"), [("", ""), ("x" * 60, "x" * 60), ("x" * 61, "x" * 57 + "...")])
def test_long_texts_are_shortened(text: str, short: str) -> None:
    assert shortened(text) == short


# --- the piece of the file ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "offset", "length", "place", "source", "marked"),
    [
        ("", 0, 1, (1, 1), "", (0, 1)),
        ("{}", 1, 1, (1, 2), "{}", (1, 1)),
        ("{\n  1\n}", 4, 1, (2, 3), "1", (0, 1)),
        ("{\n\t\t1,\n}", 4, 1, (2, 3), "1,", (0, 1)),
        ('{"a":\t1}', 6, 1, (1, 7), '{"a": 1}', (6, 1)),
        ("{\r\n  1\r\n}", 5, 1, (2, 3), "1", (0, 1)),
        ("[1]\r\n", 3, 1, (1, 4), "[1]", (3, 1)),
        ("[1]\n", 4, 1, (2, 1), "", (0, 1)),
        ("a\rb", 2, 1, (1, 3), "a\ufffdb", (2, 1)),
        ("äöü€😀x", 5, 1, (1, 6), "äöü€😀x", (5, 1)),
        ("\u00a0 x", 0, 1, (1, 1), "\ufffd x", (0, 1)),
        ("abc\ndef", 1, 5, (1, 2), "abc", (1, 2)),
        ("x" * 100, 99, 1, (1, 100), "x" * 100, (99, 1)),
        ("0" * 60 + "1" + "2" * 60, 60, 1, (1, 61), "0" * 50 + "1" + "2" * 49, (50, 1)),
        ("0" * 60 + "1" * 60, 60, 60, (1, 61), "0" * 50 + "1" * 50, (50, 50)),
        ("1" + "2" * 200, 0, 1, (1, 1), "1" + "2" * 99, (0, 1)),
        ("2" * 200 + "1", 200, 1, (1, 201), "2" * 50 + "1", (50, 1)),
        ("2" * 200, 200, 1, (1, 201), "2" * 50, (50, 1)),
        ("\n\n" + " " * 200 + "1", 202, 1, (3, 201), " " * 50 + "1", (50, 1)),
    ],
)
def test_a_piece_of_the_line_is_shown(
    text: str, offset: int, length: int, place: tuple[int, int], source: str, marked: tuple[int, int]
) -> None:
    line, column = place
    assert Lines(text).excerpt(offset, length) == {"line": line, "column": column, "source": source, "marked": marked}


# --- the page -----------------------------------------------------------------------------------------------------


class Block(NamedTuple):
    """A fenced block of the page."""

    code: str
    language: str
    how: str
    body: str


def blocks() -> Iterator[Block]:
    """Yield the fenced blocks of the page, each with the code whose section it stands in; none above the first."""
    text = PAGE.read_text(encoding="utf-8")
    for part in re.split(r"^### ", text, flags=re.MULTILINE):
        heading = re.match(r"`(\w+)`\n", part)
        for fence in re.finditer(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", part, flags=re.MULTILINE | re.DOTALL):
            yield Block(heading[1] if heading else "", *fence.groups())


BLOCKS = list(blocks())
SECTIONS = list(dict.fromkeys(block.code for block in BLOCKS))

CODE_ARGUMENT = {"Fault": 1, "own_error": 1, "_refusal": 1, "Diagnostic": 2, "TextFault": 3, "_note": 3, "_fail": 4}
"""Which argument of a call is the code."""


def written_codes() -> Iterator[str]:
    """Yield the codes that the package writes down where it makes a fault."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                position = CODE_ARGUMENT.get(ast.unparse(node.func).rpartition(".")[2], len(node.args))
                given = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
                for argument in [*node.args[position : position + 1], *given]:
                    for part in ast.walk(argument):
                        if isinstance(part, ast.Constant) and isinstance(part.value, str):
                            yield part.value
            elif isinstance(node, ast.FunctionDef) and node.name == "_fail":
                yield from [ast.literal_eval(default) for default in node.args.defaults]
    yield from [code for code, _ in _EXPECTED.values()]
    lookup_errors: list[type[ComponentLookupError]] = [ComponentLookupError, *ComponentLookupError.__subclasses__()]
    yield from [error.code for error in lookup_errors]


def test_the_page_has_every_code_and_no_other() -> None:
    headings = re.findall(r"^### `(\w+)`$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(headings) == len(set(headings))
    assert set(headings) == set(written_codes())


def test_every_code_of_the_page_has_a_meaning_and_an_example() -> None:
    text = PAGE.read_text(encoding="utf-8")
    sections = re.findall(r"^### `(\w+)`\n\n(.+)\n", text, flags=re.MULTILINE)
    assert [code for code, _ in sections] == SECTIONS[1:]
    assert all(meaning[0].isupper() or meaning.startswith("`") for _, meaning in sections)
    for code in SECTIONS:
        assert sum(block.language == "console" for block in BLOCKS if block.code == code) == 1


@pytest.mark.parametrize("code", SECTIONS, ids=lambda code: code or "first")
def test_an_example_prints_what_the_page_shows(
    code: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    install: Callable[[str, str], Path],
) -> None:
    monkeypatch.chdir(tmp_path)
    for block in [block for block in BLOCKS if block.code == code]:
        if block.language == "python":
            for name in re.findall(r"layerkit-\w+", block.how):
                install(name, block.body)
        elif block.language == "json":
            Path("net.json").write_bytes(as_described(block))
        else:
            first, _, printed = block.body.partition("\n")
            monkeypatch.setattr(sys, "argv", shlex.split(first.removeprefix("$ ")))
            with pytest.raises(SystemExit) as stop:
                main()
            assert (stop.value.code, *capsys.readouterr()) == (2, "", printed)
            monkeypatch.setattr(sys, "argv", [*sys.argv, "--format", "json"])
            assert code in {"", "no_run_spec", *codes_for_tools(capsys)}


def as_described(block: Block) -> bytes:
    """Return what stands in the file of an example, which the words behind the fence's language describe."""
    if block.how == "and 2^20 spaces":
        return block.body.encode() + b" " * MAX_CHARACTERS
    if block.how == "with 5000 nines":
        return block.body.replace("9", "9" * 5000).encode()
    return block.body.encode(block.how.removeprefix("in ") or "utf-8")


def codes_for_tools(capsys: pytest.CaptureFixture[str]) -> set[str]:
    """Return the codes that the command of ``sys.argv`` prints as JSON."""
    with pytest.raises(SystemExit):
        main()
    printed = capsys.readouterr().out
    return {fault["code"] for fault in json.loads(printed)} if printed else set()
