"""Data that is larger than memory: it stays in files, trains as it would in memory, and takes little of it, however long."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from numpy.testing import assert_array_equal

import layerkit as lk

COUNT = 600
INPUTS = np.random.default_rng(1).standard_normal((COUNT, 6))
LABELS = (INPUTS[:, 0] > INPUTS[:, 5]).astype(np.int64)
WEIGHT = np.random.default_rng(2).uniform(0.5, 2, COUNT)
FORMATS = ("csv", "parquet", "npy")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with the same samples in every format."""
    np.save(tmp_path / "inputs.npy", INPUTS)
    np.save(tmp_path / "targets.npy", LABELS)
    np.save(tmp_path / "weights.npy", WEIGHT)
    np.savez(tmp_path / "arrays.npz", inputs=INPUTS, targets=LABELS, weights=WEIGHT)
    columns = {f"x{number}": column for number, column in enumerate(INPUTS.T)}
    table = polars.DataFrame({**columns, "importance": WEIGHT, "label": LABELS})
    table.write_csv(tmp_path / "table.csv")
    table.write_parquet(tmp_path / "table.parquet")
    return tmp_path


def data(kind: str, **options: Any) -> lk.Dataset:
    if kind in ("csv", "parquet"):
        table = {"csv": lk.CSV, "parquet": lk.Parquet}[kind]
        return table(**{"path": f"table.{kind}", "target": "label", "weight": "importance"} | options)
    if kind == "npz":
        return lk.NPZ(**{"path": "arrays.npz", "weights": "weights"} | options)
    return lk.NPY(**{"inputs": "inputs.npy", "targets": "targets.npy", "weights": "weights.npy"} | options)


def run(of: lk.Dataset, folder: Path, **training: Any) -> lk.Run:
    model = lk.ModelSpec(layers=(lk.Standardize(), lk.Affine(units=2), lk.CategoricalCrossEntropy()))
    options: dict[str, Any] = {"optimizer": lk.SGD(learning_rate=0.1, momentum=0.9), "epochs": 3, "batch_size": 32}
    spec = lk.RunSpec(data=of, model=model, training=lk.TrainingSpec(**options | training), seed=3)
    return lk.run(spec, folder=folder, out=folder / f"out-{len(list(folder.iterdir()))}")


# --- the same rows ------------------------------------------------------------------------------------------------


