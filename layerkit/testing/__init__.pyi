from layerkit.testing.conformance import check_component as check_component
from layerkit.testing.conformance import checks_for as checks_for
from layerkit.testing.examples import example as example
from layerkit.testing.examples import example_input_shape as example_input_shape
from layerkit.testing.gradients import GradientCheck as GradientCheck
from layerkit.testing.gradients import check_layer_gradients as check_layer_gradients
from layerkit.testing.gradients import check_loss_gradients as check_loss_gradients
from layerkit.testing.gradients import check_network_gradients as check_network_gradients
