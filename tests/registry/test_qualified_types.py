"""A type that two distributions offer: a spec chooses one of them, and the choice lasts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layerkit.registry.registration import canonical_name

Lay = Callable[..., Path]
Ask = Callable[..., list[Any]]

SHARED = """
class Shared(Times):
    type: Literal["shared"] = "shared"

class Start(Initializer):
    \"\"\"All values alike.\"\"\"
    type: Literal["start"] = "start"
    def draw(self, shape, rng):
        import numpy
        return numpy.full(shape, float(FACTOR))

class Around(Layer):
    type: Literal["around_{name}"] = "around_{name}"
    inside: tuple[Layer, ...]
    def branches(self, input_shape):
        from layerkit import Branch
        return {"inside": Branch(self.inside)}
    def forward(self, node, inputs):
        return node.branches["inside"].forward(inputs)
    def backward(self, node, d_out):
        return node.branches["inside"].backward(d_out)

FACTOR = {factor}
Shared.model_fields["factor"].default = FACTOR

@hookimpl
def layerkit_components():
    return [Shared, Start, Around]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, lay: Lay) -> Path:
    """Give a folder with two distributions that offer the types ``shared`` and ``start``."""
    folder = tmp_path_factory.mktemp("site")
    for name, factor in (("double", 2.0), ("Triple.It", 3.0)):
        lay(folder, name, SHARED.replace("{name}", name.lower().replace(".", "_")).replace("{factor}", str(factor)))
    return folder


def spec(*layers: dict[str, Any] | str) -> str:
    """Return the text of a bare model spec; a text stands for a layer of that type."""
    stack = [{"type": layer} if isinstance(layer, str) else layer for layer in layers]
    return json.dumps({"layerkit": 1, "input_shape": [1], "layers": [*stack, {"type": "crossentropy"}]})


NESTED = {"type": "around_double", "inside": [{"type": "triple-it:shared"}]}
START = {"type": "affine", "units": 2, "weight_init": {"type": "double:start"}}

RESULTS = """
import json
from layerkit import ModelSpec, Sequential, build
from layerkit.spec.canonical import resolved_json, spec_hash
from layerkit.spec.load import parse_spec

def results(text):
    spec = parse_spec(text)
    model = build(spec, seed=0)
    model.save(MODEL)
    loaded = Sequential.load(MODEL)
    same = [
        model.spec,
        loaded.spec,
        parse_spec(resolved_json(spec)),
        ModelSpec.model_validate_json(spec.model_dump_json()),
        ModelSpec.model_validate(spec.model_dump()),
        spec.model_copy(deep=True),
    ]
    assert all(other == spec for other in same)
    assert {spec_hash(other) for other in same} == {spec_hash(spec)}
    return {
        "documents": [json.loads(other.model_dump_json()) for other in [spec, *same]],
        "outputs": [each.logits([[1.0]]).tolist() for each in (model, loaded)],
        "names": [node.name for top in model.nodes for node in top.tree()],
        "hash": spec_hash(spec),
        "plugins": json.loads(resolved_json(spec)).get("plugins"),
    }
"""


def qualified(document: Any) -> list[str]:
    """Return the types within a document that name their distribution, in order, the distribution in its one spelling."""
    if isinstance(document, dict):
        distribution, colon, bare = document.get("type", "").rpartition(":")
        own = [f"{canonical_name(distribution)}:{bare}"] if colon else []
        return own + qualified([value for key, value in document.items() if key != "type"])
    return [kind for item in document for kind in qualified(item)] if isinstance(document, list) else []


CHOICES: dict[str, tuple[list[Any], list[list[float]], list[str]]] = {
    "one": (["double:shared"], [[2.0]], ["shared_1"]),
    "the other": (["Triple.It:shared"], [[3.0]], ["shared_1"]),
    "another spelling": (["triple-it:shared"], [[3.0]], ["shared_1"]),
    "both": (["double:shared", "TRIPLE_it:shared"], [[6.0]], ["shared_1", "shared_2"]),
    "a built-in": (["layerkit:relu", "double:shared"], [[2.0]], ["relu_1", "shared_1"]),
    "nested": ([NESTED], [[3.0]], ["around_double_1", "around_double_1.inside.shared_1"]),
    "an initializer": ([START], [[2.0, 2.0]], ["affine_1"]),
    "with fields": ([{"type": "double:shared", "factor": 5.0, "name": "five"}], [[5.0]], ["five"]),
}
"""Layers of specs that choose, what comes out of the network for 1.0, and the names of its nodes."""

FREE = [{"type": "around_double", "inside": []}, {"type": "double:around_double", "inside": []}]
"""The same layer without a choice, and with one that is not needed."""


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory, site: Path, ask: Ask) -> dict[str, Any]:
    """Give what becomes of each choice, all in one process."""
    texts = {name: spec(*layers) for name, (layers, _, _) in CHOICES.items()}
    texts |= {"free": spec(FREE[0]), "free, chosen": spec(FREE[1])}
    model = str(tmp_path_factory.mktemp("models") / "model.safetensors")
    script = f"""
{RESULTS.replace("MODEL", repr(model))}
print(json.dumps({{name: results(text) for name, text in {texts!r}.items()}}))
"""
    (answer,) = ask(script, path=[site])
    results: dict[str, Any] = answer.json
    return results


