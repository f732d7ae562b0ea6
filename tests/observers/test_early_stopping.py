"""`EarlyStopping`: when it ends a training, and that the network is then what it was in its best epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import layerkit as lk

INPUTS = np.random.default_rng(0).standard_normal((30, 3))
LABELS = (INPUTS.sum(axis=1) > 0).astype(np.int64)


class Counter(lk.Layer):
    """Counts its batches in its state. Shapes: inputs and outputs (N, \\*shape)."""

    type: Literal["counter"] = "counter"

    def state(self, input_shape: lk.Shape) -> Mapping[str, lk.State]:
        return {"batches": lk.State((), dtype="int64")}

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        if node.training:
            node.state.batches += 1
        return inputs.copy()

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        return d_out.copy()


class Scripted(lk.Metric):
    """Gives figures that were written down, one after the other."""

    tasks: ClassVar[tuple[lk.Task, ...]] = ("classes",)
    greater_is_better: ClassVar[bool] = True
    figures: ClassVar[list[float]] = []
    type: Literal["scripted"] = "scripted"

    def score(self, outcome: lk.Outcome) -> float:
        return self.figures.pop(0)


def network() -> lk.Sequential:
    layers = [lk.Affine(units=4), Counter(), lk.Affine(units=2), lk.CategoricalCrossEntropy()]
    return lk.Sequential(layers, input_shape=(3,), dtype="float64", seed=0)


def options(**others: Any) -> Any:
    return {"optimizer": lk.SGD(learning_rate=0.2), "epochs": 60, "batch_size": 10} | others


def fingerprint(model: lk.Sequential) -> str:
    return hashlib.sha256(model.parameters.tobytes() + model["counter_1"].state.batches.tobytes()).hexdigest()


def test_the_best_parameters_and_state_are_put_back() -> None:
    """With steps much too long the loss rises after a while."""
    model, plain = network(), network()
    training = options(optimizer=lk.SGD(learning_rate=30.0))
    history = model.fit(INPUTS, LABELS, early_stopping={"patience": 3, "monitor": "loss"}, **training)
    best = int(np.argmin(history.loss))
    assert len(history) == best + 4 < 60
    assert model.training is not None
    assert model.training.stopped == f"loss has not become better since epoch {best}, when it was {history.loss[best]:.6g}"
    plain.fit(INPUTS, LABELS, **training | {"epochs": best + 1})
    assert fingerprint(model) == fingerprint(plain)


def watched(figures: list[float], greater_is_better: bool, options: lk.EarlyStopping) -> tuple[int, str, dict[int, str]]:
    """Let the observer see a history; return the last epoch, what the network was left as, and what it was after each."""
    rng = np.random.default_rng(1)
    model = network()
    list(lk.Trainer(model, {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 1}).run(INPUTS, LABELS))
    trainer = lk.Trainer(model, {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 1})
    training, after = trainer.training, {}
    training.greater_is_better = {"figure": greater_is_better}
    with options.watch(training, {}) as watcher:
        for epoch, value in enumerate(figures):
            training.parameters = rng.standard_normal(training.parameters.shape)
            model["counter_1"].state.batches[...] = rng.integers(1000)
            after[epoch] = fingerprint(model)
            watcher.epoch(lk.EpochRecord(epoch, 0.0, {"figure": value}))
            if training.stopped is not None:
                break
    return epoch, fingerprint(model), after


@pytest.mark.parametrize("seed", range(200))
def test_over_random_histories_the_network_is_left_as_in_the_best_epoch(seed: int) -> None:
    """Ties, NaN and infinities included."""
    rng = np.random.default_rng(seed)
    figures = rng.choice([0.1, 0.2, 0.3, 0.5, np.nan, np.inf, -np.inf], 25).tolist()
    greater, patience = bool(rng.integers(2)), int(rng.integers(1, 8))
    least = float(rng.choice([0.0, 0.15]))
    last, left, after = watched(figures, greater, lk.EarlyStopping(patience=patience, min_change=least, monitor="figure"))
    best, since = None, 0
    for epoch, value in enumerate(figures):
        better = np.isfinite(value) and (best is None or (value - best > least if greater else best - value > least))
        if better:
            best, since = value, epoch
        elif epoch - since >= patience:
            break
    assert last == epoch
    assert left == (after[since] if best is not None else after[last])


def test_the_metric_says_which_figure_is_better(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scripted, "figures", [0.1, 0.5, 0.4, 0.3, 0.9, 0.9])
    model = network()
    history = model.fit(
        INPUTS,
        LABELS,
        validation=(INPUTS, LABELS),
        metrics=[Scripted()],
        early_stopping={"patience": 2, "monitor": "scripted"},
        **options(),
    )
    assert [record.metrics["scripted"] for record in history] == [0.1, 0.5, 0.4, 0.3]


def test_two_fits_with_one_are_as_one_fit() -> None:
    once, twice = network(), network()
    stopping = {"early_stopping": {"patience": 50, "monitor": "loss"}}
    once.fit(INPUTS, LABELS, **options(epochs=6, **stopping))
    for _ in range(2):
        twice.fit(INPUTS, LABELS, **options(epochs=3, **stopping))
    assert fingerprint(once) == fingerprint(twice)


def test_the_best_is_put_back_where_the_training_is_interrupted() -> None:
    class Interrupt(lk.Observer):
        """Presses Ctrl-C."""

        type: Literal["interrupt"] = "interrupt"

        def watch(self, training: lk.Training, memory: lk.Memory) -> Any:
            raise_it = SimpleNamespace(training=training)
            return _Interrupting(raise_it.training)

    model, plain = network(), network()
    training = options(optimizer=lk.SGD(learning_rate=30.0))
    with pytest.warns(UserWarning, match="interrupted in epoch"):
        history = model.fit(
            INPUTS, LABELS, observers=[Interrupt()], early_stopping={"monitor": "loss", "patience": 50}, **training
        )
    best = int(np.argmin(history.loss))
    plain.fit(INPUTS, LABELS, **training | {"epochs": best + 1})
    assert fingerprint(model) == fingerprint(plain)


class _Interrupting(lk.Watcher):
    def __init__(self, training: lk.Training) -> None:
        self.training = training

    def __enter__(self) -> lk.Watcher:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def step(self) -> None:
        if self.training.step == 40:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("monitor", "advice"), [("accuraci", 'an epoch has no figure "accuraci"; there are validation_loss, loss$')]
)
def test_a_figure_that_is_not_there_is_refused(monitor: str, advice: str) -> None:
    with pytest.raises(lk.SpecError, match=advice):
        network().fit(INPUTS, LABELS, early_stopping={"monitor": monitor}, **options())


def test_validation_figures_need_validation_samples() -> None:
    with pytest.raises(lk.LayerkitError, match="validation_loss"):
        network().fit(INPUTS, LABELS, early_stopping={}, **options())


def test_a_time_limit_ends_a_training(tmp_path: Path) -> None:
    model = network()
    history = model.fit(INPUTS, LABELS, max_minutes=1e-9, **options())
    assert len(history) == 0
    assert model.training is not None
    assert model.training.stopped == "the 1e-09 minutes are over"
    assert_array_equal(model.training.step, 1)
