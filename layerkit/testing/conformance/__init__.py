"""The conformance kit: each promise of a family of components, as one small check with a name.

A check is a function of an instance and of a random generator that decides everything it draws. Its name says what it looks at,
its docstring states the promise, and it raises where the promise is broken.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from layerkit.component import Component
from layerkit.data.base import Dataset
from layerkit.errors import ComponentError, ConformanceError, GradientError, described
from layerkit.initializers import Initializer
from layerkit.metrics.base import Metric
from layerkit.observers.base import Observer
from layerkit.optimizers.base import Optimizer
from layerkit.schedules.base import Schedule
from layerkit.stack.layer import Layer
from layerkit.stack.loss import Loss
from layerkit.stack.stage import Stage
from layerkit.streams import random_stream
from layerkit.testing.conformance.datasets import DATASET_CHECKS
from layerkit.testing.conformance.descriptions import DESCRIPTION_CHECKS
from layerkit.testing.conformance.initializers import INITIALIZER_CHECKS
from layerkit.testing.conformance.layers import LAYER_CHECKS
from layerkit.testing.conformance.losses import LOSS_CHECKS
from layerkit.testing.conformance.metrics import METRIC_CHECKS
from layerkit.testing.conformance.observers import OBSERVER_CHECKS
from layerkit.testing.conformance.optimizers import OPTIMIZER_CHECKS
from layerkit.testing.conformance.schedules import SCHEDULE_CHECKS
from layerkit.testing.conformance.stages import STAGE_CHECKS
from layerkit.testing.conformance.verdicts import Unavailable

Check: TypeAlias = Callable[[Any, np.random.Generator], None]

CHECKS: dict[type[Component], tuple[Check, ...]] = {
    Component: DESCRIPTION_CHECKS,
    Stage: STAGE_CHECKS,
    Layer: LAYER_CHECKS,
    Loss: LOSS_CHECKS,
    Initializer: INITIALIZER_CHECKS,
    Optimizer: OPTIMIZER_CHECKS,
    Schedule: SCHEDULE_CHECKS,
    Metric: METRIC_CHECKS,
    Dataset: DATASET_CHECKS,
    Observer: OBSERVER_CHECKS,
}


def checks_for(cls: type[Component]) -> tuple[Check, ...]:
    """Return the checks that a component of this class must pass, by the families that it belongs to."""
    return tuple(check for family, checks in CHECKS.items() if issubclass(cls, family) for check in checks)


def check_component(component: type[Component] | Component, seed: int = 0) -> None:
    """Run every check on a component, and stop at the first that fails.

    Parameters
    ----------
    component
        A class, of which each of its `examples` is checked; or an instance, to check other options.
    seed
        Decides all parameters, inputs and gradients that the checks draw.

    Raises
    ------
    ConformanceError
        Saying which promise is broken, and where.
    Unavailable
        If the data set or the observer cannot be had here, so that nothing can be said of it.
    """
    for check in checks_for(component if isinstance(component, type) else type(component)):
        run_check(check, component, seed)


def run_check(check: Check, component: type[Component] | Component, seed: int = 0) -> None:
    """Run one check, on each of the examples where it is given a class; parameters and errors as for `check_component`."""
    __tracebackhide__ = True  # pytest then shows the check and the component's own code
    cls = component if isinstance(component, type) else type(component)
    which = ""
    try:
        instances = list(component.examples()) if isinstance(component, type) else [component]
        if not instances:
            raise ConformanceError("examples gives no example")
        for instance in instances:
            if type(instance) is not cls:
                raise ConformanceError(f"examples gives {instance!r}, expected an instance of {cls.__name__}")
            which = f" as {instance!r}" if len(instances) > 1 else ""
            check(instance, random_stream(seed, "conformance", check.__name__))
    except (Unavailable, KeyboardInterrupt):
        raise
    except BaseException as error:  # a third party's code may fail in any way, even exit
        known = isinstance(error, ConformanceError | GradientError | ComponentError)
        fault = str(error) if known else described(error)
        promise = inspect.cleandoc(check.__doc__ or "")
        message = f"{cls.__name__} fails {check.__name__}{which}: {fault}\nWhat is promised: {promise}"
        raise ConformanceError(*message.split("\n")) from (error.__cause__ if known else error)
