"""Samples that rows are taken from: in memory, or wherever a third party keeps them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import layerkit as lk

Make = Callable[..., lk.Sequential]

COUNT = 50
INPUTS = np.random.default_rng(1).standard_normal((COUNT, 4))
LABELS = np.random.default_rng(2).integers(3, size=COUNT)
WEIGHT = np.random.default_rng(3).uniform(0.5, 3, COUNT)
MOMENTUM = lk.SGD(learning_rate=0.05, momentum=0.9)


# --- in memory ----------------------------------------------------------------------------------------------------


def test_a_run_of_rows_is_taken_without_a_copy() -> None:
    samples = lk.ArraySamples(INPUTS, LABELS, WEIGHT)
    assert len(samples) == COUNT
    assert samples.input_shape == (4,)
    batch = samples.take(slice(10, 20))
    for part, whole in zip(batch, (INPUTS, LABELS, WEIGHT), strict=True):
        assert part is not None
        assert_array_equal(part, whole[10:20])
        assert np.shares_memory(part, whole)


def test_rows_in_any_order_are_copied_into_a_batch_that_is_not_needed_any_more() -> None:
    samples = lk.ArraySamples(INPUTS, LABELS, WEIGHT)
    first = samples.take(np.array([3, 1, 4, 1, 5]))
    for rows in ([9, 2, 6, 5, 3], [5, 8], [49]):
        batch = samples.take(np.array(rows), first)
        for part, whole, memory in zip(batch, (INPUTS, LABELS, WEIGHT), first, strict=True):
            assert part is not None
            assert memory is not None
            assert_array_equal(part, whole[rows])
            assert np.shares_memory(part, memory)
            assert not np.shares_memory(part, whole)


def test_samples_that_weigh_alike_have_no_weights() -> None:
    samples = lk.ArraySamples(INPUTS, LABELS)
    assert samples.take(slice(0, 3)).sample_weight is None
    out = samples.take(np.array([1, 2]))
    assert samples.take(np.array([3, 4]), out).sample_weight is None


def test_arrays_of_different_lengths_are_refused() -> None:
    with pytest.raises(lk.DataError, match=re.escape("received {'inputs': 50, 'targets': 49}")):
        lk.ArraySamples(INPUTS, LABELS[1:])
    with pytest.raises(lk.DataError, match="'sample_weight': 49"):
        lk.ArraySamples(INPUTS, LABELS, WEIGHT[1:])


def test_a_split_holds_samples() -> None:
    samples = lk.ArraySamples(INPUTS, LABELS)
    split = lk.Split(train=samples, test=samples)
    assert (split.train, split.validation, split.test) == (samples, None, samples)
    arrays: Any = INPUTS
    for part in ("train", "validation", "test"):
        with pytest.raises(TypeError, match=f"{part} must be Samples, such as ArraySamples, received ndarray"):
            lk.Split(**{"train": samples, part: arrays})


# --- from a file --------------------------------------------------------------------------------------------------


class FileSamples(lk.Samples):
    """Samples that are read from a file when they are asked for; notes which rows that were."""

    def __init__(self, path: Path, dtype: str, *, weighted: bool = True, reuse: bool = True) -> None:
        inputs, targets = (
            np.memmap(path, dtype, "w+", shape=INPUTS.shape),
            np.memmap(f"{path}.labels", "u1", "w+", shape=(COUNT,)),
        )
        inputs[...], targets[...] = INPUTS, LABELS
        self.inputs, self.targets = (
            np.memmap(array.filename, array.dtype, "r", shape=array.shape) for array in (inputs, targets)
        )
        self.weight = WEIGHT if weighted else None
        self.reuse = reuse
        self.taken: list[list[int]] = []

    def __len__(self) -> int:
        return COUNT

    @property
    def input_shape(self) -> lk.Shape:
        return (4,)

    def take(self, rows: lk.Rows, out: lk.Batch | None = None) -> lk.Batch:
        self.taken.append(np.arange(COUNT)[rows].tolist())
        weight = None if self.weight is None else self.weight[rows]
        if out is None or not self.reuse:
            return lk.Batch(np.array(self.inputs[rows]), np.array(self.targets[rows]), weight)
        count = len(self.taken[-1])
        out.inputs[:count], out.targets[:count] = self.inputs[rows], self.targets[rows]
        return lk.Batch(out.inputs[:count], out.targets[:count], weight)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", [{"batch_size": 8}, {"batch_size": 8, "shuffle": False}, {}], ids=str)
def test_samples_from_a_file_train_as_arrays_do_bit_for_bit(
    make_eventful: Make, tmp_path: Path, dtype: Literal["float32", "float64"], weighted: bool, options: dict[str, Any]
) -> None:
    spec = lk.TrainingSpec(optimizer=MOMENTUM, epochs=3, **options)
    streamed, held = (lk.Trainer(make_eventful(dtype=dtype), spec) for _ in range(2))
    samples = FileSamples(tmp_path / "inputs", dtype, weighted=weighted)
    records = list(streamed.train(samples))
    wanted = held.fit(INPUTS, LABELS, WEIGHT if weighted else None)
    assert [record.loss for record in records] == pytest.approx(wanted.loss, rel=1e-15)
    assert_array_equal(streamed.model.parameters, held.model.parameters)
    size = options.get("batch_size", COUNT)
    assert [len(rows) for rows in samples.taken] == [min(size, COUNT - start) for start in range(0, COUNT, size)] * 3
    assert sorted(row for rows in samples.taken for row in rows) == sorted([*range(COUNT)] * 3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])  # one that is the network's own, and one that is converted
def test_arrays_that_are_written_over_disturb_no_step(make_eventful: Make, tmp_path: Path, dtype: str) -> None:
    ends = []
    for reuse in (True, False):
        samples = FileSamples(tmp_path / "inputs", dtype, reuse=reuse)
        trainer = lk.Trainer(make_eventful(), lk.TrainingSpec(optimizer=MOMENTUM, epochs=2, batch_size=7))
        list(trainer.train(samples, samples))
        ends.append(trainer.model.parameters.tobytes())
    assert ends[0] == ends[1]


def test_a_batch_of_weight_0_may_come_from_a_file_too(make_eventful: Make, tmp_path: Path) -> None:
    samples = FileSamples(tmp_path / "inputs", "float64")
    samples.weight = np.where(np.arange(COUNT) < 20, 0.0, WEIGHT)
    spec = lk.TrainingSpec(optimizer=MOMENTUM, epochs=2, batch_size=10, shuffle=False)
    streamed, held = (lk.Trainer(make_eventful(), spec) for _ in range(2))
    records = list(streamed.train(samples))
    wanted = held.fit(INPUTS, LABELS, samples.weight)
    assert [record.loss for record in records] == pytest.approx(wanted.loss, rel=1e-15)
    assert_array_equal(streamed.model.parameters, held.model.parameters)


def test_validation_samples_may_come_from_a_file_too(make_eventful: Make, tmp_path: Path) -> None:
    samples = FileSamples(tmp_path / "inputs", "float64")
    trainer = lk.Trainer(make_eventful(), lk.TrainingSpec(optimizer=MOMENTUM, epochs=1, metrics=(lk.Accuracy(),)))
    (record,) = trainer.train(lk.ArraySamples(INPUTS, LABELS), samples)
    wanted = trainer.model.evaluate(INPUTS, LABELS, WEIGHT, metrics=[lk.Accuracy()])
    assert record.metrics == {"validation_loss": wanted["loss"], "accuracy": wanted["accuracy"]}


def test_the_rows_of_a_file_are_checked_batch_by_batch(make_eventful: Make, tmp_path: Path) -> None:
    samples = FileSamples(tmp_path / "inputs", "float64", reuse=False)
    samples.inputs = np.array(samples.inputs)
    samples.inputs[30, 2] = np.nan
    trainer = lk.Trainer(make_eventful(), lk.TrainingSpec(optimizer=MOMENTUM, epochs=1, batch_size=8))
    with pytest.raises(lk.DataError, match="row 30, column 2 of the inputs is nan"):
        list(trainer.train(samples))

    samples = FileSamples(tmp_path / "labels", "float64", reuse=False)
    samples.targets = np.array(samples.targets)
    samples.targets[13] = 9
    trainer = lk.Trainer(make_eventful(), lk.TrainingSpec(optimizer=MOMENTUM, epochs=1, batch_size=8, shuffle=False))
    with pytest.raises(
        lk.TargetError, match=r"^row 5: label 9 is out of range.*\(counted in the batch that begins with row 8\)$"
    ):
        list(trainer.train(samples))
    assert trainer.training.step == 1


def test_samples_that_cannot_fit_are_refused_before_anything_is_taken(make_eventful: Make, tmp_path: Path) -> None:
    class Other(FileSamples):
        @property
        def input_shape(self) -> lk.Shape:
            return (5,)

    class Empty(FileSamples):
        def __len__(self) -> int:
            return 0

    trainer = lk.Trainer(make_eventful(), lk.TrainingSpec(optimizer=MOMENTUM, epochs=1, batch_size=8))
    for samples, fault in ((Other, r"samples of shape \(4,\), received \(5,\)"), (Empty, "there are no samples")):
        given = samples(tmp_path / samples.__name__, "float64")
        with pytest.raises(lk.DataError, match=fault):
            trainer.train(given)
        assert given.taken == []


# --- arrays that are no plain arrays ------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["fit", "loss", "predict"])
def test_masked_samples_are_refused(make_eventful: Make, call: str) -> None:
    """What a mask hides would be trained on."""
    inputs = INPUTS.copy()
    inputs[3, 1] = 9999
    masked = np.ma.masked_equal(inputs, 9999)
    model = make_eventful()
    calls: dict[str, Callable[[lk.Array], object]] = {
        "fit": lambda given: model.fit(given, LABELS, optimizer=MOMENTUM, epochs=1),
        "loss": lambda given: model.loss(given, LABELS),
        "predict": model.predict,
    }
    with pytest.raises(lk.DataError, match="inputs are masked"):
        calls[call](masked)
    calls[call](np.ma.masked_equal(INPUTS, 9999))  # which hides nothing


def test_masked_targets_and_weights_are_refused(make_eventful: Make) -> None:
    model = make_eventful()
    with pytest.raises(lk.DataError, match="targets are masked"):
        model.loss(INPUTS, np.ma.masked_equal(LABELS, 2))
    with pytest.raises(lk.DataError, match="sample weights are masked"):
        model.loss(INPUTS, LABELS, np.ma.masked_less(WEIGHT, 1))


# --- samples that are not what they say ---------------------------------------------------------------------------


class Odd(lk.Samples):
    """Samples whose answers a test decides."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def _answer(self, name: str, proper: Any) -> Any:
        answer = self.answers.get(name, proper)
        return answer() if callable(answer) else answer

    def __len__(self) -> int:
        count: int = self._answer("count", COUNT)
        return count

    @property
    def input_shape(self) -> lk.Shape:
        shape: lk.Shape = self._answer("shape", (4,))
        return shape

    def take(self, rows: lk.Rows, out: lk.Batch | None = None) -> lk.Batch:
        batch = lk.Batch(INPUTS[rows], LABELS[rows])
        if "batch" in self.answers:
            given: lk.Batch = self.answers["batch"](batch)
            return given
        return batch


