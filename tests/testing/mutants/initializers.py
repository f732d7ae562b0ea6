"""A right initializer, and wrong ones made of it."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from layerkit import Array, Initializer, Shape, ShapeError
from layerkit.initializers import Elementwise, fans
from layerkit.testing.conformance import initializers

from .catalogue import caught_by, sound


@sound
class Noise(Initializer):
    """Standard normal."""

    type: Literal["noise"] = "noise"

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return np.asarray(rng.standard_normal(shape))


@sound
class Orthogonal(Initializer):
    """Orthogonal rows or columns; matrices alone."""

    type: Literal["orthogonal"] = "orthogonal"

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        if len(shape) != 2:
            raise ShapeError(f"orthogonal expects a matrix, received shape {shape}")
        tall, _ = np.linalg.qr(rng.standard_normal((max(shape), min(shape))))
        return tall if tall.shape == shape else tall.T


@sound
class Laplace(Elementwise):
    """Laplace, piece by piece."""

    type: Literal["laplace"] = "laplace"

    def sample(self, count: int, shape: Shape, rng: np.random.Generator) -> Array:
        return rng.laplace(0.0, 1 / np.sqrt(fans(shape)[0]), count)


@caught_by(initializers.draws, r"for shape \(4, 5\): the values have shape \(5, 4\), expected \(4, 5\)")
class Transposed(Noise):
    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return super().draw(shape, rng).T


@caught_by(initializers.draws, r"for shape \(\): .*draw raised IndexError")
class NeedsAnAxis(Noise):
    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return super().draw(shape, rng) / np.sqrt(shape[0])


@caught_by(initializers.draws, r"for shape \(4, 5\): .*raised ShapeError")
class RefusesMatrices(Noise):
    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        if len(shape) != 1:
            raise ShapeError("vectors alone")
        return super().draw(shape, rng)


@caught_by(initializers.draws, "the values are float32, expected float64")
class DrawsFloat32(Noise):
    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return super().draw(shape, rng).astype(np.float32)


@caught_by(initializers.draws, "the values hold NaN or infinity")
class DrawsInfinity(Noise):
    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return super().draw(shape, rng) + np.inf


@caught_by(initializers.draws, "the values must be an array, received float")
class DrawsANumber(Noise):
    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return super().draw(shape, rng) if shape else rng.standard_normal()  # type: ignore[return-value]  # the mistake


@caught_by(initializers.deterministic_draws, "uses global random state")
class DrawsGlobally(Noise):
    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return np.asarray(np.random.standard_normal(shape))  # noqa: NPY002 (the mistake)


@caught_by(initializers.deterministic_draws, "gives other values though rng is the same")
class DrawsFromItsOwnStream(Noise):
    stream: ClassVar[Any] = np.random.default_rng(0)

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return super().draw(shape, self.stream)


@caught_by(initializers.deterministic_draws, "gives other values though rng is the same")
class CountsItsCalls(Noise):
    calls: ClassVar[int] = 0

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        type(self).calls += 1
        return super().draw(shape, rng) / self.calls


@caught_by(initializers.new_arrays, "two arrays of .*draw share memory")
class DrawsIntoOneArray(Noise):
    memory: ClassVar[dict[Shape, Array]] = {}

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        memory = self.memory.setdefault(shape, np.empty(shape))
        memory[...] = super().draw(shape, rng)
        return memory


@caught_by(initializers.new_arrays, "draw raised ValueError")
class DrawsAReadOnlyArray(Noise):
    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return np.broadcast_to(rng.standard_normal(), shape)


@caught_by(initializers.fills, "fill writes other values than DependsOnThePiece.draw gives")
class DependsOnThePiece(Laplace):
    def sample(self, count: int, shape: Shape, rng: np.random.Generator) -> Array:
        return super().sample(count, (count,), rng)


@caught_by(initializers.fills, r"for shape \(260, 260\) and float64: DrawsPiecesAnew.fill writes other values")
class DrawsPiecesAnew(Laplace):
    def sample(self, count: int, shape: Shape, rng: np.random.Generator) -> Array:
        return super().sample(2**17, shape, rng)[:count]


@caught_by(initializers.fills, "fill takes more or less from rng than FillsAndDraws.draw")
class FillsAndDraws(Noise):
    def fill(self, array: Array, rng: np.random.Generator) -> None:
        super().fill(array, rng)
        rng.random()


@caught_by(initializers.fills, "for shape .* and float32: FillsNothing.fill writes other values")
class FillsNothing(Noise):
    def fill(self, array: Array, rng: np.random.Generator) -> None:
        array = self.draw(array.shape, rng)
