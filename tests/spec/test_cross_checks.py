"""Rules that tie several parts of a spec together, each from the parts that are sound."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import pytest

import layerkit as lk
from layerkit import Affine, CategoricalCrossEntropy, DatasetFacts, ReLU, Shape
from layerkit.diagnostics.faults import Fault
from layerkit.registry.discovery import builtin_registry
from layerkit.spec.cross_checks import checked_stack, known_facts
from layerkit.spec.cross_checks import data_faults as faults_of_known
from layerkit.stack.stage import Stage

LOSS = CategoricalCrossEntropy()


def data_faults(data: lk.Dataset | None, *others: Any) -> list[Fault]:
    """Return what is wrong with data, and what does not fit it as far as it is known."""
    facts, faults = known_facts(data)
    return faults or faults_of_known(data, facts, *others)


class Known(lk.Dataset):
    """A data set of which a test says what is known."""

    type: Literal["known"] = "known"
    train_count: int | None = None
    input_shape: tuple[int, ...] | None = None
    n_classes: int | None = None

    def facts(self) -> DatasetFacts:
        return DatasetFacts(train_count=self.train_count, input_shape=self.input_shape, n_classes=self.n_classes)

    def load(self, request: lk.DataRequest) -> lk.Split:
        raise NotImplementedError


class Unknown(lk.Dataset):
    """A data set that fails where it is asked what is known of it."""

    type: Literal["unknown"] = "unknown"

    def facts(self) -> DatasetFacts:
        raise LookupError("x" * 5000)

    def load(self, request: lk.DataRequest) -> lk.Split:
        raise NotImplementedError


class Misfiled(Unknown):
    """A data set whose targets are nothing that there is."""

    type: Literal["misfiled"] = "misfiled"  # type: ignore[assignment]  # another tag than that of the base

    def facts(self) -> DatasetFacts:
        return DatasetFacts(task="class")  # type: ignore[arg-type]


class Distance(CategoricalCrossEntropy):
    """A loss without classes."""

    type: Literal["distance"] = "distance"  # type: ignore[assignment]  # another tag than that of the base

    def class_count(self, input_shape: Shape) -> int | None:
        return None


class Broken(CategoricalCrossEntropy):
    """A loss that fails where it is asked for its classes."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]  # another tag than that of the base

    def class_count(self, input_shape: Shape) -> int | None:
        raise ArithmeticError("cannot count")


class Wordy(CategoricalCrossEntropy):
    """A loss that writes out how many classes it has."""

    type: Literal["wordy"] = "wordy"  # type: ignore[assignment]  # another tag than that of the base

    def class_count(self, input_shape: Shape) -> Any:
        return "three"


def places(faults: Sequence[Fault]) -> list[tuple[str, str]]:
    """Return dotted place and code of each fault."""
    return [(".".join(map(str, fault.location)), fault.code) for fault in faults]


# --- the stack ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "input_shape", "wanted"),
    [
        ([Affine(units=3), LOSS], (4,), []),
        ([Affine(units=3), LOSS], (2, 2), [("layers.0", "shape_mismatch")]),
        ([Affine(units=3), LOSS], None, []),
        ([Affine(units=3), None, LOSS], (2, 2), [("layers.0", "shape_mismatch")]),
        ([None, Affine(units=3), LOSS], (2, 2), []),
        ([ReLU(), None, Affine(units=3), LOSS], (2, 2), []),
        ([ReLU()], (2, 2), [("layers.0", "missing_loss")]),
        ([Affine(units=3)], (2, 2), [("layers.0", "missing_loss"), ("layers.0", "shape_mismatch")]),
        ([LOSS, LOSS], (3,), [("layers.0", "misplaced_loss")]),
        ([LOSS, Affine(units=3), LOSS], (3,), [("layers.0", "misplaced_loss")]),
        ([LOSS, Affine(units=3), LOSS], (2, 2), [("layers.0", "misplaced_loss"), ("layers.0", "shape_mismatch")]),
        (
            [ReLU(name="a"), Affine(units=3, name="a"), LOSS],
            (2, 2),
            [("layers.1", "duplicate_name"), ("layers.1", "shape_mismatch")],
        ),
        ([], (4,), []),
    ],
    ids=repr,
)
def test_a_stack_is_checked_as_far_as_it_is_sound(
    layers: Sequence[Stage | None], input_shape: Shape | None, wanted: list[tuple[str, str]]
) -> None:
    plans, faults = checked_stack(layers, input_shape)
    assert places(faults) == wanted
    assert (plans is not None) == (wanted == [] and None not in [*layers, input_shape])


