"""Vectors in the place of codes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, PositiveInt

from layerkit import Array, DataError, Initializer, Layer, Node, Parameter, Shape, ShapeError, Uniform


class Embedding(Layer):
    """Embedding: each code, a whole number below ``count``, becomes a trained vector of ``size`` numbers.

    Shapes: inputs (N, D), with batch N, of which the K ``columns`` hold codes and the others anything; outputs (N, D - K + K *
    size): the other columns, then the vector of each code. The weight is (K * count, size), a table for each column, or (count,
    size) for one that they share. The gradient of a vector is the sum of those of the places where its code stands; codes have
    none, and theirs is 0.

    Raises
    ------
    ShapeError
        If samples are no vectors, or have no such column.
    DataError
        If a code is no whole number from 0 to ``count - 1``; names row and column.

    References
    ----------
    Y. Bengio, R. Ducharme, P. Vincent and C. Jauvin, "A neural probabilistic language model", JMLR 2003, section 2.
    """

    type: Literal["embedding"] = "embedding"
    count: PositiveInt = Field(examples=[7])
    """How many codes there are."""
    size: PositiveInt = Field(examples=[3])
    """Numbers of a vector."""
    columns: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(strict=False, min_length=1)] | None = None
    """Which columns hold codes, counted from 0; null for all."""
    shared: bool = False
    """Whether one table serves all columns, as for the words of a text."""
    weight_init: Initializer = Uniform()
    """How the vectors start."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls(count=7, size=3)
        yield cls(count=4, size=2, columns=(1,))
        yield cls(count=5, size=2, shared=True)

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ShapeError(f"embedding expects samples that are vectors of codes (D,), received shape {input_shape}")
        odd = [column for column in self._columns(input_shape) if column >= input_shape[0]]
        if odd:
            raise ShapeError(f"embedding has codes in column {odd[0]}, and samples have the columns 0 to {input_shape[0] - 1}")
        coded = len(self._columns(input_shape))
        return (input_shape[0] - coded + coded * self.size,)

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        tables = 1 if self.shared else len(self._columns(input_shape))
        return {"weight": Parameter((tables * self.count, self.size), self.weight_init)}

    def work_size(self, input_shape: Shape) -> int:
        # Outputs, the vectors of a column, codes in 8 bytes, whether they are whole, and the gradient of the inputs.
        return math.prod(self.output_shape(input_shape)) + self.size + 4 * input_shape[0] + 1

    def example_inputs(self, input_shape: Shape, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(self.count, size=(count, *input_shape))

    def forward(self, node: Node, inputs: Array) -> Array:
        columns = self._columns(node.input_shape)
        codes = node.buffer("codes", (len(columns), len(inputs)), np.intp)
        others = [column for column in range(inputs.shape[1]) if column not in columns]
        outputs = node.buffer("outputs", (len(inputs), *node.output_shape))
        for place, column in enumerate(others):
            outputs[:, place] = inputs[:, column]
        for number, column in enumerate(columns):
            self._read(node, inputs[:, column], codes[number], column)
            if not self.shared:
                codes[number] += number * self.count
            start = len(others) + number * self.size
            vectors = node.buffer("vectors", (len(inputs), self.size))
            outputs[:, start : start + self.size] = node.params.weight.take(codes[number], axis=0, out=vectors, mode="clip")
        node.cache = codes, len(others)
        return outputs

    def backward(self, node: Node, d_out: Array) -> Array | None:
        codes, start = node.cache
        node.grads.weight.fill(0)
        vectors = node.buffer("vectors", (len(d_out), self.size))
        for of_column in codes:
            np.copyto(vectors, d_out[:, start : start + self.size])
            np.add.at(node.grads.weight, of_column, vectors)
            start += self.size
        if not node.needs_input_gradient:
            return None
        columns, d_inputs = self._columns(node.input_shape), node.buffer("d_inputs", (len(d_out), *node.input_shape))
        d_inputs.fill(0)
        for place, column in enumerate(column for column in range(node.input_shape[0]) if column not in columns):
            d_inputs[:, column] = d_out[:, place]
        return d_inputs

    def _columns(self, input_shape: Shape) -> tuple[int, ...]:
        return tuple(range(input_shape[0])) if self.columns is None else self.columns

    def _read(self, node: Node, values: Array, codes: Array, column: int) -> None:
        with np.errstate(invalid="ignore"):  # NaN and infinity are found below
            np.copyto(codes, values, casting="unsafe")
        if (
            not np.equal(codes, values, out=node.buffer("whole", codes.shape, bool)).all()
            or codes.min() < 0
            or codes.max() >= self.count
        ):
            row = int(np.argmax((codes != values) | (codes < 0) | (codes >= self.count)))
            expected = f"a code, a whole number from 0 to {self.count - 1}"
            raise DataError(
                f"embedding: expected {expected}, in column {column}, received {values[row]} in row {row} of the batch"
            )
