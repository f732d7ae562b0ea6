"""Hostile specs: how long each takes to be refused, and how much memory.

    python benchmarks/hostile.py [CASE ...]

Each case runs in a process of its own, after one sound spec and one unknown type have warmed it up. The bar: one second, and
50 MB on top of what the process had.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from layerkit.errors import SpecError
from layerkit.spec.load import load_spec, parse_spec

LIMIT = 2**20
"""Characters that a spec may have."""
LOSS = '{"type": "crossentropy"}'
"""What ends a sound stack."""


def model(layers: str = f"[{LOSS}]", shape: str = "[4]", more: str = "") -> str:
    """Return a model spec with these pieces of text in it."""
    return f'{{"layerkit": 1, "input_shape": {shape}, "layers": {layers}{more}}}'


def run(training: str) -> str:
    """Return a run spec with this text for its training."""
    return f'{{"layerkit": 1, "data": {{"type": "iris"}}, "model": {model()}, "training": {training}}}'


def listed(items: Iterable[str]) -> str:
    """Return a JSON list."""
    return "[" + ", ".join(items) + "]"


def filled(item: Callable[[int], str], opening: str = "[", closing: str = "]") -> str:
    """Return as many items as a text of the limit has room for."""
    items, room, index = [], LIMIT - 300, 0
    while room > 0:
        items.append(item(index))
        room -= len(items[-1]) + 1
        index += 1
    return opening + ",".join(items[:-1]) + closing


def typed(tag: str) -> str:
    """Return a layer with a type and nothing else."""
    return f'{{"type": "{tag}"}}'


def affine(units: int | str) -> str:
    """Return an affine layer."""
    return f'{{"type": "affine", "units": {units}}}'


def stack(layer: Callable[[int], str]) -> str:
    """Return a model of as many layers as one may have."""
    return model(listed([*map(layer, range(9_999)), LOSS]))


TEXTS: dict[str, tuple[str, Callable[[], str]]] = {
    # what it would take
    "10^12 parameters": ("memory", lambda: model(listed([affine(10**6), affine(10**6), LOSS]))),
    "a layer of 2^63 units": ("memory", lambda: model(listed([affine(2**63), LOSS]))),
    "samples of 2^63 numbers": ("memory", lambda: model(shape=f"[{2**63}]")),
    "32 axes of 2^63": ("shape_mismatch", lambda: model(shape=listed([str(2**63)] * 32))),
    "a batch of 2^63": ("batch_size", lambda: run(f'{{"batch_size": {2**63}, "epochs": {2**63}, "optimizer": {{}}}}')),
    "sizes of 4,300 digits": ("memory", lambda: model(listed([affine("9" * 4300)] * 100 + [LOSS]), f"[{'9' * 4300}]")),
    # how long it is
    "10^6 layers": ("too_large", lambda: model(listed(['{"type": "relu"}'] * 10**6 + [LOSS]))),
    "1 MiB of layers": ("too_large", lambda: model(filled(lambda _: '{"type":"relu"}'))),
    "1 MiB of numbers": ("too_large", lambda: model(shape=filled(lambda _: "1"))),
    "1 MiB of empty lists": ("too_large", lambda: filled(lambda _: "[]")),
    "1 MiB of short lists": ("too_large", lambda: model(filled(lambda _: listed(["1"] * 2000)))),
    "1 MiB of keys": ("too_large", lambda: filled(lambda index: f'"{index:x}":1', "{", "}")),
    "1 MiB of letters": ("out_of_range", lambda: run(f'{{"epochs": 1, "optimizer": {{}}}}, "name": "{"x" * (LIMIT - 300)}"')),
    "1 MiB of escapes": ("unknown_type", lambda: model(listed([typed("\\u00e9" * (LIMIT // 6 - 50))]))),
    "1 MiB for a key": ("unknown_key", lambda: model(more=f', "{"x" * (LIMIT - 100)}": 1')),
    "1 MiB for a type": ("unknown_type", lambda: model(listed([typed("x" * (LIMIT - 100))]))),
    "1 MiB of digits": ("too_long", lambda: model(listed([affine("1" * (LIMIT - 200))]))),
    "an integer of 5,000 digits": ("too_long", lambda: model(listed([affine("1" * 5000), LOSS]))),
    "1 MiB for an exponent": ("not_finite", lambda: model(listed([affine("1e" + "9" * (LIMIT - 200))]))),
    "16 MiB": ("too_large", lambda: " " * 2**24),
    # how deep it is
    "100,000 lists in one another": ("too_deep", lambda: "[" * 10**5 + "]" * 10**5),
    "100,000 objects in one another": ("too_deep", lambda: '{"a":' * 10**5 + "1" + "}" * 10**5),
    "900 lists in a layer": ("too_deep", lambda: model(listed(["[" * 900 + "]" * 900]))),
    "1 MiB at 14 levels": ("too_large", lambda: model("[" * 14 + filled(lambda _: "1", "", "") + "]" * 14)),
    "initializers in one another": (
        "too_deep",
        lambda: model(listed(['{"type": "affine", "weight_init": ' * 80 + "1" + "}" * 80])),
    ),
    # how wrong it is
    "1 MiB of one key": ("too_large", lambda: filled(lambda _: '"a":1', "{", "}")),
    "1 MiB of NaN": ("too_large", lambda: filled(lambda _: "NaN")),
    "1 MiB of half characters": ("too_large", lambda: filled(lambda _: '"\\ud800"')),
    "1 MiB and no end": ("syntax", lambda: model(listed([affine(3)] * 9_000)) + " " * 2**19 + "["),
    "1 MiB of quotes": ("syntax", lambda: '"' * LIMIT),
    "half a character": ("surrogate", lambda: model(more=', "$schema": "\\ud800"')),
    "9,999 numbers for layers": ("wrong_type", lambda: model(listed(["1"] * 9_999))),
    "9,999 empty layers": ("missing_key", lambda: stack(lambda _: "{}")),
    "69,993 unknown keys": (
        "unknown_key",
        lambda: stack(lambda n: f'{{"type": "relu", "a{n}": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1}}'),
    ),
    "9,999 unknown types": ("unknown_type", lambda: stack(lambda index: typed(f"r{index}"))),
    "9,999 wrong families": ("wrong_family", lambda: stack(lambda _: typed("zeros"))),
    "9,999 losses": ("misplaced_loss", lambda: stack(lambda _: LOSS)),
    "9,999 equal names": ("duplicate_name", lambda: stack(lambda _: '{"type": "relu", "name": "a"}')),
    "9,999 numbers out of range": ("out_of_range", lambda: stack(lambda index: affine(-index))),
    "29,997 faults": (
        "unknown_type",
        lambda: stack(
            lambda n: f'{{"type": "affine", "units": -{n}, "weight_init": {{"type": "r{n}"}}, "bias_init": {{"type": "q{n}"}}}}'
        ),
    ),
    "9,990 unknown keys": ("unknown_key", lambda: model(more="".join(f', "a{index:x}": 1' for index in range(9_990)))),
    "9,999 axes": ("out_of_range", lambda: model(shape=listed(["-1"] * 9_999))),
    "9,999 observers": ("wrong_type", lambda: run(f'{{"epochs": 1, "optimizer": {{}}, "observers": {listed(["1"] * 9_999)}}}')),
}
"""Texts, each with the code of a fault that it is refused for."""

FILES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a file of 1 GB": ("too_large", lambda path: (path.touch(), os.truncate(path, 10**9))),
    "a file of 1 TB": ("too_large", lambda path: (path.touch(), os.truncate(path, 10**12))),
    "an endless device": ("unreadable", lambda path: path.symlink_to("/dev/zero")),
    "a file of no length and much to read": ("unreadable", lambda path: path.symlink_to("/proc/self/mem")),
    "a pipe": ("unreadable", os.mkfifo),
    "a directory": ("unreadable", Path.mkdir),
    "a link to itself": ("unreadable", lambda path: path.symlink_to(path)),
    "nothing": ("unreadable", lambda path: None),
    "a byte-order mark": ("not_utf8", lambda path: path.write_bytes(b"\xef\xbb\xbf" + model().encode())),
    "UTF-16": ("not_utf8", lambda path: path.write_text(model(), encoding="utf-16")),
    "half a character in UTF-8": ("not_utf8", lambda path: path.write_bytes(model().encode() + b"\xed\xa0\x80")),
    "4 MiB that are no UTF-8": ("not_utf8", lambda path: path.write_bytes(b" " * (4 * LIMIT - 1) + b"\xff")),
}
"""What a path may lead to, each with the code that it is refused for."""


def made(case: str) -> Callable[[], object]:
    """Return what reads a case; the case itself is made here."""
    if case in TEXTS:
        text = TEXTS[case][1]()
        return lambda: parse_spec(text)
    path = Path(tempfile.mkdtemp()) / "spec.json"
    FILES[case][1](path)
    return lambda: load_spec(path)


def measure(cases: Iterable[str]) -> dict[str, float]:
    """Return what it takes to refuse some cases in this process, one after the other."""
    parse_spec(model())
    with suppress(SpecError):
        parse_spec(model(listed([typed("no_such_type")])))
    seconds, refused, faults = 0.0, 0, 0
    most = before = memory()
    for case in cases:
        read = made(case)
        before += max(0, memory() - most)  # what it took to make the case
        start = time.perf_counter()
        try:
            read()
        except SpecError as error:
            refused, faults = refused + 1, faults + len(error.diagnostics)
        seconds, most = seconds + time.perf_counter() - start, memory()
    return {"seconds": seconds, "megabytes": (most - before) / 1e6, "refused": refused, "faults": faults}


def memory() -> int:
    """Return the most bytes that the process had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Measure the cases and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--together", action="store_true", help="all in one process; prints JSON")
    arguments = parser.parse_args()
    cases = arguments.cases or [*TEXTS, *FILES]
    if arguments.together:
        print(json.dumps(measure(cases)))
        return
    print(f"{'case':40} {'seconds':>8} {'MB':>6} {'faults':>7}")
    for case in cases:
        command = [sys.executable, __file__, "--together", case]
        result = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        over = "  over" if result["seconds"] > 1 or result["megabytes"] > 50 else ""
        print(f"{case:40} {result['seconds']:8.3f} {result['megabytes']:6.1f} {result['faults']:7}{over}")


if __name__ == "__main__":
    main()
