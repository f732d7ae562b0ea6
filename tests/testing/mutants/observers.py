"""Right observers, with and without a memory, and wrong ones made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from layerkit import EpochRecord, Memory, Observer, Training, Watcher
from layerkit.testing.conformance import observers

from .catalogue import caught_by, sound


class AfterEach(Watcher):
    """Calls functions after each epoch and after each step."""

    def __init__(
        self, epoch: Callable[[EpochRecord], object] = lambda record: None, step: Callable[[], object] = lambda: None
    ) -> None:
        self.after_epoch = epoch
        self.after_step = step

    def epoch(self, record: EpochRecord) -> None:
        self.after_epoch(record)

    def step(self) -> None:
        self.after_step()


@sound
class Diary(Observer):
    """Writes each epoch into a file."""

    type: Literal["diary"] = "diary"

    @contextmanager
    def watch(self, training: Training, memory: Memory) -> Iterator[Watcher]:
        with (training.folder / "diary.txt").open("a") as file:
            yield AfterEach(lambda record: print(record, file=file))


@sound
class Counter(Observer):
    """Counts the epochs."""

    type: Literal["counter"] = "counter"

    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        return nullcontext(AfterEach(lambda record: memory.update(epochs=memory.get("epochs", 0) + 1)))


@sound
class Patience(Observer):
    """Stops when the loss has not become less for some epochs, and remembers the best parameters."""

    type: Literal["patience"] = "patience"
    epochs: int = 1
    """How many epochs."""

    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        def look(record: EpochRecord) -> None:
            figure = record.metrics["validation_loss"]
            if figure < memory.get("least", np.inf):
                memory.update(least=figure, waited=0, best=training.parameters.copy())
            else:
                memory["waited"] += 1
                if memory["waited"] >= self.epochs:
                    training.stop("the loss does not become less")

        return nullcontext(AfterEach(look))


@caught_by(observers.memory_is_saved, "remembers observers/patience_1/best in the memory of parameters/affine_1")
class RemembersWhatChanges(Patience):
    """Keeps the parameters themselves where it should keep a copy."""

    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        return nullcontext(AfterEach(lambda record: memory.update(best=training.parameters)))


@sound
class StopsEarly(Observer):
    """Stops in the middle of the second epoch, and counts the steps until then."""

    type: Literal["stops_early"] = "stops_early"

    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        def look() -> None:
            memory["steps"] = memory.get("steps", 0) + 1
            if training.step == 4:
                training.stop("that is enough")

        return nullcontext(AfterEach(step=look))


@sound
class Averages(Observer):
    """Remembers a moving average of the parameters, and how long epochs take."""

    type: Literal["averages"] = "averages"

    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        def average() -> None:
            mean = memory.setdefault("mean", training.parameters.copy())
            mean += 0.1 * (training.parameters - mean)

        def measure(record: EpochRecord) -> None:
            memory.setdefault("seconds", []).append(record.seconds)

        return nullcontext(AfterEach(measure, average))


@sound
class GivesTheFirst(Counter):
    """Puts the parameters after the first step in place when the training ends."""

    replaces_parameters: ClassVar[bool] = True
    type: Literal["gives_the_first"] = "gives_the_first"  # type: ignore[assignment]  # another tag

    @contextmanager
    def watching(self, training: Training, memory: Memory) -> Iterator[Watcher]:
        """Watch a training."""
        if "trained" in memory:
            training.parameters = memory.pop("trained")
        yield AfterEach(step=lambda: memory.setdefault("first", training.parameters.copy()))
        memory["trained"] = training.parameters.copy()
        training.parameters = memory.get("first", training.parameters)

    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        return self.watching(training, memory)


@caught_by(observers.only_watches, "after a training that was watched: the history is another|slots/|gradients")
class ReplacesParametersTooEarly(GivesTheFirst):
    """Puts its parameters in place after each epoch, and trains on with them."""

    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        first = training.parameters.copy()

        def replace(record: EpochRecord) -> None:
            training.parameters = first

        return nullcontext(AfterEach(replace))


@caught_by(observers.only_watches, "after a training that was watched: parameters")
class ReplacesWithoutSayingSo(GivesTheFirst):
    replaces_parameters: ClassVar[bool] = False


@caught_by(observers.only_watches, "after a training that was watched: parameters")
class MovesParameters(Counter):
    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        def move(record: EpochRecord) -> None:
            training.parameters *= 0.999

        return nullcontext(AfterEach(move))


@caught_by(observers.only_watches, "after a training that was watched: (parameters|slots)/")
class ClearsTheMomentum(Counter):
    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        return nullcontext(AfterEach(lambda record: training.slots.velocity.fill(0)))


@caught_by(observers.only_watches, "after a training that was watched: gradients")
class ScalesTheGradients(Counter):
    """Comes too late to clip them, and changes what other observers see."""

    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        def clip() -> None:
            training.gradients *= 0.5

        return nullcontext(AfterEach(step=clip))


@caught_by(observers.only_watches, "after a training that was watched: streams")
class DrawsFromANode(Counter):
    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        return nullcontext(AfterEach(lambda record: training.nodes[0].rng.random()))


@caught_by(observers.only_watches, "after a training that was watched: the history is another")
class ShortensTheHistory(Counter):
    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        return nullcontext(AfterEach(lambda record: training.history.pop()))


@caught_by(observers.only_watches, r"watch writes outside of its folder: diary\.txt")
class WritesElsewhere(Diary):
    @contextmanager
    def watch(self, training: Training, memory: Memory) -> Iterator[Watcher]:
        with Path("diary.txt").open("a") as file:
            yield AfterEach(lambda record: print(record, file=file))


@caught_by(observers.only_watches, "uses global random state")
class DrawsSamples(Counter):
    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        return nullcontext(AfterEach(lambda record: np.random.shuffle([1, 2, 3])))  # noqa: NPY002 (the mistake)


@caught_by(observers.only_watches, "KeyError: 'loss'")
class FailsToWatch(Counter):
    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        values: dict[str, float] = {}
        return nullcontext(AfterEach(lambda record: values["loss"]))


@caught_by(observers.only_watches, "watch gives function, expected a Watcher")
class GivesAFunction(Counter):
    """Gives what an observer of version 1 gave."""

    def watch(self, training: Training, memory: Memory) -> Any:
        return nullcontext(lambda record: None)


@caught_by(observers.memory_is_saved, r"remembers .*epochs = 2 when a training goes on, expected 4")
class RemembersByItself(Counter):
    """Counts epochs in its watcher, and writes the count down."""

    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        counted: list[EpochRecord] = []

        def count(record: EpochRecord) -> None:
            counted.append(record)
            memory["epochs"] = len(counted)

        return nullcontext(AfterEach(count))


@caught_by(observers.memory_is_saved, r"remembers .*epochs = 2 when a training goes on, expected 4")
class RemembersByTraining(Counter):
    """Counts the epochs of each training in the class."""

    counts: ClassVar[dict[int, tuple[Training, int]]] = {}

    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        def count(record: EpochRecord) -> None:
            _, counted = self.counts.get(id(training), (training, 0))
            self.counts[id(training)] = training, counted + 1
            memory["epochs"] = counted + 1

        return nullcontext(AfterEach(count))


@caught_by(observers.memory_is_saved, r"remembers .*epochs = 2 when a training goes on, expected 4")
class BeginsAnew(Counter):
    """Clears its memory whenever it begins to watch."""

    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        memory["epochs"] = 0

        def count(record: EpochRecord) -> None:
            memory["epochs"] += 1

        return nullcontext(AfterEach(count))


@caught_by(observers.memory_is_saved, "when a training goes on: observers/.*/mean")
class AveragesWithoutItsMemory(Counter):
    """Hands over an average that it keeps elsewhere."""

    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        mean = training.parameters.copy()

        def average() -> None:
            mean[...] += 0.1 * (training.parameters - mean)
            memory["mean"] = mean

        return nullcontext(AfterEach(step=average))


@caught_by(observers.memory_is_saved, "remembers what is neither JSON nor an array: Object of type EpochRecord is not JSON")
class RemembersRecords(Counter):
    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        return nullcontext(AfterEach(lambda record: memory.update(last=record)))


@caught_by(observers.memory_is_saved, "remembers what is neither JSON nor an array: Object of type float32 is not JSON")
class RemembersANumPyNumber(Counter):
    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        return nullcontext(AfterEach(lambda record: memory.update(largest=training.parameters.max())))


@caught_by(observers.memory_is_saved, "remembers what JSON gives back as something else")
class RemembersByNumber(Counter):
    """Uses numbers as the keys of a dict, of which JSON makes texts."""

    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        return nullcontext(AfterEach(lambda record: memory.setdefault("losses", {}).update({record.epoch: record.loss})))


@caught_by(observers.memory_is_saved, "remembers what JSON gives back as something else")
class RemembersATuple(Counter):
    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        return nullcontext(AfterEach(lambda record: memory.update(last=(record.epoch, record.loss))))


@caught_by(observers.closes_when_the_training_fails, "leaves open what it opened: unclosed file")
class ForgetsToClose(Diary):
    @contextmanager
    def watch(self, training: Training, memory: Memory) -> Iterator[Watcher]:
        file = (training.folder / "diary.txt").open("a")
        yield AfterEach(lambda record: print(record, file=file))
        file.close()


@caught_by(observers.closes_when_the_training_fails, "swallows what ends a training")
class SwallowsFailures(Diary):
    @contextmanager
    def watch(self, training: Training, memory: Memory) -> Iterator[Watcher]:
        with suppress(Exception):
            yield Watcher()
