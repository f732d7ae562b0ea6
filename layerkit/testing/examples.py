"""One small instance of any component, made from its own field declarations."""

from __future__ import annotations

from typing import Any

from layerkit.component import ComponentT
from layerkit.errors import LayerkitError, RegistrationError
from layerkit.stack.stage import Stage
from layerkit.typing import Shape

_SHAPES: tuple[Shape, ...] = ((5,), (6, 6, 2), (4, 3), (4, 3, 2, 2), (1,))


def example(cls: type[ComponentT]) -> ComponentT:
    """Return an instance with every default kept, and the first of ``Field(examples=[...])`` for each required field.

    Raises
    ------
    RegistrationError
        If a required field gives no example.
    """
    values: dict[str, Any] = {}
    for name, field in cls.model_fields.items():
        if field.is_required():
            if not field.examples:
                raise RegistrationError(f"{cls.__name__}.{name} is required: give it an example, such as Field(examples=[3])")
            values[name] = field.examples[0]
    return cls(**values)


def example_input_shape(stage: Stage) -> Shape:
    """Return a small sample shape that the layer or loss accepts.

    Raises
    ------
    RegistrationError
        If it refuses all that were tried: samples with 1 to 4 axes.
    """
    for shape in _SHAPES:
        try:
            stage.output_shape(shape)
        except LayerkitError:
            continue
        return shape
    raise RegistrationError(f"{stage.type} accepts none of the sample shapes {', '.join(map(str, _SHAPES))}")
