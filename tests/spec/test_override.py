"""Overrides: one value set in one place, and every reason why it cannot be."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerkit.diagnostics.diagnostic import Location, path_text
from layerkit.spec.override import Override

DOCUMENT: Any = {
    "layerkit": 1,
    "model": {"input_shape": [4], "layers": [{"type": "affine", "units": 3}, {"type": "relu"}]},
    "training": {"batch_size": None},
}


def at(document: Any, location: Location) -> Any:
    """Return the value at a place."""
    for step in location:
        document = document[step]
    return document


@pytest.mark.parametrize(
    ("argument", "location", "value"),
    [
        ("layerkit=2", ("layerkit",), 2),
        ("model.layers[0].units=64", ("model", "layers", 0, "units"), 64),
        ("model.layers[1]={}", ("model", "layers", 1), {}),
        ("model.input_shape[0]=-1", ("model", "input_shape", 0), -1),
        ("training.batch_size=null", ("training", "batch_size"), None),
        ("training.shuffle=true", ("training", "shuffle"), True),
        ("training.rate=1e-3", ("training", "rate"), 0.001),
        ("training.rate=2.0", ("training", "rate"), 2),
        ("model.input_shape=[8, 8]", ("model", "input_shape"), [8, 8]),
        ('model.layers[1]={"type": "affine", "units": 3}', ("model", "layers", 1), {"type": "affine", "units": 3}),
        ("name=digits", ("name",), "digits"),
        ("name=data/train-1.csv", ("name",), "data/train-1.csv"),
        ("name=nan", ("name",), "nan"),
        ("name=none", ("name",), "none"),
        ("name=../data/train.csv", ("name",), "../data/train.csv"),
        ("name=/data/train.csv", ("name",), "/data/train.csv"),
        ('name="a = b"', ("name",), "a = b"),
        ("name=two words", ("name",), "two words"),
        ("name=it's me", ("name",), "it's me"),
        ("name='it's me'", ("name",), "'it's me'"),
        ("name= ", ("name",), " "),
        ("name=1,2", ("name",), "1,2"),
        ("name=1.2.3", ("name",), "1.2.3"),
        ("name=10k", ("name",), "10k"),
        ("name=2026-01-31", ("name",), "2026-01-31"),
        ("name=größe", ("name",), "größe"),
        ('name=""', ("name",), ""),
        ("$schema=schema.json", ("$schema",), "schema.json"),
        ("new-key=1", ("new-key",), 1),
        ("größe=1", ("größe",), 1),
    ],
)
def test_a_value_is_set(argument: str, location: Location, value: object) -> None:
    document = copy.deepcopy(DOCUMENT)
    override = Override(argument)
    assert override.location == location
    assert override.apply(document) == []
    assert type(at(document, location)) is type(value)
    wanted = copy.deepcopy(DOCUMENT)
    at(wanted, location[:-1])[location[-1]] = value
    assert document == wanted


@pytest.mark.parametrize(
    "argument", ["seed", "", "=1", "a b=1", "model..layers=1", ".model=1", "model.=1", "layers[]=1", "layers[-1]=1"]
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_what_is_no_assignment_is_refused(argument: str, wrapped: bool) -> None:
    document = copy.deepcopy(DOCUMENT)
    (fault,) = Override(f"[{argument}" if wrapped else argument).apply(document)
    hint = "; items count from 0" if "[-1]" in argument else ""
    assert fault.code == "override"
    assert fault.message == f"expected PATH=VALUE, such as model.layers[0].units=64{hint}"
    assert document == DOCUMENT


NO_VALUES = [
    ("", 'there is no value behind the "="; a text without characters is written as ""'),
    ("'x'", 'JSON has straight double quotes only: write "x", as in --set \'name="x"\''),
    ("“x”", 'JSON has straight double quotes only: write "x", as in --set \'name="x"\''),
    ("`it`", 'JSON has straight double quotes only: write "it", as in --set \'name="it"\''),
    ("caf\udce9", "some bytes of this are no text in the encoding of the terminal; write UTF-8"),
    ("True", "JSON has no word True; write true"),
    ("FALSE", "JSON has no word FALSE; write false"),
    ("None", "JSON has no word None; write null"),
    ("007", "JSON has no number 007; write 7"),
    ("0x10", "JSON has no number 0x10; write 16"),
    ("1_000", "JSON has no number 1_000; write 1000"),
    ("+1", "JSON has no number +1; write 1"),
    (".25", "JSON has no number .25; write 0.25"),
    ("[1, 2", 'expected "," or "]"; the text ends here'),
    ('{"a": 1, "a": 2}', "this key stands twice in one object; keep one of them"),
    ('"\udcff"', "half a surrogate pair is no character; write the character itself"),
    ("-Infinity", "expected a finite number, received -Infinity; write a number"),
    ("NaN", "expected a finite number, received NaN; write a number"),
    ("1e999", "no float is as large as this number; write a smaller one"),
    ("9" * 5000, "this integer has too many digits; write a smaller one"),
    ("[" * 5000, "nested deeper than 16 levels"),
]


@pytest.mark.parametrize(("value", "message"), NO_VALUES, ids=lambda value: ascii(value)[:20])
def test_a_value_that_is_neither_json_nor_a_word_is_refused(value: str, message: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    (fault,) = Override(f"name={value}").apply(document)
    assert (fault.location, fault.code, fault.message) == (("name",), "override", message)
    assert document == DOCUMENT


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("path", "levels", "sound"),
    [
        ("name", 15, True),
        ("name", 16, False),
        ("name", 900, False),
        ("model.layers[0].units", 12, True),
        ("model.layers[0].units", 13, False),
        ("a" + ".a" * 15, 0, True),
        ("a" + ".a" * 16, 0, False),
        ("a" + "[1]" * 43_000, 0, False),
    ],
    ids=lambda value: str(value)[:24],
)
def test_place_and_value_together_are_as_deep_as_a_spec_may_be(path: str, levels: int, sound: bool) -> None:
    document = copy.deepcopy(DOCUMENT)
    override = Override(f"{path}={nested(levels) or 1}")
    codes = [fault.code for fault in override.apply(document)]
    if sound:
        assert "too_deep" not in codes
        return
    assert codes == ["too_deep"]
    assert document == DOCUMENT
    diagnostic = override.diagnostic(override.apply(document)[0])
    assert diagnostic.message == "nested deeper than 16 levels"
    assert diagnostic.source is not None
    assert diagnostic.source.startswith(f"--set {path}"[:60])
    assert len(diagnostic.pointer) < 100


WHOLE = "is no object, set it as a whole"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("data.type", "there is no data; set it as a whole: --set 'data={...}'"),
        ("model.layer[0].units", "there is no model.layer; did you mean model.layers?"),
        ("model.layers[2].units", "there is no model.layers[2]; model.layers has 2 items, [0] to [1]"),
        ("model.layers[2]", "there is no model.layers[2]; model.layers has 2 items, [0] to [1]"),
        ("model.layers.units", "there is no model.layers.units; model.layers has 2 items, [0] to [1]"),
        ("model.layers.0.units", "there is no model.layers.0; items are written in brackets: model.layers[0]"),
        ("model[0]", "there is no model[0]; model is no list, its keys are input_shape, layers"),
        ("model[0].units", "there is no model[0]; model is no list, its keys are input_shape, layers"),
        ("layerkit.major", f"there is no layerkit.major; layerkit {WHOLE}"),
        ("training.batch_size[0]", f"there is no training.batch_size[0]; training.batch_size {WHOLE}"),
    ],
)
def test_a_place_that_is_not_there_is_named(path: str, message: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    (fault,) = Override(f"{path}=1").apply(document)
    assert (fault.code, fault.message) == ("override", message)
    assert document == DOCUMENT


@pytest.mark.parametrize("document", [None, [], "text", 1])
def test_a_document_that_is_no_object_has_no_places(document: Any) -> None:
    (fault,) = Override("seed=1").apply(document)
    assert fault.message.startswith("there is no seed; ")


def test_an_override_answers_for_its_place_and_what_is_within() -> None:
    override = Override("model.layers[0]=1")
    assert override.covers(("model", "layers", 0))
    assert override.covers(("model", "layers", 0, "units"))
    assert not override.covers(("model", "layers", 1))
    assert not override.covers(("model", "layers"))
    assert not override.covers(())


def test_a_fault_is_shown_on_the_command_line() -> None:
    override = Override("a b\n=\x1b[31m")
    (fault,) = override.apply({})
    assert str(override.diagnostic(fault)).split("\n") == [
        '<command line>: ["a b\ufffd=\ufffd[31m"]: expected PATH=VALUE, such as model.layers[0].units=64',
        "  --set a b",
        "        ^^^",
    ]
    diagnostic = Override("seed=").diagnostic(fault)
    assert (diagnostic.line, diagnostic.column, diagnostic.place) == (None, None, "<command line>")


STEPS = st.one_of(st.sampled_from(["a", "type", "$schema", "x-y", "größe", "_1"]), st.integers(0, 99))
LOCATIONS = st.lists(STEPS, min_size=1, max_size=5).filter(lambda steps: isinstance(steps[0], str)).map(tuple)


@given(LOCATIONS)
def test_the_path_of_a_diagnostic_is_the_path_of_an_override(location: Location) -> None:
    """What ``validate`` prints can be handed to ``--set`` as it is."""
    assert Override(f"{path_text(location)}=1").location == location


@given(st.text(max_size=30))
def test_any_argument_is_either_applied_or_refused(argument: str) -> None:
    override = Override(argument)
    document = copy.deepcopy(DOCUMENT)
    faults = override.apply(document)
    if faults:
        assert document == DOCUMENT
        assert len(str(override.diagnostic(faults[0])).split("\n")) == 3
    else:
        value = at(document, override.location)
        assert override.apply(document) == []
        assert at(document, override.location) == value
