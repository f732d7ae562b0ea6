"""Specs drawn at random from what a registry declares, and a third-party distribution to have in it.

Everything is drawn from a ``random.Random``: Hypothesis hands one in that it controls, and a seeded one gives the same specs in
any process.
"""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from random import Random
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

import layerkit as lk
from layerkit.component import FAMILY_KEY, Component
from layerkit.registry.registration import FAMILIES, Registration
from layerkit.registry.registry import Registry
from layerkit.spec.model import ModelSpec
from layerkit.spec.run import RunSpec, TrainingSpec
from layerkit.stack.stage import Stage
from layerkit.testing.examples import example_input_shape

LAYERKIT_API = 2

# --- a third-party distribution -----------------------------------------------------------------------------------


class Tuning(BaseModel):
    """A block of numbers within a component."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    rounds: Annotated[int, Field(ge=1, le=5)] = 2
    """How many."""
    weights: Annotated[tuple[float, ...], Field(max_length=3)] = ()
    """One a round."""


class Gain(lk.Layer):
    """``y = factor * x``, with fields of every kind."""

    type: Literal["gain"] = "gain"
    factor: float = Field(default=1.0, gt=0, le=8)
    """What the inputs are multiplied by."""
    mode: Literal["one", "each"] = "each"
    """Whether one factor is trained or one a feature."""
    taps: tuple[PositiveInt, Annotated[float, Field(ge=-1, lt=1)]] | None = None
    """A pair of two kinds of numbers."""
    labels: Annotated[dict[str, int], Field(max_length=4)] = {}  # noqa: RUF012 (pydantic copies it)
    """Numbers by name."""
    note: Annotated[str, Field(max_length=200)] = ""
    """Any text."""
    gain_init: lk.Initializer = lk.Constant(value=1.0)
    """How the trained factors start."""
    tuning: Tuning = Tuning()
    """A block within the block."""

    def parameters(self, input_shape: lk.Shape) -> Mapping[str, lk.Parameter]:
        return {"gain": lk.Parameter((1,) if self.mode == "one" else input_shape, self.gain_init)}

    def state(self, input_shape: lk.Shape) -> Mapping[str, lk.State]:
        return {"mean": lk.State(input_shape), "count": lk.State((), dtype="int64")}

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        node.cache = inputs
        outputs = node.buffer("outputs", inputs.shape)
        return np.multiply(inputs, self.factor * node.params.gain, out=outputs)

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        d_inputs = node.buffer("d_inputs", d_out.shape)
        np.multiply(d_out, node.cache, out=d_inputs)
        total = d_inputs.sum() if self.mode == "one" else d_inputs.sum(axis=0)
        node.grads.gain[...] = self.factor * total
        return np.multiply(d_out, self.factor * node.params.gain, out=d_inputs)


class Sandwich(lk.Layer):
    """Layers within a layer."""

    type: Literal["sandwich"] = "sandwich"
    layers: Annotated[tuple[lk.Layer, ...], Field(max_length=3)]
    """What the samples go through."""

    def output_shape(self, input_shape: lk.Shape) -> lk.Shape:
        return lk.chain_shape(self.layers, input_shape)

    def branches(self, input_shape: lk.Shape) -> Mapping[str, lk.Branch]:
        return {"layers": lk.Branch(self.layers)}

    def work_size(self, input_shape: lk.Shape) -> int:
        return 0

    def flops(self, input_shape: lk.Shape) -> int:
        return 0

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        return node.branches["layers"].forward(inputs)

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array | None:
        return node.branches["layers"].backward(d_out)


class Distance(lk.Loss):
    """Half the squared distance."""

    type: Literal["distance"] = "distance"

    def prepare(self, targets: lk.Array, logits_shape: lk.Shape, dtype: np.dtype[Any]) -> lk.Array:
        return lk.number_targets(targets, logits_shape, dtype)

    def losses(self, node: lk.Node, logits: lk.Array, targets: lk.Array) -> lk.Array:
        node.cache = np.subtract(logits, targets, out=node.buffer("gap", logits.shape))
        return np.square(node.cache).reshape(len(logits), -1).sum(axis=1) / 2

    def d_logits(self, node: lk.Node, d_losses: lk.Array) -> lk.Array:
        weights = d_losses.reshape(-1, *[1] * (node.cache.ndim - 1))
        return np.multiply(node.cache, weights, out=node.buffer("d_logits", node.cache.shape))

    def predict(self, node: lk.Node, logits: lk.Array) -> lk.Array:
        return logits.copy()


class Scaled(lk.Initializer):
    """What another initializer draws, times a factor."""

    type: Literal["scaled"] = "scaled"
    inner: lk.Initializer
    """What draws."""
    factor: Annotated[float, Field(ge=-2, le=2)] = 1.0
    """What it is multiplied by."""

    def require_shape(self, shape: lk.Shape) -> None:
        self.inner.require_shape(shape)

    def draw(self, shape: lk.Shape, rng: np.random.Generator) -> lk.Array:
        return self.factor * self.inner.draw(shape, rng)


class Averaged(lk.Optimizer):
    """Steps along two running means."""

    type: Literal["averaged"] = "averaged"
    rates: tuple[Annotated[float, Field(gt=0, lt=1)], Annotated[float, Field(gt=0, lt=1)]] = (0.9, 0.99)
    """How slowly the means forget."""

    def slots(self) -> Mapping[str, lk.Slot]:
        return {"fast": lk.Slot(), "slow": lk.Slot()}

    def update(self, step: lk.Step) -> None:
        for slot, rate in zip(step.slots.values(), self.rates, strict=True):
            slot += (1 - rate) * (step.gradients - slot)
        step.parameters[...] -= step.coefficients.rate * (step.slots.fast + step.slots.slow) / 2


class Halving(lk.Schedule):
    """Halves the learning rate every few epochs."""

    type: Literal["halving"] = "halving"
    epochs: Annotated[int, Field(gt=0)] = 10
    """How many."""

    def learning_rate(self, initial: float, progress: lk.Progress) -> float:
        return float(initial * 0.5 ** (progress.epoch // self.epochs))


class Count(lk.Metric):
    """The number of samples."""

    tasks: ClassVar[tuple[lk.Task, ...]] = ("classes", "label_sets", "numbers")
    type: Literal["count"] = "count"

    def score(self, outcome: lk.Outcome) -> float:
        return float(len(outcome.targets))


class Table(lk.Dataset):
    """Samples of which nothing is known beforehand."""

    type: Literal["table"] = "table"
    path: Annotated[str, Field(min_length=1)]
    """Where they stand."""
    columns: tuple[str, ...] = ()
    """Which of them are inputs."""

    def load(self, request: lk.DataRequest) -> lk.Split:
        raise lk.DataError(f"{self.path} is not there")


class Journal(lk.Observer):
    """Writes nothing down."""

    type: Literal["journal"] = "journal"
    file: str = "journal.txt"
    """Where it would."""

    def watch(self, training: lk.Training, memory: lk.Memory) -> Any:
        raise NotImplementedError


@lk.hookimpl
def layerkit_components() -> Sequence[type[Component]]:
    return [Gain, Sandwich, Distance, Scaled, Averaged, Halving, Count, Table, Journal]


# --- drawing ------------------------------------------------------------------------------------------------------

Draw = Callable[[Random], Any]
DEEPEST = 3
"""Components within components stop here."""

WORDS = (
    *("a", "run", "x1", "layer-1", "A_b", "digits", "model.safetensors", "acme==1.0", "acme-layers==2.1.0", "s" * 64),
    *("", "two words", "über", "\u202e", "line\nbreak", "tab\t", '"', "\\", "\x00", "../..", "{}", "NaN", "1"),
)
"""Texts to choose from where a field takes them."""

JUNK: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 3, 2**31, 2**53 + 1, 2**63, 10**30, 0.5, -1.5, 5e-324, "", "3", "affine"),
    *("layerkit:affine", ":affine", "affine:", [], {}, [1], [[]], [None], {"type": "relu"}, {"type": "zeros"}, {"type": ""}),
    *({"type": None}, {"type": "affine"}, {"type": "sgd", "learning_rate": 1}, {"a": {"b": []}}, [{"type": "crossentropy"}]),
)
"""Values that stand where others belong."""


EXPRESSIBLE = {
    *("unknown_key", "missing_key", "missing_version", "newer_version", "wrong_type", "out_of_range"),
    *("unknown_type", "wrong_family", "ambiguous_type"),
}
"""Codes of the faults that a JSON Schema can find."""


class SpecSource:
    """Draws specs, sound ones and faulty ones, from the fields that the components of a registry declare."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._members = {
            family.__name__: [item for item in registry.registrations if issubclass(item.component, family)]
            for family in (*FAMILIES, Stage)
        }
        self._simple = {
            name: [item for item in members if FAMILY_KEY not in json.dumps(schema_of(item.component))]
            for name, members in self._members.items()
        }
        self._names = {item: _names(item, registry) for item in registry.registrations}

    def spec(self, random: Random) -> dict[str, Any]:
        """Return the document of a run spec or a bare model spec, which may be faulty in some places."""
        document = self.sound_spec(random)
        for _ in range(random.choice((0, 0, 0, 1, 2))):
            spoil(document, random)
        return document

    def sound_spec(self, random: Random) -> dict[str, Any]:
        """Return a document whose single values are sound; they may still not fit together."""
        if random.randrange(5) < 2:
            return self._turned({"layerkit": 1, **self._model(random, None)}, random)
        data = self.component(random.choice(self._members["Dataset"]), random)
        training = self._block(TrainingSpec, random)
        document = {**self._block(RunSpec, random, without={"data", "model", "training"}), "layerkit": 1}
        document |= {"data": data, "model": self._model(random, self.sample_shape(data)), "training": training}
        return self._turned(document, random)

    def component(self, item: Registration, random: Random, depth: int = 0) -> dict[str, Any]:
        """Return the document of one component."""
        document = {"type": random.choice(self._names[item]), **self._fields(schema_of(item.component), random, {"type"}, depth)}
        return self._turned(document, random)

    def value(self, schema: Mapping[str, Any], random: Random, defs: Mapping[str, Any], depth: int = 0) -> Any:
        """Return a value that a piece of a component's JSON Schema allows."""
        if FAMILY_KEY in schema:
            members = (self._members if depth < DEEPEST else self._simple)[schema[FAMILY_KEY]]
            return self.component(random.choice(members), random, depth + 1)
        if "$ref" in schema:
            return self._fields(defs[schema["$ref"].rpartition("/")[2]], random, set(), depth, defs)
        if "anyOf" in schema:
            choices = [choice for choice in schema["anyOf"] if self._members.get(choice.get(FAMILY_KEY)) != []]
            return self.value(random.choice(choices), random, defs, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return random.choice(schema["enum"])
        match schema["type"]:
            case "null":
                return None
            case "boolean":
                return bool(random.randrange(2))
            case "integer":
                return _integer(schema, random)
            case "number":
                return _number(schema, random)
            case "string":
                return random.choice([word for word in WORDS if _takes(schema, word)])
            case "array":
                nobody = self._members.get(schema.get("items", {}).get(FAMILY_KEY)) == []
                items = [] if nobody else _items(schema, random)
                return [self.value(item, random, defs, depth) for item in items]
            case "object":
                keys = random.sample(["a", "b b", "ü", "type"], random.randint(0, schema.get("maxProperties", 3)))
                return {key: self.value(schema["additionalProperties"], random, defs, depth) for key in keys}
        raise AssertionError(f"no value is known for {schema}")

    def _fields(
        self, schema: Mapping[str, Any], random: Random, without: set[str], depth: int, defs: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        defs = schema.get("$defs", {}) if defs is None else defs
        return {
            name: self.value(field, random, defs, depth)
            for name, field in schema["properties"].items()
            if name not in without and (name in schema.get("required", ()) or random.randrange(5) < 2)
        }

    def _block(self, cls: type[BaseModel], random: Random, without: set[str] = frozenset()) -> dict[str, Any]:
        return self._fields(schema_of(cls), random, {*without, "layerkit"}, 0)

    def _model(self, random: Random, sample_shape: Sequence[int] | None) -> dict[str, Any]:
        """Return a model whose layers fit each other as a rule."""
        if sample_shape is None or random.randrange(10) == 0:
            sample_shape = random.choice(([4], [3], [1], [6, 5, 2], [4, 4, 1], [2, 3]))
        shape: lk.Shape | None = tuple(sample_shape)
        layers = []
        for _ in range(random.randint(0, 4)):
            document, shape = self._fitting(lk.Layer, random, shape)
            layers.append(document)
        if shape is not None and len(shape) == 1 and random.randrange(3) == 0:
            layers.append({"type": "affine", "units": 1})  # the one output that some targets need
            shape = (1,)
        layers.append(self._fitting(lk.Loss, random, shape)[0])
        return {
            **self._block(ModelSpec, random, without={"input_shape", "layers", "encoding"}),
            "input_shape": list(sample_shape),
            "layers": layers,
        }

    def _fitting(self, family: type[Stage], random: Random, shape: lk.Shape | None) -> tuple[dict[str, Any], lk.Shape | None]:
        """Return a layer and the shape that it gives, None where it cannot take ``shape``; a few draws avoid that."""
        document = {}
        for _ in range(4):
            item = random.choice(self._members[family.__name__])
            document = self.component(item, random)
            try:
                layer = item.component.model_validate_json(_bare(document, item), context={"resolver": self.registry})
                assert isinstance(layer, Stage)
                return document, None if shape is None else layer.output_shape(shape)
            except (ValueError, lk.LayerkitError):
                continue
        return document, None

    def sample_shape(self, data: dict[str, Any]) -> Sequence[int] | None:
        """Return the shape of the samples of a dataset, as far as it is known."""
        cls = self.registry.resolve(lk.Dataset, data["type"])
        text = json.dumps({**data, "type": cls.tag()})
        try:
            return cls.model_validate_json(text, context={"resolver": self.registry}).facts().input_shape
        except lk.SpecError:  # the single values are sound, and do not fit together
            return None

    @staticmethod
    def _turned(document: dict[str, Any], random: Random) -> dict[str, Any]:
        """Return a document with its keys in this order or the other, and types alone where no more is said, or not."""
        return {key: _shortened(value, random) for key, value in list(document.items())[:: random.choice((1, -1))]}


def _shortened(value: Any, random: Random) -> Any:
    """Return a component of which the type alone is said as that type, half of the times; in lists too."""
    if isinstance(value, list):
        return [_shortened(item, random) for item in value]
    alone = isinstance(value, dict) and value.keys() == {"type"}
    return value["type"] if alone and random.choice((True, False)) else value


def _names(item: Registration, registry: Registry) -> list[str]:
    """Return what a spec may call a component; the short name often, where it is no other's too."""
    alone = len(registry.matches(item.family, item.tag)) == 1
    return [f"{item.distribution}:{item.tag}", *([item.tag] * 3 if alone else [])]


@cache
def schema_of(cls: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema that pydantic gives for a class's own fields."""
    return cls.model_json_schema()


def _takes(schema: Mapping[str, Any], word: str) -> bool:
    fits = schema.get("minLength", 0) <= len(word) <= schema.get("maxLength", 99)
    pattern = schema.get("pattern")
    return fits and (pattern is None or re.search(pattern.replace("$", r"\Z"), word) is not None)


def _integer(schema: Mapping[str, Any], random: Random) -> int:
    """Return an integer near the lower bound, so that what is built stays small."""
    low = max(schema.get("minimum", -5), schema.get("exclusiveMinimum", -6) + 1)
    high = min(schema.get("maximum", low + 12), schema.get("exclusiveMaximum", low + 13) - 1, low + 12)
    return random.randint(low, random.choice((min(low + 3, high), high)))


def _number(schema: Mapping[str, Any], random: Random) -> int | float:
    """Return a number within the bounds, often as close to them as floats go."""
    low = math.nextafter(schema["exclusiveMinimum"], math.inf) if "exclusiveMinimum" in schema else schema.get("minimum", -3.0)
    high = math.nextafter(schema["exclusiveMaximum"], -math.inf) if "exclusiveMaximum" in schema else schema.get("maximum", 3.0)
    if random.randrange(2):
        return random.choice([value for value in (low, high, 0, 1, -0.0, 1e-300, 0.1) if low <= value <= high])
    return min(max(random.uniform(low, high), low), high)


def _items(schema: Mapping[str, Any], random: Random) -> Sequence[Mapping[str, Any]]:
    if "prefixItems" in schema:
        return list(schema["prefixItems"])
    least = schema.get("minItems", 0)
    return [schema["items"]] * random.randint(least, min(schema.get("maxItems", least + 3), least + 3))


# --- spoiling -----------------------------------------------------------------------------------------------------


def places(value: Any, path: str = "") -> Iterator[tuple[Any, str | int, str]]:
    """Yield every place within a document: the object or list that it is in, its key there, and the path to it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(inner):
        yield value, key, f"{path}{key}"
        yield from places(item, f"{path}{key}.")


def spoil(document: dict[str, Any], random: Random) -> None:
    """Change one place of a document: leave it out, put something else there, repeat it, or put something beside it."""
    holder, key, _ = random.choice(list(places(document)) or [(document, "layerkit", "")])
    match random.randrange(4):
        case 0:
            del holder[key]
        case 1:
            holder[key] = copy.deepcopy(random.choice(JUNK))
        case 2 if isinstance(holder, dict):
            holder[random.choice(("extra", "typ", "name", "units", "layerkit", "type", ""))] = copy.deepcopy(random.choice(JUNK))
        case _:
            if isinstance(holder, list) and isinstance(key, int):
                holder.insert(key, copy.deepcopy(random.choice((holder[key], *JUNK))))


# --- attacking ----------------------------------------------------------------------------------------------------


class First(Random):
    """Takes the first of everything: every field is given, none is null, and each float stands higher in its bounds."""

    _floats = 1

    def choice(self, seq: Any) -> Any:
        return seq[0]

    def randrange(self, *bounds: int) -> int:
        return 0

    def randint(self, a: int, b: int) -> int:
        return a

    def uniform(self, a: float, b: float) -> float:
        self._floats += 1
        return b - (b - a) / self._floats

    def sample(self, population: Any, k: int, **options: Any) -> list[Any]:
        return [*population][:k]


def carriers(source: SpecSource) -> Iterator[tuple[Registration, dict[str, Any]]]:
    """Yield each component with a sound document that holds it, every field of it given."""
    for item in source.registry.registrations:
        component = source.component(item, First())
        if issubclass(item.component, lk.TableDataset):  # which is split in one way, and has its target apart
            component |= {"stratify": False, "group": None, "features": ["b"], "drop": ["c"]}
            component |= {"separator": ";", "comment": "#", "quote": "'"} if "separator" in component else {}
        layers, shape = [{"type": "distance"}], [4]
        match item.family.__name__:
            case "Layer":
                layer = item.component.model_validate_json(_bare(component, item), context={"resolver": source.registry})
                assert isinstance(layer, lk.Layer)
                layers, shape = [component, *layers], list(example_input_shape(layer))
            case "Loss":
                layers = [component]
            case "Initializer":
                layers = [{"type": "affine", "units": 1, "weight_init": component}, *layers]
            case family:
                run = copy.deepcopy(_RUN)
                if family == "Dataset":
                    run["data"], shape = component, list(source.sample_shape(component) or shape)
                    if len(shape) == 1:  # as many outputs as there are targets, of which most data sets have one
                        units = 3 if item.tag == "linnerud" else 1
                        layers = [{"type": "affine", "units": units}, *layers]
                else:
                    key = {"Optimizer": "optimizer", "Schedule": "schedule", "Metric": "metrics", "Observer": "observers"}[family]
                    run["training"] |= {key: [component] if key in ("metrics", "observers") else component}
                yield item, run | {"model": {"input_shape": shape, "layers": layers}}
                continue
        yield item, {"$schema": "schema.json", "layerkit": 1, "input_shape": shape, "layers": layers}


_RUN: dict[str, Any] = {
    "layerkit": 1,
    "name": "run",
    "plugins": {"table": "acme-layers==2.1.0"},
    "data": {"type": "table", "path": "data.csv"},
    "training": {"optimizer": {"type": "sgd", "learning_rate": 1}, "epochs": 1, "initial_weights": "model.safetensors"},
}


def _bare(component: dict[str, Any], item: Registration) -> str:
    """Write a component as its class reads it, the type without the distribution."""
    return json.dumps({**component, "type": item.tag})


def attacked(document: dict[str, Any], attacks: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the document with an attack in one place, and the path there: texts for texts, objects and more keys for objects.

    It is one document all the time; what is yielded is to be written down at once.
    """
    document = copy.deepcopy(document)
    for name in attacks["keys"]:
        document[name] = "os.system"
        yield name, document
        del document[name]
    for holder, key, path in list(places(document)):
        before = holder[key]
        if isinstance(before, str):
            for text in attacks["texts"]:
                holder[key] = text
                yield path, document
        if isinstance(before, dict):
            for name in attacks["keys"]:
                holder[key] = {**before, name: "os.system"}
                yield f"{path}.{name}", document
            for attack in attacks["objects"]:
                holder[key] = attack
                yield path, document
        holder[key] = before
