"""`RunSpec`: a whole training as data, from Python and from JSON."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import pytest

import layerkit as lk
from layerkit import SGD, Affine, CategoricalCrossEntropy, Iris, ModelSpec, RunSpec
from layerkit.spec.run import TrainingSpec

DOCUMENT: dict[str, Any] = {
    "layerkit": 1,
    "name": "iris",
    "seed": 7,
    "data": {"type": "iris"},
    "model": {"input_shape": [4], "layers": [{"type": "affine", "units": 3}, {"type": "crossentropy"}]},
    "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 3, "batch_size": 16},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the document with another value at a dotted path."""
    document = copy.deepcopy(DOCUMENT)
    block = document
    *steps, last = path.split(".")
    for step in steps:
        block = block[step]
    block[last] = value
    return document


def test_python_and_json_make_the_same_spec() -> None:
    model = ModelSpec(input_shape=(4,), layers=(Affine(units=3), CategoricalCrossEntropy()))
    training = TrainingSpec(optimizer=SGD(learning_rate=0.1), epochs=3, batch_size=16)
    spec = RunSpec(name="iris", seed=7, data=Iris(), model=model, training=training)
    assert RunSpec.model_validate_json(json.dumps(DOCUMENT)) == spec
    assert RunSpec.model_validate(DOCUMENT) == spec
    assert RunSpec.model_validate_json(spec.model_dump_json()) == spec


def test_defaults() -> None:
    document = {**DOCUMENT, "training": {"optimizer": DOCUMENT["training"]["optimizer"], "epochs": 1}}
    del document["name"], document["seed"]
    spec = RunSpec.model_validate(document)
    assert (spec.name, spec.seed) == ("run", 0)
    assert spec.training.batch_size is None
    assert spec.training.shuffle is True
    assert spec.training.initial_weights is None
    assert spec.training.observers == ()
    assert spec.training.report_every is None


def test_the_version_is_written_once() -> None:
    document = json.loads(RunSpec.model_validate(DOCUMENT).model_dump_json())
    assert list(document) == ["layerkit", "name", "seed", "data", "model", "training"]
    assert list(document["model"]) == ["input_shape", "dtype", "layers"]


def test_a_spec_does_not_change() -> None:
    spec = RunSpec.model_validate(DOCUMENT)
    with pytest.raises(lk.InputError, match="frozen"):
        spec.training.epochs = 4  # type: ignore[misc]  # mypy knows it too


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", "a"),
        ("name", "0" * 64),
        ("name", "A.b_c-9"),
        ("seed", 0),
        ("seed", 2**53 - 1),
        ("data.test_size", None),
        ("data.split_seed", 2**32 - 1),
        ("training.batch_size", 112),
        ("training.batch_size", None),
        ("training.epochs", 10**9),
        ("training.initial_weights", "../weights.safetensors"),
        ("training.optimizer.momentum", 0),
        ("model.layerkit", 1),
    ],
)
def test_the_ends_of_what_is_allowed(path: str, value: Any) -> None:
    RunSpec.model_validate(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value", "place", "code"),
    [
        ("name", "", "name", "out_of_range"),
        ("name", ".hidden", "name", "out_of_range"),
        ("name", "a/b", "name", "out_of_range"),
        ("name", "a\n", "name", "out_of_range"),
        ("name", "0" * 65, "name", "out_of_range"),
        ("seed", -1, "seed", "out_of_range"),
        ("seed", 2**53, "seed", "out_of_range"),
        ("seed", True, "seed", "wrong_type"),
        ("seed", None, "seed", "wrong_type"),
        ("data", None, "data", "wrong_type"),
        ("data", {}, "data", "missing_key"),
        ("data.type", "relu", "data.type", "wrong_family"),
        ("data.type", "irsi", "data.type", "unknown_type"),
        ("data.test_size", 1.0, "data.test_size", "out_of_range"),
        ("data.shuffle", True, "data.shuffle", "unknown_key"),
        ("model", [], "model", "wrong_type"),
        ("model.input_shape", [5], "model.input_shape", "data_mismatch"),
        ("model.layers", [{"type": "affine", "units": 2}, {"type": "crossentropy"}], "model.layers.0.units", "class_count"),
        ("model.layers", [{"type": "affine", "units": 3}], "model.layers.0", "missing_loss"),
        ("model.activation", "relu", "model.activation", "unknown_key"),
        ("training", None, "training", "wrong_type"),
        ("training.epochs", 0, "training.epochs", "out_of_range"),
        ("training.epochs", 1.5, "training.epochs", "wrong_type"),
        ("training.batch_size", 113, "training.batch_size", "batch_size"),
        ("training.batch_size", 0, "training.batch_size", "out_of_range"),
        ("training.shuffle", 1, "training.shuffle", "wrong_type"),
        ("training.initial_weights", "", "training.initial_weights", "out_of_range"),
        ("training.initial_weights", 1, "training.initial_weights", "wrong_type"),
        ("training.report_every", 0, "training.report_every", "out_of_range"),
        ("training.observers", {}, "training.observers", "wrong_type"),
        ("training.observers", [{"type": "relu"}], "training.observers.0.type", "wrong_family"),
        ("training.optimizer.learning_rate", 0, "training.optimizer.learning_rate", "out_of_range"),
        ("training.optimizer.nesterov", True, "training.optimizer", "invalid_value"),
        ("training.optimiser", {}, "training.optimiser", "unknown_key"),
        ("epochs", 1, "epochs", "unknown_key"),
    ],
)
def test_what_does_not_fit_is_refused(path: str, value: Any, place: str, code: str) -> None:
    document = changed(path, value)
    with pytest.raises(lk.SpecError) as from_json:
        RunSpec.model_validate_json(json.dumps(document))
    with pytest.raises(lk.SpecError) as from_python:
        RunSpec.model_validate(document)
    for error in (from_json.value, from_python.value):
        (fault,) = error.diagnostics
        assert (".".join(map(str, fault.location)), fault.code) == (place, code)


