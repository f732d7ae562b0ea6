"""Event files, as TensorBoard reads them."""

# mypy: disable-error-code="import-untyped"
# (tensorboardX has annotations, and does not say so with a py.typed)

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from layerkit import Array, EpochRecord

FOLDER = "tensorboard"
"""Where the event files of a run stand within its directory."""
PREFIX = "events.out.tfevents."
"""How the name of an event file begins."""

_BINS = 64
_FLUSH_SECONDS = 1.0
"""A slow training can be watched as it goes; a fast one does not wait for the disk."""


class EventFile:
    """A new event file in ``folder``, which is made where it is missing.

    ``tensorboardX.SummaryWriter`` writes from a thread of its own, and blocks its caller for ever once that has met a full disk.
    This writes in place, so that such an error is the caller's.

    Raises
    ------
    OSError
        If the file cannot be made; the methods raise it too.
    """

    def __init__(self, folder: Path) -> None:
        from tensorboardX import RecordWriter

        folder.mkdir(parents=True, exist_ok=True)
        # An absolute path: tensorboardX takes what stands before a colon for the name of a remote storage.
        self._records = RecordWriter(str(folder.resolve() / f"{PREFIX}{time.time_ns()}"))
        self._flushed = time.monotonic()
        self._add(file_version="brain.Event:2")

    def add_record(self, record: EpochRecord) -> None:
        """Add the figures of one epoch, a point to each of their curves."""
        from tensorboardX.summary import scalar

        metrics = {f"metrics/{name}": value for name, value in record.metrics.items()}
        for tag, value in {"loss": record.loss, "learning_rate": record.learning_rate, **metrics}.items():
            self._add(step=record.epoch, summary=scalar(tag, value))

    def add_histogram(self, tag: str, values: Array, step: int) -> None:
        """Add the distribution of ``values``; one whose range is not finite is left out."""
        from tensorboardX.summary import histogram

        with np.errstate(all="ignore"):
            spread = np.ptp(values)
        if np.isfinite(spread):
            self._add(step=step, summary=histogram(tag, values, _BINS))

    def close(self) -> None:
        """Write what is left and close the file."""
        try:
            self._records.flush()
        finally:
            self._records.close()

    def _add(self, **content: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event

        self._records.write(Event(wall_time=time.time(), **content).SerializeToString())
        if time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self._records.flush()
            self._flushed = time.monotonic()
