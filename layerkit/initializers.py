"""How a parameter gets its first values: one class each, with its paper.

For a parameter of shape ``(*kernel, fan_in_channels, fan_out_channels)``, such as a dense weight ``(fan_in, fan_out)``::

    fan_in  = prod(kernel) * fan_in_channels
    fan_out = prod(kernel) * fan_out_channels

A parameter with fewer than two axes has ``fan_in = fan_out = size``.

References
----------
X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.
K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers", ICCV 2015.
Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient BackProp", 1998.
A. Saxe, J. McClelland and S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
ICLR 2014.
Q. Le, N. Jaitly and G. Hinton, "A simple way to initialize recurrent networks of rectified linear units", 2015.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from layerkit.component import Component
from layerkit.errors import ShapeError
from layerkit.typing import Array, Shape


def fans(shape: Shape) -> tuple[int, int]:
    """Return ``(fan_in, fan_out)`` of a parameter, as the module's docstring defines them."""
    if len(shape) < 2:
        size = math.prod(shape)
        return size, size
    kernel = math.prod(shape[:-2])
    return kernel * shape[-2], kernel * shape[-1]


class Initializer(Component):
    """Family of the components that draw initial values."""

    @abstractmethod
    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Return a new float64 array of ``shape``; ``rng`` is the only source of randomness."""

    def require_shape(self, shape: Shape) -> None:
        """Refuse a shape for which there are no values, before anything is drawn; by default none.

        Raises
        ------
        ShapeError
            If it is such a shape.
        """

    def fill(self, array: Array, rng: np.random.Generator) -> None:
        """Write into ``array`` what `draw` gives for its shape, rounded to its dtype.

        By default all values are drawn at once, which takes 8 bytes for each until they are written. `Elementwise` draws
        them in pieces.

        Raises
        ------
        ShapeError
            If what `draw` gives has another shape.
        """
        values = self.draw(array.shape, rng)
        if np.shape(values) != array.shape:
            raise ShapeError(f"{self.type}.draw gives shape {np.shape(values)}, expected {array.shape}")
        array[...] = values


class Elementwise(Initializer):
    """Base of the initializers whose values are drawn one after the other: a large array is filled piece by piece."""

    @abstractmethod
    def sample(self, count: int, shape: Shape, rng: np.random.Generator) -> Array:
        """Return the next ``count`` float64 values of a parameter of ``shape``, in C order.

        Pieces must be the same values as one draw of them all; those of ``rng.normal`` and ``rng.uniform`` are.
        """

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return self.sample(math.prod(shape), shape, rng).reshape(shape)

    def fill(self, array: Array, rng: np.random.Generator) -> None:
        if not array.flags.c_contiguous:
            super().fill(array, rng)
            return
        flat = array.reshape(-1)
        for start in range(0, flat.size, _PIECE):
            piece = flat[start : start + _PIECE]
            piece[...] = self.sample(piece.size, array.shape, rng)


_PIECE = 2**16
"""Values that are drawn at once: half a MiB, which stays in the cache."""


class Zeros(Elementwise):
    """All values 0."""

    type: Literal["zeros"] = "zeros"

    def sample(self, count: int, shape: Shape, rng: np.random.Generator) -> Array:
        return np.zeros(count)


class Constant(Elementwise):
    """All values ``value``."""

    type: Literal["constant"] = "constant"
    value: float = Field(examples=[0.1])
    """The number that every element gets."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls(value=0.1)
        yield cls(value=-3)

    def sample(self, count: int, shape: Shape, rng: np.random.Generator) -> Array:
        return np.full(count, float(self.value))


class Uniform(Elementwise):
    """Uniform on ``[low, high)``."""

    type: Literal["uniform"] = "uniform"
    low: float = -0.05
    """Lower end, included."""
    high: float = 0.05
    """Upper end, excluded."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low must be less than high, received low={self.low} and high={self.high}")
        if not math.isfinite(float(self.high) - float(self.low)):
            raise ValueError(f"the interval from low={self.low} to high={self.high} is wider than the largest float")
        return self

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls()
        yield cls(low=1, high=2)

    def sample(self, count: int, shape: Shape, rng: np.random.Generator) -> Array:
        return rng.uniform(self.low, self.high, count)


class Normal(Elementwise):
    """Normal with the given ``mean`` and standard deviation ``std``."""

    type: Literal["normal"] = "normal"
    mean: float = 0.0
    """Mean of the distribution."""
    std: float = Field(default=0.05, gt=0)
    """Standard deviation of the distribution."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls()
        yield cls(mean=2.0, std=0.5)

    def sample(self, count: int, shape: Shape, rng: np.random.Generator) -> Array:
        return rng.normal(self.mean, self.std, count)


