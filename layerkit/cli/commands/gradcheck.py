"""``layerkit gradcheck``: numerical against analytical gradients of a spec's network, or of one registered layer or loss."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from layerkit.cli.completion import files_and_stages
from layerkit.cli.messages import say
from layerkit.cli.spec_file import STANDARD_INPUT, read_spec, settled, with_data
from layerkit.errors import GradientError, MemoryBudgetError
from layerkit.layout import figures
from layerkit.memory import free_memory, size_text
from layerkit.network.sequential import build
from layerkit.registry.discovery import installed_registry
from layerkit.spec.cost import Cost
from layerkit.spec.plan import plan_nodes
from layerkit.spec.run import RunSpec
from layerkit.stack.layer import Layer
from layerkit.stack.loss import Loss
from layerkit.stack.stage import Stage
from layerkit.testing.derivatives import GradientCheck
from layerkit.testing.examples import example, example_input_shape, example_inputs, example_soft_targets
from layerkit.testing.gradients import check_layer_gradients, check_loss_gradients, check_network_gradients
from layerkit.typing import Array, Shape


@click.command()
@click.argument("target", metavar="SPEC_OR_TYPE", shell_complete=files_and_stages)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Decides parameters, inputs and the upstream gradient.",
)
@click.option("--batch", type=click.IntRange(min=1), default=5, show_default=True, help="Samples in the batch.")
@click.option(
    "--elements",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Elements of each array to compare at the most.",
)
@click.option("--data", type=click.Path(path_type=Path), help="Another file, with the same columns, for data.path.")
def command(target: str, seed: int, batch: int, elements: int, data: Path | None) -> None:
    """Check the gradients of the network in a spec, or of a registered layer or loss by its type.

    A spec is a file, a run directory, a model file, or "-" for standard input.

    The check runs in float64 on random inputs, with central differences and a random upstream gradient, for the inputs and some
    elements of each parameter: on the loss's own example targets, with sample weights, and with soft targets where the loss takes
    them. Where the spec says float32, and for a type, gradients in float32 are compared with those in float64.
    """
    # Path.exists raises where a name is too long.
    if target == STANDARD_INPUT or target.endswith(".json") or "/" in target or os.path.exists(target):  # noqa: PTH110
        found = _check_spec(Path(target), seed, batch, elements, data)
    else:
        found = _check_type(target, seed, batch, elements)
    failed = []
    for circumstance, checks in found:
        say(circumstance, *figures([_row(check) for check in checks], right=(3,)))
        failed += [f"  {circumstance}: {check}" for check in checks if not check.passed]
    if failed:
        raise GradientError("wrong gradients", *failed)


def _row(check: GradientCheck) -> tuple[str, ...]:
    what = f"{check.compared[0]} and {check.compared[1]}"
    error = f"relative error {check.error:.1e}"
    return f"  {check.array}", what, check.upstream, f"{check.checked} elements", error, "ok" if check.passed else "WRONG"


def _require_memory(cost: Cost, batch: int) -> None:
    """Refuse a batch for which there is no memory, before any of it is taken.

    Raises
    ------
    MemoryBudgetError
        With the numbers.
    """
    wanted, free = 2 * cost.work + 4 * cost.samples, free_memory()  # both dtypes; inputs, targets and what differs from them
    if wanted > free:
        raise MemoryBudgetError(
            f"checking {batch} samples takes {size_text(wanted)}, and {size_text(free)} are free; a smaller --batch says as much"
        )


def _check_spec(path: Path, seed: int, batch: int, elements: int, data: Path | None) -> Iterator[tuple[str, list[GradientCheck]]]:
    spec = settled(read_spec(path, with_data((), data)), path)
    network = spec.model if isinstance(spec, RunSpec) else spec
    _require_memory(Cost(network.plan(), np.dtype(np.float64), batch), batch)
    model = build(network, seed=seed)
    rng = np.random.default_rng(seed)
    model.parameters += 0.1 * rng.standard_normal(model.parameters.shape)  # away from trivial initial values
    inputs = example_inputs(model.nodes[0].stage, model.input_shape, batch, rng)
    model.adapt(inputs)
    loss = model.spec.layers[-1]
    assert isinstance(loss, Loss)
    for circumstance, targets, weight in _circumstances(loss, model.spec.logits_shape, batch, rng):
        yield circumstance, check_network_gradients(model, inputs, targets, weight, seed=seed, elements=elements)


def _check_type(tag: str, seed: int, batch: int, elements: int) -> Iterator[tuple[str, list[GradientCheck]]]:
    stage = example(installed_registry().resolve(Stage, tag))
    shape = example_input_shape(stage)
    _require_memory(Cost(tuple(plan_nodes([stage], shape)), np.dtype(np.float64), batch), batch)
    if isinstance(stage, Layer):
        checks = check_layer_gradients(stage, shape, dtype="float32", seed=seed, batch=batch, elements=elements)
        yield "random inputs", checks
        return
    assert isinstance(stage, Loss)
    for circumstance, targets, weight in _circumstances(stage, shape, batch, np.random.default_rng(seed)):
        yield (
            circumstance,
            check_loss_gradients(
                stage, shape, targets=targets, sample_weight=weight, dtype="float32", seed=seed, elements=elements
            ),
        )


def _circumstances(
    loss: Loss, logits_shape: Shape, batch: int, rng: np.random.Generator
) -> Iterator[tuple[str, Array, Array | None]]:
    """Yield targets and sample weights to check a loss with, and what they are."""
    targets = loss.example_targets(logits_shape, batch, rng)
    yield "example targets", targets, None
    yield "sample weights", targets, rng.uniform(0.5, 2, batch)
    soft = example_soft_targets(loss, logits_shape, batch, rng)
    if soft is not None:
        yield "soft targets", soft, None
