"""One form for each meaning of a spec: its hash, its resolved text, and the plugins that it needs."""

from __future__ import annotations

import hashlib
import json
import math
from random import Random
from types import ModuleType
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import layerkit as lk
from layerkit import ModelSpec, Registry, RunSpec
from layerkit.errors import SpecError
from layerkit.registry.discovery import builtin_registry
from layerkit.registry.registration import Registration
from layerkit.spec.canonical import required_plugins, resolved_json, spec_hash
from layerkit.spec.load import parse_spec

DRAWN = settings(suppress_health_check=[HealthCheck.filter_too_much])
randoms = st.randoms(use_true_random=False)

MODEL = '{"layerkit": 1, "input_shape": [4], "layers": [{"type": "affine", "units": 3}, {"type": "crossentropy"}]}'
RUN = (
    '{"layerkit": 1, "data": {"type": "iris"}, "model": {"input_shape": [4], "layers": [{"type": "affine", "units": 3}, '
    '{"type": "crossentropy"}]}, "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 2}}'
)


def sound(source: Any, registry: Registry, random: Random) -> tuple[dict[str, Any], RunSpec | ModelSpec]:
    """Draw a spec that has no faults."""
    document = source.sound_spec(random)
    spec = validated(document, registry)
    assume(spec is not None)
    assert spec is not None
    return document, spec


def validated(document: dict[str, Any], registry: Registry) -> RunSpec | ModelSpec | None:
    cls: type[RunSpec | ModelSpec] = RunSpec if "model" in document else ModelSpec
    try:
        return cls.model_validate(document, context={"resolver": registry})
    except SpecError:
        return None


# --- equal meaning ------------------------------------------------------------------------------------------------


def spelt(value: Any, random: Random) -> str:
    """Write a value as JSON with spaces, the order of keys and the spelling of numbers left to chance."""
    space = random.choice(("", " ", "\n\t"))
    if isinstance(value, dict):
        keys = random.sample(sorted(value), len(value))
        return "{" + f",{space}".join(f"{json.dumps(key)}{space}:{spelt(value[key], random)}" for key in keys) + "}"
    if isinstance(value, list):
        return f"[{space}" + f"{space},".join(spelt(item, random) for item in value) + "]"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return random.choice((f"{value}", f"{value}.0", f"{value}e0", f"{value}.000E+00", f"{value * 10}e-1"))
    if isinstance(value, float):
        return random.choice((repr(value), f"{value:.17e}", f"{value:.20E}"))
    return json.dumps(value, ensure_ascii=random.choice((True, False)))


@DRAWN
@given(random=randoms)
def test_spelling_is_no_part_of_the_meaning(installed_source: Any, random: Random) -> None:
    document, spec = sound(installed_source, installed_source.registry, random)
    document |= {"$schema": random.choice((None, "https://example.org/schema.json")), "layerkit": 1}
    again = parse_spec(spelt(document, random))
    assert again == parse_spec(json.dumps(document))
    assert spec_hash(again) == spec_hash(spec)


@DRAWN
@given(random=randoms)
def test_filling_in_the_defaults_changes_nothing(installed_source: Any, random: Random) -> None:
    document, _ = sound(installed_source, installed_source.registry, random)
    spec = parse_spec(json.dumps(document | {"layerkit": 1}))
    text = resolved_json(spec)
    again = parse_spec(text)
    assert again == spec
    assert spec_hash(again) == spec_hash(spec)
    assert resolved_json(again) == text


@pytest.mark.parametrize("spelling", ["1", "1.0", "1e0", "10e-1", "0.1E+1"])
@pytest.mark.parametrize("place", ["epochs", "learning_rate"])
def test_one_is_one(place: str, spelling: str) -> None:
    texts = {"epochs": RUN.replace('"epochs": 2', '"epochs": {}'), "learning_rate": RUN.replace("0.1", "{}")}
    text = texts[place].replace("{}", spelling)
    assert spec_hash(parse_spec(text)) == spec_hash(parse_spec(texts[place].replace("{}", "1")))


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(("bare", "qualified"), [("relu", "layerkit:relu"), ("gain", "acme-layers:gain")])
def test_naming_the_distribution_changes_nothing(bare: str, qualified: str) -> None:
    text = MODEL.replace('"layers": [', '"layers": [{"type": "TYPE"}, ')
    one, two = (parse_spec(text.replace("TYPE", name)) for name in (bare, qualified))
    assert one == two
    assert spec_hash(one) == spec_hash(two)


