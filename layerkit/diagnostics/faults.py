"""Faults before they have a place in a file, and how pydantic's errors become faults."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from layerkit.diagnostics.diagnostic import Diagnostic, Location, shortened
from layerkit.diagnostics.foreign_keys import KEYS_MEANT, KEYS_WITHOUT_COUNTERPART
from layerkit.diagnostics.nested_errors import flat_errors, nested_error, own_error
from layerkit.diagnostics.pattern_words import in_words
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

    def diagnostic(self, what: str) -> Diagnostic:
        """Return the fault as one of something that is no file, and is called ``what``."""
        return Diagnostic(what, self.location, self.code, self.message, self.suggestion)


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
        raise SpecError([_with_example(fault, root).diagnostic(what) for fault in faults]) from None


def _with_example(fault: Fault, root: type[BaseModel]) -> Fault:
    """Say what a missing value would be like in Python."""
    field = root.model_fields.get(fault.suggestion or "") if fault.code == "missing_key" and not fault.location else None
    if field is None or not field.examples:
        return fault
    return replace(fault, message=f"{fault.message}, such as {fault.suggestion}={field.examples[0]!r}")


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return repr(value)


def faults_of(error: ValidationError, root: type[BaseModel], shown: Callable[[Any], str] = _as_json) -> list[Fault]:
    """Return what pydantic says of a document of the class ``root``; of very many faults, more than are told.

    ``shown`` writes the values that were received. What stands there under another name is not told as missing too.
    """
    errors = [
        item
        for item in flat_errors(list(error.errors(include_url=False)))
        # pydantic counts only the sound items of a list, and then finds too few.
        if item["type"] != "too_short" or len(item["input"]) < item["ctx"]["min_length"]
    ]
    faults = [_fault(item, root, shown) for item in errors[: MAX_FAULTS + 1]]
    meant = {(*fault.location[:-1], fault.suggestion) for fault in faults if fault.code == "unknown_key"}
    return [fault for fault in faults if fault.code != "missing_key" or (*fault.location, fault.suggestion) not in meant]


def _fault(error: dict[str, Any], root: type[BaseModel], shown: Callable[[Any], str]) -> Fault:
    kind, location, context = error["type"], tuple(error["loc"]), error.get("ctx") or {}
    own = error.get("code")
    if own is not None:
        return Fault(location, own, error["msg"], context["suggestion"])
    if kind == "float_type" and type(error["input"]) is int:
        kind = "finite_number"  # no float is as large
    if kind == "extra_forbidden":
        known = context.get("known_keys") or _keys_at(root, location[:-1])
        meant = KEYS_MEANT.get(str(location[-1]))
        if meant in known:
            return Fault(location, "unknown_key", f'unknown key; it is called "{meant}" here', meant, at_key=True)
        remark = KEYS_WITHOUT_COUNTERPART.get(str(location[-1]))
        if remark is not None:
            return Fault(location, "unknown_key", f"unknown key; {remark}", at_key=True)
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
        expected = in_words(context["pattern"]) if "pattern" in context else template.format(**context)
        if kind == "literal_error":
            expected = expected.replace("'", '"')  # pydantic quotes as Python does, and JSON cannot
        instead = [shown(value) for value in _instead(kind, error["input"])]
        advice = f"; write {' or '.join(instead)}" if instead else ""
        remedy = instead[0] if len(instead) == 1 else None
        return Fault(location, code, f"expected {expected}, received {shortened(shown(error['input']))}{advice}", remedy)
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
    "size": ("out_of_range", "a share below 1, or a whole number of 2 or more"),
    "less_than": ("out_of_range", "a number less than {lt}"),
    "less_than_equal": ("out_of_range", "a number of {le} or less"),
    "int_parsing_size": ("out_of_range", "a smaller number"),
    "finite_number": ("not_finite", "a finite number"),
    "too_short": ("out_of_range", "{min_length} or more items"),
    "too_long": ("out_of_range", "{max_length} or fewer items"),
    "string_too_short": ("out_of_range", "{min_length} or more characters"),
    "string_too_long": ("out_of_range", "{max_length} or fewer characters"),
    "string_pattern_mismatch": ("out_of_range", "{pattern}"),
}
"""pydantic's kinds of error: our code, and how to say what was expected."""


_READ_AS: dict[str, type | tuple[type, ...]] = {
    "int_type": int,
    "float_type": (int, float),
    "bool_type": bool,
    "tuple_type": list,
    "list_type": list,
}
"""What a string would have to hold to be what is expected, without its quotes."""
_EXACT = 2**53
"""From here on, an integer is not what a float was written for."""
_TRUTH = {"1": True, "yes": True, "on": True, "true": True, "0": False, "no": False, "off": False, "false": False}


def _instead(kind: str, value: Any) -> list[Any]:
    """Return what may be meant by a value of the wrong type, where that is clear."""
    if kind in ("int_type", "int_from_float") and type(value) is float and abs(value) < _EXACT:
        return sorted({math.floor(value), math.ceil(value)})
    if isinstance(value, str) and kind in _READ_AS and len(value) <= 60:
        try:
            held = json.loads(value)
        except (ValueError, RecursionError):
            held = None
        if isinstance(held, _READ_AS[kind]) and isinstance(held, bool) == (kind == "bool_type"):
            return [held]
        if kind in ("tuple_type", "list_type") and type(held) in (int, float):
            return [[held]]
    if kind == "bool_type" and str(value).lower() in _TRUTH:
        return [_TRUTH[str(value).lower()]]
    if kind in ("int_type", "float_type") and isinstance(value, bool):
        return [int(value)]
    if kind == "string_type" and type(value) in (int, float):
        return [str(value)]
    if kind in ("tuple_type", "list_type") and (type(value) in (int, float) or (type(value) is dict and len(str(value)) <= 60)):
        return [[value]]
    return []


def _keys_at(root: type[BaseModel], location: Iterable[str | int]) -> list[str]:
    """Return the keys that the block of a spec at ``location`` may have; none where a third party's own block stands there."""
    block: Any = root
    for part in location:
        field = getattr(block, "model_fields", {}).get(part)
        if field is None:
            return []
        block = _block_of(field.annotation)
    if block is None:
        return []
    return [field.alias or name for name, field in block.model_fields.items()]


def _block_of(annotation: Any) -> type[BaseModel] | None:
    """Return the class of the block that a field may hold; None where it holds none."""
    choices = get_args(annotation) or (annotation,)
    return next((choice for choice in choices if isinstance(choice, type) and issubclass(choice, BaseModel)), None)
