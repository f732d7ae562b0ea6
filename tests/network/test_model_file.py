"""Saved models: whole or not at all, bit for bit, and nothing foreign or damaged comes in."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import layerkit as lk
from layerkit.errors import ModelFileError
from layerkit.streams import random_stream


class Recenter(lk.Layer):
    """Subtracts a running mean, which training moves: a layer with state."""

    type: Literal["recenter"] = "recenter"

    def state(self, input_shape: lk.Shape) -> Mapping[str, lk.State]:
        return {"mean": lk.State(input_shape), "count": lk.State((), lk.Constant(value=1), "int64")}

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        outputs: lk.Array = inputs - node.state.mean
        if node.training:
            node.state.mean = 0.5 * node.state.mean + 0.5 * inputs.mean(axis=0)
            node.state.count += 1
        return outputs

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        return d_out


def network(seed: int = 0, dtype: Literal["float32", "float64"] = "float32", hidden: int = 8) -> lk.Sequential:
    layers = [lk.Affine(units=hidden, bias_init=lk.Normal()), lk.ReLU(), lk.Affine(units=3), lk.CategoricalCrossEntropy()]
    return lk.Sequential(layers, input_shape=(4,), dtype=dtype, seed=seed)


def with_state(seed: int = 0) -> lk.Sequential:
    layers = [lk.Affine(units=8), Recenter(), lk.Affine(units=3), lk.CategoricalCrossEntropy()]
    return lk.Sequential(layers, input_shape=(4,), seed=seed)


INPUTS = np.random.default_rng(5).standard_normal((50, 4))
LABELS = np.random.default_rng(6).integers(3, size=50)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Give a saved model."""
    path = tmp_path / "model.safetensors"
    network().save(path)
    return path


# --- there and back -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_loaded_model_is_the_saved_one(tmp_path: Path, dtype: Literal["float32", "float64"]) -> None:
    model = network(seed=7, dtype=dtype)
    model.fit(INPUTS, LABELS, optimizer=lk.SGD(learning_rate=0.1, momentum=0.9), epochs=5, batch_size=8)
    path = tmp_path / "model.safetensors"
    model.save(path)
    loaded = lk.Sequential.load(str(path))
    assert loaded.spec == model.spec
    assert loaded.parameters.tobytes() == model.parameters.tobytes()
    assert loaded.predict(INPUTS).tobytes() == model.predict(INPUTS).tobytes()


def test_the_random_streams_of_a_loaded_model_start_anew(tmp_path: Path) -> None:
    network(seed=7).save(tmp_path / "model.safetensors")
    loaded = lk.Sequential.load(tmp_path / "model.safetensors")
    assert loaded.seed == 0
    for node in loaded.nodes:
        assert node.rng.random() == random_stream(0, "node", node.name).random()


def test_a_loaded_model_outlives_its_file(saved: Path) -> None:
    model = lk.Sequential.load(saved)
    before = model.predict(INPUTS)
    saved.write_bytes(bytes(saved.stat().st_size))
    assert_array_equal(model.predict(INPUTS), before)
    model.parameters += 1  # its own memory, and no view of the file


def test_weights_and_state_come_back(tmp_path: Path) -> None:
    model = with_state()
    model.fit(INPUTS, LABELS, optimizer=lk.SGD(learning_rate=0.1), epochs=3)
    path = tmp_path / "model.safetensors"
    model.save(path)
    other = with_state(seed=1)
    assert np.any(other.predict(INPUTS) != model.predict(INPUTS))
    other.load_weights(path)
    assert other["recenter_1"].state.count == 4
    assert other["recenter_1"].state.count.dtype == np.int64
    assert other["recenter_1"].state.mean.tobytes() == model["recenter_1"].state.mean.tobytes()
    assert other.predict(INPUTS).tobytes() == model.predict(INPUTS).tobytes()