def fails() -> Any:
    raise OSError("the disk is gone")


ODD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "none": ({"count": 0}, lk.DataError, "there are no samples"),
    "negative": ({"count": -1}, lk.ComponentError, r"Odd\.__len__ .* raised ValueError"),
    "text": ({"count": "many"}, lk.ComponentError, r"Odd\.__len__ .* raised TypeError"),
    "no length": ({"count": fails}, lk.ComponentError, r"Odd\.__len__ .* raised OSError: the disk is gone"),
    "no shape": ({"shape": fails}, lk.ComponentError, r"Odd\.input_shape .* raised OSError"),
    "numbers": ({"batch": lambda batch: lk.Batch(5, 5)}, lk.ComponentError, r"returned a Batch of \['int', 'int'\]"),  # type: ignore[arg-type]
    "no inputs": ({"batch": lambda batch: batch._replace(targets=np.array(3))}, lk.ComponentError, "'ndarray'"),
    "not finite": (
        {"batch": lambda batch: batch._replace(inputs=batch.inputs * np.nan)},
        lk.DataError,
        "row 0, column 0 of",
    ),
    "weights": (
        {"batch": lambda batch: batch._replace(sample_weight=-np.ones(len(batch.inputs)))},
        lk.DataError,
        "row 0: sample",
    ),
    "column": (
        {"batch": lambda batch: batch._replace(sample_weight=np.ones((len(batch.inputs), 1)))},
        lk.DataError,
        "expected sample weights of shape",
    ),
}


