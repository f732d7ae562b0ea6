"""`ModelSpec`: a network as data, from Python and from JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

import layerkit as lk
from layerkit import Affine, CategoricalCrossEntropy, HeNormal, ModelSpec, ReLU
from layerkit.errors import SpecError
from layerkit.spec.model import MAX_LAYERS

LAYERS = (Affine(units=8, weight_init=HeNormal()), ReLU(name="gate"), Affine(units=3), CategoricalCrossEntropy())
DOCUMENT: dict[str, Any] = {
    "input_shape": [4],
    "layers": [
        {"type": "affine", "units": 8, "weight_init": {"type": "he_normal"}},
        {"type": "relu", "name": "gate"},
        {"type": "affine", "units": 3},
        {"type": "crossentropy"},
    ],
}

RELU, LOSS = {"type": "relu"}, {"type": "crossentropy"}


def refused(**changes: Any) -> list[tuple[str, str]]:
    """Return dotted place and code of what is wrong with a changed spec, made from Python and from JSON alike."""
    document = {**DOCUMENT, **changes}
    with pytest.raises(SpecError) as from_json:
        ModelSpec.model_validate_json(json.dumps(document))
    with pytest.raises(SpecError) as from_python:
        ModelSpec.model_validate(document)
    faults = from_json.value.diagnostics
    assert from_python.value.diagnostics == faults
    return [(".".join(map(str, fault.location)), fault.code) for fault in faults]


def test_python_and_json_make_the_same_spec() -> None:
    spec = ModelSpec(input_shape=(4,), layers=LAYERS)
    assert ModelSpec.model_validate_json(json.dumps(DOCUMENT)) == spec
    assert ModelSpec.model_validate(DOCUMENT) == spec
    assert ModelSpec.model_validate_json(spec.model_dump_json()) == spec
    assert spec.dtype == "float32"
    assert spec.logits_shape == (3,)


def test_what_is_said_of_the_file_is_not_written_out() -> None:
    spec = ModelSpec.model_validate(
        {**DOCUMENT, "layerkit": 1, "$schema": "spec.schema.json", "plugins": {"swish": "layerkit-swish==1.0+local"}}
    )
    assert list(json.loads(spec.model_dump_json())) == ["layerkit", "input_shape", "dtype", "layers"]


def test_a_layer_without_a_name_is_written_without_one() -> None:
    document = json.loads(ModelSpec(input_shape=(4,), layers=LAYERS).model_dump_json())
    assert ["name" in layer for layer in document["layers"]] == [False, True, False, False]


def test_a_spec_does_not_change() -> None:
    spec = ModelSpec(input_shape=(4,), layers=LAYERS)
    with pytest.raises(lk.InputError, match="frozen"):
        spec.dtype = "float64"  # type: ignore[misc]  # mypy knows it too


def test_from_python_layers_may_be_written_as_in_a_file() -> None:
    assert ModelSpec(input_shape=(4,), layers=DOCUMENT["layers"]).layers == LAYERS
    with pytest.raises(SpecError, match=r"layers\[0\]: expected a layer or a loss, received 3"):
        ModelSpec(input_shape=(4,), layers=(3, CategoricalCrossEntropy()))


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"input_shape": []}, [("input_shape", "out_of_range")]),
        ({"input_shape": [1] * 33}, [("input_shape", "out_of_range")]),
        ({"input_shape": [0]}, [("input_shape.0", "out_of_range")]),
        ({"input_shape": ["4", 2.5, True]}, [(f"input_shape.{index}", "wrong_type") for index in range(3)]),
        ({"input_shape": "4"}, [("input_shape", "wrong_type")]),
        ({"input_shape": {"0": 4}}, [("input_shape", "wrong_type")]),
        ({"dtype": "float16"}, [("dtype", "out_of_range")]),
        ({"layers": []}, [("layers", "out_of_range")]),
        ({"layers": None}, [("layers", "wrong_type")]),
        ({"layers": [LOSS, None]}, [("layers.1", "wrong_type")]),
        ({"layers": [{"type": "affine"}] * 2}, [("layers.0", "missing_key"), ("layers.1", "missing_key")]),
        ({"layers": [RELU]}, [("layers.0", "missing_loss")]),
        ({"layers": [LOSS, LOSS]}, [("layers.0", "misplaced_loss")]),
        ({"layers": [{**RELU, "name": "a"}, {**LOSS, "name": "a"}]}, [("layers.1", "duplicate_name")]),
        ({"layers": [{**RELU, "name": "relu_2"}, RELU, LOSS]}, [("layers.1", "duplicate_name")]),
        ({"input_shape": [2, 2]}, [("layers.0", "shape_mismatch")]),
        (
            {"input_shape": [2, 2], "layers": [{"type": "affine", "units": 3}]},
            [("layers.0", "missing_loss"), ("layers.0", "shape_mismatch")],
        ),
        ({"layerkit": True}, [("layerkit", "out_of_range")]),
        ({"layerkit": 2}, [("layerkit", "out_of_range")]),
        ({"units": 3}, [("units", "unknown_key")]),
        ({"schema_location": "x"}, [("schema_location", "unknown_key")]),
        ({"plugins": {"swish": "swish"}}, [("plugins.swish", "out_of_range")]),
        ({"plugins": {"swish": "a==1\n"}}, [("plugins.swish", "out_of_range")]),
    ],
    ids=repr,
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    assert refused(**changes) == faults


def test_a_stack_has_an_end() -> None:
    longest = ModelSpec.model_validate({**DOCUMENT, "layers": [RELU] * (MAX_LAYERS - 1) + [LOSS]})
    assert longest.plan()[-2].name == f"relu_{MAX_LAYERS - 1}"
    assert refused(layers=[RELU] * MAX_LAYERS + [LOSS]) == [("layers", "out_of_range")]


def test_a_plan_is_worked_out_once() -> None:
    spec = ModelSpec(input_shape=(4,), layers=LAYERS)
    assert spec.plan() is spec.plan()
    assert [node.output_shape for node in spec.plan()] == [(8,), (8,), (3,), ()]


@pytest.mark.parametrize(
    "changes",
    [
        {"input_shape": (5,)},
        {"layers": (ReLU(), CategoricalCrossEntropy())},
        {"input_shape": (2,), "layers": (CategoricalCrossEntropy(),)},
    ],
    ids=repr,
)
def test_a_copy_has_a_plan_of_its_own(changes: dict[str, Any]) -> None:
    spec = ModelSpec(input_shape=(4,), layers=LAYERS)
    before = spec.plan()
    copy = spec.model_copy(update=changes)
    assert [node.stage for node in copy.plan()] == list(copy.layers)
    assert copy.plan()[0].input_shape == copy.input_shape
    assert spec.plan() is before


def test_a_registry_of_ones_own_gives_the_layers() -> None:
    nothing = lk.Registry([])
    with pytest.raises(SpecError, match="no installed distribution offers a layer or a loss"):
        ModelSpec.model_validate(DOCUMENT, context={"resolver": nothing})


def test_what_is_no_json_is_shown_as_python_has_it() -> None:
    with pytest.raises(SpecError) as caught:
        ModelSpec.model_validate({**DOCUMENT, "dtype": complex(1, 2)})
    (fault,) = caught.value.diagnostics
    assert fault.message == 'expected "float32" or "float64", received (1+2j)'
