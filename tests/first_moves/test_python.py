"""Wrong first moves in Python, as newcomers from other libraries make them: each is understood, or told what to write."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import layerkit as lk

ONE_LIST = "the layers of a Sequential stand in one list: Sequential([Affine(units=32), ...], input_shape=...)"
NUMBERED = "number the classes: classes, targets = numpy.unique(targets, return_inverse=True)"
PAIR = "validation is (inputs, targets) or (inputs, targets, sample_weight), received"
NOT_LABELS = "expected integer labels of shape (20,), or one-hot or soft rows of shape (20, 3); received"
AS_INTEGERS = "write numpy.asarray(targets, dtype=int)"
NO_FINITE = "fill it in or leave the row out"

UNDERSTOOD = [
    "Affine(units=y.max() + 1)",
    'Affine(units=3, weight_init="he_normal")',
    'Affine(units=3, weight_init={"type": "he_normal"})',
    "Sequential(stack, input_shape=4)",
    "Sequential(stack, input_shape=(4))",
    "Sequential(stack, input_shape=[4])",
    "Sequential(stack, input_shape=X.shape[1:])",
    "Sequential(stack, input_shape=X.shape[1])",
    'Sequential([{"type": "affine", "units": 3}, "relu", CategoricalCrossEntropy()], input_shape=4)',
    "Sequential(tuple(stack), input_shape=4, dtype=np.float64)",
    "Sequential(stack, input_shape=4, seed=np.int64(3))",
    "SGD(learning_rate=np.float32(0.1))",
    "model.fit(X, y)",
    "model.fit(X.tolist(), y.tolist(), epochs=2)",
    "model.fit(pd.DataFrame(X), pd.Series(y), epochs=2)",
    "model.fit(X.astype(int), y, epochs=np.int64(2))",
    'model.fit(X, y, epochs=1, optimizer={"type": "sgd", "learning_rate": 0.1})',
    'model.fit(X, y, epochs=1, metrics=["accuracy"], validation=[X, y])',
    'model.evaluate(X, y, metrics=["accuracy"])',
    "model[0], model['affine_1'], len(model), model.layers, list(model), repr(model)",
    "model.predict(X).argmax(axis=1)",
]

MOVES: list[tuple[str, str, str]] = [
    # components
    ("Affine(32)", "InputError", "Affine takes its values by name: Affine(units=32)"),
    (
        "SGD(0.1, 0.9)",
        "InputError",
        "SGD takes its values by name: SGD(learning_rate=0.1, ...); they are learning_rate, weight_decay",
    ),
    ("Affine()", "SpecError", 'Affine: missing key "units"'),
    ("SGD()", "SpecError", 'SGD: missing key "learning_rate"'),
    ("Affine(unit=32)", "SpecError", 'Affine: unit: unknown key; did you mean "units"?'),
    ("Affine(units='32')", "SpecError", "Affine: units: expected an integer, received '32'; write 32"),
    ("Affine(units=32.0)", "SpecError", "Affine: units: expected an integer, received 32.0; write 32"),
    ("Affine(units=0)", "SpecError", "Affine: units: expected a number greater than 0, received 0"),
    ("Affine(units=None)", "SpecError", "Affine: units: expected an integer, received None"),
    ("Affine(units=True)", "SpecError", "Affine: units: expected an integer, received True"),
    (
        "Affine(units=3, activation='relu')",
        "SpecError",
        'write {"type": "relu"} after this one',
    ),
    ("Affine(units=3, weight_init=HeNormal)", "SpecError", "received the class HeNormal; write HeNormal()"),
    ("Affine(units=3, weight_init='he_norml')", "SpecError", 'did you mean "he_normal"'),
    ("Affine(units=3, weight_init=ReLU())", "SpecError", "Affine: weight_init: expected an initializer, received ReLU("),
    (
        "Affine(units=3, weight_init=np.zeros((4, 3)))",
        "SpecError",
        "weight_init: expected an initializer, received array",
    ),
    ("SGD(learning_rate=-1)", "SpecError", "SGD: learning_rate: expected a number greater than 0"),
    ("SGD(learning_rate='0.1')", "SpecError", "SGD: learning_rate: expected a number, received '0.1'"),
    ("SGD(learning_rate=float('nan'))", "SpecError", "SGD: learning_rate: expected a finite number, received nan"),
    ("setattr(Affine(units=3), 'units', 4)", "InputError", "Affine.units cannot be changed: what is described is frozen"),
    ("delattr(Affine(units=3), 'units')", "InputError", "make another Affine with the new value"),
    ("SGD(lr=0.1)", "SpecError", 'SGD: lr: unknown key; it is called "learning_rate" here'),
    ("Affine(out_features=3)", "SpecError", 'unknown key; it is called "units" here'),
    # networks
    ("Sequential(Affine(units=3), ReLU(), input_shape=4)", "InputError", ONE_LIST),
    ("Sequential(Affine(units=3), input_shape=4)", "InputError", ONE_LIST),
    ("Sequential('relu', input_shape=4)", "InputError", ONE_LIST),
    ("Sequential(stack)", "InputError", "input_shape is missing, the shape of one sample without the batch"),
    ("Sequential(stack, input_shape=(None, 4))", "InputError", "input_shape has no axis for the batch: write input_shape=(4,)"),
    ("Sequential(stack, input_shape='4')", "SpecError", "Sequential: input_shape[0]: expected an integer, received '4'"),
    ("Sequential(stack, input_shape=4.0)", "SpecError", "Sequential: input_shape[0]: expected an integer, received 4.0"),
    ("Sequential(stack, input_shape=X.shape)", "SpecError", "(from input_shape, which is that of one sample, without the batch)"),
    ("Sequential([], input_shape=4)", "SpecError", "Sequential: layers: expected 1 or more items, received []"),
    (
        "Sequential([Affine(units=3)], input_shape=4)",
        "SpecError",
        'put {"type": "crossentropy"} after it',
    ),
    ("Sequential([ReLU, CategoricalCrossEntropy()], input_shape=4)", "SpecError", "received the class ReLU; write ReLU()"),
    ("Sequential([Affine, 'crossentropy'], input_shape=4)", "SpecError", "received the class Affine; write Affine(units=32)"),
    ("Sequential(['affine', 'crossentropy'], input_shape=4)", "SpecError", 'write {"type": "affine", "units": 32}'),
    ("Sequential(['rleu', 'crossentropy'], input_shape=4)", "SpecError", "layers[0]: no installed distribution offers"),
    ("Sequential([SGD(learning_rate=1), 'crossentropy'], input_shape=4)", "SpecError", "layers[0]: expected a layer or a loss"),
    ("Sequential([64, 32, 10], input_shape=4)", "SpecError", "Sequential: layers[0]: expected a layer or a loss, received 64"),
    ("Sequential(stack, input_shape=4, dtype='float16')", "SpecError", 'Sequential: dtype: expected "float32" or "float64"'),
    ("Sequential(stack, input_shape=4, dtype=int)", "SpecError", 'expected "float32" or "float64", received \'int64\''),
    ("Sequential(stack, input_shape=4, seed=1.5)", "InputError", "a seed is an integer of 0 or more, received 1.5"),
    (
        "Sequential(stack, input_shape=4, seed=np.random.default_rng(0))",
        "InputError",
        "a seed is an integer of 0 or more, received",
    ),
    ("Sequential(model.spec, input_shape=4)", "InputError", "layerkit.build makes the network of a ModelSpec"),
    ("build('net.json')", "InputError", "a network is built of a ModelSpec, received str"),
    ("build({'layers': []})", "InputError", "a network is built of a ModelSpec, received dict"),
    ("ModelSpec(layers=stack[:1], input_shape=(4,))", "SpecError", "ModelSpec: layers[0]: the last of the layers must be a loss"),
    # data
    ("model.fit(X)", "TypeError", "missing 1 required positional argument: 'targets'"),
    ("model.predict(X[0])", "DataError", "which is one sample; write inputs[None] for a batch of one"),
    ("model.predict(X[:, :3])", "DataError", "received shape (20, 3); the network is made for samples of shape (4,)"),
    ("model.predict(X.reshape(20, 2, 2))", "DataError", "write numpy.reshape(inputs, (-1, 4))"),
    ("model.predict(3)", "DataError", "expected inputs of shape (N, 4), received shape ()"),
    ("model.predict('data.csv')", "DataError", "inputs must be real numbers, received 'data.csv'"),
    ("model.predict(None)", "DataError", "inputs are None; expected an array, a list or a table of numbers"),
    ("model.predict([[1, 2], [3]])", "DataError", "inputs make no array: the rows differ in length"),
    ("model.predict(np.full((2, 4), np.nan))", "DataError", f"row 0, column 0 of the inputs is nan; {NO_FINITE}"),
    ("model.loss(np.full((2, 4), np.inf), [0, 1])", "DataError", f"row 0, column 0 of the inputs is inf; {NO_FINITE}"),
    ("model.evaluate(np.where(X > 1, np.nan, X), y)", "DataError", f"of the inputs is nan; {NO_FINITE}"),
    ("model.fit(np.where(X > 1, np.nan, X), y)", "DataError", f"of the inputs is nan; {NO_FINITE}"),
    ("model.fit(X[:0], y[:0])", "DataError", "there are no samples: expected inputs of shape (N, 4) with N of 1 or more"),
    ("model.fit(X.astype(str), y)", "DataError", "inputs must be real numbers, received texts"),
    ("model.fit(pd.DataFrame(X).assign(a='x')[[0, 1, 2, 'a']], y)", "DataError", "received 'x' in row 0, column \"a\""),
    ("model.fit(scipy.sparse.csr_matrix(X), y)", "DataError", "inputs are sparse (csr_matrix); write them out, with .toarray()"),
    ("model.fit(np.ma.masked_greater(X, 1), y)", "DataError", "inputs are masked in places"),
    ("model.fit(X, y[:-1])", "TargetError", "expected 20 targets, one a sample; received an array of shape (19,)"),
    ("model.fit(X, None)", "DataError", "targets are None; expected an array, a list or a table of numbers"),
    (
        "model.fit(X, y.astype(float))",
        "TargetError",
        f"{NOT_LABELS} float64 of shape (20,); {AS_INTEGERS}",
    ),
    ("model.fit(X, y[:, None])", "TargetError", f"{NOT_LABELS} int64 of shape (20, 1); write numpy.ravel(targets)"),
    ("model.fit(X, X[:, 0])", "TargetError", "these are no classes, and a loss for classes cannot be trained on them"),
    ("model.fit(X, np.array(list('abc'))[y])", "TargetError", NUMBERED),
    ("model.fit(X, y > 0)", "TargetError", "write numpy.asarray(targets, dtype=int)"),
    ("model.fit(X, y + 1)", "TargetError", "3 outputs take labels 0 to 2; labels count from 0: write targets - 1"),
    ("model.fit(X, y * 5)", "TargetError", "labels up to 10 take 11 outputs, and labels count from 0"),
    # training
    ("model.fit(X, y, 10)", "TargetError", "options of fit are given by name, such as epochs=10"),
    ("model.fit(X, y, np.ones(3))", "TargetError", "expected sample weights of shape (20,), received float64 of shape (3,)"),
    ("model.fit(X, y, optimizer='sgd')", "SpecError", 'fit: optimizer: "sgd" alone does not say enough; write {"type": "sgd"'),
    (
        "model.fit(X, y, optimizer='adm')",
        "SpecError",
        "fit: optimizer: no installed distribution offers an optimizer",
    ),
    ("model.fit(X, y, optimizer=SGD)", "SpecError", "received the class SGD; write SGD(learning_rate=0.01)"),
    ("model.fit(X, y, learning_rate=0.1)", "SpecError", 'put "learning_rate" under "optimizer", beside "type": "sgd"'),
    ("model.fit(X, y, epoch=3)", "SpecError", 'fit: epoch: unknown key; did you mean "epochs"?'),
    ("model.fit(X, y, epochs=2.0)", "SpecError", "fit: epochs: expected an integer, received 2.0; write 2"),
    ("model.fit(X, y, epochs=0)", "SpecError", "fit: epochs: expected a number greater than 0, received 0"),
    ("model.fit(X, y, batch_size='32')", "SpecError", "fit: batch_size: expected an integer, received '32'; write 32"),
    ("model.fit(X, y, batch_size=64)", "DataError", "batch_size 64 is more than the 20 training samples"),
    ("model.fit(X, y, shuffle='yes')", "SpecError", "fit: shuffle: expected true or false, received 'yes'; write True"),
    ("model.fit(X, y, metrics=Accuracy(), validation=(X, y))", "SpecError", "fit: metrics: expected a list, received Accuracy("),
    (
        "model.fit(X, y, metrics=['acc'], validation=(X, y))",
        "SpecError",
        'offers a metric of type "acc"',
    ),
    ("model.fit(X, y, metrics=['accuracy'])", "InputError", "give validation=(inputs, targets), or call evaluate"),
    ("model.fit(X, y, validation=0.1)", "InputError", f"{PAIR} float; sklearn.model_selection.train_test_split"),
    ("model.fit(X, y, validation=(X,))", "InputError", f"{PAIR} 1 of them"),
    ("model.fit(X, y, validation=(X, None))", "DataError", "validation targets are None"),
    ("model.fit(X, y, validation=(X, y[:-1]))", "DataError", "expected as many of one as of the other"),
    ("model.evaluate(X, y, metrics='accuracy')", "InputError", 'a list of metrics, such as metrics=["accuracy"]'),
    ("model.fit(X, y, validation_data=(X, y))", "SpecError", "fit takes validation=(inputs, targets)"),
    ("model.fit(X, y, validation_split=0.1)", "SpecError", "fit takes validation=(inputs, targets)"),
    ("model.fit(X, y, callbacks=[])", "SpecError", 'it is called "observers" here'),
    ("model.fit(X, y, early_stopping=True)", "SpecError", "early_stopping: expected an object, received True"),
    ("lk.Trainer(model, {'epochs': 3, 'optimizer': 'sgd'})", "SpecError", 'write {"type": "sgd", "learning_rate": 0.01}'),
    ("lk.Trainer(model, 3)", "InputError", "a trainer takes a TrainingSpec or a dictionary, received int"),
    (
        "load_spec(model.save('m.safetensors') or 'm.safetensors')",
        "SpecError",
        "this is a model file; from Python, layerkit.Sequential",
    ),
    ("load_spec('.')", "SpecError", "a spec is a JSON file, and this is a directory"),
    ("lk.RunDirectory('run').status()", "RunDirectoryError", "run has no status.json"),
    ("model.evaluate(X, y, metrics=['acc'])", "SpecError", 'offers a metric of type "acc"'),
    ("model.backward()", "InputError", "there is no forward pass to go back through; call forward_loss first"),
    # a model
    ("model['dense_1']", "KeyError", "no node is called 'dense_1'; there are affine_1, relu_1"),
    ("model.compile(optimizer='sgd')", "AttributeError", "fit takes the optimizer and the metrics"),
    ("model.add(ReLU())", "AttributeError", "a network is described whole, as a list of layers: Sequential([...])"),
    ("model.predict_proba(X)", "AttributeError", "write predict(inputs), which gives probabilities"),
    ("model.score(X, y)", "AttributeError", 'write evaluate(inputs, targets, metrics=["accuracy"])'),
    ("model.state_dict()", "AttributeError", "write save(path), or model.parameters"),
    (
        "model.save('no/such/folder/model.safetensors')",
        "ModelFileError",
        "there is no folder no/such/folder",
    ),
    ("Sequential.load('model.safetensors')", "ModelFileError", "cannot read the file: No such file or directory"),
    ("model.load_weights('weights.h5')", "ModelFileError", "cannot read the file: No such file or directory"),
    # runs
    ("run('net.json')", "SpecError", "net.json: cannot read the file: No such file or directory"),
    ("run(model.spec)", "InputError", 'this is a bare model spec; a run needs "data", "model" and "training"'),
    ("run(model)", "InputError", "run takes a RunSpec, a dictionary or the path of a file, received Sequential"),
    ("run({'data': 'iris'})", "SpecError", 'missing key "model", such as'),
    ("run({'input_shape': [4], 'layers': ['crossentropy']})", "InputError", 'a run needs "data", "model" and "training"'),
    ("load_spec('net.json')", "SpecError", "net.json: cannot read the file: No such file or directory"),
    ("lk.sequential", "AttributeError", "module 'layerkit' has no attribute 'sequential'; did you mean Sequential?"),
    ("lk.Linear(3)", "AttributeError", "did you mean Affine?"),
    ("lk.Dense(3)", "AttributeError", "did you mean Affine?"),
    ("lk.CrossEntropyLoss()", "AttributeError", "did you mean CategoricalCrossEntropy?"),
    ("lk.Relu()", "AttributeError", "did you mean ReLU?"),
    ("lk.MLPClassifier()", "AttributeError", "dir(layerkit) lists its names"),
    ("lk.testing.check_layer_gradient", "AttributeError", "did you mean check_layer_gradients?"),
    ("Sequential(stack, input_shape=['4'])", "SpecError", "input_shape[0]: expected an integer, received '4'; write 4"),
]


def play(move: str) -> Any:
    """Make a move, where somebody has imported everything, and has data and a model."""
    rng = np.random.default_rng(0)
    stack = [lk.Affine(units=8), lk.ReLU(), lk.Affine(units=3), lk.CategoricalCrossEntropy()]
    names = {name: getattr(lk, name) for name in lk.__all__}
    X, y = rng.standard_normal((20, 4)), np.arange(20) % 3  # noqa: N806
    model = lk.Sequential(stack, input_shape=4, seed=0)
    return eval(move, {**names, "lk": lk, "np": np, "pd": pd, "scipy": scipy, "X": X, "y": y, "stack": stack, "model": model})


@pytest.mark.parametrize("move", UNDERSTOOD)
def test_it_is_understood(move: str) -> None:
    play(move)


@pytest.mark.parametrize(("move", "kind", "message"), MOVES, ids=[move for move, _, _ in MOVES])
def test_it_is_answered(move: str, kind: str, message: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception) as caught:  # noqa: PT011
        play(move)
    assert type(caught.value).__name__ == kind
    text = str(caught.value)
    assert message in text
    assert "[type=" not in text
    assert "pydantic" not in text


def test_there_are_enough_of_them() -> None:
    assert len({move for move, _, _ in MOVES} | set(UNDERSTOOD)) == len(MOVES) + len(UNDERSTOOD) >= 100
