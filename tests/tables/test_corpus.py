"""A corpus of awkward CSV files: the exact values that must come out of each, or the exact place and words of what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import layerkit as lk
from layerkit.tables.table import Table, joined

Values = Mapping[str, Sequence[Any]]

MISSING = None
TWO = {"a": [1.0, 2.0], "b": [3.0, 4.0]}

SOUND: dict[str, tuple[bytes, Mapping[str, Any], Values]] = {
    # --- how it is written
    "plain": (b"a,b\n1,3\n2,4\n", {}, TWO),
    "no end of the last line": (b"a,b\n1,3\n2,4", {}, TWO),
    "ends of lines of Windows": (b"a,b\r\n1,3\r\n2,4\r\n", {}, TWO),
    "ends of lines of old Macs": (b"a,b\r1,3\r2,4\r", {}, TWO),
    "byte-order mark": (b"\xef\xbb\xbfa,b\n1,3\n2,4\n", {}, TWO),
    "UTF-16": ("a,b\n1,3\n2,4\n".encode("utf-16"), {}, TWO),
    "UTF-16, the other way round": (b"\xfe\xff" + "a,b\n1,3\n2,4\n".encode("utf-16-be"), {}, TWO),
    "cp1252, said": ("ä,b\n1,3\n2,4\n".encode("cp1252"), {"encoding": "cp1252"}, {"ä": [1.0, 2.0], "b": [3.0, 4.0]}),
    "blank lines": (b"\na,b\n\n1,3\n\n\n2,4\n\n", {}, TWO),
    "semicolons": (b"a;b\n1;3\n2;4\n", {}, TWO),
    "tabulators": (b"a\tb\n1\t3\n2\t4\n", {}, TWO),
    "bars": (b"a|b\n1|3\n2|4\n", {}, TWO),
    "a separator of its own": (b"a:b\n1:3\n2:4\n", {"separator": ":"}, TWO),
    "decimal commas": (b"a;b\n1,5;3\n2,25;4\n", {}, {"a": [1.5, 2.25], "b": [3.0, 4.0]}),
    "decimal commas in quotes": (b'a,b\n"1,5",3\n"2,5",4\n', {"decimal": ","}, {"a": [1.5, 2.5], "b": [3.0, 4.0]}),
    "decimal points beside semicolons": (b"a;b\n1.5;3\n2.5;4\n", {}, {"a": [1.5, 2.5], "b": [3.0, 4.0]}),
    "everything in quotes": (b'"a","b"\n"1","3"\n"2","4"\n', {}, TWO),
    "separators in quotes": (b'a,b\n"x, y",1\n"z",2\n', {}, {"a": ["x, y", "z"], "b": [1.0, 2.0]}),
    "quotes in quotes": (b'a,b\n"say ""x""",1\ny,2\n', {}, {"a": ['say "x"', "y"], "b": [1.0, 2.0]}),
    "lines in quotes": (b'a,b\n"x\ny",1\nz,2\n', {}, {"a": ["x\ny", "z"], "b": [1.0, 2.0]}),
    "other quotes": (b"a,b\n'x,y',1\nz,2\n", {"quote": "'"}, {"a": ["x,y", "z"], "b": [1.0, 2.0]}),
    "inches, and no quotes": (b'a,b\n5" pipe,1\n6" pipe,2\n', {"quote": None}, {"a": ['5" pipe', '6" pipe'], "b": [1.0, 2.0]}),
    "comments": (b"# made by hand\na,b\n1,3\n# in between\n2,4\n", {"comment": "#"}, TWO),
    "no header": (b"1,3\n2,4\n", {}, {"column_1": [1.0, 2.0], "column_2": [3.0, 4.0]}),
    "no header, said": (b"x,3\ny,4\n", {"header": False}, {"column_1": ["x", "y"], "column_2": [3.0, 4.0]}),
    "years as names": (
        b"name,2019,2020\nx,1,2\ny,3,4\n",
        {"header": True},
        {"name": ["x", "y"], "2019": [1.0, 3.0], "2020": [2.0, 4.0]},
    ),
    "years above numbers, beside a name": (b"2019,n\n1,3\n2,4\n", {}, {"2019": [1.0, 2.0], "n": [3.0, 4.0]}),
    "a column without a name": (b",a\n0,1\n1,2\n", {}, {"column_1": [0.0, 1.0], "a": [1.0, 2.0]}),
    "names with blanks": (b"a b, c\n1,3\n2,4\n", {}, {"a b": [1.0, 2.0], " c": [3.0, 4.0]}),
    "names of all scripts": ("größe,身長\n1,3\n2,4\n".encode(), {}, {"größe": [1.0, 2.0], "身長": [3.0, 4.0]}),
    "one column": (b"a\n1\n2\n", {}, {"a": [1.0, 2.0]}),
    "one row": (b"a,b\n1,3\n", {}, {"a": [1.0], "b": [3.0]}),
    # --- numbers
    "signs and exponents": (b"a\n+1\n-2.5e-3\n1E5\n.5\n5.\n", {}, {"a": [1.0, -2.5e-3, 1e5, 0.5, 5.0]}),
    "blanks around numbers": (b"a,b\n 1 ,3\n2 , 4\n", {}, TWO),
    "all the digits of a float": (
        b"a\n0.1\n0.30000000000000004\n5e-324\n1.7976931348623157e308\n",
        {},
        {"a": [0.1, 0.30000000000000004, 5e-324, 1.7976931348623157e308]},
    ),
    "what Excel writes first": (b"sep=;\na;b\n1;3\n2;4\n", {}, TWO),
    "what Excel writes first, with its mark": (b"\xef\xbb\xbfSep=|\r\na|b\r\n1|3\r\n2|4\r\n", {}, TWO),
    "whole numbers beyond 2^53": (b"a\n9007199254740993\n1\n", {}, {"a": [9007199254740992.0, 1.0]}),
    "zeros before": (b"a\n007\n08\n", {}, {"a": [7.0, 8.0]}),
    "codes that are said to be texts": (b"a\n007\n08\n", {"kinds": {"a": "category"}}, {"a": ["007", "08"]}),
    # --- missing values
    "empty fields": (b"a,b\n1,\n,4\n", {}, {"a": [1.0, MISSING], "b": [MISSING, 4.0]}),
    "words for nothing": (
        b"a,b\n1,NA\nnan,4\nNULL,N/A\n?,None\n",
        {},
        {"a": [1.0, None, None, None], "b": [None, 4.0, None, None]},
    ),
    "words of one's own for nothing": (b"a\n1\n-999\nmissing\n", {"nulls": ["-999", "missing"]}, {"a": [1.0, None, None]}),
    "a word for nothing that is a category": (b"a\nNA\nEU\n", {"nulls": [""]}, {"a": ["NA", "EU"]}),
    "blanks for nothing": (b"a,b\n1,   \n2,4\n", {}, {"a": [1.0, 2.0], "b": [None, 4.0]}),
    # --- categories and truth values
    "texts": (b"a\nred\nblue\nred\n", {}, {"a": ["red", "blue", "red"]}),
    "capitals tell texts apart": (b"a\nRed\nred\n", {}, {"a": ["Red", "red"]}),
    "blanks around texts do not tell them apart": (b"a\nred\n red\n", {}, {"a": ["red", "red"]}),
    "truth values": (b"a,b\ntrue,False\nfalse,TRUE\n", {}, {"a": [1.0, 0.0], "b": [0.0, 1.0]}),
    "truth values, some missing": (b'a\ntrue\n""\nfalse\n', {}, {"a": [1.0, None, 0.0]}),
    "zeros and ones are numbers": (b"a\n0\n1\n", {}, {"a": [0.0, 1.0]}),
    "yes and no are texts": (b"a\nyes\nno\n", {}, {"a": ["yes", "no"]}),
    "few numbers among texts": (b"a\nx\ny\nz\n1\n", {}, {"a": ["x", "y", "z", "1"]}),
    "texts with underscores": (b"a\n1_000\nx\ny\n", {}, {"a": ["1_000", "x", "y"]}),
    "digits of other scripts are texts": ("a\n١\n٢\n".encode(), {}, {"a": ["١", "٢"]}),
}

