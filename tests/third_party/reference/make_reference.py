"""Write reference.json: what PyTorch says of the third party's optimizers, schedules, losses and layers.

    python tests/third_party/reference/make_reference.py

Everything is float64. PyTorch has no Lion and no LAMB: those two are written down here from their papers, array by array, on
PyTorch's tensors and gradients. The file in this folder was made with PyTorch 2.13.0 (CPU), in an environment of its own: neither
the components nor their tests import PyTorch.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

torch.set_default_dtype(torch.float64)  # of the scalars that optimizers keep, too
RNG = np.random.default_rng(7)
SHAPES = [(3, 4), (4,), (4, 3), (3,)]
"""Weights and biases of 3 inputs, 4 hidden units and 3 classes."""
KEPT = (1, 2, 3, 10, 20)
"""Steps after which the parameters are written down."""


def draw(*shape: int) -> torch.Tensor:
    return torch.tensor(RNG.standard_normal(shape).round(3))


def network_loss(parameters: list[torch.Tensor], inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    weight_1, bias_1, weight_2, bias_2 = parameters
    return functional.cross_entropy(torch.relu(inputs @ weight_1 + bias_1) @ weight_2 + bias_2, labels)


def lion(parameters: list[torch.Tensor], rate: float, decay: float) -> Callable[[], None]:
    momenta = [torch.zeros_like(p) for p in parameters]

    def step() -> None:
        for p, m in zip(parameters, momenta, strict=True):
            g = p.grad
            update = torch.sign(0.9 * m + 0.1 * g) + (decay if p.ndim == 2 else 0.0) * p
            p.data = p.data - rate * update
            m.copy_(0.99 * m + 0.01 * g)

    return step


def lamb(parameters: list[torch.Tensor], rate: float, decay: float) -> Callable[[], None]:
    firsts, seconds = [torch.zeros_like(p) for p in parameters], [torch.zeros_like(p) for p in parameters]
    number = 0

    def step() -> None:
        nonlocal number
        number += 1
        for p, m, v in zip(parameters, firsts, seconds, strict=True):
            m.copy_(0.9 * m + 0.1 * p.grad)
            v.copy_(0.999 * v + 0.001 * p.grad**2)
            r = (m / (1 - 0.9**number)) / (torch.sqrt(v / (1 - 0.999**number)) + 1e-6) + (decay if p.ndim == 2 else 0.0) * p
            size, length = p.norm(), r.norm()
            p.data = p.data - rate * (size / length if size > 0 and length > 0 else 1.0) * r

    return step


OPTIMIZERS: dict[str, tuple[dict[str, Any], Callable[..., Any]]] = {
    "adamw": ({"learning_rate": 0.05, "weight_decay": 0.1}, lambda groups: torch.optim.AdamW(groups, lr=0.05)),
    "lion": ({"learning_rate": 0.02, "weight_decay": 0.1}, lion),
    "adagrad": (
        {"learning_rate": 0.2, "weight_decay": 0.1, "initial": 0.3, "rate_decay": 0.05},
        lambda groups: torch.optim.Adagrad(groups, lr=0.2, lr_decay=0.05, initial_accumulator_value=0.3),
    ),
    "nadam": ({"learning_rate": 0.05, "weight_decay": 0.1}, lambda groups: torch.optim.NAdam(groups, lr=0.05)),
    "lbfgs": (
        {"learning_rate": 0.3, "weight_decay": 0.1, "history": 4},
        lambda parameters: torch.optim.LBFGS(
            parameters, lr=0.3, max_iter=1, history_size=4, tolerance_grad=0, tolerance_change=0
        ),
    ),
    "lamb": ({"learning_rate": 0.05, "weight_decay": 0.1}, lamb),
}


def optimizers() -> dict[str, Any]:
    inputs, start = draw(12, 3), [draw(*shape) for shape in SHAPES]
    labels = torch.tensor(RNG.integers(3, size=12))
    cases = {}
    for name, (options, make) in OPTIMIZERS.items():
        parameters = [p.clone().requires_grad_() for p in start]
        decay = options["weight_decay"]
        if name in ("lion", "lamb"):
            move = make(parameters, options["learning_rate"], decay)
        elif name == "lbfgs":
            optimizer = make(parameters)

            def closure(
                parameters: list[torch.Tensor] = parameters, optimizer: Any = optimizer, decay: float = decay
            ) -> torch.Tensor:
                optimizer.zero_grad()
                penalty = decay / 2 * (parameters[0].square().sum() + parameters[2].square().sum())
                loss = network_loss(parameters, inputs, labels) + penalty
                loss.backward()
                return loss

            move = lambda optimizer=optimizer, closure=closure: optimizer.step(closure)  # noqa: E731
        else:
            groups = [{"params": parameters[::2], "weight_decay": decay}, {"params": parameters[1::2], "weight_decay": 0.0}]
            move = make(groups).step
        kept = {}
        for number in range(1, KEPT[-1] + 1):
            for p in parameters:
                p.grad = None
            network_loss(parameters, inputs, labels).backward()
            move()
            if number in KEPT:
                kept[number] = torch.cat([p.detach().reshape(-1) for p in parameters]).tolist()
        cases[name] = {"options": options, "parameters": kept}
    first = torch.cat([p.reshape(-1) for p in start]).tolist()
    return {"inputs": inputs.tolist(), "labels": labels.tolist(), "start": first, "cases": cases}


def schedules() -> dict[str, Any]:
    losses = (np.exp(-np.arange(40) / 6) + 0.05 * RNG.random(40)).round(3).tolist()
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.5)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=2, threshold=0.01)
    rates = []
    for loss in losses:
        plateau.step(loss)
        rates.append(optimizer.param_groups[0]["lr"])
    optimizer = torch.optim.SGD([parameter], lr=0.5)
    rise = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1 / 5, total_iters=4)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=15, eta_min=0.05)
    both = torch.optim.lr_scheduler.SequentialLR(optimizer, [rise, fall], milestones=[5])
    cosine = []
    for _ in range(20):
        cosine.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        both.step()
    return {"losses": losses, "plateau": rates, "warmup_cosine": cosine}


def ranking(z: torch.Tensor, t: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    pairs = [(i, j) for i in range(len(t)) for j in range(len(t)) if t[i] > t[j]]
    weights = torch.stack([w[i] * w[j] for i, j in pairs])
    losses = torch.stack([functional.softplus(z[j, 0] - z[i, 0]) for i, j in pairs])
    return (weights * losses).sum() / weights.sum()


def mean(per_sample: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda z, t, w: (w * per_sample(z, t)).sum() / w.sum()


def pinball(z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    q, gap = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64), t[:, None] - z
    return torch.maximum(q * gap, (q - 1) * gap).mean(dim=1)


def losses() -> list[dict[str, Any]]:
    numbers, sets, labels = draw(6), torch.tensor(RNG.integers(2, size=(6, 4))), torch.tensor(RNG.integers(2, size=6))
    two = torch.tensor(2.5, dtype=torch.float64)
    bce = functional.binary_cross_entropy_with_logits
    cases = [
        ({"type": "pinball", "quantiles": [0.1, 0.5, 0.9]}, 3, numbers, mean(pinball)),
        (
            {"type": "multi_label", "positive_weight": 2.5},
            4,
            sets,
            mean(lambda z, t: bce(z, t.double(), pos_weight=two, reduction="none").mean(dim=1)),
        ),
        ({"type": "ranking"}, 1, numbers.round(), ranking),
        ({"type": "binary"}, 1, labels, mean(lambda z, t: bce(z[:, 0], t.double(), reduction="none"))),
    ]
    found = []
    for options, width, targets, function in cases:
        logits, weight = (2 * draw(6, width)).requires_grad_(), torch.tensor([1, 0.5, 2, 0, 1, 3], dtype=torch.float64)
        case = {"loss": options, "logits": logits.tolist(), "targets": targets.tolist(), "sample_weight": weight.tolist()}
        for name, w in (("plain", torch.ones(6, dtype=torch.float64)), ("weighted", weight)):
            logits.grad = None
            value = function(logits, targets, w)
            value.backward()
            case[name] = {"value": value.item(), "gradient": logits.grad.tolist()}
        found.append(case)
    return found


def layer_case(
    layer: dict[str, Any], inputs: torch.Tensor, parameters: list[torch.Tensor], run: Callable[..., Any]
) -> dict[str, Any]:
    x = inputs.clone().requires_grad_()
    ps = [p.clone().requires_grad_() for p in parameters]
    outputs = run(x, *ps)
    d_out = draw(*outputs.shape)
    (outputs * d_out).sum().backward()
    gradients = [x.grad.sum(dim=0).reshape(-1), *(p.grad.reshape(-1) for p in ps)]
    return {
        "layer": layer,
        "inputs": inputs.tolist(),
        "parameters": torch.cat([p.reshape(-1) for p in parameters]).tolist(),
        "outputs": outputs.tolist(),
        "d_out": d_out.tolist(),
        "gradients": torch.cat(gradients).tolist(),
    }


def recurrent(x: torch.Tensor, weight: torch.Tensor, again: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    state = torch.zeros(len(x), 3, dtype=torch.float64)
    zeros = torch.zeros_like(bias)
    return torch.rnn_tanh(x, state[None], [weight.T, again.T, bias, zeros], True, 1, 0.0, False, False, True)[1][0]


def attention(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return functional.scaled_dot_product_attention(x @ weight[0], x @ weight[1], x @ weight[2])


def layers() -> list[dict[str, Any]]:
    return [
        layer_case({"type": "self_attention", "units": 3}, draw(2, 4, 2), [draw(3, 2, 3)], attention),
        layer_case({"type": "recurrent", "units": 3}, draw(3, 4, 2), [draw(2, 3), draw(3, 3), draw(3)], recurrent),
        layer_case({"type": "prelu"}, draw(4, 3), [draw(3)], functional.prelu),
    ]


def batch_norms() -> list[dict[str, Any]]:
    cases = []
    for momentum, shape in ((0.3, (5, 2)), (None, (4, 3, 2))):
        layer = torch.nn.BatchNorm1d(2, momentum=momentum, dtype=torch.float64)
        layer.weight.data, layer.bias.data = draw(2), draw(2)
        batches, d_out = [3 * draw(*shape) + 1 for _ in range(3)], draw(*shape)
        swapped = [x if x.ndim == 2 else x.transpose(1, 2) for x in batches]
        for x in swapped:
            layer.zero_grad()
            outputs = layer(x)
        (outputs * (d_out if d_out.ndim == 2 else d_out.transpose(1, 2))).sum().backward()
        layer.eval()
        predicted = layer(swapped[0]).detach()
        cases.append(
            {
                "momentum": momentum,
                "parameters": [*layer.weight.tolist(), *layer.bias.tolist()],
                "batches": [x.tolist() for x in batches],
                "d_out": d_out.tolist(),
                "gradients": [*layer.weight.grad.tolist(), *layer.bias.grad.tolist()],
                "mean": layer.running_mean.tolist(),
                "var": layer.running_var.tolist(),
                "predicted": (predicted if d_out.ndim == 2 else predicted.transpose(1, 2)).tolist(),
            }
        )
    return cases


found = {
    "optimizers": optimizers(),
    "schedules": schedules(),
    "losses": losses(),
    "layers": layers(),
    "batch_norms": batch_norms(),
}
Path(__file__).with_name("reference.json").write_text(json.dumps(found, indent=None, separators=(",", ":")) + "\n")
