"""Write catalogue.json: what PyTorch, Keras, scikit-learn and SciPy say of the layers, losses, optimizers and schedules.

    python tests/reference/make_catalogue.py

Everything is float64. The file in this folder was made with PyTorch 2.13.0 (CPU), scikit-learn 1.9.1, Keras 3.15.1 on PyTorch and
NumPy 2.4.6, in an environment of their own: neither layerkit nor its tests import PyTorch or Keras.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import torch
from sklearn._loss import loss as sklearn_losses
from torch.nn import functional

keras.config.set_floatx("float64")
torch.set_default_dtype(torch.float64)

ACTIVATIONS: dict[str, tuple[dict[str, Any], Callable[[torch.Tensor], torch.Tensor]]] = {
    "sigmoid": ({}, torch.sigmoid),
    "tanh": ({}, torch.tanh),
    "softplus": ({}, functional.softplus),
    "softplus of beta 2": ({"beta": 2.0}, lambda x: functional.softplus(x, beta=2.0)),
    "softsign": ({}, functional.softsign),
    "leaky_relu": ({}, functional.leaky_relu),
    "leaky_relu of slope 0.3": ({"slope": 0.3}, lambda x: functional.leaky_relu(x, 0.3)),
    "elu": ({}, functional.elu),
    "elu of alpha 0.7": ({"alpha": 0.7}, lambda x: functional.elu(x, alpha=0.7)),
    "selu": ({}, functional.selu),
    "gelu": ({}, functional.gelu),
    "gelu approximately": ({"approximate": True}, lambda x: functional.gelu(x, approximate="tanh")),
    "silu": ({}, functional.silu),
    "mish": ({}, functional.mish),
    "hard_sigmoid": ({}, functional.hardsigmoid),
    "hard_swish": ({}, functional.hardswish),
    "softmax": ({}, lambda x: functional.softmax(x, dim=-1)),
}


def leaf(array: np.ndarray) -> torch.Tensor:
    """Return a float64 tensor whose gradient is kept."""
    return torch.tensor(array, dtype=torch.float64, requires_grad=True)


def activations(rng: np.random.Generator) -> dict[str, Any]:
    """Return values and gradients of each activation on the same inputs, kinks and the edges of what is smooth among them."""
    values = rng.normal(scale=3, size=(5, 4))
    values[0] = [0.0, 3.0, -3.0, 12.0]
    d_out = rng.normal(size=values.shape)
    found = {}
    for name, (options, function) in ACTIVATIONS.items():
        inputs = leaf(values)
        outputs = function(inputs)
        outputs.backward(torch.tensor(d_out))
        found[name] = {"options": options, "outputs": outputs.tolist(), "d_inputs": inputs.grad.tolist()}
    return {"inputs": values.tolist(), "d_out": d_out.tolist(), "cases": found}


def normalizations(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return what PyTorch's modules with trained scales give, in training and, for batch normalization, afterwards."""
    cases = []
    for name, module in {
        "layer_norm": torch.nn.LayerNorm(4),
        "rms_norm": torch.nn.RMSNorm(4, eps=1e-6),
        "prelu": torch.nn.PReLU(),
        "batch_norm": torch.nn.BatchNorm1d(4),
    }.items():
        values, d_out = rng.normal(1, 2, size=(6, 4)), rng.normal(size=(6, 4))
        parameters = {key: rng.normal(size=value.shape) for key, value in module.named_parameters()}
        for key, value in module.named_parameters():
            value.data = torch.tensor(parameters[key])
        inputs = leaf(values)
        outputs = module(inputs)
        outputs.backward(torch.tensor(d_out))
        case = {
            "type": name,
            "inputs": values.tolist(),
            "d_out": d_out.tolist(),
            "parameters": {key: value.tolist() for key, value in parameters.items()},
            "outputs": outputs.tolist(),
            "d_inputs": inputs.grad.tolist(),
            "gradients": {key: value.grad.tolist() for key, value in module.named_parameters()},
        }
        if name == "batch_norm":
            case |= {"mean": module.running_mean.tolist(), "variance": module.running_var.tolist()}
            case["predicted"] = module.eval()(torch.tensor(values)).tolist()
        cases.append(case)
    return cases


def keras_batch_norm(rng: np.random.Generator) -> dict[str, Any]:
    """Return what Keras' batch normalization keeps after one batch; its momentum counts the other way round."""
    values = rng.normal(1, 2, size=(6, 4))
    layer = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype="float64")
    outputs = layer(torch.tensor(values), training=True)
    kept = {"mean": layer.moving_mean, "variance": layer.moving_variance}
    return {
        "inputs": values.tolist(),
        "outputs": outputs.detach().tolist(),
        **{name: keras.ops.convert_to_numpy(value).tolist() for name, value in kept.items()},
    }


