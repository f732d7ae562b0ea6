"""Specs are data: reading and building them opens, imports and runs nothing.

Run as a program, this file reads specs under an audit hook and prints which events there were: COUNT generated ones, and every
STRIDE-th of the attacks.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, NamedTuple

import pytest

import layerkit as lk
from layerkit import Registry, RunSpec, SpecError
from layerkit.registry.discovery import installed_registry
from layerkit.spec.canonical import resolved_json, spec_hash
from layerkit.spec.load import parse_spec

ATTACKS: dict[str, list[Any]] = json.loads((Path(__file__).parent / "attacks.json").read_text(encoding="utf-8"))
BUDGET = 2**28
"""Bytes that a network may take here."""
HARMLESS = {"builtins.id"}
"""Events that say nothing."""
MEMORY = ("/proc/", "/sys/fs/cgroup")
"""Where building looks for how much memory is free, and no spec has a say in it."""

FAULTY = (
    "",
    '{"layerkit": 1, "layers": [NaN], "name": "\\ud800"}',
    '{"layerkit": 1, "seed": -1, "data": {"type": "iris"}, "model": {"input_shape": [4], "layers": '
    '[{"type": "relu"}, {"type": "rleu"}, {}]}}',
    '{"layerkit": 1, "seed": -1, "data": {"type": "iris"}, "model": {"input_shape": [4], "layers": [{"type": "crossentropy"}]}, '
    '"training": {"metrics": [{"type": "accuracy"}]}}',
)
"""Texts that lead through what is done for faulty specs, once: nothing may be imported there for the first time later."""


class Text(NamedTuple):
    """What is read: whether to warm up, generated or an attack; and for an attack, on whose component and where."""

    kind: str
    text: str
    owner: str = ""
    place: str = ""


def texts(strategies: ModuleType, registry: Registry, count: int, stride: int) -> Iterator[Text]:
    """Yield everything that is read, in order: ``count`` generated specs, and of the attacks every ``stride``-th."""
    source, random = strategies.SpecSource(registry), Random(5)
    carriers = list(strategies.carriers(source))
    yield from (Text("sound", json.dumps(document)) for _, document in carriers)
    yield from (Text("faulty", text) for text in FAULTY)
    yield from (Text("generated", json.dumps(source.spec(random))) for _ in range(count))
    for item, document in carriers:
        for place, changed in islice(strategies.attacked(document, ATTACKS), 0, None, stride):
            yield Text("attack", json.dumps(changed), item.distribution, place)


def outcome(text: str) -> str:
    """Read a spec, build it and write it down again; return what came of it."""
    try:
        spec = parse_spec(text, max_memory=BUDGET)
    except SpecError as error:
        return "refused" if str(error) else "refused without a word"
    network = spec.model if isinstance(spec, RunSpec) else spec
    if network.input_shape is not None:  # else the data says it, which nobody loads here
        lk.build(network, seed=1)
    return "built" if parse_spec(resolved_json(spec)) == spec and spec_hash(spec) else "changed"


def main() -> None:
    """Read everything under an audit hook; print the events, what came of each kind, and what the hook sees where it should."""
    prepared = list(texts(importlib.import_module("strategies"), installed_registry(), *map(int, sys.argv[1:])))
    outcomes: dict[str, Counter[str]] = {item.kind: Counter() for item in prepared}
    taken: set[tuple[str, str]] = set()
    events: Counter[str] = Counter()
    control: Counter[str] = Counter()
    watch: Counter[str] | None = None

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        measures_memory = event == "open" and str(arguments[0]).startswith(MEMORY)
        if watch is not None and event not in HARMLESS and not measures_memory:
            watch[event if watch is control else f"{event} {arguments!r}"[:200]] += 1

    sys.addaudithook(hook)
    for kind, text, owner, place in prepared:
        watch = None if kind in ("sound", "faulty") else events
        result = outcome(text)
        outcomes[kind][result] += 1
        if kind == "attack" and result == "built":
            taken.add((owner, place))
    watch = control
    import colorsys  # noqa: F401 (any module that nothing here uses)

    exec(compile("0", "<string>", "exec"))
    subprocess.run(["true"], check=True)
    watch = None
    print(json.dumps({"events": events, "outcomes": outcomes, "taken": sorted(taken), "control": control}))


@pytest.fixture(scope="module", params=[(500, 7), pytest.param((10_000, 1), marks=pytest.mark.long)], ids=["some", "all"])
def amounts(request: pytest.FixtureRequest) -> tuple[int, int]:
    """Give how many specs are generated, and of how many attacks one is made; every place is attacked, and every attack made."""
    count, stride = request.param
    return count, stride


@pytest.fixture(scope="module")
def report(acme_folder: Path, amounts: tuple[int, int]) -> Any:
    """Give what a process of its own reports."""
    folders = [str(acme_folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    command = [sys.executable, __file__, *map(str, amounts)]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_nothing_is_opened_imported_or_run(report: Any) -> None:
    assert report["events"] == {}
    assert report["control"].keys() >= {"import", "open", "exec", "compile", "subprocess.Popen"}


def test_what_was_read_was_sound_and_faulty(report: Any, amounts: tuple[int, int]) -> None:
    (count, stride), outcomes = amounts, report["outcomes"]
    assert outcomes["sound"].keys() == {"built"}
    assert outcomes["faulty"] == {"refused": len(FAULTY)}
    assert sum(outcomes["generated"].values()) == count
    assert outcomes["generated"].keys() == outcomes["attack"].keys() == {"built", "refused"}
    assert min(outcomes["generated"].values()) > count / 10
    assert sum(outcomes["attack"].values()) > 100 / stride * outcomes["sound"]["built"]


def test_only_free_text_takes_what_looks_like_an_attack(report: Any) -> None:
    """Of the built-ins' fields, no other takes any text at all: a module, a callable or a URL has nowhere to stand."""
    places = {(owner, place) for owner, place in report["taken"] if owner in ("layerkit", "acme-layers")}
    names = {(owner, place) for owner in ("layerkit", "acme-layers") for place in ("$schema", "name", "layers.0.name")}
    paths = {(owner, place) for owner in ("layerkit", "acme-layers") for place in ("data.path", "training.initial_weights")}
    own = {("acme-layers", place) for place in ("layers.0.note", "training.observers.0.file")}
    files = {("layerkit", f"data.{key}") for key in ("inputs", "targets", "weights", "test_path", "validation_path")}
    columns = ("target", "features.0", "drop.0", "weight", "order", "impute.value", "impute.columns.0", "nulls.0", "encoding")
    tables = {("layerkit", f"data.{key}") for key in columns}
    watched = {("layerkit", f"training.{block}.monitor") for block in ("observers.0", "schedule")}
    assert places - names - paths - own - files - tables == watched
    assert places >= names | paths | own | files


if __name__ == "__main__":
    main()
