"""JSON files that are no specs: they are told apart as a whole, in one fault instead of one for each of their keys."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice
from typing import Any

EXAMPLE = '{"layerkit": 1, "input_shape": [64], "layers": [{"type": "affine", "units": 10}, {"type": "crossentropy"}]}'
"""The shortest spec that says what specs are like."""

_KINDS: tuple[tuple[set[str], str], ...] = (
    ({"class_name", "config"}, "a Keras model, which another framework reads; write its layers as in"),
    ({"hidden_layer_sizes"}, "a model of scikit-learn, which has no layers to list; write them as in"),
    ({"class_path", "init_args"}, "a Lightning config; write the layers as in"),
    ({"architectures"}, "a Hugging Face config; a spec describes the layers themselves, as in"),
    ({"model_type"}, "a Hugging Face config; a spec describes the layers themselves, as in"),
    ({"cells", "nbformat"}, "a notebook; a spec is a file of its own, such as"),
    ({"name", "version", "dependencies"}, "a package.json; a spec is a file such as"),
    ({"name", "version", "scripts"}, "a package.json; a spec is a file such as"),
    ({"$schema", "$defs"}, "a JSON Schema; a spec is what one describes, such as"),
    ({"$schema", "properties"}, "a JSON Schema; a spec is what one describes, such as"),
)
"""Keys that give a file away, and what it is."""


def foreign_file(document: Any, keys_of_specs: Iterable[str]) -> str | None:
    """Return what a document is that is no spec, and what to write; None for what was meant to be a spec."""
    if isinstance(document, str) and document.lstrip().startswith("{"):
        return "this is JSON within a string; write the object itself, as json.dump does when it is called once"
    if isinstance(document, list):
        return f"expected an object, received a list; a list of layers stands in {EXAMPLE}"
    if not isinstance(document, dict):
        return f"expected an object, such as {EXAMPLE}"
    for keys, what in _KINDS:
        if keys <= document.keys():
            return f"this is {what} {EXAMPLE}"
    wanted = list(keys_of_specs)
    if document and not any(difflib.get_close_matches(key[:64], wanted, n=1) for key in islice(document, 20)):
        return f"this is no spec: it has none of the keys of one; a spec is a file such as {EXAMPLE}"
    return None
