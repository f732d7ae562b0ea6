"""Derivatives side by side: analytical against central differences, and those of float32 against those of float64."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from layerkit.errors import GradientError
from layerkit.typing import Array

STEPS = (1e-5, 1e-6, 1e-7)
"""Half widths of the central differences: a kink that lies within the first may lie outside the next."""
RELATIVE_TOLERANCE = 1e-5
ABSOLUTE_TOLERANCE = 1e-8
SINGLE_TOLERANCE = 1e-3
"""What a float32 gradient may differ from that of float64, against the largest number in the array: a few thousand roundings."""
_VANISHING = 1e-3
"""An array whose largest number is a smaller share of the largest of all arrays may be nothing but rounding, as the gradient of a
bias before a layer that takes the mean away: it is held against that share."""


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """How the gradient with respect to one array compares.

    Attributes
    ----------
    array
        ``inputs``, or ``node.parameter``.
    checked
        How many elements were compared.
    error
        Largest relative error among them: ``|analytical - numerical| / max(|analytical|, |numerical|, 1e-3)``, and where float32
        is compared with float64 ``|analytical - numerical| / scale``, where the scale is the largest number in the array, and no
        less than a thousandth of the largest in all arrays.
    index, analytical, numerical
        The element where that is, and its two derivatives.
    passed
        Whether all elements agree.
    compared
        What the two derivatives are.
    upstream
        Where the random gradient from above came in: ``d_out``, or the ``d_losses`` of `Loss.d_logits`.
    """

    array: str
    checked: int
    error: float
    index: tuple[int, ...]
    analytical: float
    numerical: float
    passed: bool
    compared: tuple[str, str] = ("analytical", "numerical")
    upstream: str = "d_out"

    def __str__(self) -> str:
        verdict = "agree" if self.passed else "DISAGREE"
        where = f"{self.array}{list(self.index)}"
        circumstance = "" if self.upstream == "d_out" else f" for a random {self.upstream}"
        one, other = self.compared
        return (
            f"{self.array}: {one} and {other} gradients{circumstance} {verdict} on {self.checked} elements; the largest relative "
            f"error is {self.error:.1e}, at {where}: {self.analytical:.6g} {one}, {self.numerical:.6g} {other}"
        )


def require_passed(checks: Iterable[GradientCheck]) -> None:
    """Raise unless all checks passed.

    Raises
    ------
    GradientError
        Naming each array that failed.
    """
    failed = [str(check) for check in checks if not check.passed]
    if failed:
        raise GradientError(*failed)


def compare(
    scalar: Callable[[], float],
    arrays: Mapping[str, Array],
    gradients: Mapping[str, Array],
    rng: np.random.Generator,
    elements: int,
) -> list[GradientCheck]:
    """Compare derivatives of ``scalar()`` by each element of ``arrays`` with ``gradients``.

    ``scalar`` must be a function of what ``arrays`` hold; each element is moved and put back.
    """
    return [_compare_array(name, scalar, arrays[name], gradients[name], rng, elements) for name in arrays]


def compare_precisions(single: Mapping[str, Array], double: Mapping[str, Array]) -> list[GradientCheck]:
    """Compare gradients that were computed in float32 with those that were computed in float64, element by element."""
    largest = max((float(np.abs(gradient).max(initial=0.0)) for gradient in double.values()), default=0.0)
    return [_compare_precision(name, gradient, double[name], _VANISHING * largest) for name, gradient in single.items()]


def _compare_precision(name: str, single: Array, double: Array, least: float) -> GradientCheck:
    _require_shape(name, single, double)
    scale = max(float(np.abs(double).max(initial=0.0)), least)
    with np.errstate(invalid="ignore"):
        errors = np.abs(single.astype(np.float64) - double) / (scale or 1.0)
    worst = np.unravel_index(int(np.argmax(errors)), errors.shape)  # argmax takes NaN for the largest
    error = float(errors[worst])
    index = tuple(int(i) for i in worst)
    passed = error <= SINGLE_TOLERANCE
    return GradientCheck(
        name, double.size, error, index, float(single[worst]), float(double[worst]), passed, compared=("float32", "float64")
    )


def _compare_array(
    name: str, scalar: Callable[[], float], array: Array, gradient: Array, rng: np.random.Generator, elements: int
) -> GradientCheck:
    _require_shape(name, gradient, array)
    chosen = rng.choice(array.size, min(elements, array.size), replace=False)
    worst = GradientCheck(name, len(chosen), -1.0, (), 0.0, 0.0, True)
    passed = True
    for flat_index in chosen:
        index = tuple(int(i) for i in np.unravel_index(flat_index, array.shape))
        analytical = float(gradient[index])
        numerical, agrees = _derivative(scalar, array, index, analytical)
        passed &= agrees
        scale = max(abs(analytical), abs(numerical), 1e-3)
        error = abs(analytical - numerical) / scale if math.isfinite(analytical) else math.inf
        if (agrees, -error) < (worst.passed, -worst.error):
            worst = GradientCheck(name, len(chosen), error, index, analytical, numerical, agrees)
    return worst


def _require_shape(name: str, gradient: Array, array: Array) -> None:
    if gradient.shape != array.shape:
        raise GradientError(f"{name}: the gradient has shape {gradient.shape}, the array {array.shape}")


def _derivative(scalar: Callable[[], float], array: Array, index: tuple[int, ...], analytical: float) -> tuple[float, bool]:
    """Return the numerical derivative by one element, and whether the analytical one agrees with it.

    Where the one-sided slopes differ, and no more so for smaller steps, the function has a kink at this very point, and any value
    between them is right. The slopes do not depend on the backward pass, so a wrong gradient cannot make a kink; rounding that
    looks like one grows as the steps shrink.
    """
    here = float(array[index])
    middle = scalar()
    numerical = float("nan")
    width, kinked = 0.0, False
    for step in STEPS:
        array[index] = here + step
        above = scalar()
        array[index] = here - step
        below = scalar()
        array[index] = here
        numerical = (above - below) / (2 * step)
        slack = ABSOLUTE_TOLERANCE + RELATIVE_TOLERANCE * max(abs(analytical), abs(numerical))
        slack += 4 * sys.float_info.epsilon * abs(middle) / step
        if not math.isfinite(slack):  # one of the two is not
            return numerical, False
        if abs(analytical - numerical) <= slack:
            return numerical, True
        left, right = sorted(((above - middle) / step, (middle - below) / step))
        kinked = left - slack <= analytical <= right + slack and right - left <= 2 * width + slack
        width = right - left
    return numerical, kinked
