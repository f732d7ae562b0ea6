"""``layerkit new``, ``evaluate`` and what ``validate``, ``summary`` and ``train`` say of tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import polars
import pytest
from sklearn import datasets, metrics
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import layerkit as lk

from ..tables.test_corpus import SOUND

FLOWERS = Path(__file__).parents[2] / "specs" / "flowers.csv"
Run = Callable[..., CompletedProcess[str]]


@pytest.fixture
def spec() -> dict[str, Any]:
    """Give a spec that trains on flowers in no time, to change at will."""
    return {
        "layerkit": 1,
        "name": "flowers",
        "data": {"type": "csv", "path": str(FLOWERS), "target": "species", "stratify": True},
        "model": {"layers": ["standardize", {"type": "affine", "units": 3}, "crossentropy"]},
        "training": {
            "optimizer": {"type": "sgd", "learning_rate": 0.1},
            "epochs": 20,
            "batch_size": 16,
            "validation": {"size": 20},
            "metrics": ["accuracy", "f1_macro"],
        },
    }


def written(spec: dict[str, Any]) -> str:
    Path("net.json").write_text(json.dumps(spec, indent=1), encoding="utf-8")
    return "net.json"


# --- new ----------------------------------------------------------------------------------------------------------


def bundled(name: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    return getattr(datasets, f"load_{name}")(return_X_y=True)  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits", "diabetes"])
def test_a_draft_validates_and_trains_well(layerkit: Run, name: str) -> None:
    inputs, targets = bundled(name)
    frame = polars.DataFrame({f"x{number}": inputs[:, number] for number in range(inputs.shape[1])} | {"y": targets})
    frame.write_csv(f"{name}.csv")
    assert layerkit("new", f"{name}.csv").returncode == 0
    assert layerkit("validate", f"{name}.json").returncode == 0
    run = lk.run(f"{name}.json")
    assert run.data.test is not None
    if name == "diabetes":
        assert run.model.layers[-1].type == "mse"
        test = run.data.test.take(slice(0, len(run.data.test)))
        assert run.scores["loss"] < 0.85 * np.var(test.targets)
        return
    X, X_test, y, y_test = train_test_split(inputs, targets, random_state=0, stratify=targets)  # noqa: N806
    peer = make_pipeline(StandardScaler(), MLPClassifier(random_state=0))
    with pytest.warns() if name in ("iris", "wine", "breast_cancer") else _nothing():
        peer.fit(X, y)
    assert run.scores["accuracy"] >= peer.score(X_test, y_test) - 0.02


class _nothing:  # noqa: N801
    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


def test_a_draft_says_what_it_found(layerkit: Run, here: Path) -> None:
    rows = 60
    frame = polars.DataFrame(
        {
            "id": [f"row {number}" for number in range(rows)],
            "day": [f"2025-01-{1 + number % 28:02d}" for number in range(rows)],
            "always": [7] * rows,
            "length": [None if number == 5 else number / 7 for number in range(rows)],
            "colour": [("red", "blue", "green")[number % 3] for number in range(rows)],
            "kind": [("yes", "no")[number % 2] for number in range(rows)],
        }
    )
    frame.write_csv("a table.csv")
    done = layerkit("new", "a table.csv", "--target", "kind")
    assert done.returncode == 0, done.stderr
    assert 'target          "kind", as --target says' in done.stdout
    assert "left out        id, day, always" in done.stdout
    assert "missing values  the median, and an input that says so" in done.stdout
    assert "wrote a table.json; train it: layerkit train a table.json" in done.stderr or "a table.json" in done.stderr
    document = json.loads((here / "a table.json").read_text(encoding="utf-8"))
    assert document["name"] == "a-table"
    assert document["data"]["drop"] == ["id", "day", "always"]
    assert document["model"]["layers"][-2:] == [{"type": "affine", "units": 2}, {"type": "crossentropy"}]
    assert layerkit("validate", "a table.json").returncode == 0
    assert len(lk.run("a table.json").history) > 1


def test_a_draft_finds_its_table_from_another_folder(layerkit: Run, here: Path) -> None:
    (here / "data").mkdir()
    (here / "data" / "flowers.csv").write_bytes(FLOWERS.read_bytes())
    assert layerkit("new", "data/flowers.csv", "--out", "data/net.json").returncode == 0
    assert json.loads((here / "data" / "net.json").read_text(encoding="utf-8"))["data"]["path"] == "flowers.csv"
    assert layerkit("validate", "data/net.json").returncode == 0


OPTIONS = {"separator": "--separator", "decimal": "--decimal", "comment": "--comment", "encoding": "--encoding"}


def test_a_draft_of_an_awkward_table_trains_or_is_refused(layerkit: Run, here: Path) -> None:
    """The rows of each table come twenty times: of a few rows nothing can be learnt."""
    drafted = []
    for number, (name, (content, options, wanted)) in enumerate(SOUND.items()):
        if not options.keys() <= OPTIONS.keys():
            continue
        path, said = f"table_{number}.csv", [part for key, value in options.items() for part in (OPTIONS[key], value)]
        names, _, rows = content.partition(b"\n")
        (here / path).write_bytes(b"\n".join([names, *[rows.removesuffix(b"\n")] * 20]) + b"\n")
        for target in wanted:
            (here / f"table_{number}.json").unlink(missing_ok=True)
            done = layerkit("new", path, "--target", target, *said)
            assert done.returncode in (0, 2), name
            if done.returncode == 0:
                validated = layerkit("validate", f"table_{number}.json")
                assert validated.returncode == 0, f"{name}: {validated.stderr}"
                lk.run(lk.load_spec(here / f"table_{number}.json", overrides=["training.epochs=1"]), folder=here)
                drafted.append(name)
    assert len(set(drafted)) > 20


@pytest.mark.parametrize("rows", [2, 3, 5, 8, 12, 19, 20, 21, 40])
@pytest.mark.parametrize("classes", [0, 2, 5])
def test_a_draft_of_a_small_table_trains_or_is_refused(layerkit: Run, here: Path, rows: int, classes: int) -> None:
    lines = [f"{row * 7 % 5},{'abcde'[row % classes] if classes else row * 1.5}" for row in range(rows)]
    (here / "table.csv").write_text("\n".join(["x,y", *lines]) + "\n", encoding="utf-8")
    done = layerkit("new", "table.csv")
    assert done.returncode == (2 if classes * 4 > rows else 0), done.stderr
    if done.returncode == 0:
        assert layerkit("validate", "table.json").returncode == 0
        trained = layerkit("train", "table.json", "--set", "training.epochs=2")
        assert trained.returncode == 0, trained.stderr


def test_a_column_that_never_varies_is_told(layerkit: Run, here: Path) -> None:
    lines = [f"{row},7,x,{'uv'[row % 2]}" for row in range(20)]
    (here / "table.csv").write_text("\n".join(["a,b,c,y", *lines]) + "\n", encoding="utf-8")
    layerkit("new", "table.csv")
    spec = json.loads((here / "table.json").read_text(encoding="utf-8"))
    assert spec["data"].pop("drop") == ["b", "c"]
    (here / "table.json").write_text(json.dumps(spec), encoding="utf-8")
    done = layerkit("validate", "table.json")
    told = " ".join(done.stderr.split())
    assert done.returncode == 0
    for column in "bc":
        assert f'table.csv, column "{column}": all rows have the same value, so nothing can be learnt of it: "drop"' in told
    shown = layerkit("summary", "table.json").stdout
    assert "always 7" in shown
    assert "always x" in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("flowers.csv", "--target", "kind"), 'the target "kind" is no column'),
        (("flowers.csv", "--out", "there.json"), "there.json is there already; name another file with --out"),
        (("none.csv",), "none.csv: cannot read the file: No such file or directory"),
        (("single.csv",), 'beside the target "a" no column is left to predict from'),
        (("flowers.csv", "--out", "none/net.json"), "none/net.json: cannot write the file: there is no folder none"),
    ],
)
def test_what_makes_no_draft_is_told(layerkit: Run, here: Path, arguments: tuple[str, ...], says: str) -> None:
    (here / "flowers.csv").write_bytes(FLOWERS.read_bytes())
    (here / "single.csv").write_text("a\n1\n2\n", encoding="utf-8")
    (here / "there.json").write_text("{}", encoding="utf-8")
    before = sorted(here.iterdir())
    done = layerkit("new", *arguments)
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())
    assert sorted(here.iterdir()) == before


# --- evaluate -----------------------------------------------------------------------------------------------------


def test_every_figure_is_that_of_scikit_learn(layerkit: Run, spec: dict[str, Any], here: Path) -> None:
    run = lk.run(spec, out=here / "run")
    done = layerkit("evaluate", "run", str(FLOWERS), "--format", "json")
    report = json.loads(done.stdout)
    inputs = np.loadtxt(FLOWERS, delimiter=",", skiprows=1, usecols=range(4))
    wanted = np.repeat([0, 1, 2], 50)
    probabilities = run.model.predict(inputs).astype(np.float64)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    decided = probabilities.argmax(axis=1)
    scores = report["scores"]
    assert scores["loss"] == pytest.approx(run.model.loss(inputs, wanted))
    hot = np.eye(3)[wanted]
    peers = {
        "accuracy": metrics.accuracy_score(wanted, decided),
        "balanced_accuracy": metrics.balanced_accuracy_score(wanted, decided),
        "f1_macro": metrics.f1_score(wanted, decided, average="macro"),
        "f1_weighted": metrics.f1_score(wanted, decided, average="weighted"),
        "precision_macro": metrics.precision_score(wanted, decided, average="macro"),
        "recall_macro": metrics.recall_score(wanted, decided, average="macro"),
        "matthews_corrcoef": metrics.matthews_corrcoef(wanted, decided),
        "cohen_kappa": metrics.cohen_kappa_score(wanted, decided),
        "roc_auc": metrics.roc_auc_score(wanted, probabilities, multi_class="ovr"),
        "average_precision": metrics.average_precision_score(hot, probabilities, average="macro"),
        "log_loss": metrics.log_loss(wanted, probabilities),
        "brier": ((probabilities - hot) ** 2).sum(axis=1).mean(),
    }
    assert {name: pytest.approx(value, rel=1e-5) for name, value in peers.items()} == {
        name: value for name, value in scores.items() if name != "loss"
    }
    assert report["confusion"] == metrics.confusion_matrix(wanted, decided).tolist()
    precision, recall, f1, count = metrics.precision_recall_fscore_support(wanted, decided)
    for number, row in enumerate(report["classes"]):
        assert row["label"] == ("setosa", "versicolor", "virginica")[number]
        found = [row["precision"], row["recall"], row["f1"], row["count"]]
        assert found == pytest.approx([precision[number], recall[number], f1[number], count[number]])


def test_a_person_gets_tables(layerkit: Run, spec: dict[str, Any], here: Path) -> None:
    lk.run(spec, out=here / "run")
    done = layerkit("evaluate", "run", "--data", str(FLOWERS))
    assert done.stdout.startswith("150 samples\n\nloss ")
    assert "class       precision  recall     f1  samples\nsetosa " in done.stdout
    assert "setosa          49           1          0" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_numbers_have_their_own_figures(layerkit: Run, spec: dict[str, Any], here: Path) -> None:
    spec["data"] |= {"target": "petal_width", "drop": ["species"], "stratify": False}
    spec["model"]["layers"] = ["standardize", {"type": "affine", "units": 1}, "mse"]
    spec["training"] |= {"metrics": ["r2"]}
    run = lk.run(spec, out=here / "run")
    report = json.loads(layerkit("evaluate", "run", str(FLOWERS), "--format", "json").stdout)
    inputs, wanted = np.hsplit(np.loadtxt(FLOWERS, delimiter=",", skiprows=1, usecols=range(4)), [3])
    predicted = run.model.predict(inputs).astype(np.float64)
    assert report["scores"]["r2"] == pytest.approx(metrics.r2_score(wanted, predicted), rel=1e-5)
    assert report["scores"]["neg_root_mean_squared_error"] == pytest.approx(-metrics.root_mean_squared_error(wanted, predicted))
    assert report["scores"]["max_error"] == pytest.approx(metrics.max_error(wanted, predicted))
    assert "classes" not in report


def test_a_label_that_was_never_seen_is_told(layerkit: Run, spec: dict[str, Any], here: Path) -> None:
    lk.run(spec, out=here / "run")
    (here / "new.csv").write_text(FLOWERS.read_text(encoding="utf-8").replace("virginica", "rose"), encoding="utf-8")
    done = layerkit("evaluate", "run", "new.csv")
    assert done.returncode == 2
    assert 'new.csv, line 102, column "species": "rose" is none of the classes' in " ".join(done.stderr.split())


# --- train, validate and summary ----------------------------------------------------------------------------------


def test_what_does_not_fit_the_table_has_its_place_in_the_spec(layerkit: Run, spec: dict[str, Any]) -> None:
    spec["model"]["layers"][1]["units"] = 2
    for command in ("validate", "summary", "train"):
        done = layerkit(command, written(spec))
        assert done.returncode == 2
        assert "net.json:15:14: model.layers[1].units: csv has 3 classes, and 2 outputs reach the loss" in done.stderr.replace(
            "\n", " "
        )


def test_validate_looks_at_the_table(layerkit: Run, spec: dict[str, Any]) -> None:
    spec["data"]["target"] = "kind"
    done = layerkit("validate", written(spec))
    assert done.returncode == 2
    assert 'the target "kind" is no column' in " ".join(done.stderr.split())


def test_another_file_may_be_trained_on(layerkit: Run, spec: dict[str, Any], here: Path) -> None:
    (here / "other.csv").write_text("\n".join(FLOWERS.read_text(encoding="utf-8").splitlines()[:131]), encoding="utf-8")
    done = layerkit("train", written(spec), "--data", "other.csv", "--out", "run")
    assert done.returncode == 0, done.stderr
    resolved = json.loads((here / "run" / "spec.json").read_text(encoding="utf-8"))
    assert resolved["data"]["path"] == str(here / "other.csv")
    assert resolved["model"]["input_shape"] == [4]
    assert resolved["model"]["encoding"]["features"][0]["name"] == "sepal_length"


def test_a_run_directory_finds_its_table_again(layerkit: Run, spec: dict[str, Any], here: Path) -> None:
    (here / "flowers.csv").write_bytes(FLOWERS.read_bytes())
    spec["data"]["path"] = "flowers.csv"
    assert layerkit("train", written(spec), "--out", "run").returncode == 0
    assert layerkit("validate", "run").returncode == 0
    assert layerkit("train", "run/spec.json", "--out", "again").returncode == 0
    first, second = (lk.RunDirectory.open(name).model().parameters for name in ("run", "again"))
    np.testing.assert_array_equal(first, second)


def test_the_columns_are_shown(layerkit: Run, spec: dict[str, Any]) -> None:
    done = layerkit("summary", written(spec))
    assert done.returncode == 0, done.stderr
    rows = done.stdout[done.stdout.index("column ") :].splitlines()
    assert rows[0].split() == ["column", "role", "holds", "values", "missing"]
    assert rows[1].split() == ["sepal_length", "feature", "number", "4.3", "to", "7.9", "0"]
    assert rows[-1].split() == ["species", "target", "category", "3:", "setosa,", "versicolor,", "virginica", "0"]


def test_the_deprecated_key_is_told(layerkit: Run) -> None:
    document = json.loads((FLOWERS.parent / "iris.json").read_text(encoding="utf-8"))
    document["data"]["standardize"] = True
    done = layerkit("validate", written(document))
    assert (done.returncode, done.stdout) == (0, "net.json: ok\n")
    assert "note: net.json: data.standardize is deprecated" in " ".join(done.stderr.split())