def test_state_that_is_no_float_keeps_its_type_shape_and_digits(tmp_path: Path) -> None:
    class Counting(lk.Layer):
        type: Literal["counting"] = "counting"

        def state(self, input_shape: lk.Shape) -> Mapping[str, lk.State]:
            return {"count": lk.State((), dtype="int64"), "seen": lk.State((2,), dtype="bool")}

        def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
            return inputs

        def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
            return d_out

    first, second = (lk.Sequential([Counting(), lk.CategoricalCrossEntropy()], input_shape=(4,), seed=0) for _ in range(2))
    first["counting_1"].state.count = 2**53 + 1  # not a float64
    first["counting_1"].state.seen = [True, False]
    first.save(tmp_path / "model.safetensors")
    arrays = load_file(tmp_path / "model.safetensors")
    assert {name: (array.shape, str(array.dtype)) for name, array in arrays.items()} == {
        "counting_1.count": ((), "int64"),
        "counting_1.seen": ((2,), "bool"),
    }
    second.load_weights(tmp_path / "model.safetensors")
    assert second["counting_1"].state.count == 2**53 + 1
    assert second["counting_1"].state.seen.tolist() == [True, False]
    save_file({**arrays, "counting_1.count": np.array(1.5)}, tmp_path / "floats.safetensors")
    with pytest.raises(ModelFileError, match=r"counting_1\.count is of type float64, expected int64"):
        second.load_weights(tmp_path / "floats.safetensors")


def test_loading_weights_writes_into_the_vectors_that_are_there(saved: Path) -> None:
    model = network(seed=1)
    vector, weight = model.parameters, model["affine_1"].params.weight
    model.load_weights(saved)
    assert model.parameters is vector
    assert_array_equal(weight, network()["affine_1"].params.weight)
    assert np.shares_memory(weight, vector)


def test_the_file_is_plain_safetensors_with_the_spec_in_it(saved: Path) -> None:
    arrays = load_file(saved)
    model = network()
    assert {name: array.shape for name, array in arrays.items()} == {
        "affine_1.weight": (4, 8),
        "affine_1.bias": (8,),
        "affine_2.weight": (8, 3),
        "affine_2.bias": (3,),
    }
    assert_array_equal(arrays["affine_2.weight"], model["affine_2"].params.weight)
    with safe_open(saved, framework="numpy") as file:
        metadata = file.metadata()
    assert metadata.keys() == {"spec"}
    assert json.loads(metadata["spec"]) == json.loads(model.spec.model_dump_json())