class XavierUniform(Elementwise):
    """Uniform on ``±sqrt(6 / (fan_in + fan_out))``; equation 16 of X. Glorot and Y. Bengio."""

    type: Literal["xavier_uniform"] = "xavier_uniform"

    def sample(self, count: int, shape: Shape, rng: np.random.Generator) -> Array:
        limit = math.sqrt(6 / sum(fans(shape)))
        return rng.uniform(-limit, limit, count)


class XavierNormal(Elementwise):
    """Normal with mean 0 and variance ``2 / (fan_in + fan_out)``; equation 12 of X. Glorot and Y. Bengio."""

    type: Literal["xavier_normal"] = "xavier_normal"

    def sample(self, count: int, shape: Shape, rng: np.random.Generator) -> Array:
        return rng.normal(0.0, math.sqrt(2 / sum(fans(shape))), count)


class HeUniform(Elementwise):
    """Uniform on ``±sqrt(6 / fan_in)``, which has the variance of equation 10 of K. He et al.; for layers before a ReLU."""

    type: Literal["he_uniform"] = "he_uniform"

    def sample(self, count: int, shape: Shape, rng: np.random.Generator) -> Array:
        limit = math.sqrt(6 / fans(shape)[0])
        return rng.uniform(-limit, limit, count)


class HeNormal(Elementwise):
    """Normal with mean 0 and variance ``2 / fan_in``; equation 10 of K. He et al.; for layers before a ReLU."""

    type: Literal["he_normal"] = "he_normal"

    def sample(self, count: int, shape: Shape, rng: np.random.Generator) -> Array:
        return rng.normal(0.0, math.sqrt(2 / fans(shape)[0]), count)


class TruncatedNormal(Elementwise):
    """Normal with the given ``mean`` and standard deviation ``std``, of which what is beyond two deviations is left out.

    As with PyTorch's ``trunc_normal_`` at such bounds, ``std`` is that of the whole distribution: what is left deviates by 0.88
    of it.
    """

    type: Literal["truncated_normal"] = "truncated_normal"
    mean: float = 0.0
    """Mean of the distribution."""
    std: float = Field(default=0.05, gt=0)
    """Standard deviation of the distribution before it is truncated."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls()
        yield cls(mean=2.0, std=0.5)

    def sample(self, count: int, shape: Shape, rng: np.random.Generator) -> Array:
        from scipy.special import ndtr, ndtri

        low, high = ndtr(-2.0), ndtr(2.0)
        values: Array = self.mean + self.std * np.clip(ndtri(low + (high - low) * rng.random(count)), -2, 2)
        return values


class LecunUniform(Elementwise):
    """Uniform on ``±sqrt(3 / fan_in)``, which has the variance of section 4.6 of Y. LeCun et al."""

    type: Literal["lecun_uniform"] = "lecun_uniform"

    def sample(self, count: int, shape: Shape, rng: np.random.Generator) -> Array:
        limit = math.sqrt(3 / fans(shape)[0])
        return rng.uniform(-limit, limit, count)


class LecunNormal(Elementwise):
    """Normal with mean 0 and variance ``1 / fan_in``; section 4.6 of Y. LeCun et al.; for layers before a SELU."""

    type: Literal["lecun_normal"] = "lecun_normal"

    def sample(self, count: int, shape: Shape, rng: np.random.Generator) -> Array:
        return rng.normal(0.0, math.sqrt(1 / fans(shape)[0]), count)


class Orthogonal(Initializer):
    """A random matrix whose rows or columns are orthogonal, of length ``gain``; A. Saxe et al., section 3.

    All axes but the last are taken as one. Of a tall matrix the columns are orthogonal, of a wide one the rows.
    """

    type: Literal["orthogonal"] = "orthogonal"
    gain: float = Field(default=1.0, gt=0)
    """Length of the rows or columns."""

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        columns = shape[-1] if len(shape) > 1 else 1
        rows = math.prod(shape) // columns
        q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
        q *= np.where(np.diagonal(r) < 0, -1, 1)  # else it would not be drawn from all alike
        matrix = q if rows >= columns else q.T
        scaled: Array = np.multiply(matrix, self.gain)
        return scaled.reshape(shape)


class Identity(Initializer):
    """Ones on the diagonal of a matrix, times ``gain``, and zeros elsewhere; Q. Le et al., for layers that hand on what they get.

    Raises
    ------
    ShapeError
        If a parameter has not two axes.
    """

    type: Literal["identity"] = "identity"
    gain: float = Field(default=1.0, gt=0)
    """What stands on the diagonal."""

    def require_shape(self, shape: Shape) -> None:
        if len(shape) != 2:
            raise ShapeError(f"identity is for matrices, and a parameter has the shape {shape}; choose another initializer")

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        self.require_shape(shape)
        rows, columns = shape
        matrix: Array = self.gain * np.eye(rows, columns)
        return matrix
