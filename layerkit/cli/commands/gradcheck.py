"""``layerkit gradcheck``: numerical against analytical gradients of a spec's network, or of one registered layer or loss."""

from __future__ import annotations

import os
from pathlib import Path

import click
import numpy as np

from layerkit.errors import GradientError
from layerkit.network.sequential import build
from layerkit.registry.discovery import installed_registry
from layerkit.spec.load import load_spec
from layerkit.spec.run import RunSpec
from layerkit.stack.layer import Layer
from layerkit.stack.loss import Loss
from layerkit.stack.stage import Stage
from layerkit.testing.examples import example, example_input_shape
from layerkit.testing.gradients import (
    GradientCheck,
    check_layer_gradients,
    check_loss_gradients,
    check_network_gradients,
)


@click.command()
@click.argument("target", metavar="SPEC_OR_TYPE")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Decides parameters, inputs and the upstream gradient.",
)
@click.option("--batch", type=click.IntRange(min=1), default=5, show_default=True, help="Samples in the batch.")
def command(target: str, seed: int, batch: int) -> None:
    """Check the gradients of the network in a spec file, or of a registered layer or loss by its type.

    The check runs in float64 on random inputs, with central differences and a random upstream gradient, for the inputs and up to
    100 elements of each parameter.
    """
    if target.endswith(".json") or os.path.exists(target):  # noqa: PTH110 (Path.exists raises where a name is too long)
        checks = _check_spec(Path(target), seed, batch)
    else:
        checks = _check_type(target, seed, batch)
    width = max(len(check.array) for check in checks)
    for check in checks:
        verdict = "ok" if check.passed else "WRONG"
        click.echo(f"{check.array:<{width}}  {check.checked:4d} elements  largest relative error {check.error:.1e}  {verdict}")
    failed = [check for check in checks if not check.passed]
    if failed:
        raise GradientError("wrong gradients\n" + "\n".join(f"  {check}" for check in failed))


def _check_spec(path: Path, seed: int, batch: int) -> list[GradientCheck]:
    spec = load_spec(path)
    model_spec = spec.model if isinstance(spec, RunSpec) else spec
    model = build(model_spec.model_copy(update={"dtype": "float64"}), seed=seed)
    rng = np.random.default_rng(seed)
    model.parameters += 0.1 * rng.standard_normal(model.parameters.shape)  # away from trivial initial values
    inputs = rng.standard_normal((batch, *model_spec.input_shape))
    loss = model_spec.layers[-1]
    assert isinstance(loss, Loss)
    targets = loss.example_targets(model_spec.logits_shape, batch, rng)
    return check_network_gradients(model, inputs, targets, seed=seed)


def _check_type(tag: str, seed: int, batch: int) -> list[GradientCheck]:
    stage = example(installed_registry().resolve(Stage, tag))
    shape = example_input_shape(stage)
    if isinstance(stage, Loss):
        return check_loss_gradients(stage, shape, seed=seed, batch=batch)
    assert isinstance(stage, Layer)
    return check_layer_gradients(stage, shape, seed=seed, batch=batch)