# --- data, model and training -------------------------------------------------------------------------------------

STACK = [Affine(units=3), LOSS]
SHAPE, CLASSES, BATCH = (
    ("model.input_shape", "data_mismatch"),
    ("model.layers.0.units", "class_count"),
    ("training.batch_size", "batch_size"),
)


@pytest.mark.parametrize(
    ("data", "layers", "input_shape", "batch_size", "wanted"),
    [
        (Known(train_count=10, input_shape=(4,), n_classes=3), STACK, (4,), 10, []),
        (Known(train_count=9, input_shape=(5,), n_classes=4), STACK, (4,), 10, [SHAPE, CLASSES, BATCH]),
        (Known(n_classes=2), STACK, (4,), 1, []),
        (Known(), STACK, (4,), 10**9, []),
        (None, STACK, (4,), 10, []),
        (Known(train_count=9, input_shape=(5,), n_classes=4), STACK, None, None, []),
        (Known(train_count=9, input_shape=(5,), n_classes=4), [], (4,), None, [SHAPE]),
        (Known(n_classes=4), [None, LOSS], (4,), None, []),
        (Known(n_classes=4), [Affine(units=3)], (4,), None, []),
        (Known(n_classes=4), [LOSS, ReLU()], (3,), None, []),
        (Known(n_classes=4), [LOSS, LOSS], (3,), None, []),
        (Known(n_classes=4), STACK, (2, 2), None, []),
        (Known(n_classes=4), [Affine(units=3), Distance()], (4,), None, []),
        (Known(train_count=9, n_classes=4), [Affine(units=3), Broken()], (4,), 10, [("model.layers.1", "layer_failed"), BATCH]),
        (Known(n_classes=4), [Affine(units=3), Wordy()], (4,), 10, [("model.layers.1", "layer_failed")]),
        (Misfiled(), STACK, (4,), 10, [("data", "data_failed")]),
        (Unknown(), STACK, (4,), 10, [("data", "data_failed")]),
    ],
    ids=repr,
)
def test_the_data_are_compared_with_what_is_sound(
    data: lk.Dataset | None,
    layers: list[Stage | None],
    input_shape: Shape | None,
    batch_size: int | None,
    wanted: list[tuple[str, str]],
) -> None:
    plans, _ = checked_stack(layers, input_shape)
    assert places(data_faults(data, plans, input_shape, batch_size)) == wanted


def test_the_messages_have_both_sides() -> None:
    data = Known(train_count=9, input_shape=(5, 1), n_classes=4)
    plans, _ = checked_stack(STACK, (4,))
    assert [fault.message for fault in data_faults(data, plans, (4,), 10)] == [
        "samples of known have shape (5, 1), the model expects (4,); write [5, 1]",
        "known has 4 classes, and 3 outputs reach the loss, model.layers[1]; write 4",
        "10 is more than the 9 training samples of known; write 9 or less, or null for all of them",
    ]
    plans, _ = checked_stack([Affine(units=3), Broken()], (4,))
    assert [fault.message for fault in data_faults(Known(), plans, (4,), None)] == [
        "the loss fails: ArithmeticError: cannot count"
    ]


class Fussy(Affine):
    """A layer that has its outputs counted in another way than it says, and takes no other number than it has."""

    type: Literal["fussy"] = "fussy"  # type: ignore[assignment]  # another tag than that of the base
    wanted: int = 3

    def output_shape(self, input_shape: Shape) -> Shape:
        if self.units != self.wanted:
            raise SystemExit("no other number")
        return super().output_shape(input_shape)


class Squared(Affine):
    """A layer with as many outputs as the square of its units."""

    type: Literal["squared"] = "squared"  # type: ignore[assignment]  # another tag than that of the base

    def output_shape(self, input_shape: Shape) -> Shape:
        return (self.units**2,)


