"""Passes within passes, passes that fail, and passes that were never done: no result is of two of them."""

from __future__ import annotations

import gc
import pickle
import threading
import weakref
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import layerkit as lk
from layerkit.errors import InputError

RNG = np.random.default_rng(0)
INPUTS, LABELS = RNG.standard_normal((40, 4)).astype(np.float32), RNG.integers(3, size=40)


class Asking(lk.Layer):
    """Does something else on the way."""

    type: Literal["asking"] = "asking"

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        outputs = inputs + 1
        if ASKED:
            ASKED.pop()()
        return outputs

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        return d_out


ASKED: list[Callable[[], Any]] = []


@pytest.fixture
def model() -> lk.Sequential:
    ASKED.clear()
    layers = [lk.Affine(units=16), lk.ReLU(), Asking(), lk.Affine(units=3), lk.CategoricalCrossEntropy()]
    return lk.Sequential(layers, input_shape=(4,), seed=0)


@pytest.mark.parametrize("method", ["predict", "logits", "loss", "evaluate"])
def test_a_prediction_within_a_prediction_disturbs_nothing(model: lk.Sequential, method: str) -> None:
    """As a signal handler or a layer may ask for one, in the same thread."""
    wanted = model.predict(INPUTS)
    arguments = (INPUTS[::-1], LABELS) if method in ("loss", "evaluate") else (INPUTS[::-1],)
    alone = getattr(model, method)(*arguments)
    inner: list[Any] = []
    ASKED.append(lambda: inner.append(getattr(model, method)(*arguments)))
    assert_array_equal(model.predict(INPUTS), wanted)
    np.testing.assert_equal(inner, [alone])


def test_threads_that_are_gone_leave_no_work_arrays(model: lk.Sequential) -> None:
    model.predict(INPUTS)
    gc.collect()
    gc.disable()
    try:
        before = sum(isinstance(item, lk.Node) for item in gc.get_objects())
        for _ in range(20):
            thread = threading.Thread(target=model.predict, args=(INPUTS,))
            thread.start()
            thread.join()
        assert sum(isinstance(item, lk.Node) for item in gc.get_objects()) == before
    finally:
        gc.enable()


def test_a_network_that_nobody_has_is_freed_at_once(model: lk.Sequential) -> None:
    other = lk.Sequential(model.spec.layers, input_shape=(4,), seed=0)
    other.predict(INPUTS)
    other.loss_and_gradients(INPUTS, LABELS)
    gc.collect()
    gc.disable()
    try:
        gone = weakref.ref(other.nodes[0].stage), weakref.ref(other)
        vector = weakref.ref(other.parameters)
        del other
        assert gone[1]() is None
        assert vector() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("before", [None, "predict", "copy", "failed"])
def test_without_a_forward_pass_there_is_no_backward(model: lk.Sequential, before: str | None) -> None:
    if before == "predict":
        model.predict(INPUTS)
    if before == "copy":
        model.forward_loss(INPUTS, LABELS)
        model = lk.build(model.spec, seed=0)
    if before == "failed":
        model.forward_loss(INPUTS, LABELS)
        ASKED.append(lambda: 1 / 0)
        with pytest.raises(lk.ComponentError, match="ZeroDivisionError"):
            model.forward_loss(INPUTS[::-1], LABELS)
    with pytest.raises(InputError, match="no forward pass to go back through; call forward_loss first"):
        model.backward()


FIRST: dict[str, lk.Array] = {}


class Stale(lk.Layer):
    """Gives its first outputs again and again."""

    type: Literal["stale"] = "stale"

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        return FIRST.setdefault(node.name, inputs)

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        return d_out


def test_an_array_that_was_checked_is_checked_again_for_another_batch() -> None:
    FIRST.clear()
    model = lk.Sequential([lk.Affine(units=3), Stale(), lk.CategoricalCrossEntropy()], input_shape=(4,), seed=0)
    model.predict(INPUTS)
    with pytest.raises(lk.ComponentError, match=r"^stale_1: Stale\.forward .* returned float32 of shape \(40, 3\), expected"):
        model.predict(INPUTS[:7])


def test_underflow_is_no_error_even_where_the_caller_wants_it_to_be() -> None:
    model = lk.Sequential([lk.CategoricalCrossEntropy()], input_shape=(2,), seed=0)
    with np.errstate(all="raise"):
        assert_array_equal(model.predict([[0.0, 1000.0]]), [[0, 1]])


def test_a_prediction_lets_go_of_the_samples(model: lk.Sequential) -> None:
    model.evaluate(INPUTS, LABELS, metrics=[lk.Accuracy()])  # imports, which keep the frames that they began in for a while
    inputs = INPUTS.copy()
    gone = weakref.ref(inputs)
    model.predict(inputs)
    model.evaluate(inputs, LABELS, metrics=[lk.Accuracy()])
    del inputs
    assert gone() is None


def test_state_counts_before_anything_is_allocated() -> None:
    class Vast(lk.Layer):
        """Keeps more than there is."""

        type: Literal["vast"] = "vast"

        def state(self, input_shape: lk.Shape) -> dict[str, lk.State]:
            return {"table": lk.State((2**50,))}

        def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
            return inputs

        def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
            return d_out

    with pytest.raises(lk.MemoryBudgetError, match=r"0 parameters and their gradients, and the state, take 4\.0 PiB"):
        lk.Sequential([Vast(), lk.CategoricalCrossEntropy()], input_shape=(4,))


def test_a_metric_cannot_change_what_the_next_one_sees() -> None:
    class Nasty(lk.Metric):
        """Writes into what it is given."""

        tasks: ClassVar[tuple[lk.Task, ...]] = ("classes",)
        type: Literal["nasty"] = "nasty"
        what: Literal["predictions", "decisions"]

        def score(self, outcome: lk.Outcome) -> float:
            getattr(outcome, self.what)[...] = 0
            return 0.0

    model = lk.Sequential([lk.CategoricalCrossEntropy()], input_shape=(4,), seed=0)
    for what in ("predictions", "decisions"):
        with pytest.raises(lk.ComponentError, match=r"Nasty\.score .* read-only"):
            model.evaluate(INPUTS, LABELS, metrics=[Nasty(what=what), lk.Accuracy()])


def test_a_faulty_spec_is_told_as_well_from_another_process() -> None:
    with pytest.raises(lk.SpecError) as caught:
        lk.parse_spec('{"layerkit": 1, "layers": []}')
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.diagnostics == caught.value.diagnostics


def test_rows_of_predictions_have_one_shape() -> None:
    class Growing(lk.CategoricalCrossEntropy):
        """Says more of each chunk than of the one before."""

        type: Literal["growing"] = "growing"  # type: ignore[assignment]  # another tag than that of the base

        def predict(self, node: lk.Node, logits: lk.Array) -> lk.Array:
            return logits[:, :3] if len(logits) == 1024 else logits[:, :1]

    model = lk.Sequential([Growing()], input_shape=(4,), seed=0)
    with pytest.raises(
        lk.ComponentError, match=r"^growing_1: Growing\.predict .* returned rows of shape \(1,\), and of shape \(3,\)"
    ):
        model.predict(np.zeros((1030, 4)))