def test_python_and_json_mean_the_same() -> None:
    made = ModelSpec(layers=(lk.Affine(units=3), lk.CategoricalCrossEntropy()), input_shape=(4,))
    read = parse_spec(MODEL)
    assert (made, spec_hash(made)) == (read, spec_hash(read))
    numbers = [lk.Constant(value=value) for value in (1, 1.0)]
    specs = [ModelSpec(layers=(lk.Affine(units=3, weight_init=init), made.layers[1]), input_shape=(4,)) for init in numbers]
    assert spec_hash(specs[0]) == spec_hash(specs[1])


def test_what_a_file_says_about_itself_is_no_part_of_the_meaning() -> None:
    said = '{"$schema": "x.json", "plugins": {"swish": "layerkit-swish==1.0"}, '
    assert spec_hash(parse_spec(MODEL.replace("{", said, 1))) == spec_hash(parse_spec(MODEL))
    inside = parse_spec(RUN.replace('"model": {', '"model": ' + said))
    assert (inside, spec_hash(inside)) == (parse_spec(RUN), spec_hash(parse_spec(RUN)))
    assert "$schema" not in resolved_json(inside)


def test_the_hash_is_that_of_the_sorted_text() -> None:
    """Hashes are written down: another form of the text is a decision."""
    text = '{"dtype":"float64","input_shape":[3],"layerkit":1,"layers":[{"type":"relu"},{"type":"mse"}]}'
    spec = ModelSpec(layers=(lk.ReLU(), lk.MeanSquaredError()), input_shape=(3,), dtype="float64")
    assert spec_hash(spec) == hashlib.sha256(text.encode()).hexdigest()


# --- different meaning --------------------------------------------------------------------------------------------


def other(value: Any, random: Random) -> Any:
    """Return another value of the same kind, often the nearest; for null, a value of some kind, and for an object null."""
    match value:
        case bool():
            return not value
        case int():
            return value + random.choice((1, -1, 7))
        case float():
            return random.choice((math.nextafter(value, math.inf), math.nextafter(value, -math.inf), value + 1))
        case str():
            words = ("float32", "float64", "relu", "zeros", "he_normal", "iris", "wine", "one", "same", value + "x", "y")
            return random.choice([word for word in words if word != value.rpartition(":")[2]])  # whose it is may stand before
        case list():
            return [*value, value[-1]] if value and random.randrange(2) else value[:-1] or [1, 1]
        case None:
            return random.choice((1, 3, 0.5, "first", [2, 2], True))
    return None


@DRAWN
@given(random=randoms)
def test_each_change_of_a_value_is_another_meaning(
    source: Any, registry: Registry, strategies: ModuleType, random: Random
) -> None:
    _, drawn = sound(source, registry, random)
    document = json.loads(drawn.model_dump_json())
    spec = validated(document, registry)
    assert spec is not None
    changes = 0
    for holder, key, _ in strategies.places(document):
        before, holder[key] = holder[key], other(holder[key], random)
        changed = validated(document, registry)
        if changed is not None:
            changes += 1
            assert changed != spec
            assert spec_hash(changed) != spec_hash(spec)
        holder[key] = before
    assume(changes > 0)  # the smallest specs may have no value that another can take the place of


def test_the_order_of_a_list_is_part_of_the_meaning() -> None:
    layers = lk.ReLU(), lk.Affine(units=4), lk.CategoricalCrossEntropy()
    one = ModelSpec(layers=layers, input_shape=(4,))
    two = ModelSpec(layers=(layers[1], layers[0], layers[2]), input_shape=(4,))
    assert spec_hash(one) != spec_hash(two)


class Twin(lk.Layer):
    """A layer whose type another distribution has too."""

    type: Literal["twin"] = "twin"

    def forward(self, node: lk.Node, inputs: lk.Array) -> lk.Array:
        return inputs

    def backward(self, node: lk.Node, d_out: lk.Array) -> lk.Array:
        return d_out


class OtherTwin(Twin):
    """The other one."""


def test_whose_component_it_is_is_part_of_the_meaning() -> None:
    offered = Registration(Twin, "acme-layers", "1.0"), Registration(OtherTwin, "bolt", "2.0")
    registry = Registry([*builtin_registry().registrations, *offered])
    layers = [{"type": "acme-layers:twin"}, {"type": "crossentropy"}], [{"type": "bolt:twin"}, {"type": "crossentropy"}]
    one, two = (validated({"layerkit": 1, "input_shape": [4], "layers": stack}, registry) for stack in layers)
    assert one is not None
    assert two is not None
    assert spec_hash(one) != spec_hash(two)
    for spec in (one, two):
        assert validated(json.loads(resolved_json(spec)), registry) == spec


# --- a registry of one's own --------------------------------------------------------------------------------------


