"""The conformance kit from outside: which checks there are, what a failure says, and what a run leaves behind."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import ClassVar, Literal, Self

import numpy as np
import pytest
from pydantic import Field

import layerkit.testing
from layerkit import (
    SGD,
    Accuracy,
    Affine,
    Array,
    CategoricalCrossEntropy,
    Component,
    ComponentError,
    DataError,
    DataRequest,
    Dataset,
    Digits,
    Initializer,
    Layer,
    LayerkitError,
    Loss,
    Memory,
    Metric,
    Node,
    Observer,
    Optimizer,
    ReLU,
    Schedule,
    Split,
    Training,
    Watcher,
    Zeros,
)
from layerkit.errors import ConformanceError
from layerkit.testing import Unavailable, check_component, check_layer_gradients, checks_for
from layerkit.testing.conformance import CHECKS, run_check


class Line(Layer):
    """``outputs = slope * inputs``; right for a slope of 1 alone. Shapes: inputs and outputs (N, \\*shape)."""

    type: Literal["line"] = "line"
    slope: float = 1.0
    """How steep it is."""

    def forward(self, node: Node, inputs: Array) -> Array:
        return self.slope * inputs

    def backward(self, node: Node, d_out: Array) -> Array:
        return 1.0 * d_out


class Demanding(Line):
    """A line with a field that has no example. Shapes: (N, D)."""

    width: int


class Impossible(Line):
    """A line whose example is refused. Shapes: (N, D)."""

    width: int = Field(examples=[-1], gt=0)


class Falling(Line):
    """A line that cannot be drawn. Shapes: (N, D)."""

    def forward(self, node: Node, inputs: Array) -> Array:
        return inputs / np.zeros(())[0]


class Several(Line):
    """A line of each of three slopes. Shapes: (N, D)."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        for slope in (1.0, 2.0, 3.0):
            yield cls(slope=slope)


