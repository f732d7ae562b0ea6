"""A third party's losses against PyTorch's values and gradients, and what they decide."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from layerkit_thirdparty import BinaryCrossEntropy, MultiLabelCrossEntropy, Pinball, Ranking
from numpy.testing import assert_allclose, assert_array_equal

import layerkit as lk

LOSSES = {cls.tag(): cls for cls in (Pinball, MultiLabelCrossEntropy, Ranking, BinaryCrossEntropy)}


class Logits(lk.Layer):
    """A trained array in the place of the logits, so that their gradient is that of a parameter."""

    type: str = "logits"
    count: int
    width: int

    def output_shape(self, input_shape: lk.Shape) -> lk.Shape:
        return (self.width,)

    def parameters(self, input_shape: lk.Shape) -> dict[str, lk.Parameter]:
        return {"logits": lk.Parameter((self.count, self.width))}

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        return node.params.logits

    def backward(self, node: lk.Node, d_out: lk.Array) -> None:
        node.grads.logits = d_out


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("weighing", ["plain", "weighted"])
def test_value_and_gradient_are_those_of_pytorch(number: int, weighing: str, reference: Any) -> None:
    case = reference["losses"][number]
    logits, targets, weight = (np.array(case[key]) for key in ("logits", "targets", "sample_weight"))
    options = {key: tuple(value) if isinstance(value, list) else value for key, value in case["loss"].items()}
    loss = LOSSES[options.pop("type")](**options)
    model = lk.Sequential([Logits(count=len(logits), width=logits.shape[1]), loss], input_shape=(1,), dtype="float64")
    model.parameters = logits.ravel()
    value = model.loss_and_gradients(np.zeros((len(logits), 1)), targets, None if weighing == "plain" else weight)
    assert value == pytest.approx(case[weighing]["value"], rel=1e-12)
    assert_allclose(model["logits_1"].grads.logits, case[weighing]["gradient"], rtol=1e-10, atol=1e-12)


def decided(loss: lk.Loss, logits: list[list[float]]) -> tuple[lk.Array, lk.Array]:
    model = lk.Sequential([loss], input_shape=np.shape(logits)[1:], dtype="float64")
    predictions = model.predict(logits)
    return predictions, loss.decide(predictions)


def test_one_logit_decides_between_two_classes() -> None:
    predictions, decisions = decided(BinaryCrossEntropy(), [[-3.0], [0.5], [2.0]])
    assert_allclose(predictions[:, 1], 1 / (1 + np.exp([3.0, -0.5, -2.0])))
    assert_array_equal(decisions, [0, 1, 1])
    model = lk.Sequential([BinaryCrossEntropy()], input_shape=(1,), dtype="float64")
    scores = model.evaluate([[-3.0], [0.5], [2.0]], [0, 1, 0], metrics=[lk.Accuracy()])
    assert scores["accuracy"] == pytest.approx(2 / 3)
    soft = np.array([[0.2, 0.8], [1.0, 0.0], [0.5, 0.5]])
    expected = np.mean(np.logaddexp(0, [-3.0, 0.5, 2.0]) - soft[:, 1] * [-3.0, 0.5, 2.0])
    assert model.loss([[-3.0], [0.5], [2.0]], soft) == pytest.approx(expected)
    with pytest.raises(lk.TargetError, match="row 1: label 2 is out of range; 2 outputs"):
        model.loss([[0.0], [0.0]], [1, 2])


def test_labels_are_decided_one_by_one() -> None:
    _, decisions = decided(MultiLabelCrossEntropy(), [[-3.0, 1.0], [2.0, 0.5]])
    assert_array_equal(decisions, [[0, 1], [1, 1]])
    model = lk.Sequential([MultiLabelCrossEntropy()], input_shape=(2,), dtype="float64")
    assert model.evaluate([[-3.0, 1.0], [2.0, 0.5]], [[0, 1], [1, 0]], metrics=[lk.Accuracy()])["accuracy"] == 0.5
    with pytest.raises(lk.TargetError, match="row 1"):
        model.loss([[-3.0, 1.0], [2.0, 0.5]], [[0, 1], [2, 0]])


def test_the_median_is_what_quantiles_decide() -> None:
    _, decisions = decided(Pinball(quantiles=(0.1, 0.5, 0.9)), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert_array_equal(decisions, [2.0, 5.0])


def test_a_ranking_of_equals_loses_nothing() -> None:
    model = lk.Sequential([lk.Affine(units=1), Ranking()], input_shape=(2,), dtype="float64", seed=0)
    assert model.loss_and_gradients(np.ones((3, 2)), np.zeros(3)) == 0.0
    assert not model.gradients.any()
