"""Tables as data sets: what becomes of their columns, of which rows it is learnt, and what is refused, with its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import layerkit as lk

ROWS = 60
COLOURS = ("red", "green", "blue")


def rows(**columns: Any) -> dict[str, list[Any]]:
    """Return a table with a bit of everything, some columns exchanged or added."""
    rng = np.random.default_rng(2)
    table = {
        "length": rng.normal(5, 2, ROWS).round(3).tolist(),
        "colour": [COLOURS[number % 3] for number in range(ROWS)],
        "fresh": [bool(number % 2) for number in range(ROWS)],
        "patient": [number // 6 for number in range(ROWS)],
        "day": [f"2025-01-{1 + number % 28:02d}" for number in range(ROWS)],
        "importance": rng.uniform(0.5, 2, ROWS).tolist(),
        "price": rng.normal(100, 20, ROWS).round(2).tolist(),
        "kind": [("setosa", "virginica")[number // 5 % 2] for number in range(ROWS)],
    }
    return {**table, **columns}


@pytest.fixture(params=["csv", "parquet"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., lk.TableDataset]:
    """Give a function that writes a table to a file, CSV or Parquet, and returns the data set of it."""

    def write(columns: dict[str, list[Any]], **options: Any) -> lk.TableDataset:
        frame, path = polars.DataFrame(columns), tmp_path / f"table.{request.param}"
        frame.write_csv(path) if request.param == "csv" else frame.write_parquet(path)
        cls = lk.CSV if request.param == "csv" else lk.Parquet
        return cls(**{"path": path.name, "target": "kind", "drop": ["day", "price"]} | options)

    return write


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., lk.Split]:
    """Give a function that loads a data set."""
    return lambda data, **request: data.load(lk.DataRequest(folder=tmp_path, task="classes", **request))


def all_of(samples: lk.Samples | None) -> lk.Batch:
    assert samples is not None
    return samples.take(slice(0, len(samples)))


def test_columns_become_inputs(table: Any, load: Any) -> None:
    split = load(table(rows(), test_size=None))
    inputs, targets, weight = all_of(split.train)
    assert split.encoding.input_names == (
        "length",
        "colour=blue",
        "colour=green",
        "colour=red",
        "fresh",
        "patient",
        "importance",
    )
    columns = rows()
    assert_array_equal(inputs[:, 0], columns["length"])
    for place, colour in ((1, "blue"), (2, "green"), (3, "red")):
        assert_array_equal(inputs[:, place], [text == colour for text in columns["colour"]])
    assert_array_equal(inputs[:, 4], columns["fresh"])
    assert split.encoding.labels == ("setosa", "virginica")
    assert_array_equal(targets, [text == "virginica" for text in columns["kind"]])
    assert weight is None


def test_categories_may_be_codes(table: Any, load: Any) -> None:
    split = load(table(rows(), test_size=None, categories="codes", features=["colour", "length"]))
    assert split.encoding.input_names == ("colour", "length")
    assert_array_equal(all_of(split.train).inputs[:, 0], [sorted(COLOURS).index(text) for text in rows()["colour"]])


def test_a_column_may_say_what_samples_count(table: Any, load: Any) -> None:
    split = load(table(rows(), test_size=None, weight="importance"))
    assert_allclose(all_of(split.train).sample_weight, rows()["importance"])
    assert "importance" not in split.encoding.input_names


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([1, 2, 3], (1, 2, 3)),
        ([10, 9, 1], (1, 9, 10)),
        ([True, False], ("false", "true")),
        (["b", "A", "c d"], ("A", "b", "c d")),
        ([0, 1], (0, 1)),
    ],
)
def test_classes_of_any_kind_come_back_as_they_were_spelt(
    table: Any, load: Any, labels: list[Any], names: tuple[Any, ...]
) -> None:
    column = [labels[number % len(labels)] for number in range(ROWS)]
    split = load(table(rows(kind=column), test_size=None))
    found = tuple(split.encoding.label(number) for number in range(len(labels)))
    assert found == names
    assert list(map(type, found)) == list(map(type, names))
    spelt = [str(label).lower() if isinstance(label, bool) else label for label in column]
    assert [split.encoding.label(int(number)) for number in all_of(split.train).targets] == spelt


def test_numbers_are_targets_of_a_loss_for_numbers(table: Any, tmp_path: Path) -> None:
    data = table(rows(), target=["price", "length"], drop=["day", "kind"], test_size=None)
    split = data.load(lk.DataRequest(folder=tmp_path, task="numbers"))
    assert_array_equal(all_of(split.train).targets, np.column_stack([rows()["price"], rows()["length"]]))
    assert split.encoding.targets == ("price", "length")


def test_sets_of_labels_stand_in_several_columns(table: Any, tmp_path: Path) -> None:
    other = [number % 3 == 0 for number in range(ROWS)]
    data = table(rows(other=list(map(int, other))), target=["patient", "other"], test_size=None)
    with pytest.raises(lk.DataError, match=r'column "patient": expected 0 or 1, received 2'):
        data.load(lk.DataRequest(folder=tmp_path, task="label_sets"))


# --- missing values -----------------------------------------------------------------------------------------------


def holes() -> dict[str, list[Any]]:
    columns = rows()
    for row, name in ((7, "length"), (8, "length"), (9, "colour"), (10, "fresh")):
        columns[name][row] = None
    return columns


def test_missing_values_are_refused_with_their_place(table: Any, load: Any) -> None:
    data = table(holes(), test_size=None)
    place = 'line 9, column "length"' if data.type == "csv" else 'row 8, column "length"'
    with pytest.raises(lk.DataError, match=f"{place}: there is no value; leave the row out, or let impute fill such places in"):
        load(data)


@pytest.mark.parametrize(("strategy", "measure"), [("mean", np.mean), ("median", np.median)])
def test_missing_values_are_filled_in_by_the_training_samples(table: Any, load: Any, strategy: str, measure: Any) -> None:
    split = load(table(holes(), impute={"strategy": strategy, "indicator": True}, test_size=20, order="patient"))
    train = holes()["length"][: len(split.train)]
    fills = {feature.name: feature.fill for feature in split.encoding.features}
    assert fills["length"] == pytest.approx(measure([value for value in train if value is not None]))
    inputs = all_of(split.train).inputs
    assert inputs[7, 0] == fills["length"]
    assert_array_equal(np.flatnonzero(inputs[:, split.encoding.input_names.index("length is missing")]), [7, 8])
    assert fills["colour"] in COLOURS
    assert fills["fresh"] in (0.0, 1.0)


def test_a_constant_may_stand_for_missing_values(table: Any, load: Any) -> None:
    columns = rows()
    columns["length"][7] = None
    split = load(table(columns, impute={"strategy": "constant", "value": -1, "columns": ["length"]}, test_size=None))
    assert all_of(split.train).inputs[7, 0] == -1


# --- what is learnt is learnt of the training samples alone -------------------------------------------------------


def test_nothing_is_learnt_of_other_rows(table: Any, load: Any) -> None:
    """Whatever the held-out rows hold, the encoding stays, bit for bit."""
    options = {"impute": {"strategy": "mean"}, "order": "patient", "test_size": 12, "unseen": "zeros"}
    before = load(table(holes(), **options), validation=12)
    changed = holes()
    for row in range(len(before.train), ROWS):
        changed["length"][row] = 1e6
        changed["colour"][row] = "violet"
        changed["fresh"][row] = True
    after = load(table(changed, **options), validation=12)
    assert after.encoding == before.encoding
    assert_array_equal(all_of(after.train).inputs, all_of(before.train).inputs)
    assert not all_of(after.test).inputs[:, 1:4].any()


def test_a_text_that_no_training_sample_has_is_refused(table: Any, load: Any) -> None:
    columns = rows()
    columns["colour"][-1] = "violet"
    with pytest.raises(lk.DataError, match='column "colour": "violet" is none of the categories'):
        load(table(columns, order="patient", test_size=12))


def test_a_class_that_no_training_sample_has_is_refused(table: Any, load: Any) -> None:
    columns = rows()
    columns["kind"][-1] = "versicolor"
    with pytest.raises(lk.DataError, match='column "kind": "versicolor" is none of the classes that were trained on, "setosa"'):
        load(table(columns, order="patient", test_size=12))


# --- splits -------------------------------------------------------------------------------------------------------


def test_groups_are_never_on_both_sides(table: Any, load: Any) -> None:
    split = load(table(rows(length=list(range(ROWS))), group="patient", test_size=0.3), validation=0.2)
    lengths = dict(enumerate(rows()["patient"]))
    held = [{lengths[value] for value in all_of(part).inputs[:, 0]} for part in (split.train, split.validation, split.test)]
    assert sum(map(len, held)) == 10
    assert set.union(*held) == set(range(10))
    assert "patient" not in split.encoding.input_names


def test_the_last_days_are_for_the_test(table: Any, load: Any) -> None:
    split = load(table(rows(), order="day", drop=["price"], test_size=0.25))
    days = dict(zip(rows()["length"], rows()["day"], strict=True))
    train, test = ([days[value] for value in all_of(part).inputs[:, 0]] for part in (split.train, split.test))
    assert max(train) <= min(test)


def test_parts_may_be_files_of_their_own(table: Any, load: Any, tmp_path: Path) -> None:
    table(rows(length=[1.0] * ROWS))
    (tmp_path / "test.csv").write_text((tmp_path / "table.csv").read_text() if (tmp_path / "table.csv").exists() else "")
    if not (tmp_path / "table.csv").exists():
        pytest.skip("a test file of Parquet is the same")
    data = table(rows(), test_path="test.csv", validation_path="test.csv")
    split = load(data)
    assert (len(split.train), len(split.validation), len(split.test)) == (ROWS, ROWS, ROWS)
    assert_array_equal(all_of(split.test).inputs[:, 0], np.ones(ROWS))


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "options", "says"),
    [
        ({}, {"target": "kinds"}, 'the target "kinds" is no column; did you mean "kind"?'),
        ({}, {"features": ["lenght"]}, '"lenght" is no column; did you mean "length"?'),
        ({}, {"drop": ["zzz"]}, '"zzz" is no column; there are "length", "colour"'),
        ({}, {"group": "zzz"}, '"zzz" is no column'),
        ({}, {"features": ["day"], "drop": []}, "a date|dates"),
        (
            {"kind": ["setosa"] * ROWS},
            {},
            'column "kind": all samples are of one class, "setosa"; there is nothing to tell apart',
        ),
        ({"kind": [None, *["a", "b"] * 29, "a"]}, {"test_size": None}, 'column "kind": the target is missing; leave the row out'),
        (
            {"kind": np.linspace(0, 1, ROWS).tolist()},
            {},
            "different values in 45 samples are no classes; choose a loss for numbers",
        ),
        ({"kind": ["setosa"] * (ROWS - 1) + ["virginica"]}, {"stratify": True}, "The least populated class"),
        ({"importance": [-1.0] * ROWS}, {"weight": "importance"}, 'column "importance": a weight is a number of 0 or more'),
        ({}, {"features": ["kind"]}, 'has the target "kind" among its features'),
        ({}, {"stratify": True, "group": "patient"}, "splits by stratify and by group; choose one of them"),
        ({}, {"test_size": 60}, "cannot be split with a test_size of 60: of 60 samples none is left to train on"),
        (
            {},
            {"drop": ["length", "colour", "fresh", "patient", "day", "importance", "price"]},
            "no column is left to predict from",
        ),
        ({}, {"path": "none*.csv"}, "no file has such a name"),
    ],
)
def test_what_is_wrong_is_told(table: Any, load: Any, columns: dict[str, Any], options: dict[str, Any], says: str) -> None:
    with pytest.raises(lk.InputError, match=says):
        load(table(rows(**columns), **options))


def test_texts_are_no_targets_of_a_loss_for_numbers(table: Any, tmp_path: Path) -> None:
    with pytest.raises(lk.DataError, match='the target "kind" holds "setosa", "virginica", and the loss is for numbers'):
        table(rows()).load(lk.DataRequest(folder=tmp_path, task="numbers"))


def test_a_cut_file_is_no_parquet(tmp_path: Path) -> None:
    polars.DataFrame(rows()).write_parquet(tmp_path / "table.parquet")
    content = (tmp_path / "table.parquet").read_bytes()
    (tmp_path / "table.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(lk.DataError, match=r"table\.parquet: this is no intact Parquet file"):
        lk.Parquet(path="table.parquet", target="kind").load(lk.DataRequest(folder=tmp_path))


def test_nested_columns_are_refused(tmp_path: Path) -> None:
    polars.DataFrame({"a": [[1, 2], [3]], "kind": ["x", "y"]}).write_parquet(tmp_path / "table.parquet")
    with pytest.raises(lk.DataError, match=r'column "a" holds .*nested values; make numbers of such columns, or leave them out'):
        lk.Parquet(path="table.parquet", target="kind").load(lk.DataRequest(folder=tmp_path))
