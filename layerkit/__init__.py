"""Neural networks that are written down as data.

The public names are resolved on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from layerkit.component import Component as Component
    from layerkit.data.base import Dataset as Dataset
    from layerkit.data.base import DatasetFacts as DatasetFacts
    from layerkit.data.base import Samples as Samples
    from layerkit.data.base import Split as Split
    from layerkit.data.bundled import BreastCancer as BreastCancer
    from layerkit.data.bundled import Diabetes as Diabetes
    from layerkit.data.bundled import Digits as Digits
    from layerkit.data.bundled import Iris as Iris
    from layerkit.data.bundled import Wine as Wine
    from layerkit.errors import DataError as DataError
    from layerkit.errors import LayerkitError as LayerkitError
    from layerkit.errors import ShapeError as ShapeError
    from layerkit.errors import SpecError as SpecError
    from layerkit.errors import TargetError as TargetError
    from layerkit.initializers import Constant as Constant
    from layerkit.initializers import HeNormal as HeNormal
    from layerkit.initializers import HeUniform as HeUniform
    from layerkit.initializers import Initializer as Initializer
    from layerkit.initializers import Normal as Normal
    from layerkit.initializers import Uniform as Uniform
    from layerkit.initializers import XavierNormal as XavierNormal
    from layerkit.initializers import XavierUniform as XavierUniform
    from layerkit.initializers import Zeros as Zeros
    from layerkit.layers.affine import Affine as Affine
    from layerkit.layers.relu import ReLU as ReLU
    from layerkit.losses.crossentropy import CategoricalCrossEntropy as CategoricalCrossEntropy
    from layerkit.network.sequential import Sequential as Sequential
    from layerkit.network.sequential import build as build
    from layerkit.observers.base import EpochRecord as EpochRecord
    from layerkit.observers.base import Observer as Observer
    from layerkit.optimizers.base import Optimizer as Optimizer
    from layerkit.optimizers.sgd import SGD as SGD
    from layerkit.registry.hookspecs import hookimpl as hookimpl
    from layerkit.registry.registry import Registry as Registry
    from layerkit.spec.load import load_spec as load_spec
    from layerkit.spec.model import ModelSpec as ModelSpec
    from layerkit.spec.run import RunSpec as RunSpec
    from layerkit.stack.layer import Layer as Layer
    from layerkit.stack.layer import chain_shape as chain_shape
    from layerkit.stack.loss import Loss as Loss
    from layerkit.stack.node import Node as Node
    from layerkit.stack.parameter import Parameter as Parameter
    from layerkit.training.trainer import Trainer as Trainer
    from layerkit.typing import Array as Array
    from layerkit.typing import Shape as Shape

_HOMES = {
    "component": ["Component"],
    "data.base": ["Dataset", "DatasetFacts", "Samples", "Split"],
    "data.bundled": ["BreastCancer", "Diabetes", "Digits", "Iris", "Wine"],
    "errors": ["DataError", "LayerkitError", "ShapeError", "SpecError", "TargetError"],
    "initializers": [
        "Constant",
        "HeNormal",
        "HeUniform",
        "Initializer",
        "Normal",
        "Uniform",
        "XavierNormal",
        "XavierUniform",
        "Zeros",
    ],
    "layers.affine": ["Affine"],
    "losses.crossentropy": ["CategoricalCrossEntropy"],
    "layers.relu": ["ReLU"],
    "network.sequential": ["Sequential", "build"],
    "observers.base": ["EpochRecord", "Observer"],
    "optimizers.base": ["Optimizer"],
    "optimizers.sgd": ["SGD"],
    "registry.hookspecs": ["hookimpl"],
    "registry.registry": ["Registry"],
    "spec.load": ["load_spec"],
    "spec.model": ["ModelSpec"],
    "spec.run": ["RunSpec"],
    "stack.layer": ["Layer", "chain_shape"],
    "stack.loss": ["Loss"],
    "stack.node": ["Node"],
    "stack.parameter": ["Parameter"],
    "training.trainer": ["Trainer"],
    "typing": ["Array", "Shape"],
}
_HOME_OF = {name: f"layerkit.{module}" for module, names in _HOMES.items() for name in names}

__all__ = [*_HOME_OF]  # noqa: PLE0604 (names are resolved on first use)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'layerkit' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
