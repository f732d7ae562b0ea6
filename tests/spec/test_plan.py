"""Plans: shapes handed from layer to layer, and layers of third parties that answer with anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pytest

import layerkit as lk
from layerkit import Affine, Branch, CategoricalCrossEntropy, Layer, Parameter, ReLU, Shape, ShapeError, State
from layerkit.errors import DivergedError
from layerkit.registry.discovery import builtin_registry
from layerkit.spec.plan import StackError, plan_nodes
from layerkit.spec.structure import node_names, structure_faults
from layerkit.stack.stage import Stage


class Plain(Layer):
    """A layer of a third party; each test gives it other answers."""

    type: Literal["plain"] = "plain"

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        return inputs

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        return d_out


class Tower(Plain):
    """A layer with two stacks of layers in it."""

    left: tuple[Layer, ...] = ()
    right: tuple[Layer, ...] = ()
    right_shape: tuple[int, ...] | None = None

    def branches(self, input_shape: Shape) -> Mapping[str, Branch]:
        return {"left": Branch(self.left), "right": Branch(self.right, self.right_shape)}

    def output_shape(self, input_shape: Shape) -> Shape:
        return lk.chain_shape(self.left, input_shape)


def answering(method: str, answer: Any) -> Layer:
    """Return a layer whose ``method`` returns ``answer``, or raises it."""

    def reply(self: Layer, input_shape: Shape) -> Any:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    layer: Layer = type("Answering", (Plain,), {"__module__": __name__, method: reply})()
    return layer


def fault_of(layers: Sequence[Stage], input_shape: Shape = (4,)) -> tuple[tuple[str | int, ...], str, str]:
    """Return place, code and message of what keeps a stack from being planned."""
    with pytest.raises(StackError) as caught:
        plan_nodes(layers, input_shape)
    fault = caught.value.fault
    assert str(caught.value) == fault.message
    return fault.location, fault.code, fault.message


# --- sound stacks -------------------------------------------------------------------------------------------------


def test_shapes_are_handed_from_layer_to_layer() -> None:
    plans = plan_nodes([Affine(units=8), ReLU(name="gate"), Affine(units=3), CategoricalCrossEntropy()], (4,))
    assert [plan.name for plan in plans] == ["affine_1", "gate", "affine_2", "crossentropy_1"]
    assert [plan.input_shape for plan in plans] == [(4,), (8,), (8,), (3,)]
    assert [plan.output_shape for plan in plans] == [(8,), (8,), (3,), ()]
    assert [plan.parameter_count for plan in plans] == [4 * 8 + 8, 0, 8 * 3 + 3, 0]
    assert [plan.work_size for plan in plans] == [plan.stage.work_size(plan.input_shape) for plan in plans]
    assert [list(plan.tree()) for plan in plans] == [[plan] for plan in plans]
    assert plan_nodes([], (4,)) == ()


def test_branches_are_planned_with_the_layer_that_they_are_in() -> None:
    inner = Tower(left=(Affine(units=2),))
    (plan,) = plan_nodes([Tower(left=(Affine(units=3), inner), right=(ReLU(),))], (4,))
    assert [node.name for node in plan.tree()] == [
        "plain_1",
        "plain_1.left.affine_1",
        "plain_1.left.plain_1",
        "plain_1.left.plain_1.left.affine_1",
        "plain_1.right.relu_1",
    ]
    assert [node.input_shape for node in plan.tree()] == [(4,), (4,), (3,), (3,), (4,)]
    assert plan.output_shape == (2,)


def test_names_are_given_or_counted_by_type() -> None:
    layers = [ReLU(), ReLU(name="gate"), Affine(units=1), ReLU()]
    assert node_names(layers) == ["relu_1", "gate", "affine_1", "relu_3"]


@pytest.mark.parametrize("shape", [(), (1,), (2, 3, 4), (10**30,)])
def test_any_positive_shape_can_come_out(shape: Shape) -> None:
    (plan,) = plan_nodes([answering("output_shape", shape)], (4,))
    assert plan.output_shape == shape


# --- shapes that do not meet --------------------------------------------------------------------------------------


def test_a_shape_that_is_refused_names_both_sides() -> None:
    location, code, message = fault_of([ReLU(), ReLU(name="gate"), Affine(units=3)], (2, 2))
    assert (location, code) == (("layers", 2), "shape_mismatch")
    assert message.startswith(
        'affine expects samples that are vectors (D,), received shape (2, 2); put {"type": "flatten"} before it (from gate)'
    )
    assert "(from input_shape, which is that of one sample, without the batch)" in fault_of([Affine(units=3)], (2, 2))[2]


def test_a_shape_that_is_refused_within_a_branch_is_told_on_there() -> None:
    location, code, message = fault_of([ReLU(), Tower(left=(ReLU(), Tower(right=(Affine(units=3),))))], (2, 2))
    assert (location, code) == (("layers", 1, "left", 1, "right", 0), "shape_mismatch")
    assert "(from the input of plain_1.left.plain_1.right)" in message


def test_a_remedy_that_is_not_installed_is_told_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerkit.spec.plan.installed_registry", builtin_registry)
    with pytest.raises(StackError) as error:
        plan_nodes([Affine(units=3), LOSS], (2, 2))
    assert str(error.value).endswith(
        'put {"type": "flatten"} before it (from input_shape, which is that of one sample, without the batch)'
    )

    class Odd(ReLU):
        type: Any = "odd"

        def output_shape(self, input_shape: Shape) -> Shape:
            raise ShapeError('odd expects images; put {"type": "conv2d"} before it')

    with pytest.raises(StackError) as error:
        plan_nodes([Odd(), LOSS], (4,))
    assert str(error.value).endswith('"conv2d" is not known here, layerkit-vision has it: pip install layerkit-vision')


def test_names_differ_within_a_branch_too() -> None:
    location, code, message = fault_of([Tower(right=(ReLU(name="gate"), Affine(units=3, name="gate")))])
    assert (location, code) == (("layers", 0, "right", 1), "duplicate_name")
    assert message == 'the name "gate" belongs to right[0] already; give this one another name'
    plan_nodes([ReLU(name="gate"), Tower(left=(ReLU(name="gate"),), right=(ReLU(name="gate"),))], (4,))


def test_a_message_without_end_is_cut() -> None:
    for error in (ShapeError("x" * 5000), KeyError("x" * 5000)):
        assert len(fault_of([answering("output_shape", error)])[2]) == 300


# --- layers that answer with anything -----------------------------------------------------------------------------


class Custom(Exception):
    """An exception that nobody knows."""


METHODS = ("output_shape", "parameters", "state", "branches", "work_size")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        AssertionError(),
        KeyError("axis"),
        ZeroDivisionError("division by zero"),
        RecursionError("too deep"),
        MemoryError(),
        NotImplementedError(),
        StopIteration(),
        UnicodeError("odd"),
        ExceptionGroup("several", [ValueError()]),
        Custom("{braces}", 3),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_layer_may_raise_anything(method: str, error: Exception) -> None:
    location, code, message = fault_of([ReLU(), answering(method, error)], (4, 2))
    assert (location, code) == (("layers", 1), "layer_failed")
    said = f": {error}" if str(error) else ""
    assert message == f"plain fails on samples of shape (4, 2): {type(error).__name__}{said}"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("error", [ShapeError("too flat"), DivergedError("too flat")], ids=lambda error: type(error).__name__)
def test_what_layerkit_raises_is_about_the_shape(method: str, error: Exception) -> None:
    location, code, message = fault_of([ReLU(), answering(method, error)])
    assert (location, code, message) == (("layers", 1), "shape_mismatch", "too flat (from relu_1)")


def test_a_layer_can_be_interrupted() -> None:
    with pytest.raises(KeyboardInterrupt):
        plan_nodes([answering("output_shape", KeyboardInterrupt())], (4,))


class Mute(Exception):
    """An exception that fails to say what it is."""

    def __str__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize("error", [SystemExit(0), RecursionError("deep"), Mute()], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("method", METHODS)
def test_nothing_else_that_a_layer_raises_escapes(method: str, error: BaseException) -> None:
    location, code, message = fault_of([ReLU(), answering(method, error)])
    assert (location, code) == (("layers", 1), "layer_failed")
    assert type(error).__name__ in message


def test_a_branch_may_start_from_samples_of_another_shape() -> None:
    (plan,) = plan_nodes([Tower(left=(Affine(units=3),), right=(Affine(units=2),), right_shape=(7,))], (4,))
    assert [node.input_shape for node in plan.tree()] == [(4,), (4,), (7,)]
    assert plan.parameter_count == 0
    assert [node.parameter_count for node in plan.tree()] == [0, 4 * 3 + 3, 7 * 2 + 2]


def test_a_loss_within_a_layer_is_refused_at_its_place() -> None:
    location, code, message = fault_of([answering("branches", {"left": Branch([ReLU(), CategoricalCrossEntropy()])})])
    assert (location, code) == (("layers", 0, "left", 1), "misplaced_loss")
    assert message == "crossentropy is a loss; within a layer there is nothing for it to end, take it out"


@pytest.mark.parametrize(
    ("method", "answer", "phrase"),
    [
        ("branches", {"left": (ReLU(),)}, "which is no Branch"),
        ("parameters", {"weight": State((2,))}, "which is no Parameter"),
        ("state", {"mean": Parameter((2,))}, "which is no State"),
        ("state", {"mean": State((2,), dtype="float16")}, "declares an array of 'float16'"),
        ("parameters", {"weight": Parameter((2,), None)}, "'weight' with the initializer None, which is none"),
        ("state", {"mean": State((2,), "zeros")}, "'mean' with the initializer 'zeros', which is none"),
    ],
)
def test_what_is_declared_as_something_else_is_refused(method: str, answer: object, phrase: str) -> None:
    _, code, message = fault_of([answering(method, answer)])
    assert code == "layer_failed"
    assert phrase in message


def test_a_parameter_and_a_state_have_names_of_their_own() -> None:
    """A file would have one place for the two."""

    class Both(ReLU):
        def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
            return {"scale": Parameter((1,)), "mean": Parameter((1,))}

        def state(self, input_shape: Shape) -> dict[str, State]:
            return {"mean": State((1,))}

    _, code, message = fault_of([Both()])
    assert code == "layer_failed"
    assert "declares 'mean' as a parameter and as state" in message


IMPOSSIBLE_SHAPES = [None, 4, "ab", [4], (0,), (4, -1), (4.0,), (True,), (None,), ("4",), ((4,),), (np.int64(4),), np.array([4])]


@pytest.mark.parametrize("shape", IMPOSSIBLE_SHAPES, ids=repr)
def test_a_shape_is_a_tuple_of_positive_integers(shape: Any) -> None:
    answers: list[tuple[str, Any]] = [("output_shape", shape)]
    answers += [("parameters", {"weight": Parameter(shape)}), ("state", {"weight": State(shape)})]
    for method, answer in answers:
        location, code, message = fault_of([answering(method, answer)])
        assert (location, code) == (("layers", 0), "layer_failed")
        wanted = f"TypeError: it declares the shape {shape!r}, which is no tuple of positive integers"
        assert message == f"plain fails on samples of shape (4,): {wanted}"


@pytest.mark.parametrize("method", ["parameters", "state"])
@pytest.mark.parametrize("name", ["", "a b", "1st", "a.b", "keys", "items", "get", "__len__", "__class__"])
def test_an_array_has_a_name_that_can_be_an_attribute(method: str, name: str) -> None:
    declared = Parameter((1,)) if method == "parameters" else State((1,))
    _, code, message = fault_of([answering(method, {name: declared})])
    assert code == "layer_failed"
    assert message.endswith(f"TypeError: it declares an array {name!r}, which cannot be an attribute")


@pytest.mark.parametrize("method", ["parameters", "state", "branches"])
@pytest.mark.parametrize(
    "answer", [None, [], ["weight"], ("weight", (1,)), 1, {"weight": (1,)}, {"weight": None}, {1: 1}], ids=repr
)
def test_declarations_that_are_none_are_refused(method: str, answer: Any) -> None:
    location, code, message = fault_of([answering(method, answer)])
    assert (location, code) == (("layers", 0), "layer_failed")
    assert message.startswith("plain fails on samples of shape (4,): ")


@pytest.mark.parametrize("work_size", [None, -1, 1.5, "much", True, float("nan")], ids=repr)
def test_a_work_size_is_a_number_of_elements(work_size: Any) -> None:
    _, code, message = fault_of([answering("work_size", work_size)])
    assert code == "layer_failed"
    assert message.endswith(f"TypeError: it declares the work size {work_size!r}, which is no number of array elements")


def test_the_first_layer_that_fails_is_told_on() -> None:
    layers = [ReLU(), answering("state", ValueError("first")), answering("output_shape", ValueError("second"))]
    location, _, message = fault_of(layers)
    assert location == ("layers", 1)
    assert message.endswith("ValueError: first")


# --- order and names ----------------------------------------------------------------------------------------------

LOSS = CategoricalCrossEntropy()


def found(layers: Sequence[Stage | None]) -> list[tuple[int, str]]:
    """Return index and code of each fault in the order and the names of a stack."""
    return [(int(fault.location[1]), fault.code) for fault in structure_faults(layers)]


@pytest.mark.parametrize(
    ("layers", "faults"),
    [
        ([], []),
        ([LOSS], []),
        ([None], []),
        ([ReLU(), LOSS], []),
        ([ReLU()], [(0, "missing_loss")]),
        ([LOSS, ReLU()], [(0, "misplaced_loss"), (1, "missing_loss")]),
        ([LOSS, LOSS, LOSS], [(0, "misplaced_loss"), (1, "misplaced_loss")]),
        ([ReLU(), None], []),
        ([LOSS, None], [(0, "misplaced_loss")]),
        ([None, LOSS], []),
        ([ReLU(name="a"), ReLU(name="b"), LOSS], []),
        ([ReLU(name="a"), ReLU(name="a"), ReLU(name="a"), LOSS], [(1, "duplicate_name"), (2, "duplicate_name")]),
        ([ReLU(name="relu_2"), ReLU(), LOSS], [(1, "duplicate_name")]),
        ([ReLU(), ReLU(name="relu_1"), LOSS], [(1, "duplicate_name")]),
        ([ReLU(name="a"), None, ReLU(name="a"), None, LOSS], [(2, "duplicate_name")]),
        ([None, ReLU(), ReLU(name="relu_1"), LOSS], []),
    ],
    ids=repr,
)
def test_order_and_names(layers: Sequence[Stage | None], faults: list[tuple[int, str]]) -> None:
    assert found(layers) == faults


def test_the_messages_say_what_is_meant() -> None:
    messages = [fault.message for fault in structure_faults([LOSS, ReLU(name="a"), ReLU(name="a")])]
    assert messages == [
        "crossentropy is a loss, and only the last of the layers can be one; take it out or move it to the end",
        'the last of the layers must be a loss, and relu is none; put {"type": "crossentropy"} after it',
        'the name "a" belongs to layers[1] already; give this one another name',
    ]
