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
    from layerkit.data.base import Split as Split
    from layerkit.data.bundled import BreastCancer as BreastCancer
    from layerkit.data.bundled import Diabetes as Diabetes
    from layerkit.data.bundled import Digits as Digits
    from layerkit.data.bundled import Iris as Iris
    from layerkit.data.bundled import Wine as Wine
    from layerkit.data.samples import ArraySamples as ArraySamples
    from layerkit.data.samples import Batch as Batch
    from layerkit.data.samples import Rows as Rows
    from layerkit.data.samples import Samples as Samples
    from layerkit.data.splitting import SplittingDataset as SplittingDataset
    from layerkit.errors import ComponentError as ComponentError
    from layerkit.errors import DataError as DataError
    from layerkit.errors import DivergedError as DivergedError
    from layerkit.errors import LayerkitError as LayerkitError
    from layerkit.errors import ShapeError as ShapeError
    from layerkit.errors import SpecError as SpecError
    from layerkit.errors import TargetError as TargetError
    from layerkit.history import EpochRecord as EpochRecord
    from layerkit.history import History as History
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
    from layerkit.losses.targets import class_targets as class_targets
    from layerkit.losses.targets import label_set_targets as label_set_targets
    from layerkit.losses.targets import number_targets as number_targets
    from layerkit.losses.targets import sample_weights as sample_weights
    from layerkit.metrics.accuracy import Accuracy as Accuracy
    from layerkit.metrics.base import Metric as Metric
    from layerkit.metrics.base import Outcome as Outcome
    from layerkit.network.sequential import Sequential as Sequential
    from layerkit.network.sequential import build as build
    from layerkit.observers.base import Observer as Observer
    from layerkit.observers.base import Watcher as Watcher
    from layerkit.observers.training import Memory as Memory
    from layerkit.observers.training import Training as Training
    from layerkit.optimizers.base import Optimizer as Optimizer
    from layerkit.optimizers.sgd import SGD as SGD
    from layerkit.optimizers.step import Place as Place
    from layerkit.optimizers.step import Slot as Slot
    from layerkit.optimizers.step import Step as Step
    from layerkit.registry.hookspecs import hookimpl as hookimpl
    from layerkit.registry.registry import Registry as Registry
    from layerkit.schedules.base import Progress as Progress
    from layerkit.schedules.base import Schedule as Schedule
    from layerkit.spec.load import load_spec as load_spec
    from layerkit.spec.model import ModelSpec as ModelSpec
    from layerkit.spec.run import RunSpec as RunSpec
    from layerkit.spec.training import TrainingSpec as TrainingSpec
    from layerkit.stack.chain import Chain as Chain
    from layerkit.stack.declarations import Parameter as Parameter
    from layerkit.stack.declarations import State as State
    from layerkit.stack.layer import Layer as Layer
    from layerkit.stack.layer import chain_shape as chain_shape
    from layerkit.stack.loss import Loss as Loss
    from layerkit.stack.loss import Task as Task
    from layerkit.stack.node import Node as Node
    from layerkit.stack.stage import Branch as Branch
    from layerkit.stack.stage import Stage as Stage
    from layerkit.training.run import Run as Run
    from layerkit.training.run import run as run
    from layerkit.training.trainer import Trainer as Trainer
    from layerkit.typing import Array as Array
    from layerkit.typing import Shape as Shape

_HOMES = {
    "component": ["Component"],
    "data.base": ["Dataset", "DatasetFacts", "Split"],
    "data.samples": ["ArraySamples", "Batch", "Rows", "Samples"],
    "data.splitting": ["SplittingDataset"],
    "data.bundled": ["BreastCancer", "Diabetes", "Digits", "Iris", "Wine"],
    "errors": ["ComponentError", "DataError", "DivergedError", "LayerkitError", "ShapeError", "SpecError", "TargetError"],
    "history": ["EpochRecord", "History"],
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
    "layers.relu": ["ReLU"],
    "losses.crossentropy": ["CategoricalCrossEntropy"],
    "losses.targets": ["class_targets", "label_set_targets", "number_targets", "sample_weights"],
    "metrics.accuracy": ["Accuracy"],
    "metrics.base": ["Metric", "Outcome"],
    "network.sequential": ["Sequential", "build"],
    "observers.base": ["Observer", "Watcher"],
    "observers.training": ["Memory", "Training"],
    "optimizers.base": ["Optimizer"],
    "optimizers.sgd": ["SGD"],
    "optimizers.step": ["Place", "Slot", "Step"],
    "registry.hookspecs": ["hookimpl"],
    "registry.registry": ["Registry"],
    "schedules.base": ["Progress", "Schedule"],
    "spec.load": ["load_spec"],
    "spec.model": ["ModelSpec"],
    "spec.run": ["RunSpec"],
    "spec.training": ["TrainingSpec"],
    "stack.chain": ["Chain"],
    "stack.declarations": ["Parameter", "State"],
    "stack.layer": ["Layer", "chain_shape"],
    "stack.loss": ["Loss", "Task"],
    "stack.node": ["Node"],
    "stack.stage": ["Branch", "Stage"],
    "training.run": ["Run", "run"],
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
