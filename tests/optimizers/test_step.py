"""The workplace of an update: slots, coefficients, weight decay, the layout, and the loss at other parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import layerkit as lk

Make = Callable[..., lk.Sequential]

INPUTS = np.random.default_rng(1).standard_normal((24, 4))
LABELS = np.random.default_rng(2).integers(3, size=24)


class Pair(lk.Layer):
    """Multiplies and adds: two parameters side by side of which both decay, and one behind them that does not."""

    type: Literal["pair"] = "pair"

    def parameters(self, input_shape: lk.Shape) -> Mapping[str, lk.Parameter]:
        start = lk.Normal(mean=1.0)
        return {
            "factor": lk.Parameter(input_shape, start),
            "term": lk.Parameter(input_shape, start),
            "spared": lk.Parameter(input_shape, start, decay=False),
        }

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        node.cache = inputs
        outputs: lk.Array = inputs * node.params.factor + node.params.term + node.params.spared
        return outputs

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        node.grads.factor = (d_out * node.cache).sum(axis=0)
        node.grads.term = node.grads.spared = d_out.sum(axis=0)
        d_inputs: lk.Array = d_out * node.params.factor
        return d_inputs


class Descent(lk.Optimizer):
    """Plain gradient descent; ``seen`` keeps what the last update met."""

    type: Literal["descent"] = "descent"
    seen: ClassVar[dict[str, Any]] = {}

    def update(self, step: lk.Step) -> None:
        self.seen.update(gradients=step.gradients.copy(), parameters=step.parameters.copy(), loss=step.loss)
        step.parameters -= step.coefficients.rate * step.gradients


class Decoupled(Descent):
    type: Literal["decoupled"] = "decoupled"
    decoupled: ClassVar[bool] = True


def network(dtype: Literal["float32", "float64"] = "float64") -> lk.Sequential:
    layers = [lk.Affine(units=5), Pair(), lk.Affine(units=3), lk.CategoricalCrossEntropy()]
    return lk.Sequential(layers, input_shape=(4,), dtype=dtype, seed=0)


def decays(model: lk.Sequential) -> lk.Array:
    """Return which numbers decay, from the names of the parameters."""
    names = [
        np.full(array.size, name in ("weight", "factor", "term")) for node in model.nodes for name, array in node.params.items()
    ]
    return np.concatenate(names)


# --- weight decay -------------------------------------------------------------------------------------------------


def test_decay_adds_to_the_gradients_of_what_decays() -> None:
    model, reference = network(), network()
    model.fit(INPUTS, LABELS, optimizer=Descent(learning_rate=0.1, weight_decay=0.3), epochs=1)
    loss = reference.loss_and_gradients(INPUTS, LABELS)
    assert decays(reference).sum() == 20 + 10 + 15
    wanted = reference.gradients + 0.3 * decays(reference) * reference.parameters
    assert_allclose(Descent.seen["gradients"], wanted, rtol=1e-14, atol=1e-16)
    assert_array_equal(Descent.seen["parameters"], reference.parameters)
    assert Descent.seen["loss"] == loss
    assert_allclose(model.parameters, reference.parameters - 0.1 * wanted, rtol=1e-14, atol=1e-16)


def test_decoupled_decay_shrinks_what_decays_and_leaves_the_gradients() -> None:
    model, reference = network(), network()
    model.fit(INPUTS, LABELS, optimizer=Decoupled(learning_rate=0.1, weight_decay=0.3), epochs=1)
    reference.loss_and_gradients(INPUTS, LABELS)
    shrunk = reference.parameters * np.where(decays(reference), 1 - 0.1 * 0.3, 1)
    assert_array_equal(Decoupled.seen["gradients"], reference.gradients)
    assert_allclose(Decoupled.seen["parameters"], shrunk, rtol=1e-15)
    assert_allclose(model.parameters, shrunk - 0.1 * reference.gradients, rtol=1e-14, atol=1e-16)


def test_decoupled_decay_follows_the_schedule() -> None:
    class Half(lk.Schedule):
        type: Literal["half"] = "half"

        def learning_rate(self, initial: float, progress: lk.Progress) -> float:
            return initial / 2

    model, reference = network(), network()
    optimizer = Decoupled(learning_rate=0.2, weight_decay=0.3)
    model.fit(INPUTS, LABELS, optimizer=optimizer, epochs=1, schedule=Half())
    reference.fit(INPUTS, LABELS, optimizer=Decoupled(learning_rate=0.1, weight_decay=0.3), epochs=1)
    assert_allclose(model.parameters, reference.parameters, rtol=1e-15)


# --- coefficients and slots ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_coefficients_are_arrays_without_axes_of_the_dtype(dtype: Literal["float32", "float64"]) -> None:
    met: list[tuple[Any, ...]] = []

    class Corrected(Descent):
        type: Literal["corrected"] = "corrected"

        def coefficients(self, learning_rate: float, number: int) -> Mapping[str, float]:
            return {"rate": learning_rate, "correction": 1 - 0.9**number}

        def update(self, step: lk.Step) -> None:
            met.append((step.number, float(step.coefficients.correction)))
            assert {name: (array.shape, array.dtype) for name, array in step.coefficients.items()} == {
                "rate": ((), np.dtype(dtype)),
                "correction": ((), np.dtype(dtype)),
            }
            super().update(step)

    network(dtype).fit(INPUTS, LABELS, optimizer=Corrected(learning_rate=0.1), epochs=3)
    scalar = np.dtype(dtype).type
    assert met == [(number, float(scalar(1 - 0.9**number))) for number in (1, 2, 3)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_slots_have_the_shape_the_fill_and_the_dtype_that_was_declared(dtype: Literal["float32", "float64"]) -> None:
    class Remembering(Descent):
        type: Literal["remembering"] = "remembering"

        def slots(self) -> Mapping[str, lk.Slot]:
            return {"square": lk.Slot(fill=0.1), "product": lk.Slot((), 1.0), "table": lk.Slot((2, 3), -1.0), "mean": lk.Slot()}

        def update(self, step: lk.Step) -> None:
            step.slots.product *= 0.5
            step.slots.square += step.gradients**2
            step.slots.table[0] = step.number
            super().update(step)

    model = network(dtype)
    training = lk.Trainer(model, lk.TrainingSpec(optimizer=Remembering(learning_rate=0.1), epochs=2)).training
    count = model.parameters.size
    wanted = {"square": np.full(count, 0.1), "product": np.array(1.0), "table": np.full((2, 3), -1.0), "mean": np.zeros(count)}
    assert list(training.slots) == list(wanted)
    for name, array in wanted.items():
        assert training.slots[name].dtype == dtype
        assert training.slots[name].shape == array.shape
        assert_allclose(training.slots[name], array, rtol=1e-7)
    model.fit(INPUTS, LABELS, optimizer=Remembering(learning_rate=0.1), epochs=3)
    assert model.training is not None
    assert model.training.slots.product == 0.125
    assert model.training.slots.table.tolist() == [[3.0] * 3, [-1.0] * 3]


def test_the_layout_tells_the_arrays_of_layers_apart() -> None:
    """As rules need that work layer by layer."""
    norms: dict[str, float] = {}

    class Layerwise(Descent):
        type: Literal["layerwise"] = "layerwise"

        def update(self, step: lk.Step) -> None:
            for place in step.layout:
                weights = step.parameters[place.segment].reshape(place.shape)
                norms[place.name] = float(np.linalg.norm(weights))

    model = network()
    model.fit(INPUTS, LABELS, optimizer=Layerwise(learning_rate=0.1), epochs=1)
    arrays = {f"{node.name}.{name}": array for node in model.nodes for name, array in node.params.items()}
    assert norms == {name: pytest.approx(float(np.linalg.norm(array))) for name, array in arrays.items()}


def test_work_arrays_are_kept_from_step_to_step() -> None:
    held: list[tuple[int, lk.Shape, Any]] = []

    class Working(Descent):
        type: Literal["working"] = "working"

        def update(self, step: lk.Step) -> None:
            work = step.vector("work")
            held.append((id(work), work.shape, work.dtype))
            assert not np.shares_memory(work, step.vector("more"))
            assert step.vector("ready", bool).dtype == bool

    model = network("float32")
    model.fit(INPUTS, LABELS, optimizer=Working(learning_rate=0.1), epochs=3)
    assert len(set(held)) == 1
    assert held[0][1:] == (model.parameters.shape, np.float32)


# --- the loss at other parameters ---------------------------------------------------------------------------------


class Searching(Descent):
    """Plain gradient descent that looks at the loss here and there, and comes back."""

    type: Literal["searching"] = "searching"
    reevaluates: ClassVar[bool] = True
    found: ClassVar[list[tuple[float, float, float]]] = []

    def update(self, step: lk.Step) -> None:
        here, loss, gradients = step.parameters.copy(), step.loss, step.gradients.copy()
        again = step.evaluate()
        assert again == loss == step.loss
        assert_array_equal(step.gradients, gradients)
        step.parameters -= 0.01 * gradients
        there = step.evaluate()
        self.found.append((loss, there, float(gradients @ gradients)))
        assert np.any(step.gradients != gradients)
        step.parameters = here
        assert step.evaluate() == loss
        assert_array_equal(step.gradients, gradients)
        super().update(step)


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("batch_size", [None, 7])
def test_looking_at_the_loss_is_no_step(make_eventful: Make, weight_decay: float, batch_size: int | None) -> None:
    """Random layers and state meet what the first pass met, and are left as it left them."""
    searching, plain = make_eventful(), make_eventful()
    Searching.found.clear()
    histories = [
        model.fit(
            INPUTS, LABELS, optimizer=optimizer(learning_rate=0.1, weight_decay=weight_decay), epochs=3, batch_size=batch_size
        )
        for model, optimizer in ((searching, Searching), (plain, Descent))
    ]
    assert histories[0] == histories[1]
    assert_array_equal(searching.parameters, plain.parameters)
    for ours, theirs in zip(searching.nodes, plain.nodes, strict=True):
        for node, other in zip(ours.tree(), theirs.tree(), strict=True):
            assert node.rng.bit_generator.state == other.rng.bit_generator.state
            for name, array in node.state.items():
                assert_array_equal(array, other.state[name])
    # The loss falls as its gradient says, the penalty included.
    assert len(Searching.found) == 3 * (1 if batch_size is None else 4)
    for here, there, square in Searching.found:
        assert there - here == pytest.approx(-0.01 * square, rel=0.1)


def test_with_decoupled_decay_the_loss_has_no_penalty() -> None:
    class Looking(Decoupled):
        type: Literal["looking"] = "looking"
        reevaluates: ClassVar[bool] = True

        def update(self, step: lk.Step) -> None:
            self.seen.update(step=step.loss, now=step.evaluate(), parameters=step.parameters.copy())

    model = network()
    model.fit(INPUTS, LABELS, optimizer=Looking(learning_rate=0.1, weight_decay=0.3), epochs=1)
    reference = network()
    assert Looking.seen["step"] == reference.loss_and_gradients(INPUTS, LABELS)
    reference.parameters = Looking.seen["parameters"]
    assert Looking.seen["now"] == reference.loss_and_gradients(INPUTS, LABELS)


def test_only_who_says_so_may_look_at_the_loss() -> None:
    class Unannounced(Descent):
        type: Literal["unannounced"] = "unannounced"

        def update(self, step: lk.Step) -> None:
            step.evaluate()

    with pytest.raises(lk.ComponentError, match="reevaluates = True"):
        network().fit(INPUTS, LABELS, optimizer=Unannounced(learning_rate=0.1), epochs=1)


# --- the built-in rule --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "options", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"momentum": 0.8, "weight_decay": 0.01}], ids=str
)
def test_sgd_is_its_formula_bit_for_bit(dtype: Literal["float32", "float64"], options: dict[str, Any]) -> None:
    model, reference = network(dtype), network(dtype)
    model.fit(INPUTS, LABELS, optimizer=lk.SGD(learning_rate=0.1, **options), epochs=5)
    scalar = np.dtype(dtype).type
    rate, momentum, decay = scalar(0.1), scalar(options.get("momentum", 0)), scalar(options.get("weight_decay", 0))
    velocity = np.zeros_like(reference.parameters)
    for _ in range(5):
        reference.loss_and_gradients(INPUTS, LABELS)
        gradients = reference.gradients.copy()
        if decay:
            gradients[decays(reference)] += reference.parameters[decays(reference)] * decay
        velocity = velocity * momentum + gradients if momentum else gradients
        direction = velocity * momentum + gradients if options.get("nesterov") else velocity
        reference.parameters -= direction * rate
    assert model.parameters.tobytes() == reference.parameters.tobytes()
