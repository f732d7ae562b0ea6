"""Components that misbehave in a training: one kind of error, which says whose code it was, where and when; and no model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import layerkit as lk

BATCHES = 7
"""Steps of an epoch."""
FATAL = 10
"""The call, from 1, at which a component misbehaves: in the second epoch, after nine steps."""


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


class Deed:
    """What a component does in the place of what it should, given a function that does that."""

    def __init__(self, act: Callable[[Callable[[], Any]], Any]) -> None:
        self.act = act
        self.calls = 0

    def __call__(self, proper: Callable[[], Any], fatal: int) -> Any:
        self.calls += 1
        return self.act(proper) if self.calls >= fatal else proper()


def raising(error: type[BaseException], *arguments: object) -> Callable[[Any], Any]:
    def act(proper: Any) -> Any:
        raise error(*arguments)

    return act


def endless(proper: Any) -> Any:
    return endless(proper)


RAISES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "ValueError": (raising(ValueError, "no such luck"), "raised ValueError: no such luck"),
    "SystemExit": (raising(SystemExit, 0), "raised SystemExit: 0"),
    "RecursionError": (endless, "raised RecursionError: maximum recursion depth exceeded"),
    "StopIteration": (raising(StopIteration), "raised StopIteration"),
    "GeneratorExit": (raising(GeneratorExit), "raised GeneratorExit"),
    "MemoryError": (raising(MemoryError), "raised MemoryError"),
    "OSError": (raising(FileNotFoundError, 2, "No such file"), "raised FileNotFoundError: .*No such file"),
    "Unprintable": (raising(Unprintable), r"raised Unprintable: \(it cannot be printed: RuntimeError\)"),
    "Escapes": (raising(KeyError, "\x1b[31mred\n\tand more"), "raised KeyError: '.*red.*more'"),
}
ARRAYS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "None": (lambda result: None, "returned NoneType, expected float32"),
    "list": (lambda result: result.tolist(), "returned list, expected float32"),
    "row less": (lambda result: result[1:], r"returned float32 of shape \(15, 3\), expected float32 of shape \(16, 3\)"),
    "axis more": (lambda result: result[..., None], r"returned float32 of shape \(16, 3, 1\), expected"),
    "float64": (lambda result: result.astype(np.float64), r"returned float64 of shape \(16, 3\), expected float32"),
    "integers": (lambda result: result.astype(np.int32), r"returned int32 of shape"),
}


def refused(why: str) -> dict[str, tuple[Callable[[Any], Any], str]]:
    return {name: (act, why) for name, (act, _) in ARRAYS.items() if name != "float64"}


# --- components that do as they are told, until they do something else ---------------------------------------------

DEEDS: dict[str, Deed] = {}
"""The deed of the test under way, by the method that does it."""


def does(method: str, proper: Callable[[], Any], fatal: int = FATAL) -> Any:
    deed = DEEDS.get(method)
    return proper() if deed is None else deed(proper, fatal)


class OddLayer(lk.Layer):
    type: Literal["odd_layer"] = "odd_layer"

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        result: lk.Array = does("forward", inputs.copy) if node.training else inputs
        return result

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        result: lk.Array = does("backward", d_out.copy)
        return result


class OddLoss(lk.CategoricalCrossEntropy):
    type: Literal["odd_loss"] = "odd_loss"  # type: ignore[assignment]  # another tag than that of the base

    def prepare(self, targets: lk.Array, logits_shape: lk.Shape, dtype: np.dtype[Any]) -> lk.Array:
        prepared: lk.Array = does("prepare", lambda: super(OddLoss, self).prepare(targets, logits_shape, dtype), fatal=1)
        return prepared

    def losses(self, node: lk.Node, logits: lk.Array, targets: lk.Array) -> lk.Array:
        each: lk.Array = does("losses", lambda: super(OddLoss, self).losses(node, logits, targets))
        return each

    def d_logits(self, node: lk.Node, d_losses: lk.Array) -> lk.Array:
        gradient: lk.Array = does("d_logits", lambda: super(OddLoss, self).d_logits(node, d_losses))
        return gradient

    def forward(self, node: lk.Node, logits: lk.Array, targets: lk.Array, sample_weight: lk.Array | None = None) -> float:
        loss: float = does("loss", lambda: super(OddLoss, self).forward(node, logits, targets, sample_weight))
        return loss

    def predict(self, node: lk.Node, logits: lk.Array) -> lk.Array:
        predictions: lk.Array = does("predict", lambda: super(OddLoss, self).predict(node, logits), fatal=2)
        return predictions

    def decide(self, predictions: lk.Array) -> lk.Array:
        decisions: lk.Array = does("decide", lambda: super(OddLoss, self).decide(predictions), fatal=2)
        return decisions


class OddOptimizer(lk.SGD):
    type: Literal["odd_optimizer"] = "odd_optimizer"  # type: ignore[assignment]  # another tag than that of the base

    def slots(self) -> Any:
        return does("slots", super().slots, fatal=1)

    def coefficients(self, learning_rate: float, number: int) -> Any:
        return does("coefficients", lambda: super(OddOptimizer, self).coefficients(learning_rate, number))

    def update(self, step: lk.Step) -> None:
        does("update", lambda: super(OddOptimizer, self).update(step))


class OddSamples(lk.Samples):
    def __init__(self, samples: lk.Samples, method: str) -> None:
        self.samples = samples
        self.method = method

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def input_shape(self) -> lk.Shape:
        return self.samples.input_shape

    def take(self, rows: lk.Rows, out: lk.Batch | None = None) -> lk.Batch:
        batch: lk.Batch = does(self.method, lambda: self.samples.take(rows), fatal=FATAL if self.method == "take" else 2)
        return batch


class OddData(lk.Dataset):
    type: Literal["odd_data"] = "odd_data"

    def load(self, request: lk.DataRequest) -> lk.Split:
        rng = np.random.default_rng(request.seed)
        inputs = rng.standard_normal((BATCHES * 16, 4)).astype(np.float32)
        samples = lk.ArraySamples(inputs, rng.integers(3, size=len(inputs)))
        train = OddSamples(samples, "take") if "take" in DEEDS else samples
        split: lk.Split = does(
            "load", lambda: lk.Split(train=train, validation=OddSamples(samples, "validation"), test=samples), fatal=1
        )
        return split

    def facts(self) -> lk.DatasetFacts:
        facts: lk.DatasetFacts = does("facts", super().facts, fatal=1)
        return facts


class OddSchedule(lk.Schedule):
    type: Literal["odd_schedule"] = "odd_schedule"

    def learning_rate(self, initial: float, progress: lk.Progress) -> float:
        rate: float = does("learning_rate", lambda: initial)
        return rate


class OddMetric(lk.Metric):
    tasks: ClassVar[tuple[lk.Task, ...]] = ("classes",)
    type: Literal["odd_metric"] = "odd_metric"

    def score(self, outcome: lk.Outcome) -> float:
        score: float = does("score", lambda: 0.5, fatal=2)
        return score


class OddObserver(lk.Observer):
    type: Literal["odd_observer"] = "odd_observer"

    def watch(self, training: lk.Training, memory: lk.Memory) -> Any:
        class OddWatcher(lk.Watcher):
            def step(self) -> None:
                does("step", lambda: None)

            def epoch(self, record: lk.EpochRecord) -> None:
                does("epoch", lambda: None, fatal=2)

        @contextmanager
        def context() -> Iterator[lk.Watcher]:
            yield does("watcher", OddWatcher, fatal=1)
            does("end", lambda: None, fatal=1)

        return does("watch", context, fatal=1)


COMPONENTS: dict[str, tuple[type[object], str, str | None]] = {
    "forward": (OddLayer, "forward", "odd_layer_1"),
    "backward": (OddLayer, "backward", "odd_layer_1"),
    "prepare": (OddLoss, "prepare", "odd_loss_1"),
    "losses": (OddLoss, "forward|losses", "odd_loss_1"),
    "d_logits": (OddLoss, "backward", "odd_loss_1"),
    "loss": (OddLoss, "forward", "odd_loss_1"),
    "predict": (OddLoss, "predict", "odd_loss_1"),
    "decide": (OddLoss, "decide", "odd_loss_1"),
    "slots": (OddOptimizer, "slots", None),
    "coefficients": (OddOptimizer, "coefficients", None),
    "update": (OddOptimizer, "update", None),
    "take": (OddSamples, "take", None),
    "validation": (OddSamples, "take", None),
    "load": (OddData, "load", None),
    "facts": (OddData, "facts", None),
    "learning_rate": (OddSchedule, "learning_rate", None),
    "score": (OddMetric, "score", None),
    "step": (OddObserver, "watch", None),
    "epoch": (OddObserver, "watch", None),
    "watcher": (OddObserver, "watch", None),
    "watch": (OddObserver, "watch", None),
    "end": (OddObserver, "watch", None),
}
"""Class, method and node that the error must name, by what misbehaves."""

BEFORE = None, None
AFTER_NINE_STEPS = 1, FATAL - 1
TIMES: dict[str, tuple[int | None, int | None]] = {
    **dict.fromkeys(("prepare", "slots", "load", "facts"), BEFORE),
    **dict.fromkeys(("watch", "watcher"), (0, 0)),
    "end": (3, 3 * BATCHES),
    "step": (1, FATAL),
    "epoch": (2, 2 * BATCHES),
    **dict.fromkeys(("losses", "loss"), (1, FATAL - 2)),  # another call was on the validation samples
    **dict.fromkeys(("predict", "decide", "validation", "score"), (1, 2 * BATCHES)),
}
"""Epoch and step that the error must name; elsewhere after nine steps."""

ROWS = refused("returned .*, expected an array of 112 rows")
CASES: list[tuple[str, str, Callable[[Any], Any], str]] = [
    *((method, kind, act, fault) for method in COMPONENTS for kind, (act, fault) in RAISES.items()),
    *((method, kind, act, fault) for method in ("forward", "backward", "d_logits") for kind, (act, fault) in ARRAYS.items()),
    ("losses", "None", lambda result: None, r"returned NoneType, expected one float a sample, shape \(16,\)"),
    ("losses", "mean", lambda result: result.mean(), "returned float64, expected one float a sample"),
    ("losses", "column", lambda result: result[:, None], r"returned float64 of shape \(16, 1\), expected one float a sample"),
    ("losses", "integers", lambda result: result.astype(int), r"returned int64 of shape \(16,\), expected one float a sample"),
    ("loss", "None", lambda result: None, "returned NoneType, expected a float"),
    ("loss", "np.float32", np.float32, "returned float32, expected a float"),
    ("loss", "array", np.array, "returned ndarray, expected a float"),
    ("prepare", "None", lambda result: None, "returned NoneType, expected an array of 112 rows"),
    ("prepare", "list", lambda result: result.tolist(), "returned list, expected an array of 112 rows"),
    ("prepare", "row less", lambda result: result[1:], r"returned an array of shape \(111,\), expected an array of 112 rows"),
    ("predict", "None", lambda result: None, "returned NoneType, expected an array of 112 rows"),
    ("predict", "row less", lambda result: result[1:], r"returned an array of shape \(111, 3\), expected an array of 112 rows"),
    ("decide", "list", lambda result: result.tolist(), "returned list, expected an array of 112 rows"),
    ("decide", "number", lambda result: result[0], "returned int64, expected an array of 112 rows"),
    ("slots", "None", lambda result: None, "raised TypeError: it gives None, expected a Slot by each name"),
    ("slots", "names", lambda result: ("velocity",), "raised TypeError: .*expected a Slot by each name"),
    ("slots", "no shape", lambda result: {"velocity": lk.Slot("each")}, "raised TypeError: .*has the shape 'each', expected"),  # type: ignore[arg-type]
    ("coefficients", "None", lambda result: None, "raised AttributeError"),
    ("coefficients", "text", lambda result: {"rate": "fast"}, "raised ValueError"),
    ("take", "None", lambda result: None, "returned NoneType, expected a Batch of 16 samples"),
    ("take", "tuple", tuple, "returned tuple, expected a Batch of 16 samples"),
    (
        "take",
        "row less",
        lambda result: lk.Batch(*(part[1:] for part in result[:2])),
        r"returned a Batch of \[15, 15\], expected",
    ),
    ("take", "uneven", lambda result: result._replace(targets=result.targets[1:]), r"returned a Batch of \[16, 15\], expected"),
    ("validation", "None", lambda result: None, "returned NoneType, expected a Batch of 112 samples"),
    ("load", "None", lambda result: None, "returned NoneType, expected a Split"),
    ("load", "tuple", lambda result: (result.train, result.test), "returned tuple, expected a Split"),
    ("load", "arrays", lambda result: lk.Split(train=np.zeros((3, 4))), "raised TypeError: train must be Samples.*ndarray"),  # type: ignore[arg-type]
    ("load", "list", lambda result: lk.Split(train=result.train, test=[1]), "raised TypeError: test must be Samples.*list"),  # type: ignore[arg-type]
    ("learning_rate", "None", lambda result: None, "returned NoneType, expected a number"),
    ("learning_rate", "truth", lambda result: True, "returned bool, expected a number"),
    ("learning_rate", "nan", lambda result: float("nan"), "returned nan, expected a finite number of 0 or more"),
    ("learning_rate", "negative", lambda result: -0.1, "returned -0.1, expected a finite number of 0 or more"),
    ("score", "None", lambda result: None, "returned NoneType, expected a number"),
    ("score", "text", lambda result: "good", "returned str, expected a number"),
    ("facts", "train_count", lambda result: lk.DatasetFacts(train_count=50), "says train_count is 50, and load gave 112"),
    ("facts", "test_count", lambda result: lk.DatasetFacts(test_count=0), "says test_count is 0, and load gave 112"),
    ("facts", "task", lambda result: lk.DatasetFacts(task="class"), "raised TypeError: task must be one of classes, "),  # type: ignore[arg-type]
    ("facts", "count", lambda result: lk.DatasetFacts(train_count=1.5), "raised TypeError: train_count must be a whole"),  # type: ignore[arg-type]
    ("facts", "shape", lambda result: lk.DatasetFacts(input_shape=[4]), "raised TypeError: input_shape must be a tuple"),  # type: ignore[arg-type]
    ("watch", "None", lambda result: None, "raised AttributeError"),
    ("watch", "no context", lambda result: lk.Watcher(), "raised AttributeError"),
    ("watcher", "None", lambda result: None, "gave NoneType, expected a Watcher"),
    ("watcher", "function", lambda result: print, "gave builtin_function_or_method, expected a Watcher"),
]


@pytest.fixture
def run_spec() -> lk.RunSpec:
    layers = (lk.Affine(units=3), OddLayer(), lk.Affine(units=3), OddLoss())
    return lk.RunSpec.model_validate(
        {
            "data": OddData(),
            "model": lk.ModelSpec(input_shape=(4,), layers=layers),
            "training": {
                "optimizer": OddOptimizer(learning_rate=0.1, momentum=0.9),
                "schedule": OddSchedule(),
                "epochs": 3,
                "batch_size": 16,
                "metrics": (OddMetric(),),
                "observers": (OddObserver(),),
            },
        }
    )


@pytest.fixture(autouse=True)
def no_deeds() -> Iterator[None]:
    DEEDS.clear()
    yield
    DEEDS.clear()


def test_without_a_deed_everything_goes_well(run_spec: lk.RunSpec, tmp_path: Path) -> None:
    run = lk.run(run_spec, out=tmp_path / "out")
    assert len(run.history) == 3
    assert run.scores.keys() == {"loss", "accuracy", "odd_metric"}
    assert (tmp_path / "out" / "model.safetensors").exists()


@pytest.mark.parametrize(("method", "kind", "act", "fault"), CASES, ids=[f"{method}-{kind}" for method, kind, *_ in CASES])
def test_whatever_a_component_does_is_one_kind_of_error(
    run_spec: lk.RunSpec, tmp_path: Path, method: str, kind: str, act: Callable[[Any], Any], fault: str
) -> None:
    DEEDS[method] = Deed(act if kind in RAISES else lambda proper: act(proper()))
    with pytest.raises(lk.ComponentError) as caught:
        lk.run(run_spec, out=tmp_path / "out")
    error, (cls, named, node) = caught.value, COMPONENTS[method]
    assert type(error.component) is cls
    assert error.method in named.split("|")
    assert error.node == node
    assert (error.epoch, error.step) == TIMES.get(method, AFTER_NINE_STEPS)
    message = str(error)
    place = f"{node}: " if node else ""
    assert message.startswith(f"{place}{cls.__name__}.{error.method} of the module ")
    assert re.search(fault, message), message
    if error.epoch is not None:
        assert message.endswith(f" (epoch {error.epoch}, after {error.step} steps)")
    assert message.isprintable()
    assert error.exit_code == 1
    # What is trained is kept, though an observer fails where it closes.
    assert (tmp_path / "out" / "model.safetensors").exists() == (method == "end")


@pytest.mark.parametrize("method", [method for method in COMPONENTS if method != "end"])
def test_an_interrupt_stays_one(run_spec: lk.RunSpec, tmp_path: Path, method: str) -> None:
    DEEDS[method] = Deed(raising(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        lk.run(run_spec, out=tmp_path / "out")
    assert not (tmp_path / "out" / "model.safetensors").exists()


@pytest.mark.parametrize("method", ["forward", "losses", "take", "load"])
def test_data_that_a_component_refuses_is_no_fault_of_it(run_spec: lk.RunSpec, tmp_path: Path, method: str) -> None:
    DEEDS[method] = Deed(raising(lk.DataError, "row 3 is not what I take"))
    node = "odd_layer_1: " if method == "forward" else ""
    with pytest.raises(lk.DataError, match=rf"^{node}row 3 is not what I take$"):
        lk.run(run_spec, out=tmp_path / "out")


# --- observers and other errors -----------------------------------------------------------------------------------


class Swallowing(lk.Observer):
    """Lets no error out of its context."""

    type: Literal["swallowing"] = "swallowing"

    @contextmanager
    def watch(self, training: lk.Training, memory: lk.Memory) -> Iterator[lk.Watcher]:
        try:
            yield lk.Watcher()
        except BaseException:
            memory["swallowed"] = memory.get("swallowed", 0) + 1


@pytest.mark.parametrize("method", ["forward", "update", "step"])
def test_an_observer_cannot_make_an_error_go_away(run_spec: lk.RunSpec, tmp_path: Path, method: str) -> None:
    """A training that failed would look like one that is done."""
    DEEDS[method] = Deed(raising(SystemExit, 0))
    training = run_spec.training.model_copy(update={"observers": (Swallowing(), OddObserver(), Swallowing())})
    with pytest.raises(lk.ComponentError, match="raised SystemExit: 0"):
        lk.run(run_spec.model_copy(update={"training": training}), out=tmp_path / "out")
    assert not (tmp_path / "out" / "model.safetensors").exists()


def test_an_observer_is_not_blamed_for_a_training_that_diverges() -> None:
    layers = [lk.Affine(units=6), lk.ReLU(), lk.Affine(units=3), lk.CategoricalCrossEntropy()]
    model = lk.Sequential(layers, input_shape=(4,), seed=0)
    inputs, targets = np.random.default_rng(0).standard_normal((9, 4)), np.arange(9) % 3
    with pytest.raises(lk.DivergedError):
        model.fit(inputs, targets, optimizer=lk.SGD(learning_rate=1e38), epochs=50, observers=(Swallowing(), OddObserver()))


def test_observers_close_what_they_opened_however_a_training_ends(run_spec: lk.RunSpec, tmp_path: Path) -> None:
    ends: list[str] = []

    class Closing(lk.Observer):
        type: Literal["closing"] = "closing"

        @contextmanager
        def watch(self, training: lk.Training, memory: lk.Memory) -> Iterator[lk.Watcher]:
            try:
                yield lk.Watcher()
            except BaseException as error:
                ends.append(type(error).__name__)
                raise
            else:
                ends.append("done")

    for number, act in enumerate((raising(ValueError), raising(KeyboardInterrupt), None)):
        DEEDS.clear()
        if act is not None:
            DEEDS["update"] = Deed(act)
        training = run_spec.training.model_copy(update={"observers": (Closing(), Closing())})
        with suppress(lk.ComponentError, KeyboardInterrupt):
            lk.run(run_spec.model_copy(update={"training": training}), out=tmp_path / str(number))
    assert ends == ["ComponentError"] * 2 + ["KeyboardInterrupt"] * 2 + ["done"] * 2


def test_an_observer_that_cannot_be_had_says_so_itself() -> None:
    class Absent(lk.Observer):
        type: Literal["absent"] = "absent"

        def watch(self, training: lk.Training, memory: lk.Memory) -> Any:
            raise lk.LayerkitError("install the extra first")

    model = lk.Sequential([lk.Affine(units=3), lk.CategoricalCrossEntropy()], input_shape=(4,), seed=0)
    with pytest.raises(lk.LayerkitError, match=r"^install the extra first$"):
        model.fit(np.ones((3, 4)), [0, 1, 2], optimizer=lk.SGD(learning_rate=0.1), epochs=1, observers=(Absent(),))


# --- an update that failed ----------------------------------------------------------------------------------------


def test_an_update_that_failed_is_not_counted(run_spec: lk.RunSpec) -> None:
    """So that a training that is interrupted in one goes on with it."""
    model = lk.build(run_spec.model, seed=0)
    data = OddData().load(lk.DataRequest(seed=0, folder=Path()))
    DEEDS["update"] = Deed(raising(KeyboardInterrupt))
    trainer = lk.Trainer(model, run_spec.training)
    with pytest.raises(KeyboardInterrupt):
        list(trainer.train(data.train))
    assert (trainer.training.epoch, trainer.training.batch, trainer.training.step) == (1, 2, 9)
    DEEDS.clear()
    records = list(trainer.train(data.train))
    assert trainer.training.step == 4 * BATCHES
    assert [record.epoch for record in records] == [1, 2, 3]

    whole = lk.Trainer(lk.build(run_spec.model, seed=0), run_spec.training)
    list(whole.train(data.train))
    assert_array_equal(trainer.training.history[:3], whole.training.history)


# --- arguments ----------------------------------------------------------------------------------------------------


class Wearing(lk.Layer):
    """Writes into what it is given."""

    type: Literal["wearing"] = "wearing"

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        inputs *= 0.9
        return inputs

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        return d_out


class Overwriting(lk.CategoricalCrossEntropy):
    """Writes into the targets, when it prepares them or when it uses them."""

    when: str

    def prepare(self, targets: lk.Array, logits_shape: lk.Shape, dtype: np.dtype[Any]) -> lk.Array:
        if self.when == "prepare":
            targets[...] = 0
        return super().prepare(targets, logits_shape, dtype)

    def losses(self, node: lk.Node, logits: lk.Array, targets: lk.Array) -> lk.Array:
        if self.when == "losses":
            targets[...] = 0
        return super().losses(node, logits, targets)


USES: dict[str, Callable[[lk.Sequential, lk.Array, lk.Array], object]] = {
    "loss": lambda model, inputs, targets: model.loss(inputs, targets),
    "loss_and_gradients": lambda model, inputs, targets: model.loss_and_gradients(inputs, targets),
    "fit": lambda model, inputs, targets: model.fit(inputs, targets, optimizer=lk.SGD(learning_rate=0.1), epochs=2),
    "fit in order": lambda model, inputs, targets: model.fit(
        inputs, targets, optimizer=lk.SGD(learning_rate=0.1), epochs=2, batch_size=2, shuffle=False
    ),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("odd", ["layer", "prepare", "losses"])
def test_no_component_reaches_the_arrays_of_the_caller(
    odd: str, use: Callable[[lk.Sequential, lk.Array, lk.Array], object]
) -> None:
    """They have the dtype and the order that need no copy."""
    layers = [Wearing(), lk.Affine(units=3), lk.CategoricalCrossEntropy()]
    if odd != "layer":
        layers = [lk.Affine(units=3), Overwriting(when=odd)]
    model = lk.Sequential(layers, input_shape=(4,), dtype="float64", seed=0)
    inputs, targets = np.random.default_rng(0).standard_normal((6, 4)), np.arange(6) % 3
    given = inputs.copy(), targets.copy()
    fault = r"wearing_1: Wearing\.forward" if odd == "layer" else rf"crossentropy_1: Overwriting\.({odd}|forward)"
    with pytest.raises(lk.ComponentError, match=rf"^{fault} .* raised ValueError: .*read-only"):
        use(model, inputs, targets)
    assert_array_equal(inputs, given[0])
    assert_array_equal(targets, given[1])
    assert inputs.flags.writeable
    assert targets.flags.writeable


@pytest.mark.parametrize("method", ["predict", "logits"])
def test_no_layer_reaches_the_samples_that_are_predicted(method: str) -> None:
    model = lk.Sequential([Wearing(), lk.CategoricalCrossEntropy()], input_shape=(4,), dtype="float64", seed=0)
    inputs = np.ones((3, 4))
    with pytest.raises(lk.ComponentError, match="read-only"):
        getattr(model, method)(inputs)
    assert_array_equal(inputs, np.ones((3, 4)))


@pytest.mark.parametrize("options", [{"batch_size": 2}, {"batch_size": 4}, {"shuffle": False, "batch_size": 2}, {}], ids=str)
def test_no_training_lets_a_layer_write_into_samples(options: dict[str, Any]) -> None:
    model = lk.Sequential(
        [Wearing(), lk.Affine(units=3), lk.CategoricalCrossEntropy()], input_shape=(4,), dtype="float64", seed=0
    )
    inputs, targets = np.ones((6, 4)), np.arange(6) % 3
    with pytest.raises(lk.ComponentError, match=r"^wearing_1: Wearing\.forward .* raised ValueError: .*read-only"):
        model.fit(inputs, targets, optimizer=lk.SGD(learning_rate=0.1), epochs=3, **options)
    assert_array_equal(inputs, np.ones((6, 4)))


def test_a_metric_cannot_reach_the_targets_of_the_caller() -> None:
    class Sorting(lk.Metric):
        tasks: ClassVar[tuple[lk.Task, ...]] = ("classes",)
        type: Literal["sorting"] = "sorting"

        def score(self, outcome: lk.Outcome) -> float:
            outcome.targets.sort()
            return 0.0

    model = lk.Sequential([lk.CategoricalCrossEntropy()], input_shape=(3,), seed=0)
    targets = np.array([2, 0, 1])
    with pytest.raises(lk.ComponentError, match=r"Sorting\.score .* raised ValueError: .*read-only"):
        model.evaluate(np.eye(3), targets, metrics=[Sorting()])
    assert_array_equal(targets, [2, 0, 1])
