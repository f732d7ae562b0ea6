"""Validating a sound spec of 1,000 layers, side by side with ``json.loads`` and plain pydantic on the same file.

    python benchmarks/validate.py [--rounds 40]

The plain model is what pydantic does best: a static union, discriminated by ``type``, of the very fields that the spec uses. The
bar: our loader, with its checks of shapes, names, losses and memory, takes no more than 5 times as long.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from layerkit.spec.load import parse_spec


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Initializer(_Strict):
    type: Literal["xavier_uniform", "he_normal", "zeros"]


class _Affine(_Strict):
    type: Literal["affine"]
    units: PositiveInt
    weight_init: _Initializer = _Initializer(type="xavier_uniform")
    bias_init: _Initializer = _Initializer(type="zeros")
    name: str | None = None


class _Plain(_Strict):
    type: Literal["relu", "crossentropy"]
    name: str | None = None


class _Model(_Strict):
    layerkit: Literal[1]
    input_shape: tuple[PositiveInt, ...]
    dtype: Literal["float32", "float64"] = "float32"
    layers: tuple[Annotated[_Affine | _Plain, Field(discriminator="type")], ...]


def spec_text(layers: int) -> str:
    """Return a sound model spec with that many layers, as a person writes it."""
    stack: list[dict[str, object]] = []
    for index in range(layers // 2 - 1):
        stack += [{"type": "affine", "units": 16 + index, "weight_init": {"type": "he_normal"}}, {"type": "relu"}]
    stack += [{"type": "affine", "units": 10}, {"type": "crossentropy"}]
    return json.dumps({"layerkit": 1, "input_shape": [64], "layers": stack}, indent=2)


def plain(text: str) -> None:
    """Parse and validate with the standard library and pydantic alone."""
    json.loads(text)
    _Model.model_validate_json(text)


def seconds(work: Callable[[], object]) -> float:
    """Return the time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Time both in turn and print the median of the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    text = spec_text(1000)
    for work in (lambda: plain(text), lambda: parse_spec(text)):
        work()
    pairs = [(seconds(lambda: parse_spec(text)), seconds(lambda: plain(text))) for _ in range(rounds)]
    ours, alone = (statistics.median(column) * 1e3 for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"1,000 layers, {len(text) / 1e3:.0f} kB: layerkit {ours:.1f} ms, json and pydantic {alone:.1f} ms, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
