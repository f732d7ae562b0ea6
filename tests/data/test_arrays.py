"""`NPY` and `NPZ`: arrays in files, whatever their layout, and nothing that would have to be unpickled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import layerkit as lk

INPUTS = np.random.default_rng(0).standard_normal((20, 3, 2))
TARGETS = np.arange(20) % 4


def loaded(data: lk.Dataset, folder: Path, **request: Any) -> lk.Split:
    return data.load(lk.DataRequest(folder=folder, **request))


def train(split: lk.Split) -> lk.Batch:
    return split.train.take(slice(0, len(split.train)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "inputs.npy", INPUTS)
    np.save(tmp_path / "targets.npy", TARGETS)
    np.savez(tmp_path / "arrays.npz", inputs=INPUTS, targets=TARGETS, importance=np.arange(20.0))
    return tmp_path


NPY = {"inputs": "inputs.npy", "targets": "targets.npy"}


def test_both_give_the_same_samples(folder: Path) -> None:
    one = loaded(lk.NPY(**NPY, stratify=True), folder, seed=3, validation=4)
    other = loaded(lk.NPZ(path="arrays.npz", stratify=True), folder, seed=3, validation=4)
    for part in ("train", "validation", "test"):
        first, second = (getattr(split, part) for split in (one, other))
        assert len(first) == len(second) > 0
        for array, same in zip(first.take(slice(0, 99)), second.take(slice(0, 99)), strict=True):
            assert_array_equal(array, same) if array is not None else None
    assert one.train.input_shape == (3, 2)
    assert sum(len(part) for part in (one.train, one.validation, one.test) if part is not None) == 20


def test_weights_go_with_their_samples(folder: Path) -> None:
    batch = train(loaded(lk.NPZ(path="arrays.npz", weights="importance", test_size=None), folder))
    assert_array_equal(batch.sample_weight, np.arange(20.0))
    assert_array_equal(batch.inputs, INPUTS)


@pytest.mark.parametrize(
    "change",
    [
        np.asfortranarray,
        lambda array: array.astype(">f8"),
        lambda array: array.astype(np.float32),
        lambda array: np.round(array * 9).astype("i2"),
    ],
    ids=["Fortran order", "other endianness", "float32", "integers"],
)
def test_any_layout_is_taken(folder: Path, change: Callable[[Any], Any]) -> None:
    np.save(folder / "inputs.npy", change(INPUTS))
    batch = train(loaded(lk.NPY(**NPY, test_size=None), folder))
    assert_array_equal(batch.inputs, change(INPUTS))
    assert batch.inputs.dtype.isnative


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.unlink(), "there is no such file"),
        (lambda path: (path.unlink(), path.mkdir()), "this is a folder"),
        (lambda path: path.write_bytes(b""), "this is no intact file of NumPy"),
        (lambda path: path.write_bytes(b"hello"), "this is no intact file of NumPy|objects of Python"),
        (lambda path: path.write_bytes(path.read_bytes()[:200]), "this is no intact file of NumPy"),
        (lambda path: np.save(path, np.array([{"a": 1}] * 20), allow_pickle=True), "objects of Python, which are not unpickled"),
        (lambda path: np.save(path, INPUTS.astype(complex)), "the array is of complex128; expected numbers"),
        (lambda path: np.save(path, INPUTS[:7]), r"expected as many of one as of the other, .*'inputs': 7, 'targets': 20"),
        (lambda path: np.save(path, np.float64(3)), "this is one number, and no array of samples"),
    ],
)
def test_what_cannot_be_read_is_told(folder: Path, spoil: Callable[[Path], Any], says: str) -> None:
    spoil(folder / "inputs.npy")
    with pytest.raises(lk.DataError, match=says):
        loaded(lk.NPY(**NPY), folder)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"path": "arrays.npz", "inputs": "images"}, 'no array is called "images"; there are inputs, targets, importance'),
        ({"path": "inputs.npy"}, 'this is one array, and no archive of them; write "type": "npy"'),
        ({"path": "none.npz"}, "there is no such file"),
    ],
)
def test_what_is_not_in_an_archive_is_told(folder: Path, options: dict[str, Any], says: str) -> None:
    with pytest.raises(lk.DataError, match=says):
        loaded(lk.NPZ(**options), folder)


def test_an_archive_for_an_array_is_told(folder: Path) -> None:
    with pytest.raises(lk.DataError, match='this is an archive of arrays; write "type": "npz"'):
        loaded(lk.NPY(inputs="arrays.npz", targets="targets.npy"), folder)


def test_an_archive_that_would_fill_the_memory_is_refused_unopened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "arrays.npz", inputs=np.zeros((1000, 1000)), targets=np.zeros(1000, int))
    assert (tmp_path / "arrays.npz").stat().st_size < 2**15
    monkeypatch.setattr("layerkit.data.numpy_files.MOST_UNPACKED", 2**20)
    with pytest.raises(lk.DataError, match=r"arrays\.npz: the arrays would unpack to 8\d{6} bytes; keep them in \.npy files"):
        loaded(lk.NPZ(path="arrays.npz"), tmp_path)
