"""The data of a run: loaded, held against what was said of it, and the spec with what only the data knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from layerkit.blame import Blame
from layerkit.data.base import DataRequest, Dataset, DatasetFacts, Split
from layerkit.data.file_samples import FileSamples
from layerkit.data.samples import ArraySamples, Subset
from layerkit.data.splits import split_rows
from layerkit.errors import ComponentError, DataError, InputError, TargetError
from layerkit.spec.load import with_facts
from layerkit.spec.run import RunSpec
from layerkit.spec.source import MAX_CHARACTERS
from layerkit.stack.loss import Loss
from layerkit.training.checked_samples import sample_count


def run_data(spec: RunSpec, folder: Path) -> tuple[RunSpec, Split]:
    """Return the samples of a run, and its spec with the shape of their inputs and how rows of a table became such.

    Parameters
    ----------
    spec
        The run.
    folder
        Where relative paths in the spec start.

    Raises
    ------
    DataError
        If the samples cannot be had.
    SpecError
        If the model does not fit them.
    ComponentError
        If the code of the data set fails, or gives something else than it says.
    """
    loss = spec.model.layers[-1]
    assert isinstance(loss, Loss)
    size = None if spec.training.validation is None else spec.training.validation.size
    request = DataRequest(seed=spec.seed, folder=folder, validation=size, task=loss.task)
    with Blame(spec.data, "load", refusals=(InputError,)):
        split = spec.data.load(request)
    if not isinstance(split, Split):
        raise ComponentError(spec.data, "load", f"returned {type(split).__name__}, expected a Split")
    if size is not None and split.validation is None:
        with naming(spec.data, "training"):
            split = _held_out(split, request)
    spec = with_facts(spec, _facts(spec, split))
    spec = spec.model_copy(update={"model": spec.model.model_copy(update={"encoding": split.encoding})})
    spec = spec.with_notices(split.notices)
    if split.encoding is not None and len(split.encoding.model_dump_json()) > _MOST_CHARACTERS:
        raise DataError(
            f"{spec.data.type}: what is learnt of the columns is too much for a model file; leave columns out, such as "
            "categories with many texts"
        )
    return spec, split


_MOST_CHARACTERS = MAX_CHARACTERS // 2
"""Longest text that an encoding may have: written with its spec, which is indented, it is to be read again."""


def is_known(spec: RunSpec) -> bool:
    """Return whether what the data is like is known without loading it."""
    with Blame(spec.data, "facts"):
        facts = spec.data.facts()
    return spec.model.input_shape is not None and facts.train_count is not None


@contextmanager
def naming(dataset: Dataset, part: str) -> Iterator[None]:
    """Say of which samples something is wrong."""
    try:
        yield
    except DataError as error:
        kind = TargetError if isinstance(error, TargetError) else DataError
        raise kind(f"{dataset.type}, {part} samples: {error}") from None


def _held_out(split: Split, request: DataRequest) -> Split:
    """Hold some of the training samples out to choose by, where the data set has none for that."""
    parts = split_rows(sample_count(split.train), seed=request.seed % 2**32, validation_size=request.validation)
    assert parts.validation is not None
    return replace(split, train=Subset(split.train, parts.train), validation=Subset(split.train, parts.validation))


def _facts(spec: RunSpec, split: Split) -> DatasetFacts:
    """Return what is known of data now that it is loaded.

    Raises
    ------
    ComponentError
        If that is not what it said before.
    """
    with Blame(spec.data, "facts"):
        facts = spec.data.facts()
    held_out = 0 if split.validation is None else sample_count(split.validation)
    train = sample_count(split.train)
    said_train = train + (held_out if spec.training.validation is not None else 0)
    loaded = {"train_count": said_train, "test_count": 0 if split.test is None else sample_count(split.test)}
    for name, count in loaded.items():
        if getattr(facts, name) not in (None, count):
            raise ComponentError(spec.data, "facts", f"says {name} is {getattr(facts, name)}, and load gave {count}")
    with Blame(split.train, "input_shape"):
        shape = split.train.input_shape
    found = replace(facts, train_count=train, input_shape=facts.input_shape or shape)
    if isinstance(split.train, ArraySamples | FileSamples) and found.n_classes is None:
        found = replace(found, target_shape=np.shape(split.train.targets)[1:])
    if split.encoding is None:
        return found
    n_classes = len(split.encoding.labels) if split.encoding.task == "classes" else None
    return replace(found, task=split.encoding.task, n_classes=n_classes)
