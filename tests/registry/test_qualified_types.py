"""A type that two distributions offer: a spec chooses one of them, and the choice lasts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Lay = Callable[..., Path]
Ask = Callable[..., list[Any]]

SHARED = """
class Shared(Times):
    type: Literal["shared"] = "shared"

class Start(Initializer):
    \"\"\"All values alike.\"\"\"
    type: Literal["start"] = "start"
    def draw(self, shape, rng):
        return FACTOR

class Around(Layer):
    type: Literal["around_{name}"] = "around_{name}"
    inside: tuple[Layer, ...]
    def branches(self, input_shape):
        return {"inside": self.inside}
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


@pytest.fixture
def path(tmp_path: Path, lay: Lay) -> list[Path]:
    """Give a path with two distributions that offer the types ``shared`` and ``start``."""
    folder = tmp_path / "site"
    for name, factor in (("double", 2.0), ("Triple.It", 3.0)):
        lay(folder, name, SHARED.replace("{name}", name.lower().replace(".", "_")).replace("{factor}", str(factor)))
    return [folder]


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
    model.save("model.safetensors")
    loaded = Sequential.load("model.safetensors")
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
    }
"""


def qualified(document: Any) -> list[str]:
    """Return the types within a document that name their distribution, in order."""
    if isinstance(document, dict):
        own = [document["type"]] if ":" in document.get("type", "") else []
        return own + qualified([value for key, value in document.items() if key != "type"])
    return [kind for item in document for kind in qualified(item)] if isinstance(document, list) else []


@pytest.mark.parametrize(
    ("layers", "outputs", "names"),
    [
        (["double:shared"], [[2.0]], ["shared_1"]),
        (["Triple.It:shared"], [[3.0]], ["shared_1"]),
        (["triple-it:shared"], [[3.0]], ["shared_1"]),
        (["double:shared", "TRIPLE_it:shared"], [[6.0]], ["shared_1", "shared_2"]),
        (["layerkit:relu", "double:shared"], [[2.0]], ["relu_1", "shared_1"]),
        ([NESTED], [[3.0]], ["around_double_1", "around_double_1.inside.shared_1"]),
        ([START], [[2.0, 2.0]], ["affine_1"]),
        ([{"type": "double:shared", "factor": 5.0, "name": "five"}], [[5.0]], ["five"]),
    ],
    ids=str,
)
def test_the_choice_lasts(
    path: list[Path],
    ask: Ask,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    layers: list[Any],
    outputs: list[list[float]],
    names: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    document = json.loads(spec(*layers))
    (answer,) = ask(f"{RESULTS}\nprint(json.dumps(results({json.dumps(document)!r})))", path=path)
    result = answer.json
    assert [qualified(each) for each in result["documents"]] == 7 * [qualified(document)]
    assert result["outputs"] == [outputs, outputs]
    assert result["names"][:-1] == names


def test_another_choice_is_another_spec(path: list[Path], ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    texts = [spec("double:shared"), spec("triple-it:shared")]
    (answer,) = ask(f"{RESULTS}\nprint(json.dumps([results(text)['hash'] for text in {texts!r}]))", path=path)
    assert len(set(answer.json)) == 2


def test_how_a_type_is_spelt_is_no_part_of_the_component(path: list[Path], ask: Ask) -> None:
    texts = (spec({"type": "around_double", "inside": []}), spec({"type": "double:around_double", "inside": []}))
    (answer,) = ask(
        f"""
from layerkit.spec.load import parse_spec
(bare, _), (qualified, _) = (parse_spec(text).layers for text in {texts!r})
print(bare == qualified, hash(bare) == hash(qualified), qualified.type, qualified.spec_type, bare.spec_type)
print(qualified.model_copy(update={{"name": "other"}}).spec_type, qualified.model_dump()["type"])
""",
        path=path,
    )
    assert answer.out.split() == [
        *("True", "True", "around_double", "double:around_double", "around_double"),
        *("double:around_double", "around_double"),
    ]


@pytest.mark.parametrize(
    ("layers", "place", "kind"),
    [
        (["shared"], "layers[0].type", "shared"),
        (["double:shared", "shared"], "layers[1].type", "shared"),
        (["shared", "double:shared"], "layers[0].type", "shared"),
        ([{"type": "around_double", "inside": [{"type": "shared"}]}], "layers[0].inside[0].type", "shared"),
        ([{**START, "weight_init": {"type": "start"}}], "layers[0].weight_init.type", "start"),
    ],
    ids=str,
)
def test_the_bare_type_is_ambiguous(path: list[Path], ask: Ask, tmp_path: Path, layers: list[Any], place: str, kind: str) -> None:
    file = tmp_path / "spec.json"
    file.write_text(spec(*layers))
    (result,) = ask(["validate", "--format", "json", str(file)], path=path)
    assert result.code == 2
    (fault,) = result.json
    assert (fault["path"], fault["code"]) == (place, "ambiguous_type")
    assert fault["message"] == (f'several distributions offer the type "{kind}"; choose "double:{kind}" or "Triple.It:{kind}"')


def test_a_type_of_one_distribution_needs_no_choice(path: list[Path], ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "spec.json"
    file.write_text(spec({"type": "around_double", "inside": []}))
    validate, components = ask(["validate", str(file)], ["components", "shared", "--format", "json"], path=path)
    assert (validate.code, validate.err) == (0, "")
    assert [item["distribution"] for item in components.json] == ["Triple.It", "double"]