@pytest.mark.parametrize("part", ["training", "validation"])
@pytest.mark.parametrize("kind", ODD)
def test_samples_that_are_not_what_they_say_are_refused(make_eventful: Make, part: str, kind: str) -> None:
    answers, error, message = ODD[kind]
    spec = lk.TrainingSpec(optimizer=MOMENTUM, epochs=1, metrics=(lk.Accuracy(),))
    odd, sound = Odd(**answers), Odd()
    with pytest.raises(error, match=message):
        list(lk.Trainer(make_eventful(), spec).train(*((odd, sound) if part == "training" else (sound, odd))))


def test_weights_of_nothing_but_zeros_give_no_score(make_eventful: Make) -> None:
    odd = Odd(batch=lambda batch: batch._replace(sample_weight=np.zeros(len(batch.inputs))))
    spec = lk.TrainingSpec(optimizer=MOMENTUM, epochs=1)
    with pytest.raises(lk.DataError, match="all sample weights are 0"):
        list(lk.Trainer(make_eventful(), spec).train(Odd(), odd))


def test_a_score_that_is_not_finite_is_none(make_eventful: Make) -> None:
    trainer = lk.Trainer(make_eventful(), lk.TrainingSpec(optimizer=MOMENTUM, epochs=1))
    trainer.model.parameters = np.full_like(trainer.model.parameters, np.finfo(np.float64).max)
    from layerkit.training.sample_scores import sample_scores

    with pytest.raises(lk.DivergedError, match="the samples have no score"):
        sample_scores(trainer.model, Odd(), ())


