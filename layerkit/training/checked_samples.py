"""Samples as a training takes them: checked, in the network's dtype, with targets as the loss prepares them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from layerkit.blame import Blame
from layerkit.data.samples import ArraySamples, Batch, Rows, Samples
from layerkit.errors import ComponentError, DataError
from layerkit.losses.targets import finite_weights
from layerkit.network.sequential import Sequential
from layerkit.typing import Array, Shape


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
    batch = model.checked(inputs, targets, sample_weight)
    _require_finite(batch.inputs)
    return ArraySamples(*batch)


def _require_finite(inputs: Array, rows: Rows | None = None) -> None:
    finite = np.isfinite(inputs).all(axis=tuple(range(1, inputs.ndim)))
    if not finite.all():
        place = int(np.flatnonzero(~finite)[0])
        row = place if rows is None else rows[place] if not isinstance(rows, slice) else rows.start + place
        raise DataError(f"row {row} of the inputs holds NaN or infinity")


class _CheckedSamples(Samples):
    """Samples of any kind, each batch checked when it is taken."""

    def __init__(self, model: Sequential, samples: Samples) -> None:
        self._model = model
        self._samples = samples
        self._raw: Batch | None = None
        if samples.input_shape != model.spec.input_shape:
            raise DataError(f"the network expects samples of shape {model.spec.input_shape}, received {samples.input_shape}")
        if not len(samples):
            raise DataError("there are no samples")

    def __len__(self) -> int:
        return len(self._samples)

    @property
    def input_shape(self) -> Shape:
        return self._samples.input_shape

    def take(self, rows: Rows, out: Batch | None = None) -> Batch:
        count = len(range(len(self))[rows] if isinstance(rows, slice) else rows)
        with Blame(self._samples, "take"):
            # What was taken before is written over: what left here is a checked copy of it, or was used up.
            raw = self._samples.take(rows, self._raw)
            if len(raw.inputs) != count:
                raise ComponentError(self._samples, "take", f"returned {len(raw.inputs)} samples, expected {count}")
            inputs = self._model.checked_inputs(raw.inputs)
            targets = self._model.checked_targets(raw.targets, count)
            # Weights are left as they are: a batch knows the largest of its own alone, and may weigh nothing.
            weight = None if raw.sample_weight is None else finite_weights(np.asarray(raw.sample_weight), count)
        if self._raw is None or count > len(self._raw.inputs):
            self._raw = raw
        _require_finite(inputs, rows)
        return Batch(inputs, targets, weight)
