"""Wrong first moves in the shell, and what each is answered: what to do, in words."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from layerkit.cli.main import main

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "layerkit")
IRIS = Path(__file__).parents[2] / "specs" / "iris.json"

MOVES: dict[str, tuple[str, str]] = {
    # commands
    "a command misspelt": ("trian iris.json", 'Did you mean "train"?'),
    "another misspelt": ("vaildate iris.json", 'Did you mean "validate"?'),
    "a third misspelt": ("sumary iris.json", 'Did you mean "summary"?'),
    "run for train": ("run iris.json", 'Did you mean "layerkit train"?'),
    "fit for train": ("fit iris.json", 'Did you mean "layerkit train"?'),
    "check for validate": ("check iris.json", 'Did you mean "layerkit validate"?'),
    "help as a command": ("help", 'Did you mean "layerkit --help"?'),
    "version as a command": ("version", 'Did you mean "layerkit --version"?'),
    "list for components": ("list", 'Did you mean "layerkit components"?'),
    "new of no table": ("new my-layer", "my-layer: cannot read the file: No such file or directory"),
    "init for new": ("init", 'Did you mean "layerkit new"?'),
    "infer for predict": ("infer run", 'Did you mean "layerkit predict"?'),
    "predict without data": ("predict run", 'Name the data last, a CSV or Parquet file, or "-" for standard input'),
    "predict without anything": ("predict", "Name a model file or a run directory, then the data"),
    "predict with a spec": ("predict iris.json iris.csv", "iris.json: this is not an intact safetensors file"),
    "evaluate without data": ("evaluate run", "Name the data once, a file or - for standard input"),
    "evaluate with the data twice": ("evaluate run a.csv --data b.csv", "Name the data once, a file or - for standard input"),
    "no command at all like it": ("zzz", '"layerkit --help" lists the commands'),
    "no command but a spec": ("iris.json", 'A command comes first: "layerkit train iris.json"?'),
    "no command but a model": ("run/model.safetensors", 'A command comes first: "layerkit summary run/model.safetensors"?'),
    "no command but an option": ("--strict-plugins", '"layerkit --help" lists the commands'),
    "the spec before the command": ("iris.json train", 'A command comes first: "layerkit train iris.json"?'),
    "a command of plugin that is none": ("plugin create my-layer", '"layerkit plugin --help" lists the commands'),
    "a command of plugin misspelt": ("plugin mew my-layer", 'Did you mean "new"?'),
    # arguments that are missing or too many
    "train what": ("train", 'Name a file with a spec, or "-" for standard input: "layerkit train spec.json"'),
    "validate what": ("validate", 'or "-" for standard input: "layerkit validate spec.json"'),
    "summary of what": ("summary", 'or "-" for standard input: "layerkit summary spec.json"'),
    "gradcheck of what": ("gradcheck", 'or "-" for standard input: "layerkit gradcheck spec.json"'),
    "a plugin without a name": ("plugin new", '"layerkit plugin new --help" says what it is'),
    "two specs": ("train iris.json model.json", "One spec at a time"),
    "missing quotes": ("train iris.json --set name=my run", "in quotes where there are blanks: --set 'name=my run'"),
    "a value without its option": ("train iris.json training.epochs=5", "is changed with --set training.epochs=5."),
    "quotes around a word": ("train iris.json --set \"name='it'\"", """write "it", as in --set 'name="it"'"""),
    "a folder for a type": ("gradcheck dark/nope", "there is no folder dark"),
    "standard input twice": ("validate - -", '"-" is standard input, which can be read once'),
    "a value apart from its path": ("train iris.json --set training.epochs 5", "--set takes PATH=VALUE"),
    "an argument that nothing takes": ("schema iris.json", '"layerkit schema --help" says what it takes'),
    # options
    "epochs as an option": ("train iris.json --epochs 5", "--set training.epochs=VALUE"),
    "the learning rate as an option": ("train iris.json --lr 0.1", "--set training.optimizer.learning_rate=VALUE"),
    "the learning rate in full": ("train iris.json --learning-rate 0.1", "--set training.optimizer.learning_rate=VALUE"),
    "the batch size as an option": ("train iris.json --batch-size 4", "--set training.batch_size=VALUE"),
    "the seed as an option": ("train iris.json --seed 4", "--set seed=VALUE"),
    "the name as an option": ("summary iris.json --name x", "--set name=VALUE"),
    "epochs before the command": ("--epochs 5 train iris.json", "--set training.epochs=VALUE, after the command"),
    "set before the command": ("--set seed=5 train iris.json", 'stands after its name: "layerkit COMMAND --set ..."'),
    "debug after the command": ("train iris.json --debug", '"layerkit --debug train ..."'),
    "output for out": ("train iris.json --output x", "Did you mean --out?"),
    "o for out": ("train iris.json -o x", '"layerkit train --help" lists the options'),
    "a GPU": ("train iris.json --gpu", '"layerkit train --help" lists the options'),
    "JSON as an option": ("summary iris.json --json", "Did you mean --format json?"),
    "a format that is none": ("validate iris.json --format yaml", "'yaml' is not one of 'text', 'json'"),
    "set without a value": ("train iris.json --set", "--set PATH=VALUE: Override a value: model.layers[0].units=64"),
    "out without a value": ("train iris.json --out", "The run directory, new or empty"),
    "memory in words": ("train iris.json --max-memory lots", "a number with K, M, G or T, such as 2G"),
    "a batch of nothing": ("gradcheck iris.json --batch 0", "Expected a whole number of 1 or more"),
    "a batch in words": ("gradcheck iris.json --batch many", "Expected a whole number of 1 or more"),
    "a batch beyond the memory": ("gradcheck iris.json --batch 1000000000000000", "a smaller --batch says as much"),
    "a seed below 0": ("gradcheck relu --seed -1", "Expected a whole number of 0 or more"),
    "two forms at once": ("validate iris.json --print-resolved --format json", "ask for one of them"),
    # files
    "a spec without its ending": ("train iris", "did you mean iris.json?"),
    "a spec misspelt": ("train irsi.json", "did you mean iris.json?"),
    "a spec that is not there": ("validate zzz.json", "beside it there would be iris.json, model.json"),
    "a directory of specs": ("train specs", "this is a directory; the specs in it are files, such as specs/iris.json"),
    "the directory of the runs": ("summary empty", "a spec is a JSON file, and this is a directory without specs in it"),
    "a run directory": ("train run", "run is a run directory; to train its spec anew: layerkit train run/spec.json"),
    "a model": ("train run/model.safetensors", "one that starts from these weights names the file as training.initial_weights"),
    "a history": ("train run/history.jsonl", "a spec is a JSON file, and this is a list of JSON lines"),
    "a table": ("train data.csv", "a spec is a JSON file, and this is a table"),
    "a program": ("train train.py", "a spec is a JSON file, and this is a Python program"),
    "a bare model": ("train model.json", 'a run needs "data", "model" and "training"'),
    "a type for a spec": ("summary relu", "beside it there would be iris.json, model.json"),
    "a directory for out that is not empty": ("train iris.json --out full", "choose a new directory"),
    "the directory of another run": ("train iris.json --out run", "no run is ever overwritten; choose a new directory"),
    "a file for out": ("train iris.json --out data.csv", "there is a file of this name; choose another"),
    "a place within a file for out": ("train iris.json --out data.csv/run", "Not a directory; choose another place"),
    # types and names
    "a type misspelt": ("gradcheck rleu", 'did you mean "relu"?'),
    "a type without gradients": ("gradcheck sgd", '"sgd" is an optimizer; expected a layer or a loss'),
    "a component misspelt": ("components afine", 'did you mean "affine"'),
    "a plugin in capitals": ("plugin new MyLayer", "such as my-layer"),
    "a plugin of a name that is taken": ("plugin new relu", '"relu" is a layer of layerkit itself'),
    "a plugin into nowhere": ("plugin new my-layer --into nowhere", "Directory 'nowhere' does not exist"),
    # values
    "a value of the wrong type": (
        "train iris.json --set training.epochs=five",
        "expected an integer",
    ),
    "set with a path alone": ("train iris.json --set training.epochs", "PATH=VALUE"),
}
"""What a newcomer types after ``layerkit``, and the part of the answer that says what to do."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder as a newcomer has it: specs, a run, and other files."""
    work = tmp_path_factory.mktemp("newcomer")
    spec = json.loads(IRIS.read_text())
    spec["training"] |= {"epochs": 2}
    for place in ("iris.json", "specs/iris.json"):
        (work / place).parent.mkdir(exist_ok=True)
        (work / place).write_text(json.dumps(spec))
    (work / "model.json").write_text(json.dumps({"layerkit": 1, **spec["model"]}))
    (work / "data.csv").write_text("a,b\n1,2\n")
    (work / "train.py").write_text("import layerkit\n")
    (work / "empty").mkdir()
    (work / "full").mkdir()
    (work / "full" / "mine.txt").touch()
    subprocess.run([PROGRAM, "train", "iris.json", "--out", "run"], cwd=work, capture_output=True, check=True)
    return work


