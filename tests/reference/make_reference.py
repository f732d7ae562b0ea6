"""Write reference.json: what PyTorch says of the built-in layers, the loss, the optimizer and a small network.

    python tests/reference/make_reference.py

Everything is float64. The file in this folder was made with PyTorch 2.13.0 (CPU) and NumPy 2.4.6, in an environment of their own:
neither layerkit nor its tests import PyTorch.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9, "nesterov": True},
    "weight_decay": {"weight_decay": 0.1},
    "momentum_weight_decay": {"momentum": 0.8, "weight_decay": 0.05},
    "nesterov_weight_decay": {"momentum": 0.9, "nesterov": True, "weight_decay": 0.02},
}


def leaf(array: np.ndarray) -> torch.Tensor:
    """Return a float64 tensor whose gradient is kept."""
    return torch.tensor(array, dtype=torch.float64, requires_grad=True)


def gradient(tensor: torch.Tensor) -> list[Any]:
    """Return the gradient of a leaf as nested lists."""
    assert tensor.grad is not None
    return tensor.grad.tolist()


def affine(rng: np.random.Generator) -> dict[str, Any]:
    """Return one affine layer, forward and backward."""
    inputs, weight, bias = leaf(rng.normal(size=(5, 4))), leaf(rng.normal(size=(4, 3))), leaf(rng.normal(size=3))
    d_out = torch.tensor(rng.normal(size=(5, 3)))
    outputs = functional.linear(inputs, weight.T, bias)
    outputs.backward(d_out)
    return {
        "inputs": inputs.tolist(),
        "weight": weight.tolist(),
        "bias": bias.tolist(),
        "outputs": outputs.tolist(),
        "d_out": d_out.tolist(),
        "d_inputs": gradient(inputs),
        "d_weight": gradient(weight),
        "d_bias": gradient(bias),
    }


def relu(rng: np.random.Generator) -> dict[str, Any]:
    """Return one rectifier on samples with two axes; some inputs are exactly 0."""
    values = rng.normal(size=(4, 3, 2))
    values[0, 0] = 0.0
    inputs, d_out = leaf(values), torch.tensor(rng.normal(size=values.shape))
    outputs = functional.relu(inputs)
    outputs.backward(d_out)
    return {"inputs": inputs.tolist(), "outputs": outputs.tolist(), "d_out": d_out.tolist(), "d_inputs": gradient(inputs)}


def crossentropy(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return the loss for labels, one-hot and soft rows, each with and without weights, for several upstream gradients."""
    labels = rng.integers(0, 4, 6)
    kinds = {"labels": labels, "one_hot": np.eye(4, dtype=np.int64)[labels], "soft": rng.dirichlet(np.ones(4), 6)}
    weights = {"unweighted": None, "weighted": np.array([0.5, 2.0, 0.0, 1.0, 3.25, 0.125])}
    cases = []
    for kind, targets in kinds.items():
        for weighting, weight in weights.items():
            for d_out in (1.0, -2.5):
                logits = leaf(3 * rng.normal(size=(6, 4)))
                wanted = torch.tensor(targets) if kind == "labels" else torch.tensor(targets, dtype=torch.float64)
                losses = functional.cross_entropy(logits, wanted, reduction="none")
                factors = torch.ones(6, dtype=torch.float64) if weight is None else torch.tensor(weight)
                loss = (factors * losses).sum() / factors.sum()
                loss.backward(torch.tensor(d_out, dtype=torch.float64))
                cases.append(
                    {
                        "name": f"{kind}-{weighting}-{d_out}",
                        "logits": logits.tolist(),
                        "targets": targets.tolist(),
                        "sample_weight": None if weight is None else weight.tolist(),
                        "d_out": d_out,
                        "loss": loss.item(),
                        "d_logits": gradient(logits),
                    }
                )
    return cases


