"""`Component`: anything that a spec can name."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from typing import Any, Protocol, Self, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from layerkit.description import Description
from layerkit.diagnostics.nested_errors import nested_error, own_error
from layerkit.errors import ComponentLookupError, RegistrationError, described
from layerkit.parsed_json import reader

ComponentT = TypeVar("ComponentT", bound="Component")
FAMILY_KEY = "layerkit-family"
"""Stands in a component's JSON Schema where any member of a family may stand."""
MAX_ERRORS = 2000
"""Beyond so many errors, where the context counts them under ``"errors"``, components are not looked at: it fails anyway."""
_SPEC_TYPE = "_spec_type"
"""Beside a component's fields and not one of them: how a spec spelt the type is no part of what the component is."""


class Component(Description):
    """A description that a spec can name.

    A subclass that gives ``type`` a default is *concrete*: a spec can name it. One that does not is a *family* (`Layer`,
    `Initializer`, ...), and a field annotated with a family accepts every registered member of it, plugins' too.

    A component holds no state: weights, buffers, counters and random streams belong to the runtime.

    Where a component stands in another one or in a spec, its JSON object may stand too, and its type alone where that says
    enough: ``ReLU()``, ``{"type": "relu"}`` and ``"relu"`` mean the same.
    """

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
    """What the registry, a floor above, hands down in the validation context under the key ``"resolver"``.

    Where there is none, components are those that are installed.
    """

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
    if type(value) is str:
        return _from_json(family, {"type": value}, info.context or {}, bare=True)
    if type(value) is dict:
        return _from_json(family, value, info.context or {})
    if isinstance(value, family):
        return value
    if isinstance(value, type) and issubclass(value, family) and value.tag() is not None:
        message = f"expected {family.noun()}, received the class {value.__name__}; write {_written(value)}"
        raise nested_error([own_error((), "wrong_type", message)])
    raise PydanticCustomError("component_type", "Input should be {expected}", {"expected": family.noun()})


def _from_json(family: type[Component], value: dict[str, Any], context: dict[str, Any], bare: bool = False) -> Component:
    """Return what a JSON object stands for; ``bare`` says that its type alone stood there."""
    resolver: Resolver = context.get("resolver") or _installed()
    if context.get("errors", 0) > MAX_ERRORS:
        raise PydanticCustomError("passed_over", "Not looked at, among so many errors")
    tag = value.get("type")
    if not isinstance(tag, str):
        kind, message = ("string_type", "Input should be a valid string") if "type" in value else ("missing", "Field required")
        received = value.get("type", value)
        raise nested_error([{"type": kind, "loc": ("type",), "msg": message, "input": received}])
    try:
        cls = resolver.resolve(family, tag)
    except ComponentLookupError as error:
        raise nested_error([own_error(() if bare else ("type",), error.code, str(error), error.suggestion)]) from None
    if bare and any(field.is_required() for field in cls.model_fields.values()):
        example = json.dumps({"type": tag, **_required(cls)}).replace('"..."', "...")
        raise nested_error([own_error((), "missing_key", f'"{tag}" alone does not say enough; write {example}')])
    qualified = ":" in tag
    if qualified:
        value = {**value, "type": cls.tag()}
    try:
        component: Component = reader(cls)(value, context=context)
    except (KeyboardInterrupt, PydanticCustomError):
        raise
    except BaseException as error:  # a third party's validator may fail in any way, even exit
        raise _one_error(cls, error, context) from None
    if qualified:
        component.__dict__[_SPEC_TYPE] = tag
    return component


def _installed() -> Resolver:
    from layerkit import installed_registry

    return installed_registry()


def _required(cls: type[Component]) -> dict[str, Any]:
    """Return the required fields of a class with an example each, or dots."""
    fields = cls.model_fields.items()
    return {name: field.examples[0] if field.examples else "..." for name, field in fields if field.is_required()}


def _written(cls: type[Component]) -> str:
    """Return how an instance of ``cls`` is written in Python."""
    return f"{cls.__name__}({', '.join(f'{name}={value!r}' for name, value in _required(cls).items())})".replace("'...'", "...")


def _one_error(cls: type[Component], error: BaseException, context: dict[str, Any]) -> PydanticCustomError:
    """Return what is wrong with a component of this class as one error, whatever its validators raised."""
    if not isinstance(error, ValidationError):
        message = f"{cls.__name__} fails where it checks its fields: {described(error)}"
        return nested_error([own_error((), "component_failed", message)])
    errors: list[Any] = list(error.errors(include_url=False))[: MAX_ERRORS + 1]  # one more shows that there are more
    if "errors" in context:
        context["errors"] += len(errors)
    for item in errors:
        if item["type"] == "extra_forbidden" and len(item["loc"]) == 1:
            item["ctx"] = {"known_keys": list(cls.model_fields)}
    return nested_error(errors)


def _dumped(component: Component, info: core_schema.SerializationInfo) -> dict[str, Any]:
    """Write one value of a field that is annotated with a family, under the type by which a spec finds it again.

    The serialization context may say under ``"types"`` what that is for a class.
    """
    types = (info.context or {}).get("types", {})
    return component.model_dump(mode=info.mode, context=info.context) | {"type": types.get(type(component), component.spec_type)}
