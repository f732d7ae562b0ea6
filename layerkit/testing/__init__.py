"""What layer authors import to test what they wrote."""

from __future__ import annotations

from layerkit.testing.examples import example, example_input_shape
from layerkit.testing.gradients import GradientCheck, check_layer_gradients, check_loss_gradients, check_network_gradients

__all__ = [
    "GradientCheck",
    "check_layer_gradients",
    "check_loss_gradients",
    "check_network_gradients",
    "example",
    "example_input_shape",
]
