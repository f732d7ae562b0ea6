"""Samples as a training takes them: checked, in the network's dtype, with targets as the loss prepares them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from layerkit.blame import Blame
from layerkit.data.samples import ArraySamples, Batch, Rows, Samples
from layerkit.errors import ComponentError, DataError, TargetError
from layerkit.losses.targets import finite_weights
from layerkit.network.inputs import read_only
from layerkit.network.sequential import Sequential
from layerkit.typing import Shape


def checked_samples(model: Sequential, samples: Samples) -> Samples:
    """Return samples that ``model`` can be trained on; arrays are checked once and for all, others batch by batch.

    Raises
    ------
    DataError
        If they do not fit, now or when a batch is taken; names the first offending row.
    """
    if isinstance(samples, ArraySamples):
        return checked_arrays(model, samples.inputs, samples.targets, samples.sample_weight)
    return _CheckedSamples(model, samples)


def checked_arrays(
    model: Sequential, inputs: npt.ArrayLike, targets: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
) -> ArraySamples:
    """Return arrays as samples that ``model`` can be trained on; errors as for `checked_samples`."""
    return ArraySamples(*model.checked(inputs, targets, sample_weight))


def taken(samples: Samples, rows: Rows, out: Batch | None = None) -> Batch:
    """Return what ``samples`` have in ``rows``, as many as were asked for.

    Raises
    ------
    DataError
        If they cannot be had.
    ComponentError
        If the code of the samples fails, or gives something else.
    """
    with Blame(samples, "take", refusals=(DataError,)):
        batch = samples.take(rows, out)
    count = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
    received = type(batch).__name__
    if isinstance(batch, Batch):
        parts = [part for part in batch if part is not None]
        lengths = [len(part) if isinstance(part, np.ndarray) and part.ndim else type(part).__name__ for part in parts]
        if all(length == count for length in lengths):
            return batch
        received = f"a Batch of {lengths}"
    raise ComponentError(samples, "take", f"returned {received}, expected a Batch of {count} samples")


def sample_count(samples: Samples) -> int:
    """Return how many samples there are.

    Raises
    ------
    DataError
        If there are none.
    ComponentError
        If the code of the samples fails, or gives something else.
    """
    with Blame(samples, "__len__"):
        count = len(samples)
    if not count:
        raise DataError("there are no samples")
    return count


class _CheckedSamples(Samples):
    """Samples of any kind, each batch checked when it is taken."""

    def __init__(self, model: Sequential, samples: Samples) -> None:
        self._model = model
        self._samples = samples
        self._raw: Batch | None = None
        with Blame(samples, "input_shape"):
            shape = samples.input_shape
        if shape != model.input_shape:
            raise DataError(f"the network expects samples of shape {model.input_shape}, received {shape}")
        self._count = sample_count(samples)

    def __len__(self) -> int:
        return self._count

    @property
    def input_shape(self) -> Shape:
        return self._model.input_shape

    @property
    def block_rows(self) -> int | None:
        return self._samples.block_rows

    def take(self, rows: Rows, out: Batch | None = None) -> Batch:
        # What was taken before is written over: what left here is a checked copy of it, or was used up.
        count = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
        enough = self._raw is not None and len(self._raw.inputs) >= count
        raw = taken(self._samples, rows, self._raw if enough else None)
        checked = self._checked(raw, rows)
        if self._raw is None or len(raw.inputs) > len(self._raw.inputs):
            self._raw = raw
        return checked

    def _checked(self, batch: Batch, rows: Rows) -> Batch:
        try:
            inputs, targets, _ = self._model.checked(batch.inputs, batch.targets, rows=rows)
            weight = (
                None if batch.sample_weight is None else read_only(finite_weights(np.asarray(batch.sample_weight), len(inputs)))
            )
        except TargetError as error:
            first = rows.start if isinstance(rows, slice) else rows[0]
            raise TargetError(f"{error} (counted in the batch that begins with row {first})") from None
        return Batch(inputs, targets, weight)