def test_the_same_rows_train_the_same_model_bit_for_bit_in_every_format(folder: Path) -> None:
    runs = {kind: run(data(kind), folder, validation={"size": 0.2}, metrics=["accuracy"]) for kind in (*FORMATS, "npz")}
    first = runs["csv"]
    for done in runs.values():
        assert_array_equal(done.model.parameters, first.model.parameters)
        assert done.scores == first.scores
    parts = lk.split_rows(COUNT, seed=3, test_size=0.25, validation_size=0.2)
    model = lk.build(runs["npz"].spec.model, seed=3)
    trainer = lk.Trainer(model, first.spec.training, seed=3)
    validation = lk.ArraySamples(INPUTS[parts.validation], LABELS[parts.validation], WEIGHT[parts.validation])
    list(trainer.run(INPUTS[parts.train], LABELS[parts.train], WEIGHT[parts.train], validation))
    assert_array_equal(model.parameters, first.model.parameters)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "options",
    [{"shuffle": False}, {"batch_size": None}, {"class_weight": "balanced", "shuffle": False}],
    ids=str,
)
def test_samples_in_files_train_as_in_memory_bit_for_bit(folder: Path, kind: str, options: Any) -> None:
    held, streamed = (run(data(kind, test_size=None, in_memory=in_memory), folder, **options) for in_memory in (True, False))
    assert isinstance(held.data.train, lk.ArraySamples)
    assert isinstance(streamed.data.train, lk.FileSamples)
    assert [record.loss for record in held.history] == pytest.approx([record.loss for record in streamed.history], rel=1e-12)
    assert_array_equal(held.model.parameters, streamed.model.parameters)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_parts_have_the_rows_that_they_have_in_memory(folder: Path, kind: str) -> None:
    request = lk.DataRequest(seed=5, folder=folder, validation=0.2, task="classes")
    held, streamed = (data(kind, in_memory=in_memory).load(request) for in_memory in (True, False))
    assert held.encoding == streamed.encoding
    for one, other in zip(held.parts().values(), streamed.parts().values(), strict=True):
        ours, theirs = (np.column_stack([*part.take(slice(0, len(part)))]) for part in (one, other))
        assert_array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])
        rows = np.random.default_rng(0).integers(len(other), size=77)
        assert_array_equal(np.column_stack([*other.take(rows)]), theirs[rows])


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize(
    "options",
    [{"stratify": True}, {"group": "patient"}, {"order": "day"}, {"categories": "codes"}, {"impute": {"strategy": "median"}}],
    ids=str,
)
def test_tables_are_split_and_encoded_as_in_memory(tmp_path: Path, kind: str, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(3)
    frame = polars.DataFrame(
        {
            "size": [None if "impute" in options and row % 9 == 0 else float(row % 31) for row in range(COUNT)],
            "colour": rng.choice(["red", "green", "blue"], COUNT),
            "patient": rng.integers(0, 60, COUNT),
            "day": [f"2025-{1 + row % 12:02d}-{1 + row % 28:02d}" for row in range(COUNT)],
            "kind": rng.choice(["setosa", "virginica"], COUNT),
        }
    )
    (frame.write_csv if kind == "csv" else frame.write_parquet)(tmp_path / f"table.{kind}")
    drop = [name for name in ("patient", "day") if name not in options.values()]
    splits = [
        data(kind, target="kind", weight=None, drop=drop, in_memory=in_memory, **options).load(
            lk.DataRequest(folder=tmp_path, seed=4, validation=0.2, task="classes")
        )
        for in_memory in (True, False)
    ]
    held, streamed = splits
    assert held.encoding == streamed.encoding
    for one, other in zip(held.parts().values(), streamed.parts().values(), strict=True):
        ours, theirs = (np.column_stack(part.take(slice(0, len(part)))[:2]) for part in (one, other))
        assert_array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


def test_everything_at_once_repeats_itself(folder: Path) -> None:
    options: dict[str, Any] = {
        "optimizer": lk.Adam(learning_rate=0.01),
        "schedule": lk.CosineDecay(),
        "validation": {"size": 0.2},
        "metrics": ["accuracy", "roc_auc"],
        "class_weight": "balanced",
        "early_stopping": {"patience": 2},
        "ema": {"decay": 0.9},
        "clip_norm": 1.0,
    }
    one, other = (run(data("csv", in_memory=False), folder, **options) for _ in range(2))
    assert_array_equal(one.model.parameters, other.model.parameters)
    assert one.history == other.history
    assert one.scores["accuracy"] > 0.65


@pytest.mark.parametrize("kind", [*FORMATS, "own files"])
def test_many_numbers_stay_in_files(folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"test_path": "table.csv", "validation_path": "table.parquet"} if kind == "own files" else {}
    chosen = data("csv", test_path="table.csv") if files else data(kind)
    request = lk.DataRequest(folder=folder, task="classes")
    assert all(isinstance(part, lk.ArraySamples) for part in chosen.load(request).parts().values())
    monkeypatch.setattr("layerkit.data.gathering.MOST_IN_MEMORY", INPUTS.size - 1)
    assert all(isinstance(part, lk.FileSamples) for part in chosen.load(request).parts().values())


def test_what_is_learnt_of_a_table_does_not_depend_on_its_blocks(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = 9000
    values = np.where(rng.random(rows) < 0.2, None, rng.standard_normal(rows) * 10.0 ** rng.integers(-8, 8, rows))  # type: ignore[operator]
    frame = polars.DataFrame({"a": values.tolist(), "b": values[::-1].tolist(), "y": np.where(rng.random(rows) < 0.5, "u", "v")})
    frame.write_csv(tmp_path / "table.csv")
    frame.write_parquet(tmp_path / "table.parquet")
    found = [
        cls(path=f"table.{kind}", target="y", impute=lk.Impute(strategy=strategy), in_memory=in_memory, split_seed=seed)
        .load(lk.DataRequest(folder=tmp_path, task="classes"))
        .encoding
        for strategy in ("mean", "median", "most_frequent")
        for cls, kind in ((lk.CSV, "csv"), (lk.Parquet, "parquet"))
        for in_memory in (True, False)
        for seed in (1,)
    ]
    for first, *others in (found[:4], found[4:8], found[8:]):
        assert first is not None
        for other in others:
            assert other is not None
            assert other.features == first.features


# --- the order ----------------------------------------------------------------------------------------------------


class Noted(lk.Samples):
    """Samples that are read in blocks of 8; notes which rows were taken together."""

    def __init__(self) -> None:
        self.taken: list[list[int]] = []

    def __len__(self) -> int:
        return COUNT

    @property
    def input_shape(self) -> lk.Shape:
        return (6,)

    @property
    def block_rows(self) -> int:
        return 8

    def take(self, rows: lk.Rows, out: lk.Batch | None = None) -> lk.Batch:
        self.taken.append(np.arange(COUNT)[rows].tolist())
        return lk.Batch(INPUTS[rows], LABELS[rows])


def trainer(**options: Any) -> lk.Trainer:
    model = lk.Sequential([lk.Affine(units=2), "crossentropy"], input_shape=6, dtype="float64", seed=0)
    return lk.Trainer(model, {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 2, "batch_size": 24, **options})


@pytest.fixture
def few_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerkit.training.batches.MOST_IN_MEMORY", 150 * 6)


@pytest.mark.usefixtures("few_in_memory")
def test_blocks_are_shuffled_and_the_rows_of_some_of_them_in_memory() -> None:
    samples = Noted()
    list(trainer().train(samples))
    windows = [144, 144, 144, 144, 24]  # as many batches as fit into 150 rows
    assert [len(rows) for rows in samples.taken] == windows * 2
    epochs = [[row for rows in taken for row in rows] for taken in (samples.taken[:5], samples.taken[5:])]
    assert epochs[0] != epochs[1]
    for epoch in epochs:
        assert sorted(epoch) == list(range(COUNT))
    for rows in samples.taken[:4]:
        assert len({row // 8 for row in rows}) <= 144 // 8 + 1
        assert rows == sorted(rows) != list(range(rows[0], rows[0] + 144))
    again = Noted()
    list(trainer().train(again))
    assert again.taken == samples.taken
    other = Noted()
    list(lk.Trainer(trainer().model, trainer().spec, seed=1).train(other))
    assert other.taken != samples.taken


@pytest.mark.usefixtures("few_in_memory")
def test_rows_of_a_block_come_in_any_batch_of_their_window(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers: list[list[int]] = []
    batch_loss = lk.Sequential.batch_loss

    def noting(model: lk.Sequential, batch: lk.Batch) -> float:
        numbers.append([int(np.flatnonzero((row == INPUTS).all(axis=1))[0]) for row in batch.inputs])
        return batch_loss(model, batch)

    monkeypatch.setattr(lk.Sequential, "batch_loss", noting)
    samples = Noted()
    list(trainer(epochs=1).train(samples))
    assert sorted(number for batch in numbers for number in batch) == list(range(COUNT))
    for window, rows in enumerate(samples.taken):
        batches = numbers[6 * window : 6 * window + 6]
        assert sorted(number for batch in batches for number in batch) == rows
        assert all(batch != sorted(batch) for batch in batches)
    assert len({number // 8 for number in numbers[0]}) > 24 // 8 + 1


@pytest.mark.usefixtures("few_in_memory")
def test_without_shuffling_rows_come_in_their_order() -> None:
    samples = Noted()
    list(trainer(shuffle=False, epochs=1).train(samples))
    assert [row for rows in samples.taken for row in rows] == list(range(COUNT))


class Stop(lk.Observer):
    """Stops the training after a step."""

    type: Any = "stop"
    after: int

    @contextmanager
    def watch(self, training: lk.Training, memory: lk.Memory) -> Iterator[lk.Watcher]:
        observer = self

        class Stopper(lk.Watcher):
            def step(self) -> None:
                if training.step == observer.after:
                    training.stop("enough")

        yield Stopper()


@pytest.mark.usefixtures("few_in_memory")
@pytest.mark.parametrize("after", [1, 5, 6, 7, 24, 25, 26])
def test_an_epoch_that_was_left_goes_on_where_it_was(after: int) -> None:
    whole, left = trainer(), trainer(observers=[Stop(after=after)])
    list(whole.train(Noted()))
    list(left.train(Noted()))
    assert left.training.step == after
    rest = lk.Trainer(left.model, left.spec.model_copy(update={"epochs": 2 - left.training.epoch}), training=left.training)
    samples = Noted()
    list(rest.train(samples))
    assert rest.training.step == whole.training.step
    assert_array_equal(left.model.parameters, whole.model.parameters)
    assert len(samples.taken) <= 10 - after // 6  # what was done is not even read again


# --- what is wrong with a file ------------------------------------------------------------------------------------


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "C order": lambda array: array,
    "Fortran order": np.asfortranarray,
    "other endianness": lambda array: array.astype(">f8"),
    "integers": lambda array: np.round(array * 9).astype("i2"),
    "one number each": lambda array: array[:, 0, 0].copy(),
    "texts": lambda array: np.round(array[:, 0, 0], 2).astype("<U5"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_rows_are_read_of_any_layout(tmp_path: Path, layout: str) -> None:
    array = LAYOUTS[layout](INPUTS.reshape(COUNT, 3, 2))
    np.save(tmp_path / "array.npy", array)
    stored = lk.npy_array(tmp_path / "array.npy")
    assert (stored.shape, len(stored)) == (array.shape, COUNT)
    for rows in (slice(0, COUNT), slice(17, 18), slice(599, 600)):
        assert_array_equal(stored.take(rows), array[rows])
        assert stored.take(rows).dtype.isnative
    numbers = np.random.default_rng(0).integers(COUNT, size=50)
    out = np.empty((60, *array.shape[1:]), stored.dtype)
    assert_array_equal(stored.take(numbers), array[numbers])
    assert_array_equal(stored.take(numbers, out), array[numbers])
    assert_array_equal(out[:50], array[numbers])


def test_a_file_that_changes_ends_the_training(folder: Path) -> None:
    part = data("npy", in_memory=False).load(lk.DataRequest(folder=folder)).train
    one = trainer(epochs=3)
    epochs = one.train(part)
    next(epochs)
    with (folder / "inputs.npy").open("ab") as file:
        file.write(b"more")
    with pytest.raises(lk.DataError, match=r"inputs\.npy: the file changed while it was used; begin again"):
        list(epochs)


def test_a_file_that_vanishes_is_read_to_the_end(folder: Path) -> None:
    part = data("npy", in_memory=False).load(lk.DataRequest(folder=folder)).train
    (folder / "inputs.npy").unlink()
    assert len(list(trainer().train(part))) == 2


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize(("value", "word"), [(np.nan, "nan"), (-np.inf, "-inf")])
def test_what_is_not_finite_is_told_with_its_place_before_anything_is_written(
    folder: Path, value: float, word: str, in_memory: bool
) -> None:
    inputs = INPUTS.copy()
    inputs[[311, 500], [4, 1]] = value
    np.save(folder / "inputs.npy", inputs)
    before = sorted(folder.iterdir())
    with pytest.raises(lk.DataError, match=rf"inputs\.npy: \[311, 4\] is {word}, counted from 0; fill it in"):
        run(data("npy", in_memory=in_memory), folder)
    assert sorted(folder.iterdir()) == before


def test_a_full_disk_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**options: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("layerkit.data.gathering.TemporaryFile", full)
    with pytest.raises(lk.WorkError, match=r"cannot keep the samples there: .*; say with TMPDIR where there is more room"):
        run(data("csv", in_memory=False), folder)


# --- figures ------------------------------------------------------------------------------------------------------


def test_metrics_of_more_than_can_be_kept_are_measured_on_samples_that_are_evenly_spread(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(data("npy", in_memory=False, test_size=None), folder)
    monkeypatch.setattr("layerkit.training.sample_scores._MOST_KEPT", COUNT)  # 4 numbers of each sample
    monkeypatch.setattr("layerkit.training.sample_scores._ROWS_AT_ONCE", 50)
    from layerkit.training.sample_scores import metric_step, sample_scores

    assert metric_step(done.model, done.data.train) == 4
    scores = sample_scores(done.model, done.data.train, [lk.Accuracy(), lk.LogLoss()])
    fourth = done.model.evaluate(INPUTS[::4], LABELS[::4], WEIGHT[::4], metrics=["accuracy", "log_loss"])
    assert scores["accuracy"] == pytest.approx(fourth["accuracy"], rel=1e-12)
    assert scores["log_loss"] == pytest.approx(fourth["log_loss"], rel=1e-12)
    assert scores["loss"] == pytest.approx(done.model.evaluate(INPUTS, LABELS, WEIGHT)["loss"], rel=1e-6)


# --- memory -------------------------------------------------------------------------------------------------------

MAIN = """
import resource, sys
from pathlib import Path
import layerkit.data.gathering, layerkit.training.batches, layerkit.training.sample_scores
for module in (layerkit.data.gathering, layerkit.training.batches):
    module.MOST_IN_MEMORY = int(sys.argv.pop(1))  if module is layerkit.data.gathering else layerkit.data.gathering.MOST_IN_MEMORY
layerkit.training.sample_scores._MOST_KEPT = layerkit.data.gathering.MOST_IN_MEMORY // 2
from layerkit.cli.main import main
try:
    main()
finally:
    print("PEAK", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def peak(folder: Path, most: int, *arguments: str) -> int:
    """Return the most memory that a command took, with so many numbers in memory at the most."""
    done = subprocess.run(
        [sys.executable, "-c", MAIN, str(most), *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert "PEAK" in done.stdout, done.stderr
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


def write(folder: Path, kind: str, rows: int, columns: int = 20) -> None:
    """Write a spec and its data, block by block."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    if kind == "npy":
        inputs = np.lib.format.open_memmap(folder / "inputs.npy", "w+", np.float32, (rows, columns))
        targets = np.lib.format.open_memmap(folder / "targets.npy", "w+", np.int64, (rows,))
    with (folder / "table.csv").open("wb") as file:
        for start in range(0, rows, 50_000):
            block = rng.standard_normal((min(50_000, rows - start), columns), np.float32)
            above = block[:, 0] > block[:, 1]
            if kind == "npy":
                inputs[start : start + len(block)], targets[start : start + len(block)] = block, above
                continue
            named = {f"x{number}": block[:, number] for number in range(columns)}
            frame = polars.DataFrame({**named, "y": np.where(above, "above", "below")})
            frame.write_csv(file, include_header=start == 0)
    tables = {"type": "csv", "path": "table.csv", "target": "y", "impute": {"strategy": "median"}}
    spec = {
        "layerkit": 1,
        "data": {"type": "npy", "inputs": "inputs.npy", "targets": "targets.npy"} if kind == "npy" else tables,
        "model": {"layers": ["standardize", {"type": "affine", "units": 2}, "crossentropy"]},
        "training": {
            "optimizer": {"type": "sgd", "learning_rate": 0.05},
            "epochs": 1,
            "batch_size": 200,
            "validation": {"size": 0.1},
            "metrics": ["accuracy"],
        },
    }
    (folder / "spec.json").write_text(json.dumps(spec))


@pytest.mark.parametrize("kind", ["npy", "csv"])
def test_what_a_run_takes_does_not_grow_with_its_data(tmp_path: Path, kind: str) -> None:
    most, rows = 2**17, {"npy": 600_000, "csv": 60_000}[kind]
    for name, count in (("small", rows // 10), ("large", rows)):
        write(tmp_path / name, kind, count)
    file = {"npy": "inputs.npy", "csv": "table.csv"}[kind]
    grown = (tmp_path / "large" / file).stat().st_size - (tmp_path / "small" / file).stat().st_size
    commands = [("train", "spec.json", "--out", "out"), ("predict", "out", file, "--out", "predictions.npy")]
    for command in commands if kind == "npy" else [*commands, ("evaluate", "out", file)]:
        small, large = (peak(tmp_path / name, most, *command) for name in ("small", "large"))
        assert large - small < grown / 4, command[0]


@pytest.mark.long
@pytest.mark.parametrize("kind", ["npy", "csv"])
def test_two_gigabytes_train_in_little_memory(tmp_path: Path, kind: str) -> None:
    folder, rows, file = (
        tmp_path / "data",
        {"npy": 27_000_000, "csv": 9_500_000}[kind],
        {"npy": "inputs.npy", "csv": "table.csv"}[kind],
    )
    write(folder, kind, rows)
    assert (folder / file).stat().st_size > 2e9
    alone = peak(tmp_path, 2**23, "--version")
    assert peak(folder, 2**23, "train", "spec.json", "--out", "out") - alone < 400e6
    assert peak(folder, 2**23, "predict", "out", file, "--out", "predictions.csv") - alone < 400e6
