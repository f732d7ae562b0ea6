"""Write reference.json: what PyTorch says of convolution and pooling.

    python plugins/layerkit-vision/tests/reference/make_reference.py

Everything is float64 and channels-last. The pixels around an image are written down by hand, (top, bottom, left, right), and
padded explicitly: PyTorch's own "same" refuses strides. The file in this folder was made with PyTorch 2.13.0 (CPU) and NumPy
2.4.6, in an environment of their own: neither layerkit-vision nor its tests import PyTorch.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

Around = tuple[int, int, int, int]

CONVOLUTIONS: list[tuple[tuple[int, int, int], dict[str, Any], Around]] = [
    ((5, 6, 2), {"kernel_size": (3, 3)}, (0, 0, 0, 0)),
    ((5, 6, 2), {"kernel_size": (3, 3), "padding": "same"}, (1, 1, 1, 1)),
    ((6, 7, 2), {"kernel_size": (3, 2), "strides": (2, 3)}, (0, 0, 0, 0)),
    ((6, 7, 2), {"kernel_size": (3, 3), "strides": (2, 2), "padding": "same"}, (0, 1, 1, 1)),
    ((5, 5, 1), {"kernel_size": (2, 4), "padding": "same"}, (0, 1, 1, 2)),
    ((7, 4, 2), {"kernel_size": (5, 1), "strides": (3, 1), "padding": "same"}, (2, 2, 0, 0)),
    ((2, 3, 2), {"kernel_size": (5, 4), "padding": "same"}, (2, 2, 1, 2)),
    ((4, 4, 3), {"kernel_size": (1, 1)}, (0, 0, 0, 0)),
    ((5, 5, 2), {"kernel_size": (1, 1), "strides": (2, 3), "padding": "same"}, (0, 0, 0, 0)),
    ((4, 5, 4), {"kernel_size": (3, 3), "groups": 2, "padding": "same"}, (1, 1, 1, 1)),
    ((5, 5, 4), {"kernel_size": (2, 3), "groups": 4, "strides": (2, 1)}, (0, 0, 0, 0)),
]
"""Shape of an image, options of the layer, and the pixels around it."""

POOLINGS: list[tuple[tuple[int, int, int], dict[str, Any], Around]] = [
    ((4, 6, 2), {"pool_size": (2, 2)}, (0, 0, 0, 0)),
    ((5, 7, 2), {"pool_size": (2, 3)}, (0, 0, 0, 0)),
    ((5, 5, 2), {"pool_size": (3, 3), "strides": (1, 2)}, (0, 0, 0, 0)),
    ((7, 7, 1), {"pool_size": (2, 2), "strides": (3, 3)}, (0, 0, 0, 0)),
    ((5, 7, 2), {"pool_size": (2, 2), "padding": "same"}, (0, 1, 0, 1)),
    ((5, 6, 2), {"pool_size": (3, 3), "strides": (2, 2), "padding": "same"}, (1, 1, 0, 1)),
    ((2, 3, 1), {"pool_size": (4, 5), "strides": (1, 1), "padding": "same"}, (1, 2, 2, 2)),
]

FILTERS = 4
BATCH = 2


def leaf(array: np.ndarray) -> torch.Tensor:
    """Return a float64 tensor whose gradient is kept."""
    return torch.tensor(array, dtype=torch.float64, requires_grad=True)


def numbers(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return random numbers that are short to write down."""
    return rng.normal(size=shape).round(3)


def padded(images: torch.Tensor, around: Around, value: float) -> torch.Tensor:
    """Return images (N, C, H, W) with pixels around them."""
    top, bottom, left, right = around
    return functional.pad(images, (left, right, top, bottom), value=value)


def listed(tensor: torch.Tensor | None) -> list[Any]:
    """Return a tensor as nested lists."""
    assert tensor is not None
    return tensor.detach().tolist()


def convolution(rng: np.random.Generator, shape: tuple[int, int, int], options: dict[str, Any], around: Around) -> dict[str, Any]:
    """Return one convolution, forward and backward."""
    groups = options.get("groups", 1)
    inputs = leaf(numbers(rng, BATCH, *shape))
    weight = leaf(numbers(rng, *options["kernel_size"], shape[2] // groups, FILTERS))
    bias = leaf(numbers(rng, FILTERS))
    images = padded(inputs.permute(0, 3, 1, 2), around, 0.0)
    outputs = functional.conv2d(images, weight.permute(3, 2, 0, 1), bias, options.get("strides", (1, 1)), groups=groups)
    outputs = outputs.permute(0, 2, 3, 1)
    d_out = torch.tensor(numbers(rng, *outputs.shape))
    outputs.backward(d_out)
    arrays = {"inputs": inputs, "weight": weight, "bias": bias, "outputs": outputs, "d_out": d_out}
    gradients = {"d_inputs": inputs.grad, "d_weight": weight.grad, "d_bias": bias.grad}
    return {
        "options": {"filters": FILTERS, **options},
        **{name: listed(array) for name, array in {**arrays, **gradients}.items()},
    }


def pooling(inputs: torch.Tensor, options: dict[str, Any], around: Around, kind: str, rng: np.random.Generator) -> dict[str, Any]:
    """Return one pooling, forward and backward."""
    window = {"kernel_size": options["pool_size"], "stride": options.get("strides")}
    images = inputs.permute(0, 3, 1, 2)
    if kind == "max":
        outputs = functional.max_pool2d(padded(images, around, -torch.inf), **window)
    else:
        real = functional.avg_pool2d(padded(torch.ones_like(images), around, 0.0), **window)
        outputs = functional.avg_pool2d(padded(images, around, 0.0), **window) / real.detach()
    outputs = outputs.permute(0, 2, 3, 1)
    d_out = torch.tensor(numbers(rng, *outputs.shape))
    outputs.backward(d_out)
    arrays = {"inputs": inputs, "outputs": outputs, "d_out": d_out, "d_inputs": inputs.grad}
    return {"options": options, **{name: listed(array) for name, array in arrays.items()}}


def main() -> None:
    """Write the file beside this script."""
    rng = np.random.default_rng(2024)
    reference: dict[str, list[dict[str, Any]]] = {"conv2d": [convolution(rng, *case) for case in CONVOLUTIONS]}
    for kind in ("max", "average"):
        reference[f"{kind}_pool2d"] = [
            pooling(leaf(numbers(rng, BATCH, *shape)), options, around, kind, rng) for shape, options, around in POOLINGS
        ]
    # Whole numbers tie all the time, and zeros tie with what lies around the image.
    reference["ties"] = [
        pooling(leaf(rng.integers(-1, 2, (BATCH, *shape))), options, around, "max", rng) for shape, options, around in POOLINGS
    ]
    path = Path(__file__).with_name("reference.json")
    path.write_text(json.dumps(reference, indent=None, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
