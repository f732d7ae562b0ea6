"""How checks compare, and how they say what is wrong and where."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from layerkit.errors import ConformanceError, described
from layerkit.typing import Array, Shape

SAME = 1e-9
"""Two float64 runs that do the same arithmetic differ by less, whatever order they add in."""
SINGLE = 2e-5
"""What float32 may lose against float64; float16 loses more."""


class Unavailable(ConformanceError):
    """A component refuses to work here, for want of an extra or of a file; nothing can be said of it."""


def require(holds: object, message: str) -> None:
    """Raise unless ``holds``.

    Raises
    ------
    ConformanceError
        With the message.
    """
    __tracebackhide__ = True
    if not holds:
        raise ConformanceError(message)


@contextmanager
def blaming(component: object, method: str) -> Iterator[None]:
    """Turn whatever is raised within into an error that names the class and the method.

    Raises
    ------
    ConformanceError
        In the place of any exception.
    """
    try:
        yield
    except (ConformanceError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a third party's code may fail in any way, even exit
        raise ConformanceError(f"{type(component).__name__}.{method} raised {described(error)}") from error


@contextmanager
def given(circumstance: str) -> Iterator[None]:
    """Say under which circumstance something is wrong, where it is.

    Raises
    ------
    ConformanceError
        In the place of another, its message with the circumstance in front.
    """
    try:
        yield
    except ConformanceError as error:
        raise ConformanceError(f"{circumstance}: {error}") from error.__cause__


def refuses(component: object, method: str, refusal: type[Exception], *arguments: object) -> bool:
    """Return whether a method refuses the arguments with that very exception.

    Raises
    ------
    ConformanceError
        If it raises another one.
    """
    with blaming(component, method):
        try:
            getattr(component, method)(*arguments)
        except refusal:
            return True
    return False


def require_array(what: str, array: object, shape: Shape, dtype: Any) -> None:
    """Raise unless ``array`` is a finite array of this shape and dtype."""
    require(isinstance(array, np.ndarray), f"{what} must be an array, received {type(array).__name__}")
    assert isinstance(array, np.ndarray)
    require(array.shape == shape, f"{what} have shape {array.shape}, expected {shape}")
    require(array.dtype == dtype, f"{what} are {array.dtype}, expected {np.dtype(dtype)}")
    require(np.isfinite(array).all(), f"{what} hold NaN or infinity")


def require_same(actual: Mapping[str, Array], wanted: Mapping[str, Array], when: str, tolerance: float = SAME) -> None:
    """Raise unless the named arrays are equal but for rounding, measured against the largest number in each."""
    __tracebackhide__ = True
    for name, expected in wanted.items():
        array = actual[name]
        require(array.shape == expected.shape, f"{when}: {name} has shape {array.shape}, expected {expected.shape}")
        with np.errstate(invalid="ignore"):
            gaps = np.abs(array.astype(np.float64) - expected.astype(np.float64))
        scale = max(1.0, float(np.abs(expected).max(initial=0)))
        if not (gaps <= tolerance * scale).all():
            worst = np.unravel_index(int(np.argmax(gaps)), gaps.shape)
            where = f"{name}{[int(index) for index in worst]}" if worst else name
            raise ConformanceError(f"{when}: {where} is {array[worst]:.6g}, expected {expected[worst]:.6g}")


@contextmanager
def global_randomness_kept(component: object, method: str) -> Iterator[None]:
    """Raise if what runs within draws from, or seeds, the generators that the whole process shares.

    It should have run once before: imports on the way may draw.
    """
    before = random.getstate(), np.random.get_state()  # noqa: NPY002 (it is what must not change)
    try:
        random.seed()  # from a state that nobody could seed to by chance
        np.random.seed()  # noqa: NPY002
        given = random.getstate(), repr(np.random.get_state(legacy=False))  # noqa: NPY002
        yield
        kept = given == (random.getstate(), repr(np.random.get_state(legacy=False)))  # noqa: NPY002
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
    require(kept, f"{type(component).__name__}.{method} uses global random state; what it is given is the only source")
