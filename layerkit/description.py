"""`Description`: a frozen, validated object that maps to JSON and back: each component, and each block of a spec."""

from __future__ import annotations

from typing import Any, Never, NoReturn, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from layerkit.diagnostics.faults import told
from layerkit.errors import InputError


class Description(BaseModel):
    """What everything that is written down has in common.

    Values are strict: ``true`` is no number and ``"3"`` is no ``3``; unknown keys, infinities and NaN are refused. Scalars of
    NumPy count as the Python numbers that they are.

    Raises
    ------
    SpecError
        If values are wrong, with every fault that was found; by whichever door they come in.
    InputError
        If values are not given by name, or changed afterwards.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True, defer_build=True
    )

    def __init__(self, /, *unnamed: Never, **values: Any) -> None:
        if unnamed:
            self._ask_for_names(unnamed)
        with told(type(self).__name__, type(self)):
            super().__init__(**plain(values))

    # Validation does not come by here: it makes its objects by itself, as fast as if there was no __init__.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Return what ``obj`` describes: a dict, or an instance; options are pydantic's."""
        return cls.made_of(obj, cls.__name__, **options)

    @classmethod
    def made_of(cls, obj: Any, what: str, **options: Any) -> Self:
        """Return what ``obj`` describes, as `model_validate` does; in errors it is called ``what``."""
        with told(what, cls):
            return super().model_validate(plain(obj), **options)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Return what a JSON text describes; options are pydantic's. `layerkit.parse_spec` also places faults in the text."""
        with told(cls.__name__, cls):
            return super().model_validate_json(json_data, **options)

    __iter__ = None  # type: ignore[assignment]  # so that one where a list is wanted is no list of fields

    def __setattr__(self, name: str, value: Any) -> None:
        self._refuse_change(name)

    def __delattr__(self, name: str) -> None:
        self._refuse_change(name)

    def _refuse_change(self, name: str) -> NoReturn:
        cls = type(self).__name__
        raise InputError(f"{cls}.{name} cannot be changed: what is described is frozen; make another {cls} with the new value")

    @classmethod
    def _ask_for_names(cls, unnamed: tuple[Any, ...]) -> NoReturn:
        fields = sorted(cls.model_fields.items(), key=lambda item: not item[1].is_required())
        names = [name for name, _ in fields if name not in ("type", "name", "layerkit")]
        if not names:
            raise InputError(f"{cls.__name__} takes its values by name, and has none to give")
        written = f"{names[0]}={unnamed[0]!r}"
        first = f": {cls.__name__}({written if len(written) < 200 else f'{names[0]}=...'}{', ...' if len(unnamed) > 1 else ''})"
        others = f"; they are {', '.join(names)}" if len(unnamed) > 1 else ""
        raise InputError(f"{cls.__name__} takes its values by name{first}{others}")


def plain(value: Any) -> Any:
    """Return ``value`` with NumPy's scalars as Python's; nothing else is converted."""
    if isinstance(value, np.generic):
        return value.item()
    if type(value) is dict:
        return {key: plain(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    return value