def test_a_local_class_is_read_again_and_no_plugin() -> None:
    registry = Registry([*builtin_registry().registrations, Registration(Twin, "local", "0")])
    spec = parse_spec(MODEL.replace('"layers": [', '"layers": [{"type": "twin"}, '), registry=registry)
    assert required_plugins(spec, registry) == {}
    assert "plugins" not in json.loads(resolved_json(spec, registry))
    assert parse_spec(resolved_json(spec, registry), registry=registry) == spec
    assert spec_hash(spec, registry) == spec_hash(spec)


def test_a_registry_says_what_comes_from_where() -> None:
    twins = Registration(Twin, "local", "0"), Registration(OtherTwin, "Bolt", "2.0")
    registry = Registry([*builtin_registry().registrations, *twins])
    hashes = set()
    for tag, plugins in (("local:twin", None), ("Bolt:twin", {"Bolt:twin": "Bolt==2.0"})):
        spec = parse_spec(MODEL.replace('"layers": [', f'"layers": [{{"type": "{tag}"}}, '), registry=registry)
        again = ModelSpec(input_shape=spec.input_shape, layers=(type(spec.layers[0])(), *spec.layers[1:]))  # type: ignore[union-attr]
        resolved = resolved_json(again, registry)
        assert json.loads(resolved).get("plugins") == plugins
        assert json.loads(resolved)["layers"][0]["type"] == tag
        assert parse_spec(resolved, registry=registry) == spec
        assert spec_hash(again, registry) == spec_hash(spec, registry)
        hashes.add(spec_hash(spec, registry))
    assert len(hashes) == 2


# --- the resolved text --------------------------------------------------------------------------------------------


def test_every_default_is_filled_in() -> None:
    assert json.loads(resolved_json(parse_spec(RUN))) == {
        "layerkit": 1,
        "name": "run",
        "seed": 0,
        "data": {"type": "iris", "test_size": 0.25, "stratify": False, "split_seed": None, "standardize": False},
        "model": {
            "input_shape": [4],
            "dtype": "float32",
            "layers": [
                {
                    "type": "affine",
                    "units": 3,
                    "weight_init": {"type": "xavier_uniform"},
                    "bias_init": {"type": "zeros"},
                },
                {"type": "crossentropy", "label_smoothing": 0.0},
            ],
        },
        "training": {
            "optimizer": {
                "type": "sgd",
                "learning_rate": 0.1,
                "weight_decay": 0.0,
                "momentum": 0.0,
                "nesterov": False,
            },
            "schedule": None,
            "epochs": 2,
            "batch_size": None,
            "shuffle": True,
            "validation": None,
            "metrics": [],
            "class_weight": None,
            "clip_norm": None,
            "clip_layer_norm": None,
            "clip_value": None,
            "ema": None,
            "early_stopping": None,
            "max_minutes": None,
            "initial_weights": None,
            "observers": [],
            "report_every": None,
        },
    }


def test_text_stays_readable() -> None:
    spec = parse_spec(RUN.replace('"epochs": 2', '"epochs": 2, "initial_weights": "gewichte-für-ü.safetensors"'))
    assert '"gewichte-für-ü.safetensors"' in resolved_json(spec)
    assert parse_spec(resolved_json(spec)) == spec


# --- plugins ------------------------------------------------------------------------------------------------------


def test_built_ins_need_no_plugin() -> None:
    assert required_plugins(parse_spec(RUN)) == {}
    assert "plugins" not in json.loads(resolved_json(parse_spec(RUN)))


def test_a_class_of_the_callers_own_needs_no_plugin() -> None:
    spec = ModelSpec(layers=(Twin(), lk.CategoricalCrossEntropy()), input_shape=(4,))
    assert required_plugins(spec) == {}


@pytest.mark.usefixtures("acme")
def test_the_plugins_that_a_spec_needs_stand_in_it() -> None:
    document = json.loads(RUN)
    init = {"type": "scaled", "inner": {"type": "scaled", "inner": {"type": "zeros"}}}
    document["model"]["layers"][0]["weight_init"] = init
    document["model"]["layers"].insert(0, {"type": "sandwich", "layers": [{"type": "acme-layers:gain"}]})
    document["training"]["observers"] = [{"type": "journal"}]
    spec = parse_spec(json.dumps(document))
    needed = dict.fromkeys(["gain", "journal", "sandwich", "scaled"], "acme-layers==2.1.0")
    assert required_plugins(spec) == needed
    assert list(required_plugins(spec)) == list(needed)
    resolved = json.loads(resolved_json(spec))
    assert resolved["plugins"] == needed
    assert parse_spec(json.dumps(resolved)) == spec
    assert "plugins" not in json.loads(spec.model_dump_json())