def require_remedy(code: object, out: str, errors: str, remedy: str) -> None:
    """Fail unless an answer is words that hold the remedy."""
    assert code == 2
    assert out == ""
    assert remedy in errors
    for mark in ("Traceback", "[type=", "pydantic.dev"):
        assert mark not in errors


@pytest.mark.parametrize("move", MOVES)
def test_a_wrong_first_move_is_answered_with_a_remedy(
    folder: Path, move: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command, remedy = MOVES[move]
    before = sorted(folder.rglob("*"))
    monkeypatch.chdir(folder)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys, "argv", ["layerkit", *shlex.split(command)])
    with pytest.raises(SystemExit) as stop:
        main()
    require_remedy(stop.value.code, *capsys.readouterr(), remedy)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("move", ["run for train", "two specs", "epochs as an option", "a directory of specs", "a run directory"])
def test_the_program_answers_the_same(folder: Path, move: str) -> None:
    command, remedy = MOVES[move]
    for program in ([PROGRAM], [sys.executable, "-m", "layerkit"]):
        result = subprocess.run([*program, *command.split()], cwd=folder, capture_output=True, text=True, check=False)
        require_remedy(result.returncode, result.stdout, result.stderr, remedy)


def test_nothing_at_all_is_answered_with_the_help(folder: Path) -> None:
    result = subprocess.run([PROGRAM], cwd=folder, capture_output=True, text=True, check=False)
    assert re.search(r"^  train ", result.stdout + result.stderr, re.MULTILINE)


def test_there_are_moves_enough() -> None:
    assert len(MOVES) >= 45
