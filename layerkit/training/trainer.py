"""`Trainer`: runs an optimizer over a network, and knows no component by name."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from layerkit.blame import Blame, number_from
from layerkit.data.samples import Batch, Samples
from layerkit.errors import ComponentError, DataError, DivergedError, InputError, LayerkitError
from layerkit.history import EpochRecord, History
from layerkit.network.sequential import Sequential
from layerkit.observers.base import Watcher
from layerkit.observers.training import Training
from layerkit.schedules.base import Progress
from layerkit.spec.check import from_python
from layerkit.spec.training import TrainingSpec
from layerkit.streams import random_stream
from layerkit.training.batches import Batches
from layerkit.training.checked_samples import checked_arrays, checked_samples
from layerkit.training.class_weights import with_class_weights
from layerkit.training.clipping import Clipping
from layerkit.training.sample_scores import sample_scores
from layerkit.training.update import Update


class Trainer:
    """Minimises a network's loss by mini-batches or the full batch.

    Parameters
    ----------
    model
        The network; trained in place.
    spec
        How it is trained, as an object or as JSON has it; ``initial_weights`` and ``report_every`` are for whole runs.
    seed
        Decides the orders of the samples; None takes the network's seed.
    folder
        Where observers write.
    training
        What an earlier training of the network owned, to go on from; None begins anew.

    Attributes
    ----------
    training
        Everything that the training owns. Where a run ends, however it ends, the next one goes on.

    Raises
    ------
    SpecError
        If a dictionary describes no training.
    InputError
        If the spec is something else, the seed is negative, the spec names initial weights, or ``training`` is that of
        another network or optimizer.
    ComponentError
        If the optimizer fails to say what it remembers.
    """

    def __init__(
        self,
        model: Sequential,
        spec: TrainingSpec | Mapping[str, Any],
        *,
        seed: int | None = None,
        folder: str | Path = ".",
        training: Training | None = None,
    ) -> None:
        if not isinstance(spec, TrainingSpec | Mapping):
            raise InputError(f"a trainer takes a TrainingSpec or a dictionary, received {type(spec).__name__}")
        self.model = model
        self.spec = spec = spec if isinstance(spec, TrainingSpec) else from_python(TrainingSpec, spec, "Trainer")
        self.seed = model.seed if seed is None else seed
        random_stream(self.seed)  # which refuses one that is none
        if spec.initial_weights is not None:
            raise InputError(f'a trainer starts from the weights as they are; call model.load_weights("{spec.initial_weights}")')
        if training is None:
            with Blame(spec.optimizer, "slots"):
                training = Training(model.nodes, model.parameters, model.gradients, model.layout, spec.optimizer, Path(folder))
        elif training.parameters is not model.parameters or training.optimizer != spec.optimizer:
            raise InputError("the training to go on from is that of another network or optimizer; leave it out to begin anew")
        training.folder = Path(folder)
        training.greater_is_better = {metric.label: metric.greater_is_better for metric in spec.metrics}
        self.training = training
        clipping = Clipping(model, spec) if spec.clips else None
        self._update = Update(model, spec.optimizer, training.workplace, clipping)
        self._learning_rate = float(spec.optimizer.learning_rate)
        self._state = [
            (f"{node.name}.{name}", array)
            for node in training.every_node()
            for name, array in node.state.items()
            if array.dtype.kind == "f"
        ]
        self._deadline: float | None = None

    def fit(self, inputs: npt.ArrayLike, targets: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> History:
        """Train and return the records of the epochs; parameters and errors as for `run`."""
        return History(self.run(inputs, targets, sample_weight))

    def run(
        self,
        inputs: npt.ArrayLike,
        targets: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        validation: Samples | None = None,
    ) -> Iterator[EpochRecord]:
        """Train on arrays, handing out a record after each epoch.

        Parameters
        ----------
        inputs
            Shape (N, \\*input_shape), finite.
        targets
            N targets, as the loss takes them.
        sample_weight
            Shape (N,), not negative; None weighs all samples alike.
        validation
            As for `train`.

        Raises
        ------
        DataError, DivergedError, ComponentError
            As for `train`.
        """
        return self._train(checked_arrays(self.model, inputs, targets, sample_weight), validation)

    def train(self, samples: Samples, validation: Samples | None = None) -> Iterator[EpochRecord]:
        """Train for as many epochs as the spec says, handing out a record after each.

        It begins where the training stands: after a run that was left within an epoch, with the rest of that epoch.

        Parameters
        ----------
        samples
            What to train on.
        validation
            What the metrics of each epoch are measured on.

        Raises
        ------
        DataError
            If the samples do not fit the network or hold NaN or infinity, or there are fewer than ``batch_size``.
        TargetError
            If the targets do not fit the loss; names the first offending row.
        DivergedError
            If the loss, a parameter or a state is no longer finite, or a parameter starts too large for that.
        ComponentError
            If the code of a component fails, or gives back what it may not; names the component, the epoch and the step.
        """
        return self._train(checked_samples(self.model, samples), validation)

    def _train(self, samples: Samples, validation: Samples | None) -> Iterator[EpochRecord]:
        size = len(samples) if self.spec.batch_size is None else self.spec.batch_size
        if validation is not None:
            checked_samples(self.model, validation)  # what does not fit would be found after an epoch
        stopping = self.spec.early_stopping
        if validation is None and stopping is not None and stopping.monitor != "loss":
            advice = 'give some, or write "monitor": "loss"'
            raise InputError(f"early_stopping watches {stopping.monitor}, which needs validation samples; {advice}")
        if size > len(samples):
            advice = f"write {len(samples)} or less, or None for all"
            raise DataError(f"batch_size {size} is more than the {len(samples)} training samples; {advice}")
        self.model.adapt_once(lambda rows: samples.take(rows).inputs, len(samples))
        samples = with_class_weights(samples, self.spec.class_weight, self.model.encoding)
        if not self.training.step:
            self._require_sound_start()
        return self._epochs(samples, size, validation)

    def _epochs(self, samples: Samples, size: int, validation: Samples | None) -> Iterator[EpochRecord]:
        training = self.training
        with training.under_way():
            training.stopped = None
            training.lay_out(len(samples), size, self.spec.shuffle)
            training.epochs = training.epoch + self.spec.epochs
        minutes = self.spec.max_minutes
        self._deadline = None if minutes is None else time.monotonic() + 60 * minutes
        batches = Batches(samples, size)
        try:
            with ExitStack() as stack:
                watchers = self._watchers(stack)
                while training.epoch < training.epochs and training.stopped is None:
                    with training.under_way():
                        record = self._epoch(batches, validation, watchers)
                    if record is not None:
                        yield record
        except ComponentError as error:
            error.epoch, error.step = training.epoch, training.step
            raise
        except DivergedError:
            training.begin_epoch()  # what is done next begins it anew, from whatever parameters are put in place
            raise

    def _watchers(self, stack: ExitStack) -> list[_Watching]:
        observers = self.spec.watchers
        memories = self.training.memories(observer.spec_type for observer in observers)
        watchers: list[_Watching] = []
        for observer, memory in zip(observers, memories, strict=True):
            blame = Blame(observer, "watch")
            with Blame(observer, "watch", refusals=(LayerkitError,)):
                context = observer.watch(self.training, memory)
                watcher = context.__enter__()
                stack.push(partial(_leave, context, blame))
            if not isinstance(watcher, Watcher):
                raise ComponentError(observer, "watch", f"gave {type(watcher).__name__}, expected a Watcher")
            watchers.append(_Watching(watcher, blame, observer.replaces_parameters))
        return watchers

    def _epoch(self, batches: Batches, validation: Samples | None, watchers: list[_Watching]) -> EpochRecord | None:
        """Do one epoch, or what is left of it, and return its record; None where it was stopped before its end."""
        training, started = self.training, time.perf_counter()
        after_step = [(item.watcher.step, item.blame) for item in watchers if type(item.watcher).step is not Watcher.step]
        random = random_stream(self.seed, "shuffle", str(training.epoch)) if self.spec.shuffle and training.batches > 1 else None
        steps = batches.epoch(training.batch, random)
        # Overflow shows as a loss or as parameters that are not finite, and is reported as that.
        with np.errstate(all="ignore"):
            while training.batch < training.batches:
                batch = next(steps)
                self._set_learning_rate()
                loss = self._gradients(batch)
                # Between the gradients and the update is where several processes would add up their gradients.
                self._update.apply(batch, loss, self._learning_rate)
                training.count_batch(loss, _weight(batch))
                for step, blame in after_step:
                    with blame:
                        step()
                if self._deadline is not None and time.monotonic() > self._deadline:
                    training.stop(f"the {self.spec.max_minutes:g} minutes are over")
                if training.stopped is not None and training.batch < training.batches:
                    return None
            self._require_finite()
        with ExitStack() as stack:
            for item in watchers:
                with item.blame:
                    context = item.watcher.measuring()
                    context.__enter__()
                    stack.push(partial(_leave, context, item.blame))
            metrics = self._metrics(validation) if validation is not None else {}
            record = EpochRecord(
                training.epoch,
                min(training.mean_loss, sys.float_info.max),
                metrics,
                self._learning_rate,
                time.perf_counter() - started,
            )
            training.end_epoch(record)
            _tell(record, [item for item in watchers if item.replaces_parameters])
        _tell(record, [item for item in watchers if not item.replaces_parameters])
        return record

    def _set_learning_rate(self) -> None:
        schedule, training = self.spec.schedule, self.training
        if schedule is None:
            return
        # The batches done may have been of another size.
        steps = training.step + training.batches - training.batch + (training.epochs - training.epoch - 1) * training.batches
        progress = Progress(training.step, steps, training.epoch, training.epochs, training.history)
        with Blame(schedule, "learning_rate"):
            answer = schedule.learning_rate(self.spec.optimizer.learning_rate, progress)
        rate = number_from(schedule, "learning_rate", answer)
        if not (math.isfinite(rate) and rate >= 0):
            raise ComponentError(schedule, "learning_rate", f"returned {rate}, expected a finite number of 0 or more")
        self._learning_rate = rate

    def _gradients(self, batch: Batch) -> float:
        self._update.before_pass()
        loss = self.model.batch_loss(batch)
        if not math.isfinite(loss):
            raise self._diverged(f"the loss is {loss}")
        self.model.backward()
        return loss

    def _metrics(self, validation: Samples) -> dict[str, float]:
        scores = sample_scores(self.model, validation, self.spec.metrics)
        return {"validation_loss" if name == "loss" else name: value for name, value in scores.items()}

    def _require_sound_start(self) -> None:
        """Refuse parameters that begin so large that their squares overflow: no product with them can be relied on."""
        parameters = self.model.parameters
        limit = math.sqrt(np.finfo(parameters.dtype).max)
        for place in self.model.layout:
            largest = float(np.max(np.abs(parameters[place.segment]), initial=0))
            if not largest <= limit:
                raise DivergedError(
                    f"{place.name} starts from values of up to {largest:.3g}, too large to be trained in {parameters.dtype}; "
                    "give it smaller initial values"
                )

    def _require_finite(self) -> None:
        parameters = self.model.parameters
        if not math.isfinite(float(np.add.reduce(parameters))) and not np.isfinite(parameters).all():
            raise self._diverged("the update made parameters that are not finite")
        for name, array in self._state:
            if not np.isfinite(array).all():
                raise self._diverged(f"{name} is no longer finite")

    def _diverged(self, what: str) -> DivergedError:
        parameters = self.model.parameters
        broken = next((place.name for place in self.model.layout if not np.isfinite(parameters[place.segment]).all()), None)
        where = f"; {broken} is not finite" if broken else ""
        advice = "the initial weights or the inputs may be too large" if not self.training.step else "try a smaller learning_rate"
        return DivergedError(f"{what} in epoch {self.training.epoch}, after {self.training.step} steps{where}; {advice}")


class _Watching(NamedTuple):
    """An observer at work."""

    watcher: Watcher
    blame: Blame
    replaces_parameters: bool


def _tell(record: EpochRecord, watchers: list[_Watching]) -> None:
    for item in watchers:
        with item.blame:
            item.watcher.epoch(record)


def _leave(context: AbstractContextManager[object], blame: Blame, *error: Any) -> None:
    """End the context of an observer, which cannot make an error of the training go away."""
    with blame:
        context.__exit__(*error)


def _weight(batch: Batch) -> float:
    return float(len(batch.inputs) if batch.sample_weight is None else np.add.reduce(batch.sample_weight))
