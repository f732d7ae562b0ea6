"""What tests of several folders share: how they are run, nodes for one stage alone, components, and distributions."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import layerkit as lk

from .distributions import ask, install, lay, pack, put_on_path  # noqa: F401 (fixtures)

settings.register_profile("suite", max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", settings.get_profile("suite"), max_examples=5_000)
settings.load_profile("suite")  # pytest's option --hypothesis-profile loads another


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run folders on all cores, but files and single tests in this process, where they start at once and a debugger works."""
    return None if all(Path(path).is_dir() for path in config.args) else 0


@pytest.fixture(scope="session", autouse=True)
def signals() -> Iterator[None]:
    """Let signals end programs, children's too: what a shell starts in the background, or with nohup, ignores some."""
    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class SquaredError(lk.Loss):
    """Squared differences from float targets (N, \\*shape), the mean over a sample."""

    task: ClassVar[lk.Task | None] = "numbers"
    type: Literal["squared_error"] = "squared_error"

    def prepare(self, targets: lk.Array, logits_shape: lk.Shape, dtype: np.dtype[Any]) -> lk.Array:
        return lk.number_targets(targets, logits_shape, dtype)

    def losses(self, node: lk.Node, logits: lk.Array, targets: lk.Array) -> lk.Array:
        node.cache = (logits - targets).reshape(len(logits), -1)
        losses: lk.Array = (node.cache**2).mean(axis=1)
        return losses

    def d_logits(self, node: lk.Node, d_losses: lk.Array) -> lk.Array:
        differences: lk.Array = node.cache
        d_logits = 2 / differences.shape[1] * d_losses[:, None] * differences
        return d_logits.reshape(-1, *node.input_shape)

    def predict(self, node: lk.Node, logits: lk.Array) -> lk.Array:
        return logits.copy()


class Centered(lk.Layer):
    """Subtracts a running mean and counts its steps: a layer with state, one of it a counter."""

    type: Literal["centered"] = "centered"

    def state(self, input_shape: lk.Shape) -> Mapping[str, lk.State]:
        return {"mean": lk.State(input_shape), "count": lk.State((), dtype="int64")}

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        outputs = np.subtract(inputs, node.state.mean, out=node.buffer("outputs", inputs.shape))
        if node.training:
            node.state.mean = 0.75 * node.state.mean + 0.25 * inputs.mean(axis=0)
            node.state.count += 1
        return outputs

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        return d_out


class Noise(lk.Layer):
    """Scales by random numbers in training: a layer with a random stream."""

    type: Literal["noise"] = "noise"

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        if not node.training:
            return inputs
        node.cache = node.rng.uniform(0.5, 1.5, inputs.shape).astype(node.dtype)
        return np.multiply(inputs, node.cache, out=node.buffer("outputs", inputs.shape))

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        return np.multiply(d_out, node.cache, out=node.buffer("d_inputs", d_out.shape))


class Skip(lk.Layer):
    """``y = x + layers(x)``: a layer with a branch."""

    type: Literal["skip"] = "skip"
    layers: tuple[lk.Layer, ...] = ()

    def branches(self, input_shape: lk.Shape) -> Mapping[str, lk.Branch]:
        return {"layers": lk.Branch(self.layers)}

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        outputs: lk.Array = inputs + node.branches["layers"].forward(inputs)
        return outputs

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array | None:
        d_branch = node.branches["layers"].backward(d_out)
        return None if d_branch is None else d_out + d_branch


@pytest.fixture
def make_node() -> Callable[..., lk.Node]:
    """Give a function that makes a node for one layer or loss alone, so that its passes can be called by hand."""

    def make(
        stage: lk.Layer | lk.Loss,
        input_shape: lk.Shape,
        dtype: str = "float64",
        *,
        training: bool = True,
        needs_input_gradient: bool = True,
    ) -> lk.Node:
        rng = np.random.default_rng(0)
        declared = stage.parameters(input_shape)
        return lk.Node(
            stage,
            name=stage.type,
            input_shape=input_shape,
            output_shape=stage.output_shape(input_shape),
            dtype=np.dtype(dtype),
            params={name: item.initializer.draw(item.shape, rng).astype(dtype) for name, item in declared.items()},
            # Gradients are overwritten, so what stands there before must not matter.
            grads={name: np.full(item.shape, np.nan, dtype) for name, item in declared.items()},
            state={},
            make_rng=lambda: rng,
            training=training,
            needs_input_gradient=needs_input_gradient,
        )

    return make


@pytest.fixture
def squared_error() -> lk.Loss:
    """Give a loss for numbers."""
    return SquaredError()


@pytest.fixture(params=[lk.CategoricalCrossEntropy, SquaredError], ids=["crossentropy", "squared_error"])
def either_loss(request: pytest.FixtureRequest) -> lk.Loss:
    """Give a loss for classes, and one for numbers."""
    loss: lk.Loss = request.param()
    return loss


@pytest.fixture
def make_eventful() -> Callable[..., lk.Sequential]:
    """Give a function that makes a network for samples (4,) in 3 classes which owns everything that a network can.

    State and random streams, some of them within a branch.
    """

    def make(seed: int = 0, dtype: Literal["float32", "float64"] = "float64") -> lk.Sequential:
        inner = Skip(layers=(lk.Affine(units=6), Noise(), Centered()))
        layers = [lk.Affine(units=6), lk.ReLU(), Centered(), inner, Noise(), lk.Affine(units=3), lk.CategoricalCrossEntropy()]
        return lk.Sequential(layers, input_shape=(4,), dtype=dtype, seed=seed)

    return make
