"""`Samples`: data as something that one can take rows from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from layerkit.errors import DataError
from layerkit.typing import Array, Shape

Rows: TypeAlias = slice | npt.NDArray[np.intp]
"""Which samples: a run of them, or their numbers in any order."""


class Batch(NamedTuple):
    """Some samples.

    Attributes
    ----------
    inputs
        Shape (N, \\*input_shape).
    targets
        N of them, one a row.
    sample_weight
        Shape (N,); None where all samples count alike.
    """

    inputs: Array
    targets: Array
    sample_weight: Array | None = None


class Samples(ABC):
    """Samples that are taken by their rows, wherever they are kept."""

    @abstractmethod
    def __len__(self) -> int:
        """Return how many there are."""

    @property
    @abstractmethod
    def input_shape(self) -> Shape:
        """Shape of one sample."""

    @property
    def block_rows(self) -> int | None:
        """How many rows that follow one another are read together; None where it is all the same which ones are taken.

        A training then shuffles blocks of so many rows, and the rows of some blocks in memory.
        """
        return None

    @abstractmethod
    def take(self, rows: Rows, out: Batch | None = None) -> Batch:
        """Return some samples, in the order of ``rows``.

        Parameters
        ----------
        rows
            Which ones.
        out
            What an earlier call gave for rows of the same kind, a slice or numbers; at least as long, and not needed any more.
            Its arrays may be written over; samples that gave views of what they hold do not write there.
        """


class ArraySamples(Samples):
    """Samples in arrays, which stand in memory whole.

    Parameters
    ----------
    inputs
        Shape (N, \\*input_shape).
    targets
        N targets.
    sample_weight
        Shape (N,), not negative; None weighs all samples alike.

    Raises
    ------
    DataError
        If their numbers differ.
    """

    def __init__(self, inputs: Array, targets: Array, sample_weight: Array | None = None) -> None:
        self.inputs = inputs
        self.targets = targets
        self.sample_weight = sample_weight
        lengths = {name: len(array) for name, array in vars(self).items() if array is not None}
        if len(set(lengths.values())) > 1:
            raise DataError(f"expected as many of one as of the other, received {lengths}")

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def input_shape(self) -> Shape:
        """Shape of one sample."""
        return self.inputs.shape[1:]

    def take(self, rows: Rows, out: Batch | None = None) -> Batch:
        """Return some samples: views for a run of them, copies for others."""
        weight = self.sample_weight
        if isinstance(rows, slice) or out is None:
            return Batch(self.inputs[rows], self.targets[rows], None if weight is None else weight[rows])
        if len(rows) < len(out.inputs):
            short = slice(len(rows))
            out = Batch(out.inputs[short], out.targets[short], None if out.sample_weight is None else out.sample_weight[short])
        # mode="clip" lets take write straight into out; the rows are all valid.
        self.inputs.take(rows, axis=0, out=out.inputs, mode="clip")
        self.targets.take(rows, axis=0, out=out.targets, mode="clip")
        if weight is not None:
            weight.take(rows, out=out.sample_weight, mode="clip")
        return out


class Subset(Samples):
    """Some of other samples.

    Parameters
    ----------
    samples
        The others.
    rows
        Which of them, by their numbers, in the order of this.
    """

    def __init__(self, samples: Samples, rows: npt.NDArray[np.intp]) -> None:
        self._samples = samples
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def input_shape(self) -> Shape:
        """Shape of one sample."""
        return self._samples.input_shape

    @property
    def block_rows(self) -> int | None:
        """How many rows that follow one another are read together, where the rows of this do."""
        return self._samples.block_rows

    def take(self, rows: Rows, out: Batch | None = None) -> Batch:
        """Return some samples, as the others give them."""
        return self._samples.take(self._rows[rows], out)