FAULTY: dict[str, tuple[bytes, Mapping[str, Any], str]] = {
    "nothing": (b"", {}, ": the file is empty"),
    "blank lines alone": (b"\n \n\n", {}, ": the file is empty"),
    "a header alone": (b"a,b\n", {}, ": there are no rows below the header"),
    "a short row": (b"a,b\n1,3\n2\n", {}, ", line 3: expected 2 fields, as the header has, received 1; "),
    "a long row": (b"a,b\n1,3\n2,4,5\n", {}, ", line 3: expected 2 fields, as the header has, received 3; "),
    "a long row after lines in quotes": (b'a,b\n"x\ny\nz",3\n2,4,5\n', {}, ", line 5: expected 2 fields"),
    "a long row after comments": (b"#\na,b\n#\n1,3\n#\n2,4,5\n", {"comment": "#"}, ", line 6: expected 2 fields"),
    "a short row below what Excel writes first": (b"sep=;\na;b\n1;3\n2\n", {}, ", line 4: expected 2 fields, as the header has"),
    "a doubled column": (b"a,b,a\n1,2,3\n", {}, ', line 1: two columns are called "a"; give one of them another name'),
    "a quote that never closes": (b'a,b\n1,"3\n2,4\n', {}, ', line 2: the quote " opens a field and nothing closes it; '),
    "a quote that closes too early": (b'a,b\n"1"x,3\n', {}, ', line 2: something follows the quote " that closes a field; '),
    "a NUL byte": (b"a,b\n1,3\n2,\x004\n", {}, ", line 3: there is a NUL byte; this is no CSV"),
    "a NUL byte far down": (b"a,b\n" + b"1,3\n" * 30_000 + b"2,\x004\n", {}, ", line 30002: there is a NUL byte; this is no CSV"),
    "a gigantic line": (b"a,b\n1," + b"3" * 2**21, {}, ", line 2: the line has more than 1048576 characters; this is no CSV"),
    "another encoding": (
        "a,b\n1,ä\n".encode("cp1252"),
        {},
        ", line 2: the byte 0xe4 is not utf-8; save the file as UTF-8, or say its",
    ),
    "another encoding far down": (b"a,b\n" + b"1,3\n" * 30_000 + b"1,\xe4\n", {}, ", line 30002: the byte 0xe4 is not utf-8; "),
    "an encoding that is none": (
        b"a\n1\n",
        {"encoding": "utf-9"},
        ": no encoding is called 'utf-9'; others are utf-8, cp1252, latin-1",
    ),
    "a text among numbers": (
        b"a,b\n1,3\nx,4\n3,5\n",
        {},
        ', line 3, column "a": "x" is no finite number, and the other values are',
    ),
    "infinity": (b"a\n1\ninf\n3\n", {}, ', line 3, column "a": "inf" is no finite number'),
    "infinities": (b"a\n1\n-inf\nInfinity\n", {}, ', line 3, column "a": "-inf" is no finite number'),
    "a number beyond all floats": (b"a\n1\n1e400\n3\n", {}, ', line 3, column "a": "1e400" is no finite number'),
    "thousands": (b'a\n1\n"1,000"\n3\n', {}, ', line 3, column "a": "1,000" seems to be a number with a comma'),
    "a point among decimal commas": (b"a;b\n1,5;1\n2,5;2\n1.5;3\n", {"decimal": ","}, ', line 4, column "a": "1.5" is no finite'),
    "a text in a column that is said to be of numbers": (
        b"a\nx\ny\n",
        {"kinds": {"a": "number"}},
        ', line 2, column "a": expected a number',
    ),
    "a number in a column that is said to be of truth values": (
        b"a\ntrue\n7\n",
        {"kinds": {"a": "boolean"}},
        ', line 3, column "a": expected true or false, received "7"',
    ),
    "dates": (b"a,d\n1,2020-01-02\n2,2020-01-03\n", {}, ', line 2, column "d": "2020-01-02" is a date; '),
    "dates of Europe": (b"a,d\n1,02.01.2020\n2,03.01.2020\n", {}, ', line 2, column "d": "02.01.2020" is a date; '),
    "a column without values": (b"a,b\n1,\n2,\n", {}, ': column "b" has no values at all; leave it out: "drop": ["b"]'),
    "two separators at once": (b"1,5;2,5\n3,5;4,5\n", {}, ": the fields may be separated by ',' or ';'; say which"),
    "a header or none": (b"x,1\ny,2\n", {}, ': the first row, x, 1, may be names or values; say which: "header": true or'),
}


