"""Making components of parsed JSON, dicts and lists, as strictly as of the text.

From Python values pydantic's strict validation asks for a tuple, a path or a member of an enumeration; from JSON it makes one of
a list or a string. A class with such a field gets its JSON written out again; any other takes the values as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json


@cache
def reader(cls: type[BaseModel]) -> Callable[..., Any]:
    """Return the function that validates parsed JSON, with a ``context``, and makes a ``cls`` of it."""
    cls.model_rebuild()
    validator = cls.__pydantic_validator__
    if _alike(cls.__pydantic_core_schema__):
        return validator.validate_python
    return lambda value, context: validator.validate_json(to_json(value), context=context)


_VALUES = frozenset({"none", "bool", "int", "float", "str", "function-plain", "definition-ref"})
_WRAPPERS = frozenset({"model", "default", "nullable", "model-field", "function-after", "function-before", "function-wrap"})


def _alike(schema: Any) -> bool:
    """Return whether Python values and JSON mean the same to ``schema``; where that is not plain to see, False."""
    match schema:
        case {"type": "model-fields", "fields": fields}:
            return all(map(_alike, fields.values()))
        case {"type": "definitions", "schema": inner, "definitions": definitions}:
            return _alike(inner) and all(map(_alike, definitions))
        case {"type": "literal", "expected": expected}:
            return all(isinstance(value, str) for value in expected)  # in Python True is a 1
        case {"type": "tuple", "strict": False, "items_schema": items}:
            return all(map(_alike, items))
        case {"type": "list", "items_schema": item}:
            return _alike(item)
        case {"type": "dict", "keys_schema": {"type": "str"}, "values_schema": value}:
            return _alike(value)
        case {"type": kind, "schema": inner}:
            return kind in _WRAPPERS and _alike(inner)
        case {"type": kind}:
            return kind in _VALUES
    return False