def test_a_model_is_always_written_the_same(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"

    def content(model: lk.Sequential) -> bytes:
        model.save(path)
        return path.read_bytes()

    model = with_state()
    assert {content(model) for _ in range(20)} == {content(with_state())}


def test_metadata_of_others_is_ignored(saved: Path) -> None:
    rewritten(saved, lambda _, metadata: metadata.update(seed="-1", author="someone"))
    assert lk.Sequential.load(saved).parameters.tobytes() == network().parameters.tobytes()


def test_weights_of_a_file_without_spec_can_be_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    source = network(dtype="float64")
    arrays = {f"{node.name}.{name}": array for node in source.nodes for name, array in node.params.items()}
    save_file(arrays, path)
    model = network(seed=1)
    model.load_weights(path)
    assert_array_equal(model.parameters, source.parameters.astype(np.float32))
    with pytest.raises(ModelFileError, match="there is no spec in this file"):
        lk.Sequential.load(path)


def test_arrays_that_are_not_contiguous_are_written_right(tmp_path: Path) -> None:
    """safetensors by itself writes the bytes in the order in which they lie."""

    class Strided(lk.Layer):
        type: Literal["strided"] = "strided"

        def state(self, input_shape: lk.Shape) -> Mapping[str, lk.State]:
            return {"fortran": lk.State((3, 4), FortranOrder()), "reversed": lk.State((3, 4), Reversed())}

        def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
            return inputs

        def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
            return d_out

    class FortranOrder(lk.Initializer):
        type: Literal["fortran"] = "fortran"

        def draw(self, shape: lk.Shape, rng: np.random.Generator) -> lk.Array:
            return np.asfortranarray(np.arange(12.0).reshape(shape))

    class Reversed(lk.Initializer):
        type: Literal["reversed"] = "reversed"

        def draw(self, shape: lk.Shape, rng: np.random.Generator) -> lk.Array:
            return np.arange(12.0).reshape(shape)[::-1, ::-1]

    model = lk.Sequential([Strided(), lk.CategoricalCrossEntropy()], input_shape=(4,), seed=0)
    model.save(tmp_path / "model.safetensors")
    arrays = load_file(tmp_path / "model.safetensors")
    assert_array_equal(arrays["strided_1.fortran"], np.arange(12.0).reshape(3, 4))
    assert_array_equal(arrays["strided_1.reversed"], np.arange(11.0, -1, -1).reshape(3, 4))


# --- what is refused ----------------------------------------------------------------------------------------------


def rewritten(path: Path, change: Callable[[dict[str, lk.Array], dict[str, str]], object]) -> None:
    """Write the file again with its arrays and its metadata changed."""
    arrays = load_file(path)
    with safe_open(path, framework="numpy") as file:
        metadata = dict(file.metadata())
    change(arrays, metadata)
    save_file(arrays, path, metadata)


def spec_with(metadata: dict[str, str], **changes: Any) -> str:
    return json.dumps({**json.loads(metadata["spec"]), **changes})


def in_place_of(make: Callable[[Path], object]) -> Callable[[Path], None]:
    """Return a function that puts something else in the place of a file."""

    def put(path: Path) -> None:
        path.unlink()
        make(path)

    return put


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut in the data": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "cut in the header": lambda path: path.write_bytes(path.read_bytes()[:40]),
    "cut in the header's length": lambda path: path.write_bytes(path.read_bytes()[:5]),
    "longer than it should be": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "zeros": lambda path: path.write_bytes(bytes(1000)),
    "text": lambda path: path.write_text("weights: none\n" * 20),
    "a pickle": lambda path: path.write_bytes(b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00]\x94(K\x01K\x02e."),
    "a giant header": lambda path: path.write_bytes(struct.pack("<Q", 2**62) + b"{}"),
    "a header that is no JSON": lambda path: path.write_bytes(struct.pack("<Q", 10) + b"[" * 10 + bytes(10)),
    "a directory": in_place_of(Path.mkdir),
    "a pipe": in_place_of(os.mkfifo),
    "a device": in_place_of(lambda path: path.symlink_to("/dev/zero")),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_refused(saved: Path, damage: Callable[[Path], object]) -> None:
    damage(saved)
    with pytest.raises(ModelFileError) as caught:
        lk.Sequential.load(saved)
    assert str(saved) in str(caught.value)

    model = network(seed=1)
    before = model.parameters.copy()
    with pytest.raises(ModelFileError):
        model.load_weights(saved)
    assert_array_equal(model.parameters, before)


@pytest.mark.parametrize("share", np.linspace(0, 1, 25, endpoint=False).round(2))
def test_a_truncated_file_is_refused_wherever_it_ends(saved: Path, share: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelFileError):
        lk.Sequential.load(saved)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda arrays, _: arrays.pop("affine_1.bias"), "it lacks affine_1.bias"),
        (lambda arrays, _: arrays.update(extra=np.zeros(2)), "the network has no extra"),
        (lambda arrays, _: arrays.update({"affine_2.bias": np.zeros(4)}), r"affine_2.bias has shape \(4,\), expected \(3,\)"),
        (lambda arrays, _: arrays.update({"affine_2.bias": np.zeros((3, 1))}), r"affine_2.bias has shape \(3, 1\)"),
        (lambda arrays, _: arrays["affine_1.weight"].__setitem__((2, 3), np.nan), "affine_1.weight holds"),
        (lambda arrays, _: arrays["affine_1.weight"].__setitem__((2, 3), -np.inf), "affine_1.weight holds"),
        (lambda arrays, _: arrays.update({"affine_2.bias": np.zeros(0)}), r"affine_2.bias has shape \(0,\)"),
        (
            lambda arrays, _: arrays.update({"affine_2.bias": np.array([0, 0, 1e300])}),
            "affine_2.bias holds values that are not finite in float32",
        ),
        (lambda arrays, _: arrays.update({"affine_2.bias": np.zeros(3, np.int32)}), "affine_2.bias is of type I32"),
        (
            lambda arrays, _: arrays.update({"affine_2.bias": np.zeros(3, bool)}),
            "affine_2.bias is of type bool, expected float32",
        ),
        (
            lambda arrays, _: arrays.update({"affine_2.bias": np.zeros(3, np.int64)}),
            "affine_2.bias is of type int64, expected float32",
        ),
        (lambda arrays, _: arrays.update({"affine_2.bias": np.zeros(3, np.float16)}), "affine_2.bias is of type F16"),
    ],
    ids=[
        "missing array",
        "foreign array",
        "shape",
        "axes",
        "nan",
        "infinity",
        "nothing",
        "beyond float32",
        "integers",
        "booleans",
        "long integers",
        "float16",
    ],
)
def test_arrays_that_do_not_fit_are_refused_all_together(
    saved: Path, change: Callable[[dict[str, lk.Array], dict[str, str]], object], fault: str
) -> None:
    rewritten(saved, change)
    with pytest.raises(ModelFileError, match=fault):
        lk.Sequential.load(saved)
    model = network(seed=1)
    before = model.parameters.copy()
    with pytest.raises(ModelFileError, match=fault):
        model.load_weights(saved)
    assert_array_equal(model.parameters, before)