def test_the_corpus_is_large() -> None:
    assert len(SOUND) + len(FAULTY) >= 80


def source_of(path: Path, options: Mapping[str, Any]) -> tuple[lk.Source, Any]:
    data = lk.CSV(path=str(path), target="unused", **options)
    return data.source([path]), data.kinds


def values_of(column: Any) -> list[Any]:
    return [None if gone else value for value, gone in zip(column.values.tolist(), column.missing, strict=True)]


@pytest.mark.parametrize("name", SOUND)
def test_the_values_of_a_sound_file(name: str, tmp_path: Path) -> None:
    content, options, wanted = SOUND[name]
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    source, known = source_of(path, options)
    seen = source.look(source.names(), known)
    table = joined(source.blocks({column: one.kind for column, one in seen.items()}))
    assert list(source.names()) == list(wanted)
    assert {column: values_of(table.columns[column]) for column in wanted} == wanted
    for column, values in wanted.items():
        there = [value for value in values if value is not None]
        assert (seen[column].count, seen[column].missing) == (len(there), len(values) - len(there))
        if seen[column].kind == "number":
            assert (seen[column].lowest, seen[column].highest) == (min(there), max(there))
            assert seen[column].whole == all(value == int(value) for value in there)


@pytest.mark.parametrize("name", FAULTY)
def test_the_place_of_what_is_wrong(name: str, tmp_path: Path) -> None:
    content, options, says = FAULTY[name]
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(lk.DataError, match="^" + re.escape(f"{path}{says}")):
        everything_in(path, options)