def test_from_python_components_are_objects_of_their_family() -> None:
    with pytest.raises(lk.SpecError, match="an optimizer"):
        TrainingSpec(optimizer=Iris(), epochs=1)  # type: ignore[arg-type]  # that is the point


def test_a_metric_for_other_targets_than_the_loss_is_refused_at_its_place() -> None:
    class Closeness(lk.Metric):
        """A figure of numbers."""

        tasks: ClassVar[tuple[lk.Task, ...]] = ("numbers",)
        type: Literal["closeness"] = "closeness"

        def score(self, outcome: lk.Outcome) -> float:
            return 0.0

    registry = lk.builtin_registry().with_components(Closeness)
    document = {
        "layerkit": 1,
        "data": {"type": "iris"},
        "model": {"input_shape": [4], "layers": [{"type": "affine", "units": 3}, {"type": "crossentropy"}]},
        "training": {
            "optimizer": {"type": "sgd", "learning_rate": 0.1},
            "epochs": 1,
            "metrics": [{"type": "accuracy"}, {"type": "closeness"}],
        },
    }
    with pytest.raises(lk.SpecError) as caught:
        lk.parse_spec(json.dumps(document), registry=registry)
    (fault,) = caught.value.diagnostics
    assert (fault.path, fault.code) == ("training.metrics[1]", "task_mismatch")
    assert fault.message == "closeness is for numbers, crossentropy is for classes; leave this metric out"


# --- metrics ------------------------------------------------------------------------------------------------------


def test_a_metric_that_does_not_fit_is_told_beside_other_faults(squared_error: lk.Loss) -> None:
    registry = lk.builtin_registry().with_components(type(squared_error))
    document = changed("training.metrics", [{"type": "accuracy"}])
    document["model"]["layers"][-2:] = [{"type": "affine", "units": 1}, {"type": squared_error.type}]
    document["data"] = {"type": "diabetes"}
    document["model"]["input_shape"] = [10]
    for epochs, codes in ((1, ["task_mismatch"]), (0, ["task_mismatch", "out_of_range"])):
        document["training"]["epochs"] = epochs
        with pytest.raises(lk.SpecError) as caught:
            lk.parse_spec(json.dumps(document), registry=registry)
        assert sorted(diagnostic.code for diagnostic in caught.value.diagnostics) == sorted(codes)


def test_a_label_hides_no_loss() -> None:
    class Hiding(lk.Accuracy):
        """A metric with the label of the loss on the validation samples."""

        type: Literal["hiding"] = "hiding"  # type: ignore[assignment]

        @property
        def label(self) -> str:
            return "validation_loss"

    with pytest.raises(lk.SpecError, match='two figures are called "validation_loss"'):
        TrainingSpec(optimizer=SGD(learning_rate=0.1), epochs=1, metrics=(Hiding(),))


class Labelled(lk.Accuracy):
    """A metric whose label is whatever the test says."""

    type: Literal["labelled"] = "labelled"  # type: ignore[assignment]
    answer: ClassVar[Callable[[], Any]]

    @property
    def label(self) -> str:
        return type(self).answer()  # type: ignore[no-any-return]


def _exit() -> str:
    raise SystemExit(0)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (_exit, "the label of labelled fails: SystemExit: 0"),
        (lambda: 1 / 0, "the label of labelled fails: ZeroDivisionError"),
        (lambda: None, "the label of labelled fails: TypeError: it is None, expected a text"),
        (lambda: "a\x1b[31m", "expected a text"),
        (lambda: "", "expected a text"),
    ],
)
def test_a_label_that_fails_is_a_fault_in_its_place(monkeypatch: pytest.MonkeyPatch, answer: Any, fault: str) -> None:
    monkeypatch.setattr(Labelled, "answer", staticmethod(answer), raising=False)
    registry = lk.builtin_registry().with_components(Labelled)
    document = copy.deepcopy(DOCUMENT)
    document["training"]["metrics"] = [{"type": "accuracy"}, {"type": "labelled"}]
    with pytest.raises(lk.SpecError) as caught:
        lk.parse_spec(json.dumps(document), registry=registry)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.location, diagnostic.code) == (("training", "metrics", 1), "component_failed")
    assert fault in diagnostic.message