def mse(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return the squared error for samples of several shapes, with and without weights."""
    cases = []
    for shape in ((1,), (3,), (2, 2)):
        for weight in (None, np.array([0.5, 2.0, 0.0, 1.0, 3.25])):
            logits, targets = leaf(rng.normal(size=(5, *shape))), rng.normal(size=(5, *shape))
            losses = functional.mse_loss(logits, torch.tensor(targets), reduction="none").reshape(5, -1).mean(dim=1)
            factors = torch.ones(5, dtype=torch.float64) if weight is None else torch.tensor(weight)
            loss = (factors * losses).sum() / factors.sum()
            loss.backward(torch.tensor(-1.5, dtype=torch.float64))
            cases.append(
                {
                    "logits": logits.tolist(),
                    "targets": targets.tolist(),
                    "sample_weight": None if weight is None else weight.tolist(),
                    "d_out": -1.5,
                    "loss": loss.item(),
                    "d_logits": gradient(logits),
                }
            )
    return cases


def sgd(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return trajectories on recorded gradients, with a learning rate that changes from step to step.

    There is none with weight decay here: layerkit adds it before the update rule, so the networks below tell.
    """
    cases = []
    for name, options in OPTIMIZERS.items():
        if "weight_decay" in options:
            continue
        parameters = leaf(rng.normal(size=5))
        start = parameters.tolist()
        optimizer = torch.optim.SGD([parameters], lr=1.0, **options)
        gradients = rng.normal(size=(6, 5))
        learning_rates = [0.1, 0.1, 0.05, 0.2, 0.01, 0.3]
        trajectory = []
        for step_gradient, learning_rate in zip(gradients, learning_rates, strict=True):
            parameters.grad = torch.tensor(step_gradient)
            optimizer.param_groups[0]["lr"] = learning_rate
            optimizer.step()
            trajectory.append(parameters.tolist())
        cases.append(
            {
                "name": name,
                "options": options,
                "start": start,
                "gradients": gradients.tolist(),
                "learning_rates": learning_rates,
                "trajectory": trajectory,
            }
        )
    return cases


def network(rng: np.random.Generator) -> dict[str, Any]:
    """Return affine-relu-affine-crossentropy, trained in order from the same start by each optimizer; biases do not decay."""
    inputs, targets = torch.tensor(rng.normal(size=(12, 5))), torch.tensor(rng.integers(0, 3, 12))
    shapes = {"affine_1.weight": (5, 7), "affine_1.bias": (7,), "affine_2.weight": (7, 3), "affine_2.bias": (3,)}
    initial = {name: rng.normal(scale=0.5, size=shape) for name, shape in shapes.items()}
    runs = []
    for name, options in OPTIMIZERS.items():
        for batch_size in (12, 5):
            parameters = {key: leaf(value) for key, value in initial.items()}
            groups = [
                {"params": [tensor for key, tensor in parameters.items() if key.endswith("weight")]},
                {"params": [tensor for key, tensor in parameters.items() if key.endswith("bias")], "weight_decay": 0.0},
            ]
            optimizer = torch.optim.SGD(groups, lr=0.1, **options)
            losses = []
            for _ in range(8):
                total = 0.0
                for batch, wanted in zip(inputs.split(batch_size), targets.split(batch_size), strict=True):
                    hidden = functional.relu(batch @ parameters["affine_1.weight"] + parameters["affine_1.bias"])
                    logits = hidden @ parameters["affine_2.weight"] + parameters["affine_2.bias"]
                    loss = functional.cross_entropy(logits, wanted)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    total += loss.item() * len(batch)
                losses.append(total / len(inputs))
            runs.append(
                {
                    "name": f"{name}-batches_of_{batch_size}",
                    "options": {"learning_rate": 0.1, **options},
                    "batch_size": batch_size,
                    "losses": losses,
                    "final": {key: tensor.tolist() for key, tensor in parameters.items()},
                }
            )
    return {
        "inputs": inputs.tolist(),
        "targets": targets.tolist(),
        "initial": {key: value.tolist() for key, value in initial.items()},
        "runs": runs,
    }


def main() -> None:
    """Compute everything from one seed and write it beside this script."""
    rng = np.random.default_rng(2024)
    reference = {
        "affine": affine(rng),
        "relu": relu(rng),
        "crossentropy": crossentropy(rng),
        "sgd": sgd(rng),
        "network": network(rng),
        "mse": mse(rng),
    }
    Path(__file__).with_name("reference.json").write_text(json.dumps(reference) + "\n")


if __name__ == "__main__":
    main()
