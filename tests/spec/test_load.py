"""Reading specs: what the file is, what the text says, what overrides change, and where each fault is put."""

from __future__ import annotations

import copy
import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Field

from layerkit import (
    Affine,
    Array,
    Branch,
    CategoricalCrossEntropy,
    Layer,
    ModelSpec,
    Node,
    Parameter,
    Registry,
    RunSpec,
    Sequential,
    Shape,
    SpecError,
    chain_shape,
    load_spec,
)
from layerkit.errors import MemoryBudgetError
from layerkit.registry.discovery import builtin_registry
from layerkit.registry.registry import Problem, Registration
from layerkit.spec.canonical import resolved_json, spec_hash
from layerkit.spec.cost import cost_of
from layerkit.spec.load import parse_spec
from layerkit.spec.source import MAX_CHARACTERS

MODEL: dict[str, Any] = {
    "layerkit": 1,
    "input_shape": [4],
    "layers": [{"type": "affine", "units": 8}, {"type": "relu"}, {"type": "affine", "units": 3}, {"type": "crossentropy"}],
}
RUN: dict[str, Any] = {
    "layerkit": 1,
    "data": {"type": "iris"},
    "model": {key: MODEL[key] for key in ("input_shape", "layers")},
    "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 3, "batch_size": 16},
}


def error_of(document: Any, *overrides: str, max_memory: int | None = None) -> SpecError:
    """Return what is wrong with a document, which may be given as text."""
    text = document if isinstance(document, str) else json.dumps(document, indent=2)
    with pytest.raises(SpecError) as caught:
        parse_spec(text, "net.json", overrides, max_memory)
    return caught.value


def faults_of(document: Any, *overrides: str) -> list[tuple[str, str, str]]:
    """Return file, path and code of what is wrong with a document."""
    return [(fault.file, fault.path, fault.code) for fault in error_of(document, *overrides).diagnostics]


# --- files --------------------------------------------------------------------------------------------------------


def test_a_file_is_a_run_or_a_bare_model(tmp_path: Path) -> None:
    for document, spec_class in ((RUN, RunSpec), (MODEL, ModelSpec)):
        path = tmp_path / "net.json"
        path.write_text(json.dumps(document))
        spec = load_spec(path)
        assert type(spec) is spec_class
        assert load_spec(str(path)) == spec
        assert parse_spec(json.dumps(document)) == spec