def losses(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return what each sample loses and the gradient of the weighted mean, for several shapes."""
    numbers, labels = rng.normal(size=(6, 3)), rng.integers(0, 3, 6)
    sets, counts = rng.integers(0, 2, (6, 3)), rng.poisson(2.0, (6, 3)).astype(float)
    positive = rng.gamma(2.0, size=(6, 3))
    soft = rng.dirichlet(np.ones(3), 6)
    weight = torch.tensor([0.5, 2.0, 3.0])
    there = torch.tensor(sets.astype(float))
    signs = torch.tensor(2.0 * sets - 1)

    def mean(values: torch.Tensor) -> torch.Tensor:
        return values.reshape(6, -1).mean(dim=1)

    def focal(z: torch.Tensor) -> torch.Tensor:
        logarithm = functional.log_softmax(z, dim=1)[torch.arange(6), torch.tensor(labels)]
        return -((1 - logarithm.exp()) ** 2) * logarithm

    def pinball(z: torch.Tensor) -> torch.Tensor:
        q, gaps = torch.tensor([0.1, 0.5, 0.9]), torch.tensor(numbers[:, :1]) - z
        return torch.maximum(q * gaps, (q - 1) * gaps).mean(dim=1)

    kinds: dict[str, tuple[dict[str, Any], np.ndarray, Callable[[torch.Tensor], torch.Tensor]]] = {
        "mae": ({}, numbers, lambda z: mean(functional.l1_loss(z, torch.tensor(numbers), reduction="none"))),
        "huber": (
            {"delta": 0.7},
            numbers,
            lambda z: mean(functional.huber_loss(z, torch.tensor(numbers), reduction="none", delta=0.7)),
        ),
        "log_cosh": ({}, numbers, lambda z: mean(torch.log(torch.cosh(z - torch.tensor(numbers))))),
        "quantile": ({"quantiles": [0.1, 0.5, 0.9]}, numbers[:, 0], pinball),
        "poisson": (
            {},
            counts,
            lambda z: mean(functional.poisson_nll_loss(z, torch.tensor(counts), log_input=True, reduction="none")),
        ),
        "binary_crossentropy": (
            {"positive_weight": [0.5, 2.0, 3.0]},
            sets,
            lambda z: mean(functional.binary_cross_entropy_with_logits(z, there, reduction="none", pos_weight=weight)),
        ),
        "hinge": ({}, sets, lambda z: mean(torch.clamp(1 - signs * z, min=0))),
        "squared_hinge": ({}, sets, lambda z: mean(torch.clamp(1 - signs * z, min=0) ** 2)),
        "multiclass_hinge": (
            {"margin": 0.8},
            labels,
            lambda z: functional.multi_margin_loss(z, torch.tensor(labels), margin=0.8, reduction="none"),
        ),
        "focal": ({}, labels, focal),
        "cosine": ({}, numbers, lambda z: 1 - functional.cosine_similarity(z, torch.tensor(numbers))),
        "crossentropy": (
            {"label_smoothing": 0.2},
            labels,
            lambda z: functional.cross_entropy(z, torch.tensor(labels), reduction="none", label_smoothing=0.2),
        ),
        "crossentropy of soft targets": (
            {"label_smoothing": 0.2},
            soft,
            lambda z: functional.cross_entropy(z, torch.tensor(soft), reduction="none", label_smoothing=0.2),
        ),
    }
    cases = []
    for name, (options, targets, function) in kinds.items():
        logits = leaf(2 * rng.normal(size=(6, 3)))
        values = function(logits)
        values.mean().backward()
        cases.append(
            {
                "type": name.split()[0],
                "options": options,
                "logits": logits.tolist(),
                "targets": targets.tolist(),
                "losses": values.tolist(),
                "d_logits": logits.grad.tolist(),
            }
        )
    for name, options, loss in (
        ("gamma", {}, sklearn_losses.HalfGammaLoss()),
        ("tweedie", {"power": 1.3}, sklearn_losses.HalfTweedieLoss(power=1.3)),
    ):
        raw = rng.normal(size=(6, 3))
        wanted = positive if name == "gamma" else counts
        flat = [np.ascontiguousarray(array).reshape(-1) for array in (wanted, raw)]
        values, slopes = loss.loss_gradient(*flat)
        cases.append(
            {
                "type": name,
                "options": options,
                "logits": raw.tolist(),
                "targets": wanted.tolist(),
                "losses": values.reshape(6, 3).mean(axis=1).tolist(),
                "d_logits": (slopes.reshape(6, 3) / 18).tolist(),
            }
        )
    return cases


OPTIMIZERS: dict[str, tuple[str, dict[str, Any], Callable[..., torch.optim.Optimizer], dict[str, Any]]] = {
    "adam": ("adam", {}, torch.optim.Adam, {}),
    "adam with amsgrad": ("adam", {"amsgrad": True, "beta1": 0.8}, torch.optim.Adam, {"amsgrad": True, "betas": (0.8, 0.999)}),
    "nadam": ("nadam", {}, torch.optim.NAdam, {}),
    "radam": ("radam", {}, torch.optim.RAdam, {}),
    "radam of beta2 0.9": ("radam", {"beta2": 0.9}, torch.optim.RAdam, {"betas": (0.9, 0.9)}),
    "rmsprop": ("rmsprop", {}, torch.optim.RMSprop, {}),
    "rmsprop centered": (
        "rmsprop",
        {"centered": True, "momentum": 0.8, "alpha": 0.9},
        torch.optim.RMSprop,
        {"centered": True, "momentum": 0.8, "alpha": 0.9},
    ),
    "adagrad": ("adagrad", {"rate_decay": 0.1}, torch.optim.Adagrad, {"lr_decay": 0.1}),
    "adadelta": ("adadelta", {}, torch.optim.Adadelta, {}),
    "adamax": ("adamax", {}, torch.optim.Adamax, {}),
}


def optimizers(rng: np.random.Generator) -> dict[str, Any]:
    """Return trajectories of 50 steps on recorded gradients, with a learning rate that changes from step to step."""
    start, gradients = rng.normal(size=4), rng.normal(size=(50, 4))
    gradients[7] = 0
    rates = (0.01 * (1 + np.sin(np.arange(50)))).tolist()
    cases = {}
    for name, (kind, options, make, theirs) in OPTIMIZERS.items():
        parameters = leaf(start)
        optimizer = make([parameters], lr=1.0, **theirs)
        trajectory = []
        for step_gradient, rate in zip(gradients, rates, strict=True):
            parameters.grad = torch.tensor(step_gradient)
            optimizer.param_groups[0]["lr"] = rate
            optimizer.step()
            trajectory.append(parameters.tolist())
        cases[name] = {"type": kind, "options": options, "trajectory": trajectory[::7] + trajectory[-1:]}
    mean, place, trajectory = np.zeros(4), start.copy(), []
    for step_gradient, rate in zip(gradients, rates, strict=True):  # Chen et al., algorithm 2
        place = place - rate * np.sign(0.9 * mean + 0.1 * step_gradient)
        mean = 0.99 * mean + 0.01 * step_gradient
        trajectory.append(place.tolist())
    cases["lion"] = {"type": "lion", "options": {}, "trajectory": trajectory[::7] + trajectory[-1:]}
    return {"start": start.tolist(), "gradients": gradients.tolist(), "rates": rates, "cases": cases}


def schedules() -> dict[str, Any]:
    """Return the rates of 50 steps, one an epoch."""
    lr = torch.optim.lr_scheduler
    kinds = {
        "step": ({"every": 7, "factor": 0.5}, lambda o: lr.StepLR(o, 7, 0.5)),
        "multi_step": ({"milestones": [5, 30]}, lambda o: lr.MultiStepLR(o, [5, 30], 0.1)),
        "exponential": ({"factor": 0.9}, lambda o: lr.ExponentialLR(o, 0.9)),
        "polynomial": ({"power": 2, "length": 40}, lambda o: lr.PolynomialLR(o, 40, 2)),
        "cosine": ({"minimum": 0.01}, lambda o: lr.CosineAnnealingLR(o, 50, 0.01)),
        "cosine again and again": (
            {"period": 5, "multiplier": 2, "minimum": 0.01},
            lambda o: lr.CosineAnnealingWarmRestarts(o, 5, 2, 0.01),
        ),
        "warmup": (
            {"length": 10, "start": 0.25, "then": {"type": "step", "every": 7, "factor": 0.5}},
            lambda o: lr.SequentialLR(o, [lr.LinearLR(o, 0.25, total_iters=10), lr.StepLR(o, 7, 0.5)], [10]),
        ),
        "one_cycle": ({}, lambda o: lr.OneCycleLR(o, 0.1, total_steps=50, cycle_momentum=False)),
    }
    found = {}
    for name, (options, make) in kinds.items():
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
        schedule = make(optimizer)
        rates = []
        for _ in range(50):
            rates.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            schedule.step()
        found[name] = {"type": name.split()[0], "options": options, "rates": rates}
    figures = np.abs(np.random.default_rng(1).normal(size=50)) + np.exp(-np.arange(50) / 10)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    plateau, rates = lr.ReduceLROnPlateau(optimizer, factor=0.5, patience=2, cooldown=1, min_lr=1e-3), []
    for figure in figures:
        rates.append(float(optimizer.param_groups[0]["lr"]))
        plateau.step(figure)
    options = {"factor": 0.5, "patience": 2, "cooldown": 1, "minimum": 1e-3, "monitor": "loss"}
    found["reduce_on_plateau"] = {"type": "reduce_on_plateau", "options": options, "rates": rates, "figures": figures.tolist()}
    return found


def main() -> None:
    """Compute everything from one seed and write it beside this script."""
    rng = np.random.default_rng(2025)
    catalogue = {
        "activations": activations(rng),
        "normalizations": normalizations(rng),
        "keras_batch_norm": keras_batch_norm(rng),
        "losses": losses(rng),
        "optimizers": optimizers(rng),
        "schedules": schedules(),
    }
    Path(__file__).with_name("catalogue.json").write_text(json.dumps(catalogue) + "\n")


if __name__ == "__main__":
    main()
