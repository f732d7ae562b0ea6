"""Faults before they have a place in a file, and how pydantic's errors become faults."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from layerkit.diagnostics.diagnostic import Diagnostic, Location, shortened
from layerkit.diagnostics.nested_errors import flat_errors, nested_error, own_error
from layerkit.errors import SpecError, described

MAX_FAULTS = 2000
"""Most faults that are told of one document."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong at a place within a document; fields as in `Diagnostic`.

    ``at_key`` says that the key is at fault, not its value.
    """

    location: Location
    code: str
    message: str
    suggestion: str | None = None
    at_key: bool = False


def raise_faults(faults: Sequence[Fault]) -> None:
    """Raise ``faults`` from within a pydantic validator, if there are any; `faults_of` finds them again."""
    if faults:
        raise nested_error([own_error(fault.location, fault.code, fault.message, fault.suggestion) for fault in faults])


def failure(what: str, error: BaseException) -> str:
    """Say what of a third party failed, which may fail in any way."""
    return shortened(f"{what}: {described(error)}", 300)


@contextmanager
def told(what: str, root: type[BaseModel]) -> Iterator[None]:
    """Raise what pydantic finds wrong with values for the class ``root`` as a `SpecError`, whose faults are those of ``what``."""
    try:
        yield
    except ValidationError as error:
        faults = faults_of(error, root, shown=repr)[:MAX_FAULTS]
        raise SpecError([Diagnostic(what, item.location, item.code, item.message, item.suggestion) for item in faults]) from None


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return repr(value)


def faults_of(error: ValidationError, root: type[BaseModel], shown: Callable[[Any], str] = _as_json) -> list[Fault]:
    """Return what pydantic says of a document of the class ``root``; of very many faults, more than are told.

    ``shown`` writes the values that were received.
    """
    errors = [
        item
        for item in flat_errors(list(error.errors(include_url=False)))
        # pydantic counts only the sound items of a list, and then finds too few.
        if item["type"] != "too_short" or len(item["input"]) < item["ctx"]["min_length"]
    ]
    return [_fault(item, root, lambda value: shortened(shown(value))) for item in errors[: MAX_FAULTS + 1]]


def _fault(error: dict[str, Any], root: type[BaseModel], shown: Callable[[Any], str]) -> Fault:
    kind, location, context = error["type"], tuple(error["loc"]), error.get("ctx") or {}
    own = error.get("code")
    if own is not None:
        return Fault(location, own, error["msg"], context["suggestion"])
    if kind == "float_type" and type(error["input"]) is int:
        kind = "finite_number"  # no float is as large
    if kind == "extra_forbidden":
        known = context.get("known_keys") or _keys_at(root, location[:-1])
        nearest = next(iter(difflib.get_close_matches(str(location[-1])[:64], known, n=1)), None)
        advice = f'; did you mean "{nearest}"?' if nearest else f"; expected one of {', '.join(known)}" if known else ""
        return Fault(location, "unknown_key", f"unknown key{advice}", nearest, at_key=True)
    if kind == "missing":
        *_, last = location
        if isinstance(last, int):
            return Fault(location[:-1], "out_of_range", f"expected {last + 1} or more items, received {shown(error['input'])}")
        return Fault(location[:-1], "missing_key", f'missing key "{last}"', last)
    if kind in _EXPECTED:
        code, template = _EXPECTED[kind]
        expected = template.format(**context)
        if kind == "literal_error":
            expected = expected.replace("'", '"')  # pydantic quotes as Python does, and JSON cannot
        return Fault(location, code, f"expected {expected}, received {shown(error['input'])}")
    if kind in ("value_error", "assertion_error"):
        return Fault(location, "invalid_value", shortened(error["msg"].split(", ", 1)[-1], 300))
    return Fault(location, "invalid_value", error["msg"])


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
    "none_required": ("wrong_type", "null"),
    "literal_error": ("out_of_range", "{expected}"),
    "greater_than": ("out_of_range", "a number greater than {gt}"),
    "greater_than_equal": ("out_of_range", "a number of {ge} or more"),
    "less_than": ("out_of_range", "a number less than {lt}"),
    "less_than_equal": ("out_of_range", "a number of {le} or less"),
    "int_parsing_size": ("out_of_range", "a smaller number"),
    "finite_number": ("not_finite", "a finite number"),
    "too_short": ("out_of_range", "{min_length} or more items"),
    "too_long": ("out_of_range", "{max_length} or fewer items"),
    "string_too_short": ("out_of_range", "{min_length} or more characters"),
    "string_too_long": ("out_of_range", "{max_length} or fewer characters"),
    "string_pattern_mismatch": ("out_of_range", "text that matches {pattern}"),
}
"""pydantic's kinds of error: our code, and how to say what was expected."""


def _keys_at(root: type[BaseModel], location: Iterable[str | int]) -> list[str]:
    """Return the keys that the block of a spec at ``location`` may have; none where a third party's own block stands there."""
    block: Any = root
    for part in location:
        field = getattr(block, "model_fields", {}).get(part)
        if field is None:
            return []
        block = field.annotation
    return [field.alias or name for name, field in block.model_fields.items()]
