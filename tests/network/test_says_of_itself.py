"""What a network and a history say of themselves: in a terminal, in a notebook, and about names that they do not have."""

from __future__ import annotations

import copy
import pickle
from html.parser import HTMLParser

import numpy as np
import pytest

import layerkit as lk
from layerkit.history import is_reported
from layerkit.network.foreign_names import ADVICE

LAYERS = [lk.Affine(units=32), lk.ReLU(name="gate"), lk.Affine(units=10), lk.CategoricalCrossEntropy()]


def network() -> lk.Sequential:
    return lk.Sequential(LAYERS, input_shape=64, seed=0)


class Cells(HTMLParser):
    """The texts of a page in order; a tag that is never closed is an error."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_layers_are_those_that_it_was_made_of() -> None:
    model = network()
    assert list(model.layers) == LAYERS
    assert len(model) == 4
    assert [node.name for node in model] == ["affine_1", "gate", "affine_2", "crossentropy_1"]
    assert model[0] is model["affine_1"]
    assert model[-1] is model["crossentropy_1"]
    with pytest.raises(IndexError):
        model[4]


def test_the_summary_has_a_line_for_each_layer(capsys: pytest.CaptureFixture[str]) -> None:
    network().summary()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:5]] == ["affine_1", "gate", "affine_2", "crossentropy_1"]
    assert lines[1].split()[1:6] == ["affine", "(64,)", "(32,)", "2,080", lines[1].split()[5]]
    assert lines[-1] == "2,410 parameters of float32, 9.4 KiB"
    assert max(map(len, lines)) <= 80


def test_a_network_is_one_line() -> None:
    assert repr(network()) == ("<Sequential (64,) affine_1 -> gate -> affine_2 -> crossentropy_1, 2,410 parameters, float32>")
    deep = lk.Sequential([*[lk.ReLU()] * 500, lk.CategoricalCrossEntropy()], input_shape=(4,), seed=0)
    assert repr(deep) == "<Sequential (4,) relu_1 -> ... -> crossentropy_1, 501 layers, 0 parameters, float32>"


def test_a_notebook_shows_a_network_as_a_table() -> None:
    cells = Cells(network()._repr_html_()).texts
    assert cells[0] == repr(network())
    assert cells[6:11] == ["affine_1", "affine", "(64,)", "(32,)", "2,080"]


def history(epochs: int, **metrics: float) -> lk.History:
    return lk.History(lk.EpochRecord(epoch, 2.0 / (epoch + 1), metrics) for epoch in range(epochs))


def test_a_history_is_one_line() -> None:
    assert repr(history(501)) == "<History of 501 epochs, loss 2 -> 0.003992>"
    assert repr(history(2, validation_loss=0.5)) == "<History of 2 epochs, loss 2 -> 1, validation_loss 0.5>"
    assert repr(lk.History()) == "<History of no epochs>"
    assert pickle.loads(pickle.dumps(history(3))) == copy.deepcopy(history(3)) == history(3)


def test_a_notebook_shows_about_twenty_epochs() -> None:
    cells = Cells(history(501, **{"<b>": 0.25})._repr_html_()).texts
    assert cells[1:4] == ["epoch", "loss", "<b>"]
    assert cells[4::3] == [str(epoch) for epoch in range(0, 501, 50)]
    assert cells[6::3] == ["0.25"] * 11
    assert Cells(lk.History()._repr_html_()).texts == ["<History of no epochs>", "epoch", "loss"]


@pytest.mark.parametrize("epochs", [1, 2, 10, 25, 26, 27, 50, 51, 100, 101, 501, 999, 12345, 10**6])
def test_about_twenty_epochs_are_told_and_the_last(epochs: int) -> None:
    told = [epoch for epoch in range(epochs) if is_reported(epoch, epochs)]
    assert (told[0], told[-1]) == (0, epochs - 1)
    assert min(epochs, 11) <= len(told) <= 26
    step = told[1] - told[0] if epochs > 2 else 1
    assert str(step).rstrip("0") in ("1", "2", "5")
    assert told == sorted({*range(0, epochs, step), epochs - 1})


def test_a_name_of_another_library_is_answered_with_ours() -> None:
    model = network()
    for name, advice in ADVICE.items():
        assert not hasattr(model, name)
        with pytest.raises(AttributeError) as caught:
            getattr(model, name)
        assert str(caught.value) == f"a Sequential has no {name!r}; {advice}"
    with pytest.raises(AttributeError, match="a Sequential has no 'evalute'; did you mean evaluate"):
        model.evalute  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match=r"a Sequential has no '_no_such_thing'$"):
        model._no_such_thing  # type: ignore[attr-defined]  # noqa: B018


def test_what_is_advised_is_there() -> None:
    """The calls that the table names are made, one after the other."""
    model = network()
    inputs, targets = np.ones((4, 64)), np.arange(4)
    assert model.predict(inputs).argmax(axis=1).shape == (4,)
    assert model.evaluate(inputs, targets, metrics=["accuracy"]).keys() == {"loss", "accuracy"}
    assert model["affine_1"].params.weight.shape == (64, 32)
    assert lk.ModelSpec.model_validate_json(model.spec.model_dump_json()) == model.spec