@pytest.mark.parametrize("name", CHOICES)
def test_the_choice_lasts(chosen: dict[str, Any], name: str) -> None:
    layers, outputs, names = CHOICES[name]
    result = chosen[name]
    wanted = qualified(json.loads(spec(*layers)))
    assert [qualified(document) for document in result["documents"]] == 7 * [wanted]
    assert result["outputs"] == [outputs, outputs]
    assert result["names"][:-1] == names


def test_another_choice_is_another_spec(chosen: dict[str, Any]) -> None:
    assert chosen["one"]["hash"] != chosen["the other"]["hash"]


def test_how_a_type_is_spelt_is_no_part_of_the_component(site: Path, ask: Ask) -> None:
    (answer,) = ask(
        f"""
from layerkit.spec.load import parse_spec
(bare, _), (qualified, _) = (parse_spec(text).layers for text in {[spec(layer) for layer in FREE]!r})
print(bare == qualified, hash(bare) == hash(qualified), qualified.type, qualified.spec_type, bare.spec_type)
print(qualified.model_copy(update={{"name": "other"}}).spec_type, qualified.model_dump()["type"])
""",
        path=[site],
    )
    assert answer.out.split() == [
        *("True", "True", "around_double", "double:around_double", "around_double"),
        *("double:around_double", "around_double"),
    ]


AMBIGUOUS: dict[str, tuple[list[Any], str, str]] = {
    "alone": (["shared"], "layers[0].type", "shared"),
    "after a choice": (["double:shared", "shared"], "layers[1].type", "shared"),
    "before a choice": (["shared", "double:shared"], "layers[0].type", "shared"),
    "nested": ([{"type": "around_double", "inside": [{"type": "shared"}]}], "layers[0].inside[0].type", "shared"),
    "an initializer": ([{**START, "weight_init": {"type": "start"}}], "layers[0].weight_init.type", "start"),
}
"""Layers of specs that do not choose, the place where they should, and the type there."""


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory, site: Path, ask: Ask) -> dict[str, Any]:
    """Give what is said of each ambiguous spec, all in one process."""
    folder = tmp_path_factory.mktemp("ambiguous")
    for name, (layers, _, _) in AMBIGUOUS.items():
        (folder / name).write_text(spec(*layers))
    results = ask(*(["validate", "--format", "json", str(folder / name)] for name in AMBIGUOUS), path=[site])
    return dict(zip(AMBIGUOUS, results, strict=True))


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_the_bare_type_is_ambiguous(refused: dict[str, Any], name: str) -> None:
    _, place, kind = AMBIGUOUS[name]
    assert refused[name].code == 2
    (fault,) = refused[name].json
    assert (fault["path"], fault["code"]) == (place, "ambiguous_type")
    assert fault["message"] == f'several distributions offer the type "{kind}"; choose "double:{kind}" or "Triple.It:{kind}"'


def test_a_type_of_one_distribution_needs_no_choice(tmp_path: Path, site: Path, ask: Ask) -> None:
    file = tmp_path / "spec.json"
    file.write_text(spec(FREE[0]))
    validate, components = ask(["validate", str(file)], ["components", "shared", "--format", "json"], path=[site])
    assert (validate.code, validate.err) == (0, "")
    assert [item["distribution"] for item in components.json] == ["Triple.It", "double"]


# --- what is written ----------------------------------------------------------------------------------------------


def test_each_choice_is_recorded(chosen: dict[str, Any]) -> None:
    assert chosen["both"]["plugins"] == {"Triple.It:shared": "Triple.It==1.0", "double:shared": "double==1.0"}


def test_the_hash_depends_on_the_class_and_not_on_its_spelling(chosen: dict[str, Any]) -> None:
    assert chosen["the other"]["hash"] == chosen["another spelling"]["hash"]
    assert chosen["free"]["hash"] == chosen["free, chosen"]["hash"]


def test_a_model_from_python_is_saved_with_the_choice_that_it_is(tmp_path: Path, site: Path, ask: Ask) -> None:
    model, text = str(tmp_path / "model.safetensors"), spec("double:shared")
    script = f"""
from layerkit import CategoricalCrossEntropy, Sequential
from layerkit.spec.canonical import spec_hash
from layerkit.spec.load import parse_spec
written = parse_spec({text!r})
shared = type(written.layers[0])
model = Sequential([shared(), CategoricalCrossEntropy()], input_shape=(1,))
model.save({model!r})
loaded = Sequential.load({model!r})
print(loaded.spec.layers[0].spec_type, type(loaded.spec.layers[0]) is shared, spec_hash(model.spec) == spec_hash(written))
"""
    (answer,) = ask(script, path=[site])
    assert answer.out.split() == ["double:shared", "True", "True"]


def test_a_missing_choice_is_named_with_what_to_install(tmp_path: Path, lay: Lay, site: Path, ask: Ask) -> None:
    file = tmp_path / "spec.json"
    file.write_text(spec("double:shared", "triple-it:shared"))
    (resolved,) = ask(["validate", "--print-resolved", str(file)], path=[site])
    file.write_text(resolved.out)
    left = lay(tmp_path / "left", "double", SHARED.replace("{name}", "double").replace("{factor}", "2.0"))
    (result,) = ask(["validate", "--format", "json", str(file)], path=[left])
    (fault,) = result.json
    assert (fault["path"], fault["suggestion"]) == ("layers[1].type", "pip install Triple.It==1.0")
