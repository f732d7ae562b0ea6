"""`Sequential.fit` with next to no arguments, with lines as it goes, and with Ctrl-C."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from sklearn.datasets import load_digits

import layerkit as lk
from layerkit.spec.training import FitOptions

INPUTS = np.random.default_rng(0).standard_normal((50, 4))
LABELS = (INPUTS[:, 0] > 0).astype(int)


def network() -> lk.Sequential:
    return lk.Sequential([lk.Affine(units=8), "relu", lk.Affine(units=2), "crossentropy"], input_shape=4, seed=0)


def test_the_defaults_are_those_that_are_told() -> None:
    model, told = network(), network()
    history = model.fit(INPUTS, LABELS)
    again = told.fit(INPUTS, LABELS, optimizer=lk.SGD(learning_rate=0.01, momentum=0.9), epochs=100, batch_size=32)
    assert history == again
    np.testing.assert_array_equal(model.parameters, told.parameters)


def test_beside_an_optimizer_a_batch_is_all_samples() -> None:
    model, told = network(), network()
    sgd = lk.SGD(learning_rate=0.1)
    assert model.fit(INPUTS, LABELS, optimizer=sgd, epochs=3) == told.fit(INPUTS, LABELS, optimizer=sgd, epochs=3, batch_size=50)


def test_the_defaults_take_fewer_samples_than_a_batch_has() -> None:
    assert len(network().fit(INPUTS[:5], LABELS[:5], epochs=2)) == 2
    with pytest.raises(lk.DataError, match="batch_size 32 is more than the 5 training samples"):
        network().fit(INPUTS[:5], LABELS[:5], epochs=2, batch_size=32)


def test_the_defaults_are_good_for_the_digits() -> None:
    inputs, labels = load_digits(return_X_y=True)
    model = lk.Sequential([lk.Affine(units=32), "relu", lk.Affine(units=10), "crossentropy"], input_shape=64, seed=0)
    model.fit(inputs[:1300], labels[:1300], epochs=20)
    assert model.evaluate(inputs[1300:], labels[1300:], metrics=["accuracy"])["accuracy"] > 0.85


def test_lines_are_printed_where_they_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    history = network().fit(INPUTS, LABELS, epochs=101, metrics=["accuracy"], validation=(INPUTS, LABELS), verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [str(history[epoch]) for epoch in range(0, 101, 5)]
    network().fit(INPUTS, LABELS, epochs=2)
    assert capsys.readouterr().out == ""


class Pressing(lk.Observer):
    """Presses Ctrl-C at a step."""

    type: str = "pressing"
    step: int

    @contextmanager
    def watch(self, training: lk.Training, memory: lk.Memory) -> Iterator[lk.Watcher]:
        observer = self

        class Finger(lk.Watcher):
            def step(self) -> None:
                if training.step == observer.step:
                    os.kill(os.getpid(), signal.SIGINT)

        yield Finger()


@pytest.mark.parametrize(("step", "epochs"), [(1, 0), (5, 2), (6, 2)])
def test_ctrl_c_ends_a_training_and_keeps_what_was_learnt(step: int, epochs: int) -> None:
    options: FitOptions = {"optimizer": lk.SGD(learning_rate=0.1), "batch_size": 25}
    model, whole = network(), network()
    with pytest.warns(UserWarning, match="^interrupted in epoch"):
        history = model.fit(INPUTS, LABELS, epochs=4, observers=[Pressing(step=step)], **options)
    assert len(history) == epochs
    assert model.training is not None
    assert model.training.step == step
    records = [*history, *model.fit(INPUTS, LABELS, epochs=4 - model.training.epoch, **options)]
    assert records == list(whole.fit(INPUTS, LABELS, epochs=4, **options))
    np.testing.assert_array_equal(model.parameters, whole.parameters)
