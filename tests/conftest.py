"""What all tests share: how they are run, nodes for one layer or loss alone, and distributions made for a test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from layerkit import Layer, Loss, Node, Shape

from .distributions import ask, install, lay, pack, put_on_path  # noqa: F401 (fixtures)

settings.register_profile("suite", max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", settings.get_profile("suite"), max_examples=5_000)
settings.load_profile("suite")  # pytest's option --hypothesis-profile loads another


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run folders on all cores, but files and single tests in this process, where they start at once and a debugger works."""
    return None if all(Path(path).is_dir() for path in config.args) else 0


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