def everything_in(path: Path, options: Mapping[str, Any]) -> Table:
    source, known = source_of(path, options)
    seen = source.look(source.names(), known)
    for one in seen.values():
        if one.problem is not None:
            raise lk.DataError(one.problem)
    return joined(source.blocks({column: one.kind for column, one in seen.items()}))


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    for path, says in ((tmp_path, "this is a folder"), (tmp_path / "none.csv", "No such file or directory")):
        with pytest.raises(lk.DataError, match=re.escape(f"{path}: cannot read the file: {says}")):
            source_of(path, {})


@pytest.mark.parametrize("rows", [1, 4095, 4096, 4097, 10_000])
def test_long_files_come_in_blocks_with_their_lines(rows: int, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "".join(f"{row},x{row % 3}\n" for row in range(rows)), encoding="utf-8")
    source, _ = source_of(path, {})
    tables = list(source.blocks({"a": "number", "b": "category"}))
    table = joined(tables)
    np.testing.assert_array_equal(table.columns["a"].values, np.arange(rows))
    np.testing.assert_array_equal(table.places, np.arange(rows) + 2)
    assert table.place(rows - 1, "b") == f'{path}, line {rows + 1}, column "b"'
    assert max(map(len, tables)) <= 4096


def test_several_files_are_one_table(tmp_path: Path) -> None:
    (tmp_path / "part-1.csv").write_text("a,b\n1,3\n", encoding="utf-8")
    (tmp_path / "part-2.csv").write_text("b,a\n4,2\nx,5\n", encoding="utf-8")
    paths = [tmp_path / "part-1.csv", tmp_path / "part-2.csv"]
    source = lk.CSV(path="unused", target="unused").source(paths)
    table = joined(source.blocks({"a": "number", "b": "category"}))
    assert values_of(table.columns["a"]) == [1.0, 2.0, 5.0]
    assert table.place(2, "b") == f'{paths[1]}, line 3, column "b"'
    (tmp_path / "part-2.csv").write_text("a,c\n4,2\n", encoding="utf-8")
    with pytest.raises(lk.DataError, match=r'its columns are not those of .*part-1\.csv; they differ in "b"'):
        lk.CSV(path="unused", target="unused").source(paths)


def test_a_file_that_changes_is_told(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a\n1\n", encoding="utf-8")
    source, _ = source_of(path, {})
    path.write_text("a\n1\n2\n3\n", encoding="utf-8")
    with pytest.raises(lk.DataError, match=r"table\.csv: the file changed while it was used; begin again"):
        source.look(["a"], {})
