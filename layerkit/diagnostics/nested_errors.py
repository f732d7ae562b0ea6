"""Errors of validators within validators, each at its place; pydantic makes text of a `ValidationError` that one raises."""

from __future__ import annotations

from typing import Any

from pydantic_core import PydanticCustomError


def nested_error(errors: list[Any]) -> PydanticCustomError:
    """Wrap error dicts, as pydantic or `own_error` makes them, as one error; their places count from where it is raised.

    `flat_errors` takes them out again.
    """
    return PydanticCustomError("nested", "{errors}", {"errors": _Errors(errors)})


def own_error(location: tuple[str | int, ...], code: str, message: str, suggestion: str | None = None) -> dict[str, Any]:
    """Return an error dict for a rule of ours: it has our ``code``, which no error of pydantic's or a third party's has."""
    return {"type": code, "loc": location, "msg": message, "input": None, "code": code, "ctx": {"suggestion": suggestion}}


def flat_errors(errors: list[Any]) -> list[Any]:
    """Undo `nested_error`: every error dict at its full place, in order."""
    flat: list[Any] = []
    for error in errors:
        if error["type"] == "nested":
            inner = flat_errors(error["ctx"]["errors"])
            flat += [{**item, "loc": (*error["loc"], *item["loc"])} for item in inner]
        else:
            flat.append(error)
    return flat


class _Errors(list[Any]):
    """Error dicts; as text, what they say: pydantic writes out the whole context of an error, wanted or not."""

    def __str__(self) -> str:
        return "; ".join(".".join(map(str, error["loc"])) + ": " + error["msg"] for error in self)
