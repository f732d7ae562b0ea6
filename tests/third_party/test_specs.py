"""Every component of the third party trains from a spec, goes on from a checkpoint, and trains on in a copy."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from layerkit_thirdparty import COMPONENTS
from numpy.testing import assert_array_equal

import layerkit as lk

Parse = Callable[[dict[str, Any]], lk.RunSpec]

SGD = {"type": "sgd", "learning_rate": 0.1, "momentum": 0.9}
DEEP = [{"type": "affine", "units": 12}, {"type": "prelu"}, {"type": "affine", "units": 2}, {"type": "crossentropy"}]
MOONS = {"type": "moons", "standardize": True}


def run(
    data: dict[str, Any] = MOONS,
    shape: tuple[int, ...] = (2,),
    layers: list[dict[str, Any]] = DEEP,
    optimizer: dict[str, Any] = SGD,
    **training: Any,
) -> dict[str, Any]:
    model = {"input_shape": list(shape), "dtype": "float64", "layers": layers}
    options = {"optimizer": optimizer, "epochs": 6, "batch_size": 50} | training
    return theirs({"layerkit": 1, "seed": 3, "data": data, "model": model, "training": options})


def theirs(value: Any) -> Any:
    """Say of which distribution the types are that the third party has: some are built in as well."""
    match value:
        case {"type": str(tag), **others} if tag in {cls.tag() for cls in COMPONENTS}:
            return {"type": f"layerkit-thirdparty:{tag}", **{key: theirs(item) for key, item in others.items()}}
        case dict():
            return {key: theirs(item) for key, item in value.items()}
        case list():
            return [theirs(item) for item in value]
    return value


def behind(*layers: dict[str, Any], loss: dict[str, Any] | None = None, units: int = 2) -> list[dict[str, Any]]:
    return [*layers, {"type": "affine", "units": units}, loss or {"type": "crossentropy"}]


NPY = {"type": "memory_mapped", "test_count": 40}
SEQUENCES = {"data": NPY | {"inputs": "sequences.npy"}, "shape": (5, 3)}
BLOCKS = [
    {"columns": 1, "layers": [{"type": "embedding", "vocabulary": 3, "units": 2}, {"type": "recurrent", "units": 4}]},
    {"columns": 2, "layers": [{"type": "affine", "units": 6}, {"type": "prelu"}]},
]
RUNS = {
    "adamw": run(optimizer={"type": "adamw", "learning_rate": 0.05, "weight_decay": 0.01}),
    "lion": run(optimizer={"type": "lion", "learning_rate": 0.02, "weight_decay": 0.01}),
    "adagrad": run(optimizer={"type": "adagrad", "learning_rate": 0.3}),
    "nadam": run(optimizer={"type": "nadam", "learning_rate": 0.05}),
    "lbfgs": run(optimizer={"type": "lbfgs", "learning_rate": 1.0, "history": 3}, batch_size=None, epochs=12),
    "lamb": run(optimizer={"type": "lamb", "learning_rate": 0.05, "weight_decay": 0.01}),
    "pinball": run(
        {"type": "diabetes"},
        (10,),
        behind(loss={"type": "pinball", "quantiles": [0.1, 0.5, 0.9]}, units=3),
        SGD | {"learning_rate": 30},
    ),
    "multi_label": run(
        NPY | {"targets": "sets.npy"}, layers=behind(loss={"type": "multi_label", "positive_weight": 2}, units=3), epochs=20
    ),
    "ranking": run({"type": "diabetes"}, (10,), behind(loss={"type": "ranking"}, units=1), SGD | {"learning_rate": 1}),
    "binary": run(layers=behind(loss={"type": "binary"}, units=1)),
    "parameter_average": run(observers=[{"type": "parameter_average", "decay": 0.8}]),
    "gradient_norms": run(observers=[{"type": "gradient_norms"}]),
    "plateau": run(schedule={"type": "plateau", "patience": 0, "threshold": 0.3}),
    "warmup_cosine": run(schedule={"type": "warmup_cosine", "warmup": 0.2}),
    "top_k": run({"type": "iris", "standardize": True}, (4,), behind(units=3), metrics=[{"type": "top_k", "k": 2}]),
    "batch_norm": run(layers=behind({"type": "affine", "units": 8}, {"type": "batch_norm"}, {"type": "relu"})),
    "dropout": run(layers=behind({"type": "affine", "units": 16}, {"type": "relu"}, {"type": "dropout", "rate": 0.2})),
    "lbfgs_with_state_and_chance": run(
        layers=behind({"type": "affine", "units": 16}, {"type": "batch_norm"}, {"type": "dropout", "rate": 0.2}),
        optimizer={"type": "lbfgs", "learning_rate": 1.0},
        batch_size=None,
    ),
    "self_attention": run(**SEQUENCES, layers=behind({"type": "self_attention", "units": 4}, {"type": "recurrent", "units": 6})),
    "recurrent": run(**SEQUENCES, layers=behind({"type": "recurrent", "units": 6})),
    "columns": run(NPY | {"inputs": "table.npy"}, (3,), behind({"type": "columns", "blocks": BLOCKS})),
    "npy": run(NPY | {"weights": "weights.npy"}, metrics=[{"type": "accuracy"}]),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the .npy files that the specs name: two classes, told by the sum of all inputs."""
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(1)
    points = rng.standard_normal((240, 2))
    np.save(folder / "inputs.npy", points)
    np.save(folder / "targets.npy", (points.sum(axis=1) > 0).astype(np.int64))
    np.save(folder / "sets.npy", np.column_stack([points > 0, points.sum(axis=1) > 0]))
    np.save(folder / "weights.npy", rng.random(240))
    np.save(folder / "table.npy", np.column_stack([rng.integers(3, size=240), points]))
    np.save(folder / "sequences.npy", rng.standard_normal((240, 5, 3)) / 2 + points.sum(axis=1)[:, None, None])
    return folder