def test_a_loss_cannot_reach_the_weights_of_samples(make_eventful: Make) -> None:
    weight = np.ones(COUNT)

    class Wearing(lk.CategoricalCrossEntropy):
        """Writes into the weights."""

        type: Literal["wearing"] = "wearing"  # type: ignore[assignment]

        def forward(self, node: lk.Node, logits: lk.Array, targets: lk.Array, sample_weight: lk.Array | None = None) -> float:
            assert sample_weight is not None
            sample_weight *= 0.5
            return super().forward(node, logits, targets, sample_weight)

    model = lk.Sequential([lk.Affine(units=3), Wearing()], input_shape=(4,), dtype="float64", seed=0)
    odd = Odd(batch=lambda batch: batch._replace(sample_weight=weight[: len(batch.inputs)]))
    with pytest.raises(lk.ComponentError, match=r"Wearing\.forward .* read-only"):
        list(lk.Trainer(model, lk.TrainingSpec(optimizer=MOMENTUM, epochs=1)).train(odd))
    assert_array_equal(weight, 1)


def test_an_earlier_batch_is_handed_over_where_it_is_long_enough_alone(make_eventful: Make) -> None:
    handed: list[tuple[int, int | None]] = []

    class Noting(Odd):
        def take(self, rows: lk.Rows, out: lk.Batch | None = None) -> lk.Batch:
            handed.append((len(np.arange(COUNT)[rows]), None if out is None else len(out.inputs)))
            return super().take(rows)

    trainer = lk.Trainer(make_eventful(), lk.TrainingSpec(optimizer=MOMENTUM, epochs=2, batch_size=40))
    trainer.training.lay_out(COUNT, 40, shuffle=True)
    trainer.training.batch = 1  # as a training that was stopped before the last, short batch
    list(trainer.train(Noting()))
    assert handed[:3] == [(10, None), (40, None), (10, 40)]
