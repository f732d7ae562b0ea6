"""`Component`: anything that a spec can name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, PydanticCustomError, core_schema, to_json

from layerkit.errors import ComponentLookupError, RegistrationError

ComponentT = TypeVar("ComponentT", bound="Component")
FAMILY_KEY = "layerkit-family"
"""Stands in a component's JSON Schema where any member of a family may stand."""
MAX_ERRORS = 2000
"""Beyond so many errors in one validation components are not looked at any more: it fails all the same."""
_SPEC_TYPE = "_spec_type"
"""Beside a component's fields and not one of them: how a spec spelt the type is no part of what the component is."""


class Component(BaseModel):
    """A frozen, validated description that maps to a JSON object and back.

    A subclass that gives ``type`` a default is *concrete*: a spec can name it. One that does not is a *family* (`Layer`,
    `Initializer`, ...), and a field annotated with a family accepts every registered member of it, plugins' too.

    A component holds no state: weights, buffers, counters and random streams belong to the runtime.

    Notes
    -----
    Values are strict: ``true`` is no number and ``"3"`` is no ``3``; unknown keys, infinities and NaN are refused.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True, defer_build=True
    )

    type: str

    @classmethod
    def tag(cls) -> str | None:
        """Return the ``type`` under which a spec names this class; None for a family."""
        default = cls.__pydantic_fields__["type"].default
        return default if isinstance(default, str) else None

    @classmethod
    def examples(cls) -> Iterable[Self]:
        """Return small instances, one for each way in which the options change what the component does; tests try them all.

        By default there is one, with every default kept, and the first of ``Field(examples=[...])`` for each required field.

        Raises
        ------
        RegistrationError
            If a required field has no example.
        """
        values: dict[str, Any] = {}
        for name, field in cls.model_fields.items():
            if field.is_required():
                if not field.examples:
                    raise RegistrationError(f"{cls.__name__}.{name} is required: give it an example, such as Field(examples=[3])")
                values[name] = field.examples[0]
        return (cls(**values),)

    @property
    def spec_type(self) -> str:
        """The type as a spec has it: with the distribution, ``layerkit-swish:swish``, where the spec chose one."""
        name: str = self.__dict__.get(_SPEC_TYPE, self.type)
        return name

    @classmethod
    def noun(cls) -> str:
        """Return the class's name with its article, as error messages use it: ``an optimizer``."""
        name = cls.__name__.lower()
        return f"an {name}" if name[0] in "aeiou" else f"a {name}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        if cls.tag() is not None:
            return handler(source)
        return core_schema.with_info_plain_validator_function(
            partial(_member, cls),
            serialization=core_schema.plain_serializer_function_ser_schema(_dumped, info_arg=True),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe a family by its name alone: who its members are, the registry knows."""
        return handler(schema) if cls.tag() is not None else {FAMILY_KEY: cls.__name__}


class Resolver(Protocol):
    """What the registry, a floor above, hands down in the validation context under the key ``"resolver"``."""

    def resolve(self, family: type[ComponentT], tag: str) -> type[ComponentT]:
        """Return the class that ``tag`` names within ``family``.

        Raises
        ------
        ComponentLookupError
            If there is none, several, or one of another family.
        """
        ...


def _member(family: type[Component], value: Any, info: core_schema.ValidationInfo) -> Component:
    """Validate one value of a field that is annotated with a family."""
    context = info.context or {}
    resolver: Resolver | None = context.get("resolver")
    if resolver is None or type(value) is not dict:
        if isinstance(value, family):
            return value
        raise PydanticCustomError("component_type", "Input should be {expected}", {"expected": family.noun()})
    if context.get("errors", 0) > MAX_ERRORS:
        raise PydanticCustomError("passed_over", "Not looked at, among so many errors")
    # Specs repeat themselves, and components are frozen: equal JSON gives one object. Its places are told apart by their nodes.
    text = to_json(value)
    seen: dict[tuple[type[Component], bytes], Component] = context.get("seen") or context.setdefault("seen", {})
    known = seen.get((family, text))
    if known is not None:
        return known
    tag = value.get("type")
    if not isinstance(tag, str):
        if "type" in value:
            raise _located(["type"], "string_type", "Input should be a valid string", tag)
        raise _located(["type"], "missing", "Field required", value)
    try:
        cls = resolver.resolve(family, tag)
    except ComponentLookupError as error:
        raise _located(["type"], error.code, str(error), tag, suggestion=error.suggestion) from None
    bare = to_json({**value, "type": cls.tag()}) if ":" in tag else text
    try:
        component: Component = cls.__pydantic_validator__.validate_json(bare, context=context)
    except ValidationError as error:
        errors: list[Any] = list(error.errors(include_url=False))[:MAX_ERRORS]
        context["errors"] = context.get("errors", 0) + len(errors)
        for item in errors:
            if item["type"] == "extra_forbidden" and len(item["loc"]) == 1:
                item["ctx"] = {"known_keys": list(cls.model_fields)}
        raise nested_error(errors) from None
    if ":" in tag:
        component.__dict__[_SPEC_TYPE] = tag
    seen[family, text] = component
    return component


def _dumped(component: Component, info: core_schema.SerializationInfo) -> dict[str, Any]:
    """Write one value of a field that is annotated with a family, under the type by which a spec finds it again.

    The serialization context may say under ``"types"`` what that is for a class.
    """
    types = (info.context or {}).get("types", {})
    return component.model_dump(mode=info.mode, context=info.context) | {"type": types.get(type(component), component.spec_type)}


def _located(loc: list[str | int], code: str, message: str, received: Any, **ctx: Any) -> PydanticCustomError:
    return nested_error([{"type": code, "loc": tuple(loc), "msg": message, "input": received, "ctx": ctx}])


def nested_error(errors: list[Any]) -> PydanticCustomError:
    """Wrap a list of pydantic error dicts as one error, their places relative to where it is raised.

    pydantic flattens a ``ValidationError`` raised by a validator into text. This one keeps the parts;
    `flat_errors` takes them out again.
    """
    return PydanticCustomError("nested", "{errors}", {"errors": _Errors(errors)})


class _Errors(list[Any]):
    """Error dicts; as text, what they say: pydantic writes out the whole context of an error, wanted or not."""

    def __str__(self) -> str:
        return "; ".join(".".join(map(str, error["loc"])) + ": " + error["msg"] for error in self)


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