@pytest.mark.parametrize(
    ("layers", "place", "remedy"),
    [
        ([Affine(units=3), LOSS], "layers.0.units", "write 9"),
        ([Affine(units=3), ReLU(), ReLU(), LOSS], "layers.0.units", "write 9"),
        ([Affine(units=3), Affine(units=3), LOSS], "layers.1.units", "write 9"),
        ([LOSS], "layers.0", "it needs an output a class"),
        ([ReLU(), LOSS], "layers.1", "it needs an output a class"),
        ([Fussy(units=3), LOSS], "layers.1", "it needs an output a class"),
        ([Affine(units=3), Squared(units=2), LOSS], "layers.2", "it needs an output a class"),
    ],
    ids=repr,
)
def test_the_number_that_decides_how_many_outputs_there_are_is_pointed_at(layers: list[Stage], place: str, remedy: str) -> None:
    plans, _ = checked_stack(layers, (4,))
    (fault,) = data_faults(Known(n_classes=9), plans, (4,), None)
    assert (".".join(map(str, fault.location)), fault.code) == (f"model.{place}", "class_count")
    assert fault.message.endswith(f"outputs reach the loss, model.layers[{len(layers) - 1}]; {remedy}")
    assert fault.suggestion == ("9" if remedy == "write 9" else None)


class Targets(Known):
    """A data set of which the shape of a target is known."""

    type: Literal["targets"] = "targets"  # type: ignore[assignment]  # another tag than that of the base
    target_shape: tuple[int, ...]

    def facts(self) -> DatasetFacts:
        return DatasetFacts(task="numbers", target_shape=self.target_shape)


@pytest.mark.parametrize(
    ("target_shape", "layers", "place", "says"),
    [
        ((), [Affine(units=1), lk.MeanSquaredError()], None, ""),
        ((1,), [Affine(units=1), lk.MeanSquaredError()], None, ""),
        ((3,), [Affine(units=3), lk.MeanSquaredError()], None, ""),
        ((2, 2), [lk.MeanSquaredError()], "layers.0", r"has 4 numbers to predict, and outputs of shape \(4,\) .* an output each"),
        ((), [Affine(units=3), lk.MeanSquaredError()], "layers.0.units", r"has 1 number to predict, .* \(3,\) .*; write 1"),
        ((2,), [Affine(units=1), ReLU(), lk.MeanSquaredError()], "layers.0.units", r"has 2 numbers .*; write 2"),
        ((5,), [ReLU(), lk.MeanSquaredError()], "layers.1", r"layers\[1\]; it needs an output each"),
    ],
    ids=repr,
)
def test_targets_of_another_shape_than_the_outputs_are_pointed_at(
    target_shape: Shape, layers: list[Stage], place: str | None, says: str
) -> None:
    plans, _ = checked_stack(layers, (4,))
    faults = data_faults(Targets(target_shape=target_shape), plans, (4,), None)
    assert places(faults) == ([] if place is None else [(f"model.{place}", "class_count")])
    assert all(re.search(says, fault.message) for fault in faults)


class Numbers(Known):
    """A data set with numbers to predict."""

    type: Literal["numbers"] = "numbers"  # type: ignore[assignment]  # another tag than that of the base

    def facts(self) -> DatasetFacts:
        return DatasetFacts(task="numbers")


@pytest.mark.parametrize(
    ("registered", "remedy"),
    [
        ((), "choose cosine, gamma, huber, log_cosh, mae, mse, poisson, quantile or tweedie"),
        ((Distance,), "choose cosine, distance, gamma, huber, log_cosh, mae, mse, poisson, quantile or tweedie"),
    ],
)
def test_a_loss_for_such_targets_is_named(registered: Any, remedy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Distance, "task", "numbers")
    registry = builtin_registry().with_components(*registered)
    monkeypatch.setattr("layerkit.spec.cross_checks.installed_registry", lambda: registry)
    plans, _ = checked_stack(STACK, (4,))
    (fault,) = data_faults(Numbers(), plans, (4,), None)
    assert fault.message == f"crossentropy is for classes, the targets of numbers are numbers; {remedy}"


def test_the_message_of_a_third_party_is_cut() -> None:
    (fault,) = data_faults(Unknown(), None, (4,), 10)
    assert fault.message.startswith("unknown fails: LookupError: xxx")
    assert len(fault.message) == 300
