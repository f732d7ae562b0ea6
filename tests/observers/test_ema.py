"""`EMA`: the parameters that are measured and left are the moving average of those that are trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import layerkit as lk

INPUTS = np.random.default_rng(0).standard_normal((30, 3))
LABELS = (INPUTS.sum(axis=1) > 0).astype(np.int64)
HELD_OUT = np.random.default_rng(1).standard_normal((20, 3)), np.random.default_rng(2).integers(2, size=20)


class Trail(lk.Observer):
    """Keeps the parameters after each step."""

    type: Literal["trail"] = "trail"

    @contextmanager
    def watch(self, training: lk.Training, memory: lk.Memory) -> Iterator[lk.Watcher]:
        class Writer(lk.Watcher):
            def step(self) -> None:
                memory.setdefault("trail", []).append(training.parameters.tolist())

        yield Writer()


def network() -> lk.Sequential:
    return lk.Sequential(
        [lk.Affine(units=4), lk.ReLU(), lk.Affine(units=2), "crossentropy"], input_shape=3, dtype="float64", seed=0
    )


def options(**others: Any) -> Any:
    return {"optimizer": lk.SGD(learning_rate=0.2, momentum=0.9), "epochs": 4, "batch_size": 10} | others


def averages(trail: list[list[float]], decay: float) -> list[Any]:
    """Return the average after each step, by its formula."""
    average = np.array(trail[0])
    found = [average.copy()]
    for parameters in trail[1:]:
        average = decay * average + (1 - decay) * np.array(parameters)
        found.append(average.copy())
    return found


def trail_of(model: lk.Sequential) -> list[list[float]]:
    assert model.training is not None
    return model.training.memory()["observers"]["trail_1"]["trail"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.999])
def test_what_is_left_is_the_average_and_what_is_trained_is_not_disturbed(decay: float) -> None:
    model, alone = network(), network()
    model.fit(INPUTS, LABELS, ema={"decay": decay}, observers=[Trail()], **options())
    alone.fit(INPUTS, LABELS, observers=[Trail()], **options())
    assert trail_of(model) == trail_of(alone)
    assert_allclose(model.parameters, averages(trail_of(model), decay)[-1], rtol=1e-12)


def test_figures_of_each_epoch_are_those_of_the_average() -> None:
    model = network()
    history = model.fit(
        INPUTS, LABELS, validation=HELD_OUT, metrics=["accuracy"], ema={"decay": 0.9}, observers=[Trail()], **options()
    )
    after_epochs = averages(trail_of(model), 0.9)[2::3]
    assert len(after_epochs) == 4
    other = network()
    for record, average in zip(history, after_epochs, strict=True):
        other.parameters[...] = average
        scores = other.evaluate(*HELD_OUT, metrics=["accuracy"])
        assert record.metrics == pytest.approx({"validation_loss": scores["loss"], "accuracy": scores["accuracy"]}, rel=1e-9)


def test_early_stopping_chooses_among_the_averages() -> None:
    model = network()
    stopping = {"patience": 2, "monitor": "validation_loss"}
    history = model.fit(
        INPUTS,
        LABELS,
        validation=HELD_OUT,
        ema={"decay": 0.9},
        early_stopping=stopping,
        observers=[Trail()],
        **options(epochs=30),
    )
    best = int(np.argmin([record.metrics["validation_loss"] for record in history]))
    assert best < len(history) - 1
    assert_allclose(model.parameters, averages(trail_of(model), 0.9)[3 * best + 2], rtol=1e-12)


@pytest.mark.parametrize("others", [{}, {"early_stopping": {"patience": 50, "monitor": "loss"}}], ids=["alone", "stopping"])
def test_a_training_that_goes_on_is_one_that_was_never_left(others: dict[str, Any]) -> None:
    whole, parts = network(), network()
    whole.fit(INPUTS, LABELS, ema={"decay": 0.9}, observers=[Trail()], **options(epochs=6, **others))
    for epochs in (1, 2, 3):
        parts.fit(INPUTS, LABELS, ema={"decay": 0.9}, observers=[Trail()], **options(epochs=epochs, **others))
    assert trail_of(parts) == trail_of(whole)
    assert_array_equal(parts.parameters, whole.parameters)


def test_an_interrupt_while_figures_are_measured_leaves_both(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupting(lk.Accuracy):
        type: Any = "interrupting"

        def score(self, outcome: lk.Outcome) -> float:
            raise KeyboardInterrupt

    model = network()
    with pytest.warns(match="interrupted in epoch 0"):
        model.fit(
            INPUTS, LABELS, validation=HELD_OUT, metrics=[Interrupting()], ema={"decay": 0.9}, observers=[Trail()], **options()
        )
    trail = trail_of(model)
    assert len(trail) == 3
    assert_allclose(model.parameters, averages(trail, 0.9)[-1], rtol=1e-12)
    assert model.training is not None
    assert_array_equal(model.training.arrays()["observers/ema_1/trained"], trail[-1])


def test_a_decay_that_is_none_is_refused() -> None:
    for decay in (0, 1, -0.1):
        with pytest.raises(lk.SpecError, match=r"ema\.decay"):
            network().fit(INPUTS, LABELS, ema={"decay": decay}, **options())