LONGER = "longer than the 1048576 characters that a spec may have"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "cannot read the file: No such file or directory"),
        (lambda path: path.mkdir(), "a spec is a JSON file, and this is a directory without specs in it"),
        (os.mkfifo, 'a spec is a JSON file, and this is a pipe; in the shell, "-" stands for standard input'),
        (lambda path: path.symlink_to("/dev/zero"), "cannot read the file: this is no regular file"),
        (lambda path: path.symlink_to(path), "cannot read the file: Too many levels of symbolic links"),
        (lambda path: path.write_text(" " * (MAX_CHARACTERS + 1)), f"the text is {LONGER}"),
        (lambda path: path.write_bytes(b" " * (4 * MAX_CHARACTERS + 1)), f"the file is {LONGER}"),
    ],
    ids=["missing", "directory", "pipe", "device", "loop", "long", "longer"],
)
def test_what_is_no_text_of_reasonable_size_is_refused(make: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    make(path)
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    (fault,) = caught.value.diagnostics
    assert (fault.file, fault.message, fault.line, fault.path) == (str(path), message, None, "")
    assert str(caught.value) == f"{path}: {message}"


def test_a_path_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(SpecError, match="null"):
        load_spec("a\x00b")


@pytest.mark.parametrize("filling", [" ", "€", "😀"])
def test_the_longest_text(filling: str, tmp_path: Path) -> None:
    text = json.dumps({**MODEL, "$schema": ""}, ensure_ascii=False)
    path = tmp_path / "net.json"
    start, end = text.split('""')
    path.write_text(f'{start}"{filling * (MAX_CHARACTERS - len(text))}"{end}', encoding="utf-8")
    assert isinstance(load_spec(path), ModelSpec)


def test_the_file_is_named_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net\x1b.json").write_text("{}")
    with pytest.raises(SpecError) as caught:
        load_spec("./net\x1b.json")
    assert caught.value.diagnostics[0].file == "./net\x1b.json"
    assert str(caught.value).startswith("./net\ufffd.json:1:1: ")


def test_what_stands_in_a_file_about_the_file_is_left_behind() -> None:
    about = {"$schema": "spec.schema.json", "plugins": {"swish": "layerkit-swish==1.0"}}
    assert parse_spec(json.dumps({**MODEL, **about})) == parse_spec(json.dumps(MODEL))
    assert parse_spec(json.dumps({**RUN, **about, "model": {**RUN["model"], **about}})) == parse_spec(json.dumps(RUN))


# --- overrides ----------------------------------------------------------------------------------------------------


def test_overrides_are_made_in_order_before_anything_is_checked() -> None:
    overrides = [
        "training.epochs=0",
        "model.layers[0].units=5",
        "training.epochs=9",
        'model.layers[1]={"type": "relu", "name": "gate"}',
    ]
    spec = parse_spec(json.dumps({**RUN, "training": {**RUN["training"], "epochs": "many"}}), overrides=overrides)
    assert isinstance(spec, RunSpec)
    assert spec.training.epochs == 9
    assert [node.name for node in spec.model.plan()] == ["affine_1", "gate", "affine_2", "crossentropy_1"]
    assert spec.model.plan()[0].output_shape == (5,)


def test_a_missing_key_can_be_given() -> None:
    document = copy.deepcopy(RUN)
    del document["training"]["epochs"], document["layerkit"]
    assert isinstance(parse_spec(json.dumps(document), overrides=["training.epochs=2", "layerkit=1"]), RunSpec)


FILE, ARGUMENT = "net.json", "<command line>"
"""What diagnostics call the text, and the overrides."""


@pytest.mark.parametrize(
    ("overrides", "faults"),
    [
        (["training.epochs=0"], [(ARGUMENT, "training.epochs", "out_of_range")]),
        (["training.epoch=1"], [(ARGUMENT, "training.epoch", "unknown_key")]),
        (["training.optimizer={}"], [(ARGUMENT, "training.optimizer", "missing_key")]),
        (["training={}"], [(ARGUMENT, "training", "missing_key"), (ARGUMENT, "training", "missing_key")]),
        (["model.layers[1].type=rleu"], [(ARGUMENT, "model.layers[1].type", "unknown_type")]),
        (["layerkit=2"], [(ARGUMENT, "layerkit", "newer_version")]),
        (
            ["training={}", "training.epochs=0"],
            [(ARGUMENT, "training", "missing_key"), (ARGUMENT, "training.epochs", "out_of_range")],
        ),
        (["training.batch_size=1000"], [(ARGUMENT, "training.batch_size", "batch_size")]),
        (["model.layers[2].units=2"], [(ARGUMENT, "model.layers[2].units", "class_count")]),
        (
            ["model.input_shape=[2, 2]"],
            [(ARGUMENT, "model.layers[0]", "shape_mismatch"), (ARGUMENT, "model.input_shape", "data_mismatch")],
        ),
        (["model.layers[7]=1", "seed"], [(ARGUMENT, "model.layers[7]", "override"), (ARGUMENT, "seed", "override")]),
        (["model.layers[7]=1", "seed=-1"], [(ARGUMENT, "model.layers[7]", "override"), (ARGUMENT, "seed", "out_of_range")]),
        (["model=relu"], [(ARGUMENT, "model", "wrong_type")]),
    ],
    ids=repr,
)
def test_a_fault_is_put_where_the_value_comes_from(overrides: Sequence[str], faults: list[tuple[str, str, str]]) -> None:
    assert faults_of(RUN, *overrides) == faults


def test_a_fault_is_traced_to_one_of_many_overrides() -> None:
    seeds = [f"seed={seed}" for seed in range(50)]
    (fault,) = [
        fault for fault in error_of(RUN, *seeds, "model.input_shape=[2, 2]", *seeds).diagnostics if fault.code == "shape_mismatch"
    ]
    assert (fault.file, fault.path, fault.source) == (ARGUMENT, "model.layers[0]", "--set model.input_shape=[2, 2]")


def test_a_fault_that_the_file_has_anyway_stays_there() -> None:
    document = {**RUN, "model": {**RUN["model"], "layers": RUN["model"]["layers"][:-1]}}
    assert faults_of(document, "seed=3") == [(FILE, "model.layers[2]", "missing_loss")]


def test_faults_of_overrides_come_last_and_show_the_argument() -> None:
    lines = str(error_of({**RUN, "training": {}, "name": ""}, "seed=-1")).split("\n")
    assert [line.split(": ")[1] for line in lines[::3]] == ["training", "training", "name", "seed"]
    assert lines[-3:] == [
        "<command line>: seed: expected a number of 0 or more, received -1",
        "  --set seed=-1",
        "        ^^^^^^^",
    ]


def test_the_last_of_equal_overrides_is_shown() -> None:
    (fault,) = error_of(RUN, "training.epochs=0", "training.epochs=-1").diagnostics
    assert fault.source == "--set training.epochs=-1"


def test_overrides_nest_no_deeper_than_the_text() -> None:
    """Each is as deep as it may be, and stands in the one before."""
    block = '{"a":' * 12 + "1" + "}" * 12
    overrides = [f"model.layers[1].x{'.a' * 12 * times}={block}" for times in range(5)]
    told = error_of(RUN, *overrides).diagnostics
    assert {(fault.file, fault.code) for fault in told} == {(ARGUMENT, "too_deep"), (ARGUMENT, "unknown_key")}
    deep = next(fault for fault in told if fault.code == "too_deep")
    assert str(deep).startswith(
        "<command line>: model.layers[1].x.a.a.a.a.a.a.a.a.a.a.a.a: nested deeper than 16 levels\n  --set "
    )


def test_the_characters_of_overrides_count() -> None:
    fault = error_of(RUN, *[f"name={'x' * 1000}"] * 1100).diagnostics[0]
    assert (fault.code, fault.path) == ("too_large", "")
    assert fault.message == "the text and its overrides are longer than the 1048576 characters that a spec may have"


@pytest.mark.parametrize(
    ("text", "path", "code"),
    [
        ('{"layerkit": 1, "seed": NaN, %s', "seed", "not_finite"),
        ('{"layerkit": 1, "seed": 1, "seed": 1, %s', "seed", "duplicate_key"),
        ('{"layerkit": 1, "seed": "\\ud800", %s', "seed", "surrogate"),
        ('{"layerkit": 1, "seed": None, %s', "seed", "syntax"),
    ],
)
def test_an_override_does_not_mend_the_text(text: str, path: str, code: str) -> None:
    rest = json.dumps({key: RUN[key] for key in ("data", "model", "training")})[1:]
    assert faults_of(text % rest, "seed=3") == [(FILE, path, code)]


def test_overrides_are_made_where_the_text_has_faults_too() -> None:
    document = json.dumps({"name": "x", **RUN, "training": {**RUN["training"], "epochs": 0}}).replace('"x"', "NaN")
    assert faults_of(document) == [(FILE, "name", "not_finite"), (FILE, "training.epochs", "out_of_range")]
    assert faults_of(document, "training.epochs=3") == [(FILE, "name", "not_finite")]
    assert faults_of(document, "training.epochs=-1") == [
        (FILE, "name", "not_finite"),
        (ARGUMENT, "training.epochs", "out_of_range"),
    ]
    assert faults_of(document, "layers[0]=1")[-1] == (ARGUMENT, "layers[0]", "override")


# --- faults together ----------------------------------------------------------------------------------------------


def test_a_newer_version_keeps_the_rest_from_being_judged() -> None:
    assert faults_of({"layerkit": 2**70, "modle": {}, "seed": -1}) == [(FILE, "layerkit", "newer_version")]


@pytest.mark.parametrize("version", [0, -1, 1.5, "2", None, True, [], {"major": 2}])
def test_what_is_no_version_is_refused_with_the_rest(version: Any) -> None:
    assert faults_of({**RUN, "layerkit": version, "seed": -1}) == [
        (FILE, "layerkit", "out_of_range"),
        (FILE, "seed", "out_of_range"),
    ]


def test_a_value_that_could_not_be_read_is_told_on_once() -> None:
    text = json.dumps(RUN).replace('"epochs": 3', '"epochs": NaN').replace('"units": 8', '"units": 1e999')
    assert faults_of(text) == [(FILE, "model.layers[0].units", "not_finite"), (FILE, "training.epochs", "not_finite")]


def test_the_last_of_equal_keys_is_judged() -> None:
    text = json.dumps(RUN).replace('"epochs": 3', '"epochs": 3, "epochs": 0')
    assert faults_of(text) == [(FILE, "training.epochs", "duplicate_key"), (FILE, "training.epochs", "out_of_range")]


@pytest.mark.parametrize("layers", [[], "relu", None, {}, 3])
def test_layers_that_are_none_do_not_keep_the_rest_from_being_checked(layers: Any) -> None:
    document = {**RUN, "model": {"input_shape": [5], "layers": layers}, "training": {**RUN["training"], "batch_size": 113}}
    assert [path for _, path, _ in faults_of(document)] == ["model.input_shape", "model.layers", "training.batch_size"]


@pytest.mark.parametrize("training", [None, [], {"batch_size": True}, {"batch_size": "16"}, {"batch_size": None}])
def test_a_batch_size_that_is_none_is_compared_with_nothing(training: Any) -> None:
    assert "batch_size" not in [code for _, _, code in faults_of({**RUN, "training": training})]


@pytest.mark.parametrize("shape", [[], "4", [0], [True], [4.5], [1] * 33])
def test_a_shape_that_is_none_is_handed_to_no_layer(shape: Any) -> None:
    document = {**RUN, "model": {**RUN["model"], "input_shape": shape}}
    assert {code for _, _, code in faults_of(document)} <= {"wrong_type", "out_of_range"}


def test_the_work_grows_with_the_faults_and_not_with_their_square() -> None:
    def calls(count: int) -> int:
        """Return how many functions are called for a file with that many faults of each of two kinds."""
        layers = [{"type": "relu", "name": "a"}] * count + [{"type": "crossentropy"}]
        text = json.dumps({**MODEL, "layers": layers})[:-1] + ', "a": [' + ", ".join(["NaN"] * count) + "]}"
        events: list[str] = []
        sys.setprofile(lambda frame, event, argument: events.append(event))
        try:
            error = error_of(text)
        finally:
            sys.setprofile(None)
        assert len(error.diagnostics) == 2 * count
        return len(events)

    assert calls(800) < 10 * calls(100)


# --- memory -------------------------------------------------------------------------------------------------------


def test_memory_is_checked_last_and_shown_at_the_largest_layer() -> None:
    document = {
        **RUN,
        "model": {
            **RUN["model"],
            "layers": [{"type": "affine", "units": 3}, {"type": "affine", "units": 900}, *MODEL["layers"][2:]],
        },
    }
    (fault,) = error_of(document, max_memory=1000).diagnostics
    assert (fault.path, fault.code) == ("model.layers[1]", "memory")
    assert "the memory budget is 1000 B. affine_2 is the largest" in fault.message
    assert faults_of({**document, "seed": -1}) == [(FILE, "seed", "out_of_range")]
    assert isinstance(parse_spec(json.dumps(document), max_memory=2**24), RunSpec)


def test_memory_is_checked_for_an_override() -> None:
    (fault,) = error_of(MODEL, "layers[0].units=10000000000000").diagnostics
    assert (fault.file, fault.code, fault.source) == (ARGUMENT, "memory", "--set layers[0].units=10000000000000")


# --- plugins ------------------------------------------------------------------------------------------------------

ODD = '''
from typing import Literal
from pydantic import BaseModel, ConfigDict, field_validator
from layerkit import Array, Dataset, DatasetFacts, CategoricalCrossEntropy, Initializer, Layer, Node, Shape, hookimpl

LAYERKIT_API = 2

class Odd(Layer):
    """A layer with fields of kinds that no built-in has."""

    type: Literal["odd"] = "odd"
    size: int | tuple[int, int] = 3
    pair: tuple[int, int] = (1, 1)
    inits: tuple[Initializer, ...] = ()
    table: dict[str, int] = {}
    mode: Literal["mean", "sum"] = "mean"
    fail: str = ""

    @field_validator("table")
    @classmethod
    def _no_zero(cls, table):
        if 0 in table.values():
            raise ValueError("no zeros, please\\x1b[31m" + "x" * 1000)
        return table

    def output_shape(self, input_shape: Shape) -> Shape:
        if self.fail:
            raise KeyError(object())
        return input_shape

    def forward(self, node: Node, inputs: Array) -> Array:
        return inputs

    def backward(self, node: Node, d_out: Array) -> Array:
        return d_out

@hookimpl
def layerkit_components():
    return [Odd]
'''

Install = Callable[[str, str], Path]


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"size": 5}, []),
        ({"size": [5, 5]}, []),
        ({"size": "5"}, [("layers[0].size", "expected an integer"), ("layers[0].size", "expected a list")]),
        ({"size": [5, "5"]}, [("layers[0].size", "expected an integer"), ("layers[0].size[1]", "expected an integer")]),
        ({"pair": [5]}, [("layers[0].pair", "expected 2 or more items, received [5]")]),
        ({"pair": [5, 5, 5]}, [("layers[0].pair", "expected 2 or fewer items, received [5, 5, 5]")]),
        ({"inits": [{"type": "zeros"}, {"type": "constant"}]}, [("layers[0].inits[1]", 'missing key "value"')]),
        ({"inits": [{"type": "relu"}]}, [("layers[0].inits[0].type", '"relu" is a layer; expected an initializer')]),
        ({"table": {"a": "1"}}, [("layers[0].table.a", "expected an integer")]),
        ({"table": {"a": 0}}, [("layers[0].table", "no zeros, please\x1b[31mxxx")]),
        ({"mode": "max"}, [("layers[0].mode", 'expected "mean" or "sum", received "max"')]),
        ({"fail": "now"}, [("layers[0]", "odd fails on samples of shape (4,): KeyError: <object object at")]),
        ({"od": 1}, [("layers[0].od", "unknown key; did you mean")]),
    ],
    ids=repr,
)
def test_fields_of_third_parties_are_pointed_at(install: Install, fields: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    install("layerkit-odd", ODD)
    document = {**MODEL, "layers": [{"type": "odd", **fields}, *MODEL["layers"]]}
    if not faults:
        assert isinstance(parse_spec(json.dumps(document)), ModelSpec)
        return
    error = error_of(document)
    assert [fault.path for fault in error.diagnostics] == [path for path, _ in faults]
    for fault, (_, message) in zip(error.diagnostics, faults, strict=True):
        assert fault.message.startswith(message)
        assert len(fault.message) <= 300
    assert "\x1b" not in str(error)


SWISH = {
    **MODEL,
    "plugins": {"swish_of_acme": "layerkit-acme==1.2"},
    "layers": [{"type": "swish_of_acme"}, {"type": "crossentropy"}],
}
ADVICE = 'the type "swish_of_acme" comes from layerkit-acme 1.2, which is not installed here: pip install layerkit-acme==1.2'


@pytest.mark.parametrize("tag", ["swish_of_acme", "layerkit-acme:swish_of_acme"])
def test_a_spec_that_records_where_a_type_comes_from_says_what_to_install(tag: str) -> None:
    (fault,) = error_of({**SWISH, "layers": [{"type": tag}, {"type": "crossentropy"}]}).diagnostics
    assert (fault.path, fault.code) == ("layers[0].type", "unknown_type")
    assert fault.message == ADVICE.replace("swish_of_acme", tag, 1)
    assert fault.suggestion == "pip install layerkit-acme==1.2"


@pytest.mark.parametrize(
    "plugins",
    [
        None,
        {},
        [],
        "layerkit-acme==1.2",
        {"swish_of_acme": 1},
        {"swish_of_acme": "layerkit-acme"},
        {"swish_of_acme": "a==1 && rm -rf /"},
    ],
    ids=repr,
)
def test_without_a_sound_record_there_is_no_advice(plugins: Any) -> None:
    (fault,) = [fault for fault in error_of({**SWISH, "plugins": plugins}).diagnostics if fault.code == "unknown_type"]
    assert "pip install" not in fault.message
    assert fault.message.startswith('no installed distribution offers a layer or a loss of type "swish_of_acme"')


def test_a_plugin_that_was_set_aside_is_not_to_be_installed(install: Install) -> None:
    install("layerkit-acme", "raise RuntimeError('out of order')")
    (fault,) = error_of(SWISH).diagnostics
    assert "pip install" not in fault.message
    assert "plugin layerkit-acme 2.5 was set aside: RuntimeError: out of order" in fault.message


def test_the_advice_follows_an_override() -> None:
    (fault,) = error_of(SWISH, "layers[0].type=swish_of_acme").diagnostics
    assert (fault.file, fault.message) == (ARGUMENT, ADVICE)


# --- what people get wrong --------------------------------------------------------------------------------------------


def test_a_type_in_the_letters_of_its_class_is_told_its_name() -> None:
    (fault,) = error_of({**MODEL, "layers": [{"type": "ReLU"}, {"type": "crossentropy"}]}).diagnostics
    assert fault.suggestion == "relu"


def test_a_bare_model_with_a_misspelt_list_of_layers_is_judged_as_a_model() -> None:
    document = {"layerkit": 1, "input_shape": [4], "layer": MODEL["layers"]}
    assert faults_of(document) == [("net.json", "layer", "unknown_key")]


def test_data_that_leave_nothing_to_train_on_are_refused() -> None:
    assert faults_of({**RUN, "data": {"type": "iris", "test_size": 0.9999}}) == [("net.json", "data", "data_failed")]


class Joined(Layer):
    """Makes one axis (M,) of all the axes of a sample, M the product of their lengths."""

    type: Literal["joined"] = "joined"

    def output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    def forward(self, node: Node, inputs: Array) -> Array:
        return inputs.reshape(len(inputs), -1)

    def backward(self, node: Node, d_out: Array) -> Array:
        return d_out.reshape(len(d_out), *node.input_shape)


def test_an_axis_that_no_message_can_hold_is_a_fault_like_any_other() -> None:
    with pytest.raises(SpecError, match="joined fails on samples of shape"):
        ModelSpec(input_shape=(int("9" * 4300),) * 3, layers=(Joined(), CategoricalCrossEntropy()))


def test_a_network_beyond_any_memory_is_refused_whatever_its_digits() -> None:
    with pytest.raises(MemoryBudgetError, match="EiB"):
        Sequential([Affine(units=10**4200), CategoricalCrossEntropy()], input_shape=(10**4200,), seed=0)


# --- a registry of one's own ------------------------------------------------------------------------------------------


class Counted(Layer):
    """Counts how often it is asked for the shape of its outputs."""

    type: Literal["counted"] = "counted"
    asked: ClassVar[list[Shape]] = []

    def output_shape(self, input_shape: Shape) -> Shape:
        self.asked.append(input_shape)
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        return {}

    def work_size(self, input_shape: Shape) -> int:
        return 0

    def forward(self, node: Node, inputs: Array) -> Array:
        return inputs

    def backward(self, node: Node, d_out: Array) -> Array:
        return d_out


OWN = Registry([Registration(Counted, "local", "0"), *builtin_registry().registrations])
WITH_OWN = {**MODEL, "layers": [{"type": "counted"}, *MODEL["layers"]]}


def test_a_class_that_nobody_installed_can_stand_in_a_spec(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text(json.dumps(WITH_OWN))
    with pytest.raises(SpecError, match='a layer or a loss of type "counted"'):
        load_spec(path)
    for tag in ("counted", "local:counted"):
        spec = load_spec(path, [f'layers[0].type="{tag}"'], registry=OWN)
        assert isinstance(spec, ModelSpec)
        assert type(spec.layers[0]) is Counted


def test_a_registry_of_ones_own_is_asked_for_advice_too() -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(json.dumps({**WITH_OWN, "layers": [{"type": "countd"}, {}]}), registry=OWN)
    assert [fault.suggestion for fault in caught.value.diagnostics] == ["counted", "type"]
    problem = Problem("layerkit-acme", "1.2", "out of order")
    with pytest.raises(SpecError, match=r"plugin layerkit-acme 1\.2 was set aside: out of order"):
        parse_spec(json.dumps(SWISH), registry=Registry(builtin_registry().registrations, [problem]))


@pytest.mark.parametrize(
    "document", [WITH_OWN, {**RUN, "model": {**RUN["model"], "layers": WITH_OWN["layers"]}}], ids=["model", "run"]
)
def test_a_spec_is_planned_once(document: dict[str, Any]) -> None:
    Counted.asked.clear()
    spec = parse_spec(json.dumps({**document, "$schema": "x.json"}), registry=OWN)
    model = spec.model if isinstance(spec, RunSpec) else spec
    assert cost_of(spec).plans == model.plan()
    assert model.logits_shape == (3,)
    assert model.model_copy().plan() is model.plan()
    assert Counted.asked == [(4,)]


class Around(Layer):
    """Holds layers."""

    type: Literal["around"] = "around"
    inside: Annotated[tuple[Layer, ...], Field(strict=False)]

    def branches(self, input_shape: Shape) -> dict[str, Branch]:
        return {"inside": Branch(self.inside)}

    def forward(self, node: Node, inputs: Array) -> Array:
        return node.branches["inside"].forward(inputs)

    def backward(self, node: Node, d_out: Array) -> Array | None:
        return node.branches["inside"].backward(d_out)

    def output_shape(self, input_shape: Shape) -> Shape:
        return chain_shape(self.inside, input_shape)


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_read_can_be_written_and_read_again(whole: bool) -> None:
    """The defaults of the innermost layer stand deeper than what is written of it."""
    registry = Registry([Registration(Around, "local", "0"), *builtin_registry().registrations])

    def text(depth: int) -> str:
        inner: list[Any] = [{"type": "affine", "units": 4}]
        for _ in range(depth):
            inner = [{"type": "around", "inside": inner}]
        model = {**MODEL, "layers": [*inner, *MODEL["layers"]]}
        return json.dumps({**RUN, "model": model} if whole else model)

    deepest = 5 if whole else 6
    spec = parse_spec(text(deepest), registry=registry)
    assert parse_spec(resolved_json(spec, registry), registry=registry) == spec
    with pytest.raises(SpecError) as caught:
        parse_spec(text(deepest + 1), registry=registry)
    assert [fault.code for fault in caught.value.diagnostics] == ["too_deep"]


def test_from_python_layers_hold_layers_no_deeper_than_can_be_read() -> None:
    layer: Layer = Affine(units=4)
    for _ in range(6):
        layer = Around(inside=(layer,))
    assert ModelSpec(input_shape=(4,), layers=(layer, CategoricalCrossEntropy()))
    with pytest.raises(SpecError, match="nested deeper than 16 levels, every default filled in"):
        ModelSpec(input_shape=(4,), layers=(Around(inside=(layer,)), CategoricalCrossEntropy()))


# --- a key that is deprecated -------------------------------------------------------------------------------------


IRIS = Path(__file__).parents[2] / "specs" / "iris.json"


def test_data_that_standardize_put_a_layer_before_the_others() -> None:
    document = json.loads(IRIS.read_text())
    new = parse_spec(json.dumps(document))
    assert isinstance(new, RunSpec)
    assert new.notices == ()
    del document["model"]["layers"][0]
    document["data"]["standardize"] = True
    old = parse_spec(json.dumps(document))
    assert isinstance(old, RunSpec)
    assert spec_hash(old) == spec_hash(new)
    assert old.notices == (
        'data.standardize is deprecated; take it out and write {"type": "standardize"} as the first of the layers',
    )


def test_faults_beside_the_deprecated_key_stand_where_they_were_written() -> None:
    document = json.loads(IRIS.read_text())
    document["model"]["layers"][0] = {"type": "affine", "units": 10**7}
    document["data"]["standardize"] = True
    with pytest.raises(SpecError) as caught:
        parse_spec(json.dumps(document), max_memory=2**20)
    (fault,) = caught.value.diagnostics
    assert (fault.path, fault.code) == ("model.layers[1]", "memory")
