"""What to do about a fault, found by looking at the rest of the document and at the classes that read it.

Nothing here is done for a sound document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from layerkit.component import Component, Resolver
from layerkit.diagnostics.diagnostic import Location, path_text, shortened
from layerkit.diagnostics.faults import Fault
from layerkit.diagnostics.foreign_keys import KEYS_MEANT
from layerkit.diagnostics.pattern_words import REQUIREMENT
from layerkit.registry.discovery import DISABLE_VARIABLE, plugins_disabled
from layerkit.registry.registration import Registration
from layerkit.registry.registry import Registry
from layerkit.registry.synonyms import type_meant
from layerkit.spec.anatomy import Place, place_at
from layerkit.spec.homes import Home, Homes, keys_of
from layerkit.spec.run import RunSpec


class Advice:
    """Adds to the faults of one document what can be done about them.

    Parameters
    ----------
    document
        A document with faults.
    root
        The class that read it.
    resolver
        Finds the components that it names.
    registry
        All the components that there are.
    """

    def __init__(self, document: dict[str, Any], root: type[BaseModel], resolver: Resolver, registry: Registry) -> None:
        self._document = document
        self._root = root
        self._resolver = resolver
        self._registry = registry
        self._homes = Homes(root, document, resolver, registry)
        self._homes_in_a_run = Homes(RunSpec, {"model": document}, resolver, registry)
        self._elsewhere: set[Location] = set()

    def on(self, faults: Sequence[Fault]) -> list[Fault]:
        """Return ``faults`` with what to do about them; what stands in the wrong place is not told as missing too."""
        told = [self._with_advice(fault) for fault in faults]
        return [
            fault for fault in told if fault.code != "missing_key" or (*fault.location, fault.suggestion) not in self._elsewhere
        ]

    def _with_advice(self, fault: Fault) -> Fault:
        match fault.code, fault.location:
            case "unknown_type", _:
                return self._recorded(fault)
            case "unknown_key", (*_, str(key)):
                return self._unknown_key(fault, key)
            case "missing_key", _:
                return self._missing_type(fault) if fault.suggestion == "type" else self._missing_key(fault)
            case "wrong_type", _:
                return self._wrong_type(fault)
        return fault

    def _place(self, location: Location) -> Place:
        return place_at(self._root, self._document, location, self._resolver) or Place(None, None)

    # --- types ----------------------------------------------------------------------------------------------------

    def _recorded(self, fault: Fault) -> Fault:
        """Say what to install for an unknown type, where the spec records what it was written with."""
        tag: Any = self._document
        for step in fault.location:
            tag = tag[step]
        recorded = self._document.get("plugins")
        requirement = (recorded.get(tag) or recorded.get(tag.rpartition(":")[2])) if isinstance(recorded, dict) else None
        if not (isinstance(requirement, str) and re.fullmatch(REQUIREMENT, requirement)):
            return fault
        if requirement.partition("==")[0] in {problem.distribution for problem in self._registry.problems}:
            return fault  # it is installed, and set aside: the fault says why
        advice = f"pip install {requirement}"
        missing = f"not loaded here, since {DISABLE_VARIABLE} is set" if plugins_disabled() else "not installed here"
        message = f'the type "{tag}" comes from {requirement.replace("==", " ")}, which is {missing}: {advice}'
        return replace(fault, message=message, suggestion=advice)

    def _missing_type(self, fault: Fault) -> Fault:
        """Say what the type is where it stands under another key, or is a key itself: ``{"affine": {"units": 3}}``."""
        place = self._place(fault.location)
        tags = self._tags(place.family)
        if isinstance(place.value, dict):
            for key, value in list(place.value.items())[:10]:
                if tag := _meant(value, tags):
                    return replace(fault, message=f'missing key "type"; write "type": "{tag}" for {_json(key)}: {_json(value)}')
            if len(place.value) == 1 and (tag := _meant(key, tags)):
                written = _json({"type": tag, **(value if isinstance(value, dict) else {})})
                return replace(fault, message=f'missing key "type"; write {written}')
            members = self._members(place.family)
            tags = sorted(item.tag for item in members if place.value.keys() <= {*keys_of(item.component)}) or tags
        return replace(fault, message=f'missing key "type", such as "type": "{tags[0]}"') if tags else fault

    def _wrong_type(self, fault: Fault) -> Fault:
        """Say what an object would be like where something else stands for a component, and what to do about a null."""
        place = self._place(fault.location)
        tags = self._tags(place.family)
        if isinstance(place.value, type):
            return fault  # which says what to write
        if tags and not isinstance(place.value, dict):
            return replace(fault, message=f"{fault.message}; write an object, such as {self._example(tags[0], place.family)}")
        if place.items().family is not None and isinstance(place.value, str):
            return replace(fault, message=f"{fault.message}; write {_json([place.value])}")
        if place.value is None and place.field is not None:
            remedy = _such_as(place.field.examples) if place.field.is_required() else "; leave the key out for the default"
            return replace(fault, message=fault.message + remedy)
        if place.value is None and isinstance(fault.location[-1], int):
            return replace(fault, message=f"{fault.message}; take it out of the list")
        return fault

    def _tags(self, family: type[Component] | None) -> list[str]:
        """Return the types that may stand in the place of a family."""
        return sorted({item.tag for item in self._members(family)})

    def _members(self, family: type[Component] | None) -> list[Registration]:
        return [item for item in self._registry.registrations if family is not None and issubclass(item.component, family)]

    def _example(self, tag: str, family: type[Component] | None) -> str:
        component = self._registry.matches(family or Component, tag)[0].component
        required = {name: field.examples for name, field in component.model_fields.items() if field.is_required()}
        return _json({"type": tag, **{name: examples[0] for name, examples in required.items() if examples}})

    # --- keys -----------------------------------------------------------------------------------------------------

    def _missing_key(self, fault: Fault) -> Fault:
        field = self._place((*fault.location, fault.suggestion or "")).field
        example = _such_as(field.examples if field else None, f'"{fault.suggestion}": ')
        return replace(fault, message=fault.message + example)

    def _unknown_key(self, fault: Fault, key: str) -> Fault:
        """Say what the key is called here, where it belongs, or that there is no need for it."""
        reader = self._place(fault.location[:-1]).reader(self._resolver)
        meant = KEYS_MEANT.get(key, key)
        if reader is not None and (meant in keys_of(reader) or _is_slip(key, fault.suggestion)):
            return fault  # which says so
        home = self._homes.of(key) or self._homes.of(meant)
        if home is not None:
            return self._sent_home(fault, home, reader)
        home = self._homes_in_a_run.of(key) or self._homes_in_a_run.of(meant)
        if home is not None:
            where = f'in "{path_text(home.block)}"' if home.block else "at the top"
            return replace(fault, message=f'unknown key; it belongs {where} of a run, which has this model under "model"')
        return fault

    def _sent_home(self, fault: Fault, home: Home, reader: type[BaseModel] | None) -> Fault:
        key, block = str(fault.location[-1]), path_text(home.block)
        if home.owner and reader is not None and issubclass(reader, Component):
            return replace(fault, message=f'unknown key; {home.owner} has "{home.key}", {reader.tag()} has not')
        renamed = f' as "{home.key}"' if home.key != key else ""
        there, place = (*home.block, home.key), self._place(home.block)
        if home.owner and place.family is None:
            message = f'"{key}" belongs in an item of "{block}"{renamed}, such as {home.owner}'
            return replace(fault, message=f"unknown key; {message}")
        if home.owner:
            message = f'put "{key}" under "{block}"{renamed}, beside "type": "{home.owner}"'
        elif not home.block:
            message = f'"{key}" belongs at the top of the spec{renamed}'
        elif place.value is None:
            message = f'put "{key}" under "{block}"{renamed}'
        else:
            message = f'"{key}" belongs in "{block}"{renamed}'
        self._elsewhere |= {there[:end] for end in range(1, len(there) + 1)}
        return replace(fault, message=f"unknown key; {message}", suggestion=path_text(there))


def _is_slip(key: str, nearest: str | None) -> bool:
    """Return whether a key is but a slip of the keyboard away from another."""
    return nearest is not None and SequenceMatcher(None, key, nearest).ratio() > 0.85


def _meant(word: object, tags: Sequence[str]) -> str | None:
    """Return the type among ``tags`` that a word means."""
    if not isinstance(word, str):
        return None
    return next((tag for tag in (word, word.lower(), type_meant(word)) if tag in tags), None)


def _such_as(examples: Sequence[Any] | None, key: str = "") -> str:
    return f", such as {key}{_json(examples[0])}" if examples else ""


def _json(value: Any) -> str:
    """Write a value as a person would write it in the spec."""
    return shortened(json.dumps(to_jsonable_python(value, fallback=str), ensure_ascii=False), 200)
