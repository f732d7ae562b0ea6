# ruff: noqa: E501 (messages stand on one line, as they are printed)
"""Wrong first moves in specs, as people make them who come from elsewhere, and what they are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from layerkit import SpecError, load_spec
from layerkit.registry.discovery import builtin_registry
from layerkit.spec.foreign_files import EXAMPLE

MODEL: dict[str, Any] = {
    "layerkit": 1,
    "input_shape": [4],
    "layers": [{"type": "affine", "units": 8}, {"type": "relu"}, {"type": "affine", "units": 3}, {"type": "crossentropy"}],
}
RUN: dict[str, Any] = {
    "layerkit": 1,
    "data": {"type": "iris"},
    "model": {key: MODEL[key] for key in ("input_shape", "layers")},
    "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 3},
}
AFFINE, RELU, LOSS = {"type": "affine", "units": 3}, {"type": "relu"}, {"type": "crossentropy"}


def run(**blocks: Any) -> dict[str, Any]:
    """Return a sound run but for these blocks."""
    return {**RUN, **blocks}


def training(**keys: Any) -> dict[str, Any]:
    """Return a sound run but for these keys of its training."""
    return run(training={**RUN["training"], **keys})


def layers(*items: Any, **keys: Any) -> dict[str, Any]:
    """Return a sound model but for its layers and these keys."""
    return {**MODEL, "layers": [*items], **keys}


def text(old: str, new: str, document: dict[str, Any] = MODEL) -> str:
    """Return the text of a sound document with a slip in it."""
    written = json.dumps(document, indent=2)
    assert old in written
    return written.replace(old, new, 1)


class Move(NamedTuple):
    """A wrong first move: what is in the file, what is told of it, and what was set on the command line."""

    name: str
    document: Any
    messages: list[str]
    overrides: tuple[str, ...] = ()


MOVES = [
    # --- from Keras
    Move(
        "the JSON of a Keras model",
        {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 3}}]}},
        [f"this is a Keras model, which another framework reads; write its layers as in {EXAMPLE}"],
    ),
    Move(
        "model.to_json() through json.dump",
        json.dumps(json.dumps({"class_name": "Sequential", "config": {}})),
        ["this is JSON within a string; write the object itself, as json.dump does when it is called once"],
    ),
    Move(
        "Dense",
        layers({"type": "Dense", "units": 3}, LOSS),
        [
            'layers[0].type: no installed distribution offers a layer or a loss of type "Dense"; write "affine", as it is called here'
        ],
    ),
    Move(
        "Dense with an activation",
        layers({"type": "affine", "units": 3, "activation": "relu"}, LOSS),
        ['layers[0].activation: unknown key; an activation is a layer of its own: write {"type": "relu"} after this one'],
    ),
    Move(
        "Dense with an input shape",
        layers({"type": "affine", "units": 3, "input_shape": [4]}, LOSS),
        ['layers[0].input_shape: unknown key; "input_shape" belongs at the top of the spec'],
    ),
    Move(
        "Dense with an input dim",
        layers({"type": "affine", "units": 3, "input_dim": 4}, LOSS),
        [
            'layers[0].input_dim: unknown key; a layer takes what reaches it, and "input_shape" of the model says what reaches the first; leave this key out'
        ],
    ),
    Move(
        "Dense without a bias",
        layers({"type": "affine", "units": 3, "use_bias": False}, LOSS),
        ["layers[0].use_bias: unknown key; there is always a bias; leave this key out"],
    ),
    Move(
        "Activation",
        layers(AFFINE, {"type": "Activation", "activation": "relu"}, LOSS),
        [
            'layers[1].type: no installed distribution offers a layer or a loss of type "Activation"; an activation has a type of its own; write {"type": "relu"}'
        ],
    ),
    Move(
        "InputLayer",
        layers({"type": "InputLayer", "shape": [4]}, AFFINE, LOSS),
        [
            'layers[0].type: no installed distribution offers a layer or a loss of type "InputLayer"; the shape of the samples stands in "input_shape"; leave this layer out'
        ],
    ),
    Move(
        "a softmax before the loss",
        layers(AFFINE, {"type": "softmax"}, LOSS),
        [
            "layers[1]: crossentropy takes logits and makes probabilities of them by itself, and softmax has made some; take it out"
        ],
    ),
    Move(
        "categorical_crossentropy",
        layers(AFFINE, {"type": "categorical_crossentropy"}),
        [
            'layers[1].type: no installed distribution offers a layer or a loss of type "categorical_crossentropy"; write "crossentropy", as it is called here'
        ],
    ),
    Move(
        "class_name for type",
        layers({"class_name": "Dense", "units": 3}, LOSS),
        ['layers[0]: missing key "type"; write "type": "affine" for "class_name": "Dense"'],
    ),
    Move(
        "kernel_initializer",
        layers({**AFFINE, "kernel_initializer": {"type": "zeros"}}, LOSS),
        ['layers[0].kernel_initializer: unknown key; it is called "weight_init" here'],
    ),
    Move(
        "glorot_uniform",
        layers({**AFFINE, "weight_init": {"type": "glorot_uniform"}}, LOSS),
        [
            'layers[0].weight_init.type: no installed distribution offers an initializer of type "glorot_uniform"; write "xavier_uniform", as it is called here'
        ],
    ),
    Move(
        "the loss among the options of the training",
        training(loss="categorical_crossentropy"),
        ['training.loss: unknown key; the loss is the last of the layers, such as {"type": "crossentropy"}; leave this key out'],
    ),
    Move(
        "Flatten with a capital",
        layers({"type": "Flatten"}, AFFINE, LOSS),
        ['layers[0].type: no installed distribution offers a layer or a loss of type "Flatten"; did you mean "flatten"?'],
    ),
    Move(
        "MaxPooling2D without the plugin",
        layers({"type": "MaxPooling2D", "pool_size": 2}, AFFINE, LOSS),
        [
            'layers[0].type: no installed distribution offers a layer or a loss of type "MaxPooling2D"; write "max_pool2d", as it is called here; layerkit-vision has it: pip install layerkit-vision'
        ],
    ),
    Move(
        "images into Dense",
        layers(AFFINE, LOSS, input_shape=[28, 28]),
        [
            'layers[0]: affine expects samples that are vectors (D,), received shape (28, 28); put {"type": "flatten"} before it (from input_shape, which is that of one sample, without the batch)…'
        ],
    ),
    # --- from PyTorch
    Move(
        "Linear",
        layers({"type": "Linear", "in_features": 4, "out_features": 3}, LOSS),
        [
            'layers[0].type: no installed distribution offers a layer or a loss of type "Linear"; write "affine", as it is called here'
        ],
    ),
    Move(
        "out_features",
        layers({"type": "affine", "out_features": 3}, LOSS),
        ['layers[0].out_features: unknown key; it is called "units" here'],
    ),
    Move(
        "in_features",
        layers({"type": "affine", "in_features": 4, "units": 3}, LOSS),
        ["layers[0].in_features: unknown key; a layer takes what reaches it; leave this key out"],
    ),
    Move(
        "CrossEntropyLoss",
        layers(AFFINE, {"type": "CrossEntropyLoss"}),
        [
            'layers[1].type: no installed distribution offers a layer or a loss of type "CrossEntropyLoss"; write "crossentropy", as it is called here'
        ],
    ),
    Move(
        "kaiming_normal",
        layers({**AFFINE, "weight_init": {"type": "kaiming_normal"}}, LOSS),
        [
            'layers[0].weight_init.type: no installed distribution offers an initializer of type "kaiming_normal"; write "he_normal", as it is called here'
        ],
    ),
    Move(
        "Adam with a capital",
        training(optimizer={"type": "Adam", "learning_rate": 0.001}),
        ['training.optimizer.type: no installed distribution offers an optimizer of type "Adam"; did you mean "adam"?'],
    ),
    Move(
        "lr",
        training(optimizer={"type": "sgd", "lr": 0.1}),
        ['training.optimizer.lr: unknown key; it is called "learning_rate" here'],
    ),
    Move(
        "lr among the options of the training",
        training(lr=0.1),
        ['training.lr: unknown key; "lr" belongs in "training.optimizer" as "learning_rate"'],
    ),
    Move(
        "num_epochs",
        run(training={"optimizer": {"type": "sgd", "learning_rate": 0.1}, "num_epochs": 3}),
        ['training.num_epochs: unknown key; it is called "epochs" here'],
    ),
    # --- from scikit-learn and others
    Move(
        "an MLPClassifier",
        {"hidden_layer_sizes": [64], "activation": "relu", "solver": "adam"},
        [f"this is a model of scikit-learn, which has no layers to list; write them as in {EXAMPLE}"],
    ),
    Move(
        "random_state",
        run(data={"type": "iris", "random_state": 1}),
        ['data.random_state: unknown key; "random_state" belongs at the top of the spec as "seed"'],
    ),
    Move("max_iter", training(max_iter=200), ['training.max_iter: unknown key; it is called "epochs" here']),
    Move(
        "test_size among the options of the training",
        training(test_size=0.2),
        ['training.test_size: unknown key; "test_size" belongs in "data"'],
    ),
    Move(
        "load_digits",
        run(data={"type": "load_digits"}),
        ['data.type: no installed distribution offers a dataset of type "load_digits"; write "digits", as it is called here'],
    ),
    Move(
        "a config of transformers",
        {"architectures": ["BertModel"], "hidden_size": 768},
        [f"this is a Hugging Face config; a spec describes the layers themselves, as in {EXAMPLE}"],
    ),
    Move(
        "a package.json",
        {"name": "digits", "version": "1.0.0", "scripts": {}, "dependencies": {}},
        [f"this is a package.json; a spec is a file such as {EXAMPLE}"],
    ),
    Move(
        "a notebook",
        {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
        [f"this is a notebook; a spec is a file of its own, such as {EXAMPLE}"],
    ),
    Move(
        "any other JSON",
        {"users": [], "total": 0},
        [f"this is no spec: it has none of the keys of one; a spec is a file such as {EXAMPLE}"],
    ),
    Move("a list of layers", [AFFINE, LOSS], [f"expected an object, received a list; a list of layers stands in {EXAMPLE}"]),
    # --- from YAML
    Move("YAML", "layerkit: 1\ninput_shape: [4]\n", [f"this is no JSON; a spec is a file such as {EXAMPLE}"]),
    Move(
        "the type as a key",
        layers({"affine": {"units": 3}}, LOSS),
        ['layers[0]: missing key "type"; write {"type": "affine", "units": 3}'],
    ),
    Move(
        "yes",
        text("null", "yes", run(training={**RUN["training"], "shuffle": None})),
        ["training.shuffle: JSON has no word yes; write true"],
    ),
    Move("a comment", text('"layerkit": 1,', '"layerkit": 1,  # the version'), ["JSON has no comments; take this one out"]),
    # --- the wrong block
    Move(
        "epochs at the top",
        run(epochs=3, training={"optimizer": {"type": "sgd", "learning_rate": 0.1}}),
        ['epochs: unknown key; "epochs" belongs in "training"'],
    ),
    Move(
        "layers at the top of a run",
        {**MODEL, "data": RUN["data"], "training": RUN["training"]},
        ['input_shape: unknown key; put "input_shape" under "model"', 'layers: unknown key; put "layers" under "model"'],
    ),
    Move("dtype at the top of a run", run(dtype="float64"), ['dtype: unknown key; "dtype" belongs in "model"']),
    Move(
        "a training without its block",
        {
            **{key: RUN[key] for key in ("layerkit", "data", "model")},
            "optimizer": {"type": "sgd", "learning_rate": 0.1},
            "epochs": 3,
        },
        ['optimizer: unknown key; put "optimizer" under "training"', 'epochs: unknown key; put "epochs" under "training"'],
    ),
    Move(
        "learning_rate beside the optimizer",
        training(learning_rate=0.1, optimizer={"type": "sgd"}),
        ['training.learning_rate: unknown key; "learning_rate" belongs in "training.optimizer"'],
    ),
    Move(
        "learning_rate without an optimizer",
        run(training={"learning_rate": 0.1, "epochs": 3}),
        ['training.learning_rate: unknown key; put "learning_rate" under "training.optimizer", beside "type": "sgd"'],
    ),
    Move(
        "epochs in the optimizer",
        training(optimizer={"type": "sgd", "learning_rate": 0.1, "epochs": 3}),
        ['training.optimizer.epochs: unknown key; "epochs" belongs in "training"'],
    ),
    Move(
        "the seed in the data",
        run(data={"type": "iris", "seed": 1}),
        ['data.seed: unknown key; "seed" belongs at the top of the spec'],
    ),
    Move(
        "epochs in a bare model",
        {**MODEL, "epochs": 3},
        ['epochs: unknown key; it belongs in "training" of a run, which has this model under "model"'],
    ),
    Move(
        "units beside the layers",
        {**MODEL, "units": 3},
        ['units: unknown key; "units" belongs in an item of "layers", such as affine'],
    ),
    Move(
        "units of an activation",
        layers(AFFINE, {"type": "relu", "units": 3}, LOSS),
        ['layers[1].units: unknown key; affine has "units", relu has not'],
    ),
    # --- the wrong type
    Move("a number in quotes", training(epochs="3"), ['training.epochs: expected an integer, received "3"; write 3']),
    Move("a fraction for a count", training(epochs=2.5), ["training.epochs: expected an integer, received 2.5; write 2 or 3"]),
    Move("true for a number", training(batch_size=True), ["training.batch_size: expected an integer, received true; write 1"]),
    Move("one for true", training(shuffle=1), ["training.shuffle: expected true or false, received 1; write true"]),
    Move('"yes" for true', training(shuffle="yes"), ['training.shuffle: expected true or false, received "yes"; write true']),
    Move("null for a count", training(epochs=None), ["training.epochs: expected an integer, received null, such as 10"]),
    Move("a number for a shape", {**MODEL, "input_shape": 4}, ["input_shape: expected a list, received 4; write [4]"]),
    Move("a text for a shape", {**MODEL, "input_shape": "4"}, ['input_shape: expected a list, received "4"; write [4]']),
    Move(
        "one metric for a list of them",
        training(metrics={"type": "accuracy"}),
        ['training.metrics: expected a list, received {"type": "accuracy"}; write [{"type": "accuracy"}]'],
    ),
    Move(
        "a number for a layer",
        layers(3, LOSS),
        ['layers[0]: expected a layer or a loss, received 3; write an object, such as {"type": "affine", "units": 32}'],
    ),
    Move("a number for a name", run(name=3), ['name: expected a string, received 3; write "3"']),
    Move(
        "a name with spaces",
        run(name="my first run"),
        [
            'name: expected letters, digits, ".", "_" and "-", starting with a letter or a digit, at most 64 characters, received "my first run"'
        ],
    ),
    Move(
        "a layer's name that begins with a digit",
        layers({**AFFINE, "name": "1st layer"}, LOSS),
        [
            'layers[0].name: expected letters, digits, "_" and "-", starting with a letter, at most 64 characters, received "1st layer"'
        ],
    ),
    Move("float16", {**MODEL, "dtype": "float16"}, ['dtype: expected "float32" or "float64", received "float16"']),
    Move("no units", layers({"type": "affine"}, LOSS), ['layers[0]: missing key "units", such as "units": 32']),
    Move("no type", layers({"units": 3}, LOSS), ['layers[0]: missing key "type", such as "type": "affine"']),
    Move(
        "nothing at all",
        {},
        [
            'missing key "layerkit", the version of the format; write "layerkit": 1',
            'missing key "data", such as "data": {"type": "digits"}',
            'missing key "model", such as "model": {"input_shape": [64], "layers": [{"type": "affine", "units": 10}, {"type": "crossentropy"}]}',
            'missing key "training", such as "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 10}',
        ],
    ),
    Move(
        "no version",
        {key: MODEL[key] for key in ("input_shape", "layers")},
        ['missing key "layerkit", the version of the format; write "layerkit": 1'],
    ),
    Move(
        "a layer for an initializer",
        layers({**AFFINE, "weight_init": {"type": "relu"}}, LOSS),
        ['layers[0].weight_init.type: "relu" is a layer; expected an initializer, such as constant'],
    ),
    Move(
        "a capital letter",
        layers(AFFINE, {"type": "ReLU"}, LOSS),
        ['layers[1].type: no installed distribution offers a layer or a loss of type "ReLU"; did you mean "relu"?'],
    ),
    Move(
        "a slip of the keyboard",
        layers({"type": "afine", "units": 3}, LOSS),
        ['layers[0].type: no installed distribution offers a layer or a loss of type "afine"; did you mean "affine"?'],
    ),
    # --- shapes, classes, files
    Move(
        "no loss",
        layers(AFFINE, RELU),
        ['layers[1]: the last of the layers must be a loss, and relu is none; put {"type": "crossentropy"} after it'],
    ),
    Move(
        "two losses",
        layers(AFFINE, LOSS, LOSS),
        ["layers[1]: crossentropy is a loss, and only the last of the layers can be one; take it out or move it to the end"],
    ),
    Move(
        "too few outputs",
        run(model={"input_shape": [4], "layers": [{"type": "affine", "units": 2}, LOSS]}),
        ["model.layers[0].units: iris has 3 classes, and 2 outputs reach the loss, model.layers[1]; write 3"],
    ),
    Move(
        "too few outputs before an activation",
        run(data={"type": "digits"}, model={"input_shape": [64], "layers": [AFFINE, RELU, LOSS]}),
        ["model.layers[0].units: digits has 10 classes, and 3 outputs reach the loss, model.layers[2]; write 10"],
    ),
    Move(
        "another input shape than the data",
        run(data={"type": "wine"}),
        ["model.input_shape: samples of wine have shape (13,), the model expects (4,); write [13]"],
    ),
    Move(
        "a batch of everything and more",
        training(batch_size=200),
        ["training.batch_size: 200 is more than the 112 training samples of iris; write 112 or less, or null for all of them"],
    ),
    Move(
        "a loss for classes and data with numbers",
        run(data={"type": "diabetes"}, model={"input_shape": [10], "layers": [{"type": "affine", "units": 1}, LOSS]}),
        [
            "model.layers[1]: crossentropy is for classes, the targets of diabetes are numbers; choose cosine, gamma, huber, log_cosh, mae, mse, poisson, quantile or tweedie"
        ],
    ),
    Move(
        "the batch in the input shape",
        {**MODEL, "input_shape": [None, 4]},
        ["input_shape[0]: expected an integer, received null; take it out of the list"],
    ),
    Move("an empty file", "", [f"expected a spec, such as {EXAMPLE}; the text ends here"]),
    # --- slips in JSON
    Move(
        "a comma behind the last item",
        text('"layers": [', '"dtype": "float64",\n  "layers": [').rstrip("}\n ") + ",\n}",
        ['"," before "}"; JSON allows none after the last item, take it out'],
    ),
    Move("no comma between two keys", text('"layerkit": 1,', '"layerkit": 1'), ['a "," is missing here']),
    Move(
        "no comma between two layers", text('"type": "relu"\n    },', '"type": "relu"\n    }'), ['layers: a "," is missing here']
    ),
    Move("no colon", text('"layerkit": 1', '"layerkit" 1'), ['layerkit: a ":" is missing here, after the key']),
    Move("= for a colon", text('"layerkit": 1', '"layerkit" = 1'), ['layerkit: expected ":" after the key; write ":" for "="']),
    Move("single quotes", text('"relu"', "'relu'"), ['layers[1].type: JSON has straight double quotes only: write "relu"']),
    Move("curly quotes", text('"relu"', "“relu”"), ['layers[1].type: JSON has straight double quotes only: write "relu"']),
    Move("no quotes around a key", text('"layerkit"', "layerkit"), ['expected a key in double quotes; write "layerkit"']),
    Move("no quotes around a text", text('"relu"', "relu"), ['layers[1].type: JSON has no word relu; write "relu"']),
    Move(
        "True",
        text("null", "True", run(training={**RUN["training"], "shuffle": None})),
        ["training.shuffle: JSON has no word True; write true"],
    ),
    Move("None", text("null", "None", training(batch_size=None)), ["training.batch_size: JSON has no word None; write null"]),
    Move(
        "no digit before the point",
        text("0.1", ".1", RUN),
        ["training.optimizer.learning_rate: JSON has no number .1; write 0.1"],
    ),
    Move(
        "no digit behind the point",
        text("0.1", "1.", RUN),
        ["training.optimizer.learning_rate: JSON has no number 1.; write 1.0"],
    ),
    Move("a plus sign", text("0.1", "+0.1", RUN), ["training.optimizer.learning_rate: JSON has no number +0.1; write 0.1"]),
    Move(
        "a comma for the point",
        text("0.1", "0,1", RUN),
        ["training.optimizer: expected a key in double quotes; for a fraction write 0.1"],
    ),
    Move(
        "an underscore in a number",
        text('"units": 8', '"units": 1_000'),
        ["layers[0].units: JSON has no number 1_000; write 1000"],
    ),
    Move("a hexadecimal number", text('"units": 8', '"units": 0x10'), ["layers[0].units: JSON has no number 0x10; write 16"]),
    Move(
        "a calculation",
        text('"units": 8', '"units": 2*4'),
        ['layers[0]: expected "," or "}"; JSON cannot calculate, write the result'],
    ),
    Move(
        "NaN",
        text("0.1", "NaN", RUN),
        ["training.optimizer.learning_rate: expected a finite number, received NaN; write a number"],
    ),
    Move("a tuple", text("[\n    4\n  ]", "(4,)"), ["input_shape: expected a value; a list stands in [ ]"]),
    Move(
        "a bracket that is not closed",
        text("[\n    4\n  ]", "[4"),
        ['input_shape: expected "," or "]"; close the list before the key'],
    ),
    Move(
        "a path of Windows",
        text('"w"', '"C:\\data\\w"', training(initial_weights="w")),
        ['training.initial_weights: JSON has no such escape; a backslash is written as "\\\\"'],
    ),
    Move(
        "a key twice",
        text('"units": 8', '"units": 8, "units": 9'),
        ["layers[0].units: this key stands twice in one object; keep one of them"],
    ),
    Move(
        "a text that is cut off",
        text('"relu"', '"relu'),
        ['layers[1].type: this string has no closing quote; put a " at its end, in the same line'],
    ),
    # --- the command line
    Move("True on the command line", RUN, ["training.shuffle: JSON has no word True; write true"], ("training.shuffle=True",)),
    Move(
        "None on the command line", RUN, ["training.batch_size: JSON has no word None; write null"], ("training.batch_size=None",)
    ),
    Move(
        "no digit before the point on the command line",
        RUN,
        ["training.optimizer.learning_rate: JSON has no number .1; write 0.1"],
        ("training.optimizer.learning_rate=.1",),
    ),
    Move(
        "two assignments in one on the command line",
        RUN,
        ['training.epochs: expected an integer, received "3,seed=4"'],
        ("training.epochs=3,seed=4",),
    ),
    Move(
        "a decimal comma on the command line",
        RUN,
        ['training.optimizer.learning_rate: expected a number, received "0,1"'],
        ("training.optimizer.learning_rate=0,1",),
    ),
    Move("a number beyond all integers", RUN, ["seed: expected an integer, received 1e+308"], ("seed=1e308",)),
    Move(
        "an index as in JavaScript",
        RUN,
        ["model.layers.0.units: there is no model.layers.0; items are written in brackets: model.layers[0]"],
        ("model.layers.0.units=3",),
    ),
    Move(
        "an index from the end",
        RUN,
        ['["model.layers[-1].units=3"]: expected PATH=VALUE, such as model.layers[0].units=64; items count from 0'],
        ("model.layers[-1].units=3",),
    ),
    Move(
        "an index beyond the end",
        RUN,
        ["model.layers[4].units: there is no model.layers[4]; model.layers has 4 items, [0] to [3]"],
        ("model.layers[4].units=3",),
    ),
    Move(
        "a slip in the path",
        RUN,
        ["model.layer[0].units: there is no model.layer; did you mean model.layers?"],
        ("model.layer[0].units=3",),
    ),
    Move("no value", RUN, ['["training.epochs"]: expected PATH=VALUE, such as model.layers[0].units=64'], ("training.epochs",)),
    Move(
        "an override that the loss does not go with",
        RUN,
        ["model.layers[2].units: iris has 3 classes, and 2 outputs reach the loss, model.layers[3]; write 3"],
        ("model.layers[2].units=2",),
    ),
    Move(
        "an override that other layers do not go with",
        RUN,
        ['model.layers[3]: the last of the layers must be a loss, and relu is none; put {"type": "crossentropy"} after it'],
        (
            "seed=1",
            'model.layers[3]={"type": "relu"}',
        ),
    ),
    Move(
        "an override that the model does not go with",
        RUN,
        ["model.input_shape: samples of wine have shape (13,), the model expects (4,); write [13]"],
        ("data.type=wine",),
    ),
]


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.name)
def test_a_wrong_first_move_is_told_what_to_do(move: Move, tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(move.document if isinstance(move.document, str) else json.dumps(move.document, indent=2), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load_spec(path, move.overrides, registry=builtin_registry())
    told = [f"{fault.path}: {fault.message}" if fault.path else fault.message for fault in caught.value.diagnostics]
    assert len(told) == len(move.messages)
    for message, wanted in zip(told, move.messages, strict=True):
        assert message == wanted or (wanted.endswith("…") and message.startswith(wanted[:-1]))
    assert caught.value.exit_code == 2
    for foreign in ("Traceback", "[type=", "pydantic"):
        assert foreign not in str(caught.value)


def test_there_are_many_of_them_and_each_is_another() -> None:
    assert len({move.name for move in MOVES}) == len(MOVES) >= 55