@pytest.mark.parametrize(("dtype", "size"), [("BF16", 2), ("F8_E4M3", 1)])
def test_a_type_that_numpy_lacks_is_refused(tmp_path: Path, dtype: str, size: int) -> None:
    path = tmp_path / "model.safetensors"
    array = {"dtype": dtype, "shape": [4, 8], "data_offsets": [0, 32 * size]}
    header = json.dumps({"affine_1.weight": array}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(32 * size))
    with pytest.raises(ModelFileError, match=f"affine_1.weight is of type {dtype}; expected F32 or F64"):
        network().load_weights(path)


def test_every_difference_is_named(saved: Path) -> None:
    model = lk.Sequential(
        [lk.Affine(units=5), lk.ReLU(), lk.Affine(units=3, name="last"), lk.CategoricalCrossEntropy()],
        input_shape=(4,),
        seed=0,
    )
    with pytest.raises(ModelFileError) as caught:
        model.load_weights(saved)
    message = str(caught.value)
    assert "it lacks last.bias" in message
    assert "it lacks last.weight" in message
    assert "the network has no affine_2.weight" in message
    assert "affine_1.weight has shape (4, 8), expected (4, 5)" in message


@pytest.mark.parametrize(
    "change",
    [
        lambda metadata: metadata.update(spec="{"),
        lambda metadata: metadata.update(spec="{}"),
        lambda metadata: metadata.update(spec="[" * 100_000),
        lambda metadata: metadata.update(spec=spec_with(metadata, layers=[{"type": "no_such_layer"}])),
        lambda metadata: metadata.update(spec=spec_with(metadata, input_shape=[0])),
        lambda metadata: metadata.update(spec=spec_with(metadata, layerkit=2)),
        lambda metadata: metadata.update(spec=spec_with(metadata, run="import os")),
        lambda metadata: metadata.update(spec=spec_with(metadata, layers=[{"type": "affine", "units": 10**13}])),
    ],
    ids=["no JSON", "empty", "deep", "unknown layer", "shape", "version", "unknown key", "giant"],
)
def test_a_spec_that_is_not_valid_is_refused(saved: Path, change: Callable[[dict[str, str]], object]) -> None:
    rewritten(saved, lambda _, metadata: change(metadata))
    with pytest.raises(ModelFileError, match="the spec in this file is not valid here"):
        lk.Sequential.load(saved)