class Unexampled(Line):
    """A line of which nobody gives an example. Shapes: (N, D)."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        return ()


def names(cls: type[Component]) -> list[str]:
    return [check.__name__ for check in checks_for(cls)]


@pytest.mark.parametrize(
    ("cls", "some"),
    [
        (Affine, {"pickling", "interleaved_nodes", "parameter_gradients"}),
        (CategoricalCrossEntropy, {"pickling", "interleaved_nodes", "sample_weights"}),
        (Zeros, {"pickling", "draws"}),
        (SGD, {"pickling", "resumes_bit_for_bit"}),
        (Schedule, {"pickling", "pure"}),
        (Accuracy, {"pickling", "weighted_scores"}),
        (Digits, {"pickling", "same_seed_same_samples"}),
        (Observer, {"pickling", "only_watches"}),
    ],
)
def test_the_family_decides_which_checks_there_are(cls: type[Component], some: set[str]) -> None:
    families = (Layer, Loss, Initializer, Optimizer, Schedule, Metric, Dataset, Observer)
    others = {check.__name__ for family in families if not issubclass(cls, family) for check in CHECKS[family]}
    assert some <= set(names(cls))
    assert not others & set(names(cls))


@pytest.mark.parametrize("family", CHECKS)
def test_every_check_has_a_name_of_its_own_and_states_a_promise(family: type[Component]) -> None:
    assert len(set(names(family))) == len(names(family)) > 0
    for check in checks_for(family):
        assert check.__doc__
        assert check.__doc__.endswith(".")


def test_a_class_and_an_instance_can_be_checked() -> None:
    check_component(Line)
    check_component(Line(slope=1.0))
    with pytest.raises(ConformanceError, match=r"^Line fails input_gradients: inputs: .* DISAGREE"):
        check_component(Line(slope=2.0))


def test_every_example_of_a_class_is_checked_and_a_failure_names_it() -> None:
    with pytest.raises(ConformanceError, match=r"^Several fails input_gradients as Several\(.*slope=2\.0\): inputs: .* DISAGREE"):
        check_component(Several)


def test_a_failure_says_what_where_and_which_promise() -> None:
    with pytest.raises(ConformanceError) as error:
        check_component(Falling)
    first, second = str(error.value).splitlines()
    assert first.startswith("Falling fails shapes_and_dtypes: Falling.forward raised IndexError: too many indices")
    assert second.startswith("What is promised: Outputs and gradients have the declared shapes")
    assert isinstance(error.value.__cause__, IndexError)
    assert isinstance(error.value, AssertionError)
    assert isinstance(error.value, LayerkitError)
    assert error.value.exit_code == 1


@pytest.mark.parametrize(
    ("cls", "fault"),
    [
        (Demanding, "RegistrationError: Demanding.width is required: give it an example"),
        (Impossible, "SpecError: "),
        (Unexampled, "examples gives no example"),
    ],
)
def test_a_class_without_an_example_fails(cls: type[Component], fault: str) -> None:
    with pytest.raises(ConformanceError, match=f"^{cls.__name__} fails registration: {fault}"):
        check_component(cls)


def test_the_seed_decides_what_is_drawn() -> None:
    (check,) = [check for check in checks_for(Line) if check.__name__ == "input_gradients"]
    messages = []
    for seed in (0, 0, 1):
        with pytest.raises(ConformanceError) as error:
            run_check(check, Line(slope=2.0), seed)
        messages.append(str(error.value))
    assert messages[0] == messages[1] != messages[2]


@pytest.mark.parametrize("cls", [ReLU, Digits, SGD, Falling])
def test_a_check_leaves_the_process_as_it_was(cls: type[Component]) -> None:
    check_component(Digits)  # imports may draw
    before = os.getcwd(), random.getstate(), repr(np.random.get_state()), np.geterr()  # noqa: NPY002, PTH109 (what must not change)
    for check in checks_for(cls):
        try:
            run_check(check, cls)
        except ConformanceError:
            assert cls is Falling
    assert before == (os.getcwd(), random.getstate(), repr(np.random.get_state()), np.geterr())  # noqa: NPY002, PTH109


def test_fields_of_a_class_without_source_are_not_judged() -> None:
    typed = type("Typed", (Line,), {"__doc__": "Typed into a session. Shapes: (N, D).", "__module__": "nowhere"})
    (check,) = [check for check in checks_for(typed) if check.__name__ == "documented_fields"]
    run_check(check, typed)


def test_public_names_resolve() -> None:
    assert [name for name in layerkit.testing.__all__ if not callable(getattr(layerkit.testing, name))] == []
    with pytest.raises(AttributeError, match=r"module 'layerkit\.testing' has no attribute 'check_everything'"):
        layerkit.testing.check_everything  # noqa: B018 (asking for it is the test)


# --- components that fail in unusual ways -------------------------------------------------------------------------


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


class Failing(Line):
    """Raises what the test says. Shapes: (N, D)."""

    type: Literal["failing"] = "failing"  # type: ignore[assignment]
    error: ClassVar[BaseException]

    def forward(self, node: Node, inputs: Array) -> Array:
        raise self.error


@pytest.mark.parametrize(
    ("error", "told"),
    [(SystemExit(0), "SystemExit: 0"), (Unprintable(), r"Unprintable: \(it cannot be printed: RuntimeError\)")],
)
def test_whatever_a_component_raises_fails_a_check(monkeypatch: pytest.MonkeyPatch, error: BaseException, told: str) -> None:
    monkeypatch.setattr(Failing, "error", error, raising=False)
    failures = []
    for check in checks_for(Failing):
        try:
            run_check(check, Failing)
        except ConformanceError as failure:
            failures.append(str(failure))
    assert len(failures) > 5
    assert all(re.search(told, failure) for failure in failures)
    with pytest.raises(ComponentError, match=rf"failing_1: Failing\.forward .* raised {told}"):
        check_layer_gradients(Failing(), (3,))


class Absent(Dataset):
    """Samples that an extra would bring."""

    type: Literal["absent"] = "absent"

    def load(self, request: DataRequest) -> Split:
        raise DataError("absent needs an extra")


class Blind(Observer):
    """Watches with what an extra would bring."""

    type: Literal["blind"] = "blind"

    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        raise LayerkitError("blind needs an extra")


@pytest.mark.parametrize("cls", [Absent, Blind])
def test_what_cannot_be_had_is_neither_right_nor_wrong(cls: type[Component]) -> None:
    with pytest.raises(Unavailable, match=r"refuses: .* needs an extra"):
        check_component(cls)
