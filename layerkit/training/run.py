"""A run: everything that a run spec describes, from the data to the scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layerkit.data.base import Split
from layerkit.errors import ComponentError, DivergedError, InputError, LayerkitError, WorkError, described
from layerkit.history import EpochRecord, History, figure
from layerkit.metrics.accuracy import Accuracy
from layerkit.network.sequential import Sequential, build
from layerkit.observers.training import Training
from layerkit.registry.registry import Registry
from layerkit.spec.check import from_python, spec_class
from layerkit.spec.load import load_spec
from layerkit.spec.model import ModelSpec
from layerkit.spec.run import RunSpec
from layerkit.stack.loss import Loss
from layerkit.training.checked_samples import checked_samples
from layerkit.training.run_data import naming, run_data
from layerkit.training.run_directory import RunDirectory, Status
from layerkit.training.sample_scores import sample_scores
from layerkit.training.trainer import Trainer


@dataclass(frozen=True, slots=True)
class Run:
    """A training that is done.

    Attributes
    ----------
    spec
        What was asked for.
    data
        The samples.
    model
        The network, trained.
    history
        The records of the epochs.
    directory
        Where the spec, the history, the model and the scores are; `RunDirectory.open` reads them again.
    scores
        How the network does on the test samples: its ``loss``, and each metric by its label; nothing where there are no test
        samples.
    stopped
        Why the training ended before its last epoch, where an observer stopped it.
    """

    spec: RunSpec
    data: Split
    model: Sequential
    history: History
    directory: Path
    scores: dict[str, float]
    stopped: str | None

    def __repr__(self) -> str:
        scores = "".join(f", {name} {figure(value)}" for name, value in self.scores.items())
        return f"<Run {self.spec.name} in {self.directory}, {len(self.history)} epochs{scores}>"


def run(
    spec: RunSpec | Mapping[str, Any] | str | Path,
    *,
    out: str | Path | None = None,
    folder: str | Path | None = None,
    started: Callable[[Training], None] | None = None,
    tell: Callable[[EpochRecord], None] | None = None,
    registry: Registry | None = None,
) -> Run:
    """Train what a run spec describes, and leave a run directory; ``layerkit train`` does this.

    Parameters
    ----------
    spec
        The spec, as an object or as JSON has it, or the path of a file with it.
    out
        The run directory, new or empty; None takes the next free ``runs/NAME-001``, ``-002``, ...
    folder
        Where relative paths in the spec start; None for the folder of the spec's file, or the present one.
    started
        Called with the training before its first step, when there is a run directory, which is its ``folder``.
    tell
        Called with the record of each epoch.
    registry
        The components that a file may name; None for those that are installed.

    Raises
    ------
    InputError
        If ``spec`` is something else.
    SpecError, DataError, ModelFileError, RunDirectoryError
        If the spec, the data, the initial weights or ``out`` cannot be used.
    DivergedError, ComponentError
        As for `layerkit.Trainer.train`.
    WorkError
        If something cannot be written into the run directory; names the file.
    """
    if isinstance(spec, str | Path) and folder is None:
        folder = Path(spec).parent
    spec = _run_spec(spec, registry)
    start = Path(folder or ".")
    spec, data = run_data(spec, start)
    training = spec.training
    model = build(spec.model, seed=spec.seed)
    if training.initial_weights is not None:
        model.load_weights(start / training.initial_weights)
    trainer = Trainer(model, training.model_copy(update={"initial_weights": None}), seed=spec.seed)
    # All samples are checked before there is a directory, those too that are used when the training is done.
    for name, part in (("validation", data.validation), ("test", data.test)):
        if part is not None:
            with naming(spec.data, name):
                checked_samples(model, part)
    with naming(spec.data, "training"):
        epochs = trainer.train(data.train, data.validation)
    directory = RunDirectory.create(spec.name, None if out is None else Path(out), registry)
    owned = trainer.training
    owned.folder = directory.path
    with _accounted(directory, owned):
        if started is not None:
            started(owned)
        directory.write_spec(spec, start)
        with directory.open_history() as append:
            try:
                for record in epochs:
                    append(record)
                    if tell is not None:
                        tell(record)
            except (ComponentError, KeyboardInterrupt, OSError):  # of an observer, of a person, or of who is told
                for record in owned.history[len(directory.history()) :]:  # of an epoch that is done, whatever happened then
                    append(record)
                if owned.epoch == owned.epochs or owned.stopped is not None:
                    directory.save_model(model)
                raise
        directory.save_model(model)
        scores = _scores(spec, model, data)
        directory.write_scores(scores)
    return Run(spec, data, model, History(owned.history), directory.path, scores, owned.stopped)


def _run_spec(spec: Any, registry: Registry | None) -> RunSpec:
    where = ""
    if isinstance(spec, str | Path):
        where, spec = f"{spec}: ", load_spec(spec, registry=registry)
    elif isinstance(spec, Mapping):
        spec = from_python(spec_class(dict(spec)), spec, "run")
    if isinstance(spec, RunSpec):
        return spec
    if isinstance(spec, ModelSpec):
        raise InputError(f'{where}this is a bare model spec; a run needs "data", "model" and "training"')
    raise InputError(f"run takes a RunSpec, a dictionary or the path of a file, received {type(spec).__name__}")


@contextmanager
def _accounted(directory: RunDirectory, training: Training) -> Iterator[None]:
    """Keep in the run directory how the run stands, however it ends."""

    def write(status: Status, why: str | None = None) -> None:
        directory.write_status(status, why, epoch=training.epoch, step=training.step)

    try:
        write("running")
        yield
        write("finished", training.stopped)
    except BaseException as error:
        status, why = _outcome(error)
        try:
            write(status, why)
        except WorkError as failure:
            if str(failure) != why:
                error.add_note(f"the run is {status}, and could not say so: {failure}")
        raise


def _outcome(error: BaseException) -> tuple[Status, str | None]:
    match error:
        case KeyboardInterrupt():
            return "interrupted", None
        case DivergedError():
            return "diverged", str(error)
        case LayerkitError():
            return "failed", str(error)
    return "failed", described(error)


def _scores(spec: RunSpec, model: Sequential, data: Split) -> dict[str, float]:
    if data.test is None:
        return {}
    loss = model.spec.layers[-1]
    assert isinstance(loss, Loss)
    metrics = [*spec.training.metrics]
    if loss.task in Accuracy.tasks and not any(isinstance(metric, Accuracy) for metric in metrics):
        metrics.insert(0, Accuracy())
    return sample_scores(model, data.test, metrics)
