"""Faults of a spec, each with its place, a stable code and what to do."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from layerkit.component import flat_errors


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault.

    Attributes
    ----------
    file
        Where the spec was read from.
    path
        Place within the spec: ``model.layers[2].units``; empty for the whole.
    code
        Stable name of the kind of fault.
    message
        What was expected, what was received, what to do.
    suggestion
        What to write instead, where there is one.
    line, column
        Place within the file, from 1, where it is known.
    """

    file: str
    path: str
    code: str
    message: str
    suggestion: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return ": ".join(part for part in (place, self.path, self.message) if part)


def diagnose(error: ValidationError, root: type[BaseModel], file: str) -> list[Diagnostic]:
    """Turn what pydantic says of a document into diagnostics."""
    return [_diagnostic(item, root, file) for item in flat_errors(list(error.errors(include_url=False)))]


def _diagnostic(error: dict[str, Any], root: type[BaseModel], file: str) -> Diagnostic:
    kind, loc, ctx = error["type"], error["loc"], error.get("ctx") or {}
    suggestion: str | None = ctx.get("suggestion")
    if kind == "extra_forbidden":
        suggestion = _nearest(str(loc[-1]), ctx.get("known_keys") or _keys_at(root, loc[:-1]))
        message = "unknown key" + (f'; did you mean "{suggestion}"?' if suggestion else "")
        return Diagnostic(file, path_text(loc), "unknown_key", message, suggestion)
    if kind == "missing":
        return Diagnostic(file, path_text(loc[:-1]), "missing_key", f'missing key "{loc[-1]}"')
    if kind in _EXPECTED:
        code, template = _EXPECTED[kind]
        message = f"expected {template.format(**ctx)}, received {_shown(error['input'])}"
        return Diagnostic(file, path_text(loc), code, message)
    message = error["msg"].removeprefix("Value error, ")
    return Diagnostic(file, path_text(loc), "invalid_value" if kind == "value_error" else kind, message, suggestion)


_EXPECTED = {
    "int_type": ("wrong_type", "an integer"),
    "int_from_float": ("wrong_type", "an integer"),
    "float_type": ("wrong_type", "a number"),
    "string_type": ("wrong_type", "a string"),
    "bool_type": ("wrong_type", "true or false"),
    "tuple_type": ("wrong_type", "a list"),
    "list_type": ("wrong_type", "a list"),
    "dict_type": ("wrong_type", "an object"),
    "model_type": ("wrong_type", "an object"),
    "component_type": ("wrong_type", "{expected}"),
    "literal_error": ("out_of_range", "{expected}"),
    "greater_than": ("out_of_range", "a number greater than {gt}"),
    "greater_than_equal": ("out_of_range", "a number of {ge} or more"),
    "less_than": ("out_of_range", "a number less than {lt}"),
    "less_than_equal": ("out_of_range", "a number of {le} or less"),
    "finite_number": ("not_finite", "a finite number"),
    "too_short": ("out_of_range", "{min_length} or more items"),
    "too_long": ("out_of_range", "{max_length} or fewer items"),
    "string_too_short": ("out_of_range", "{min_length} or more characters"),
    "string_too_long": ("out_of_range", "{max_length} or fewer characters"),
    "string_pattern_mismatch": ("out_of_range", "text that matches {pattern}"),
}
"""pydantic's kinds of error: our code, and how to say what was expected."""


def path_text(loc: Iterable[str | int]) -> str:
    """Write a place as ``model.layers[2].units``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _nearest(word: str, known: Sequence[str]) -> str | None:
    return next(iter(difflib.get_close_matches(word[:64], known, n=1)), None)


def _keys_at(root: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """Return the keys that the block at ``loc`` may have."""
    block: Any = root
    for part in loc:
        field = block.model_fields.get(part)
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return []
        block = field.annotation
    return [field.alias or name for name, field in block.model_fields.items()]
