"""What authors of components import to test what they wrote; names are resolved on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from layerkit.testing.conformance import check_component as check_component
    from layerkit.testing.conformance import checks_for as checks_for
    from layerkit.testing.examples import example as example
    from layerkit.testing.examples import example_input_shape as example_input_shape
    from layerkit.testing.gradients import GradientCheck as GradientCheck
    from layerkit.testing.gradients import check_layer_gradients as check_layer_gradients
    from layerkit.testing.gradients import check_loss_gradients as check_loss_gradients
    from layerkit.testing.gradients import check_network_gradients as check_network_gradients

_HOME_OF = {
    "GradientCheck": "gradients",
    "check_component": "conformance",
    "check_layer_gradients": "gradients",
    "check_loss_gradients": "gradients",
    "check_network_gradients": "gradients",
    "checks_for": "conformance",
    "example": "examples",
    "example_input_shape": "examples",
}

__all__ = [*_HOME_OF]  # noqa: PLE0604 (names are resolved on first use)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'layerkit.testing' has no attribute {name!r}")
    return getattr(import_module(f"layerkit.testing.{_HOME_OF[name]}"), name)
