"""What all tests share: nodes for one layer or loss alone, so that its passes can be called by hand, and distributions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from layerkit import Layer, Loss, Node, Shape

from .distributions import ask, install, lay, pack, put_on_path  # noqa: F401 (fixtures)


@pytest.fixture
def make_node() -> Callable[..., Node]:
    def make(stage: Layer | Loss, input_shape: Shape, dtype: str = "float64") -> Node:
        rng = np.random.default_rng(0)
        declared = stage.parameters(input_shape)
        return Node(
            stage,
            name=stage.type,
            input_shape=input_shape,
            output_shape=stage.output_shape(input_shape),
            dtype=np.dtype(dtype),
            params={name: item.initializer.draw(item.shape, rng).astype(dtype) for name, item in declared.items()},
            # Gradients are overwritten, so what stands there before must not matter.
            grads={name: np.full(item.shape, np.nan, dtype) for name, item in declared.items()},
            state={},
            rng=rng,
            needs_input_gradient=True,
        )

    return make