def test_the_spec_of_a_run_is_refused(saved: Path) -> None:
    def wrap(_: dict[str, lk.Array], metadata: dict[str, str]) -> None:
        model = json.loads(metadata["spec"])
        run = {
            "layerkit": model.pop("layerkit"),
            "data": {"type": "iris"},
            "model": model,
            "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 1},
        }
        metadata["spec"] = json.dumps(run)

    rewritten(saved, wrap)
    with pytest.raises(ModelFileError, match="is a run; expected a model"):
        lk.Sequential.load(saved)


def test_a_layer_that_is_not_installed_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with_state().save(path)
    with pytest.raises(ModelFileError, match="recenter"):
        lk.Sequential.load(path)


def test_a_spec_that_does_not_fit_the_weights_is_refused(saved: Path) -> None:
    def widen(_: dict[str, lk.Array], metadata: dict[str, str]) -> None:
        spec = json.loads(metadata["spec"])
        spec["layers"][0]["units"] = 9
        metadata["spec"] = json.dumps(spec)

    rewritten(saved, widen)
    with pytest.raises(ModelFileError, match=r"affine_1.weight has shape \(4, 8\), expected \(4, 9\)"):
        lk.Sequential.load(saved)


# --- whole or not at all ------------------------------------------------------------------------------------------


