"""Tables of pandas and polars as inputs and targets: the same as arrays, and columns are named in errors."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse

import layerkit as lk

COLUMNS = ["age", "height", "weight"]
VALUES = np.random.default_rng(0).standard_normal((6, 3))
LABELS = [0, 1, 0, 1, 1, 0]
MISSING: list[Any] = [1, None, 3, 4, 5, 6]
TEXTS = list("abcabc")


def network() -> lk.Sequential:
    return lk.Sequential([lk.Affine(units=2), "crossentropy"], input_shape=3, seed=0)


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [
        (pd.DataFrame(VALUES, columns=COLUMNS), pd.Series(LABELS)),
        (pd.DataFrame(VALUES, columns=COLUMNS).astype("Float64"), pd.Series(LABELS, dtype="Int64")),
        (pl.DataFrame(VALUES, schema=COLUMNS), pl.Series(LABELS)),
        (VALUES.tolist(), LABELS),
        (VALUES.astype(object), tuple(LABELS)),
        (np.ma.masked_invalid(VALUES), np.array(LABELS, np.uint8)),
    ],
    ids=["pandas", "nullable", "polars", "lists", "objects", "nothing masked"],
)
def test_a_table_is_its_numbers(inputs: Any, targets: Any) -> None:
    model, told = network(), network()
    assert model.fit(inputs, targets, epochs=2, validation=(inputs, targets)) == told.fit(
        VALUES, LABELS, epochs=2, validation=(VALUES, LABELS)
    )
    np.testing.assert_array_equal(model.predict(inputs), told.predict(VALUES))
    assert model.evaluate(inputs, targets, metrics=["accuracy"]) == told.evaluate(VALUES, LABELS, metrics=["accuracy"])


def test_columns_of_several_kinds_are_numbers() -> None:
    mixed = pd.DataFrame({"age": [30, 40], "height": [1.5, 1.75], "weight": [True, False]})
    np.testing.assert_array_equal(network().checked_inputs(mixed), np.array([[30, 1.5, 1], [40, 1.75, 0]], np.float32))


TABLES: dict[str, Callable[[str, Any], Any]] = {
    "pandas": lambda name, column: pd.DataFrame(VALUES, columns=COLUMNS).assign(**{name: column}),
    "polars": lambda name, column: pl.DataFrame(VALUES, schema=COLUMNS).with_columns(pl.Series(name, column, strict=False)),
}


@pytest.mark.parametrize(
    ("column", "fault"),
    [
        (TEXTS, "inputs must be real numbers, received 'a' in row 0, column \"height\"; make numbers of such columns"),
        (MISSING, 'row 1, column "height" of the inputs is nan; fill it in or leave the row out'),
        ([1, 2, 3, float("inf"), 5, 6], 'row 3, column "height" of the inputs is inf; fill it in or leave the row out'),
        ([1, 2, 3, 4, 1e300, 6], 'row 4, column "height" of the inputs is 1e+300, which is too large for float32'),
    ],
    ids=["texts", "missing", "infinite", "large"],
)
@pytest.mark.parametrize("library", TABLES)
@pytest.mark.parametrize("method", ["predict", "logits", "loss", "fit", "evaluate", "loss_and_gradients"])
def test_what_is_no_number_is_named(library: str, column: list[Any], fault: str, method: str) -> None:
    table = TABLES[library]("height", column)
    targets = () if method in ("predict", "logits") else (LABELS,)
    with pytest.raises(lk.DataError) as caught:
        getattr(network(), method)(table, *targets)
    assert str(caught.value).startswith(fault)


@pytest.mark.parametrize(
    ("column", "fault"),
    [
        (pd.Categorical(TEXTS), "received 'a' in row 0, column \"height\""),
        (pd.array(MISSING, dtype="Int64"), 'received nothing in row 1, column "height"; fill it in'),
        (pd.date_range("2020", periods=6), "received Timestamp('2020-01-01 00:00:00') in row 0, column \"height\""),
    ],
    ids=["categories", "nullable", "dates"],
)
def test_columns_that_only_pandas_has_are_named(column: Any, fault: str) -> None:
    with pytest.raises(lk.DataError, match=f"inputs must be real numbers, {fault}".replace("(", r"\(").replace(")", r"\)")):
        network().fit(TABLES["pandas"]("height", column), LABELS)


@pytest.mark.parametrize(
    ("targets", "advice"),
    [
        (pd.Series(list("ababab")), "number the classes: classes, targets = numpy.unique(targets, return_inverse=True)"),
        (pl.Series(list("ababab")), "number the classes: classes, targets = numpy.unique(targets, return_inverse=True)"),
        (pd.Categorical(list("ababab")), "number the classes: classes, targets = numpy.unique(targets, return_inverse=True)"),
        (pd.DataFrame({"label": LABELS}), "write numpy.ravel(targets)"),
        (pd.Series([*"abab", None, "b"], dtype=object), "row 4 has no target: leave it out"),
        (pd.Series(LABELS, dtype=float), "write numpy.asarray(targets, dtype=int)"),
    ],
    ids=["texts", "texts of polars", "categories", "a table", "missing", "floats"],
)
def test_it_is_told_how_targets_become_labels(targets: Any, advice: str) -> None:
    with pytest.raises(lk.TargetError) as caught:
        network().fit(VALUES, targets)
    assert str(caught.value).endswith(f"; {advice}")


def test_the_advice_about_labels_can_be_followed() -> None:
    classes, targets = np.unique(pd.Series(list("ababab")), return_inverse=True)
    model = network()
    model.fit(VALUES, targets, epochs=1)
    assert set(classes[model.predict(VALUES).argmax(axis=1)]) <= {"a", "b"}


@pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, scipy.sparse.coo_array])
def test_sparse_inputs_are_to_be_written_out(kind: Callable[[Any], Any]) -> None:
    with pytest.raises(lk.DataError, match=rf"^inputs are sparse \({kind.__name__}\); write them out, with .toarray\(\)$"):
        network().fit(kind(VALUES), LABELS)
    network().fit(kind(VALUES).toarray(), LABELS, epochs=1)


@pytest.mark.parametrize("part", ["inputs", "targets", "validation inputs", "sample weights"])
def test_what_a_mask_hides_is_not_used(part: str) -> None:
    masked = {"inputs": np.ma.masked_greater(VALUES, 0), "validation inputs": np.ma.masked_greater(VALUES, 0)}
    given: Any = masked.get(part, np.ma.masked_equal(LABELS, 1))
    arguments: dict[str, Any] = {"inputs": VALUES, "targets": LABELS, "epochs": 1}
    if part == "validation inputs":
        arguments["validation"] = (given, LABELS)
    else:
        arguments["sample_weight" if part == "sample weights" else part] = given
    with pytest.raises(lk.DataError, match=f"^{part} are masked in places"):
        network().fit(**arguments)


# --- a network that was trained on a table ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[lk.Sequential, Any]:
    """Give a network that was trained on a table with texts and holes, and that table."""
    folder = tmp_path_factory.mktemp("table")
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "length": [None if row == 3 else float(row) for row in range(60)],
            "colour": [("red", "blue")[row % 2] for row in range(60)],
            "width": rng.standard_normal(60),
            "kind": [("a", "b", "c")[row // 20] for row in range(60)],
        }
    )
    frame.write_parquet(folder / "table.parquet")
    spec = {
        "data": {"type": "parquet", "path": "table.parquet", "target": "kind", "impute": {"strategy": "median"}},
        "model": {"layers": ["standardize", {"type": "affine", "units": 3}, "crossentropy"]},
        "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 20},
    }
    return lk.run(spec, folder=folder, out=folder / "run").model, frame


@pytest.mark.parametrize("library", ["polars", "pandas"])
def test_a_table_like_the_one_of_the_training_is_encoded_by_its_names(trained: tuple[lk.Sequential, Any], library: str) -> None:
    model, frame = trained
    mixed = frame.select("kind", "width", "colour", "length").with_columns(extra=pl.lit(1))
    table = mixed if library == "polars" else pd.DataFrame(mixed.to_dict(as_series=False))
    fill = model.encoding.features[0].fill
    inputs = np.column_stack(
        [
            frame["length"].fill_null(fill),
            frame["colour"] == "blue",
            frame["colour"] == "red",
            frame["width"],
        ]
    ).astype(float)
    np.testing.assert_array_equal(model.predict(table), model.predict(inputs))
    assert {model.encoding.label(int(number)) for number in model.decide(model.predict(table))} <= {"a", "b", "c"}


def test_a_table_that_lacks_a_column_is_refused(trained: tuple[lk.Sequential, Any]) -> None:
    model, frame = trained
    with pytest.raises(lk.DataError, match='the table: the feature "width" is no column; there are "length", "colour", "kind"'):
        model.predict(frame.drop("width"))
    with pytest.raises(lk.DataError, match="the table, row 1, column \"width\": expected a finite number, received 'x'"):
        model.predict(frame.with_columns(width=pl.lit("x")))


def test_an_array_is_taken_as_it_is(trained: tuple[lk.Sequential, Any]) -> None:
    model, _ = trained
    assert model.predict(np.zeros((2, 4))).shape == (2, 3)
    copy = pickle.loads(pickle.dumps(model))
    assert copy.encoding == model.encoding
