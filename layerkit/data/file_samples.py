"""`FileSamples`: samples that stay in files, so that there may be more of them than fit in memory."""

from __future__ import annotations

import numpy as np

from layerkit.data.file_array import FileArray
from layerkit.data.samples import Batch, Rows, Samples
from layerkit.data.splits import Numbers
from layerkit.errors import DataError
from layerkit.typing import Shape


class FileSamples(Samples):
    """Samples in files, which are read some at a time.

    Parameters
    ----------
    inputs
        Shape (N, \\*input_shape).
    targets
        N targets.
    sample_weight
        Shape (N,), not negative; None weighs all samples alike.
    rows
        Which of them, in the order of the file; None for all.

    Raises
    ------
    DataError
        If their numbers differ.
    """

    def __init__(
        self, inputs: FileArray, targets: FileArray, sample_weight: FileArray | None = None, rows: Numbers | None = None
    ) -> None:
        self.inputs = inputs
        self.targets = targets
        self.sample_weight = sample_weight
        lengths = {name: len(array) for name, array in vars(self).items() if array is not None}
        if len(set(lengths.values())) > 1:
            raise DataError(f"expected as many of one as of the other, received {lengths}")
        self._rows = None if rows is None else np.sort(rows)

    def __len__(self) -> int:
        return len(self.inputs) if self._rows is None else len(self._rows)

    @property
    def input_shape(self) -> Shape:
        """Shape of one sample."""
        return self.inputs.shape[1:]

    @property
    def block_rows(self) -> int:
        """How many rows are read together."""
        return self.inputs.block_rows

    def take(self, rows: Rows, out: Batch | None = None) -> Batch:
        """Return some samples, as copies."""
        wanted = rows if self._rows is None else self._rows[rows]
        inputs, targets, weight = out or (None, None, None)
        return Batch(
            self.inputs.take(wanted, inputs),
            self.targets.take(wanted, targets),
            None if self.sample_weight is None else self.sample_weight.take(wanted, weight),
        )