def test_a_save_replaces_the_file_and_leaves_nothing_beside_it(saved: Path) -> None:
    network(seed=9).save(saved)
    assert_array_equal(lk.Sequential.load(saved).parameters, network(seed=9).parameters)
    assert [path.name for path in saved.parent.iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_is_full_leaves_the_old_model(saved: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(lk.WorkError, match=r"model\.safetensors: cannot write the file: No space left on device; make room "):
            network(seed=9).save(saved)
    assert_array_equal(lk.Sequential.load(saved).parameters, network().parameters)
    assert [path.name for path in saved.parent.iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ("nowhere/model.safetensors", "there is no folder {}/nowhere"),
        ("file/model.safetensors", "Not a directory"),
        ("folder", "Is a directory"),
    ],
)
def test_a_place_that_cannot_be_written_to_is_refused(tmp_path: Path, place: str, fault: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelFileError) as caught:
        network().save(tmp_path / place)
    assert str(caught.value) == f"{tmp_path / place}: cannot write the file: {fault.format(tmp_path)}; choose another place"
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder"}


SAVE_FOREVER = """
import sys
import layerkit as lk

layers = [lk.Affine(units=400), lk.Affine(units=400), lk.CategoricalCrossEntropy()]
model = lk.Sequential(layers, input_shape=(400,), seed=0)
print("ready", flush=True)
value = 0
while True:
    value += 1
    model.parameters[:] = value
    model.save(sys.argv[1])
    print(value, flush=True)
"""


@pytest.mark.parametrize("reads", [0, 1, 2, 5, 8])
def test_a_save_that_is_killed_leaves_a_file_that_loads(tmp_path: Path, reads: int) -> None:
    path = tmp_path / "model.safetensors"
    layers = [lk.Affine(units=400), lk.Affine(units=400), lk.CategoricalCrossEntropy()]
    model = lk.Sequential(layers, input_shape=(400,), seed=0)
    model.parameters[:] = 0
    model.save(path)
    with subprocess.Popen([sys.executable, "-c", SAVE_FOREVER, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if reads:
            assert process.stdout.readline() == "1\n"
        values = [lk.Sequential.load(path).parameters for _ in range(reads)]  # while it writes
        process.kill()
        process.wait()
    values.append(lk.Sequential.load(path).parameters)
    assert all(parameters.min() == parameters.max() for parameters in values)  # of one save, not of two
    firsts = [float(parameters[0]) for parameters in values]
    assert firsts == sorted(firsts)
    assert firsts[-1] >= (1 if reads else 0)


def test_a_model_with_a_class_of_ones_own_is_loaded_with_a_registry_that_has_it(tmp_path: Path) -> None:
    class Mirrored(lk.ReLU):
        """A layer of a notebook."""

        type: Literal["mirrored"] = "mirrored"  # type: ignore[assignment]

    model = lk.Sequential([Mirrored(), lk.Affine(units=3), lk.CategoricalCrossEntropy()], input_shape=(4,), seed=0)
    model.save(tmp_path / "model.safetensors")
    registry = lk.builtin_registry().with_components(Mirrored)
    loaded = lk.Sequential.load(tmp_path / "model.safetensors", registry)
    np.testing.assert_array_equal(loaded.parameters, model.parameters)
    assert loaded.spec == model.spec
    with pytest.raises(lk.ModelFileError, match='offers a layer or a loss of type "mirrored"'):
        lk.Sequential.load(tmp_path / "model.safetensors")


# --- what could not be read back ----------------------------------------------------------------------------------


class Leaky(lk.ReLU):
    """A rectifier that leaks, without a type of its own."""

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        outputs: lk.Array = np.where(inputs > 0, inputs, inputs / 5)
        return outputs


class Act(lk.ReLU):
    """An activation."""

    type: Literal["act"] = "act"  # type: ignore[assignment]


class OtherAct(Act):
    """Another activation of the same type."""


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([Leaky()], 'Leaky has the type "relu" of ReLU, and would be read again as that; give it a type of its own'),
        ([Act(), OtherAct()], 'has the type "act" of'),
    ],
)
def test_a_class_under_the_type_of_another_is_not_saved(tmp_path: Path, layers: list[lk.Layer], message: str) -> None:
    model = lk.Sequential([*layers, lk.CategoricalCrossEntropy()], input_shape=(4,), seed=0)
    for write in (lambda: model.save(tmp_path / "model"), lambda: lk.spec_hash(model.spec)):
        with pytest.raises(lk.RegistrationError, match=message):
            write()
    assert not (tmp_path / "model").exists()


def test_a_class_under_the_type_of_a_plugins_is_saved_with_the_registry_that_holds_it(tmp_path: Path) -> None:
    if not any(item.tag == "swish" for item in lk.installed_registry().registrations):
        pytest.skip("needs layerkit-swish")

    class Swish(lk.ReLU):
        """An activation with a name that a plugin has taken."""

        type: Literal["swish"] = "swish"  # type: ignore[assignment]

    model = lk.Sequential([Swish(), lk.CategoricalCrossEntropy()], input_shape=(4,), seed=0)
    path = tmp_path / "model"
    with pytest.raises(lk.RegistrationError, match="of layerkit-swish, and would be read again as that; hand in a registry"):
        model.save(path)
    registry = lk.installed_registry().with_components(Swish)
    model.save(path, registry)
    assert type(lk.Sequential.load(path, registry).nodes[0].stage) is Swish


def test_numbers_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    model = network()
    model.parameters[3] = np.nan
    with pytest.raises(ModelFileError, match=r"not written, since it could not be loaded: affine_1\.weight not finite"):
        model.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


# --- what errors say ----------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_is_looked_for_beside_its_place(saved: Path) -> None:
    with pytest.raises(ModelFileError, match=r"No such file or directory; did you mean .*/model\.safetensors\?$"):
        lk.Sequential.load(saved.with_name("modle.safetensors"))


def test_of_many_differences_the_first_are_told(tmp_path: Path) -> None:
    save_file({f"array_{number:05}": np.zeros(1) for number in range(5_000)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelFileError) as caught:
        network().load_weights(tmp_path / "other.safetensors")
    assert len(str(caught.value)) < 1_000
    told, more = re.fullmatch(r".* does not fit the network: (.*); and (\d+) more", str(caught.value)).groups()  # type: ignore[union-attr]
    assert len(told.split("; ")) + int(more) == 5_000 + len(network().layout)