class Checkpoint(lk.Observer):
    """Writes everything that the training owns to files, after one of its steps."""

    type: Literal["checkpoint"] = "checkpoint"
    at: int

    @contextmanager
    def watch(self, training: lk.Training, memory: lk.Memory) -> Iterator[lk.Watcher]:
        at = self.at

        class Writer(lk.Watcher):
            def step(self) -> None:
                if training.step == at:
                    np.savez(
                        training.folder / "arrays.npz", **{name.replace("/", "|"): a for name, a in training.arrays().items()}
                    )
                    (training.folder / "memory.json").write_text(json.dumps(training.memory(), allow_nan=False))

        yield Writer()


def begun(spec: lk.RunSpec, folder: Path) -> tuple[lk.Trainer, lk.Split]:
    model = lk.build(spec.model, seed=spec.seed)
    return lk.Trainer(model, spec.training, seed=spec.seed, folder=folder), spec.data.load(
        lk.DataRequest(seed=spec.seed, folder=folder)
    )


@pytest.mark.parametrize("name", RUNS)
def test_it_trains_from_a_spec_and_learns(name: str, parsed: Parse, registry: lk.Registry, folder: Path, tmp_path: Path) -> None:
    done = lk.run(parsed(RUNS[name]), out=tmp_path / "out", folder=folder, registry=registry)
    assert done.history.loss[-1] < 0.9 * done.history.loss[0]
    if "accuracy" in done.scores:
        assert done.scores["accuracy"] > 0.75
    assert len((tmp_path / "out/history.jsonl").read_text().splitlines()) == len(done.history)


@pytest.mark.parametrize("name", RUNS)
def test_a_checkpoint_within_an_epoch_goes_on_bit_for_bit(name: str, parsed: Parse, folder: Path) -> None:
    spec = parsed(RUNS[name])
    trainer, data = begun(spec, folder)
    at = 3 if spec.training.batch_size is None else 8
    watched = spec.training.model_copy(update={"observers": (*spec.training.observers, Checkpoint(at=at))})
    trainer = lk.Trainer(trainer.model, watched, seed=spec.seed, folder=folder)
    whole = list(trainer.train(data.train))

    with np.load(folder / "arrays.npz") as file:
        arrays = {key.replace("|", "/"): file[key] for key in file}
    memory = json.loads((folder / "memory.json").read_text())
    fresh = lk.build(spec.model, seed=spec.seed + 1)
    rest = watched.model_copy(update={"epochs": spec.training.epochs - memory["epoch"]})
    again = lk.Trainer(fresh, rest, seed=spec.seed, folder=folder)
    again.training.restore(arrays, memory)
    assert [*again.train(data.train)] == whole[memory["epoch"] :]
    assert list(again.training.history) == whole
    ours, theirs = trainer.training.arrays(), again.training.arrays()
    assert ours.keys() == theirs.keys()
    for key, array in ours.items():
        assert_array_equal(array, theirs[key], err_msg=key, strict=True)


@pytest.mark.parametrize("name", RUNS)
def test_a_deep_copy_trains_on_alike_and_apart(name: str, parsed: Parse, folder: Path) -> None:
    spec = parsed(RUNS[name])
    training = spec.training
    batch = spec.data.load(lk.DataRequest(seed=spec.seed, folder=folder)).train.take(slice(0, 150))
    model = lk.build(spec.model, seed=spec.seed)
    options: Any = {key: getattr(training, key) for key in ("optimizer", "schedule", "batch_size", "metrics", "observers")}
    options["validation"] = batch
    model.fit(*batch, folder=folder, epochs=2, **options)
    twin, before = copy.deepcopy(model), model.parameters.copy()
    records = twin.fit(*batch, folder=folder, epochs=2, **options)
    assert_array_equal(model.parameters, before)
    assert not np.array_equal(twin.parameters, before)
    assert model.fit(*batch, folder=folder, epochs=2, **options) == records
    assert_array_equal(model.parameters, twin.parameters)
