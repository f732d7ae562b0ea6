"""Reading specs from files and strings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from layerkit.errors import SpecError
from layerkit.spec.diagnostics import Diagnostic, diagnose
from layerkit.spec.model import ModelSpec
from layerkit.spec.run import RunSpec


def load_spec(path: str | Path) -> RunSpec | ModelSpec:
    """Read the spec in a file: a run spec, or a bare model spec.

    Raises
    ------
    SpecError
        With every fault that was found.
    """
    file = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise SpecError([Diagnostic(file, "", "unreadable", f"cannot read the file: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        raise SpecError([Diagnostic(file, "", "not_utf8", f"the file is not UTF-8 at byte {error.start}")]) from None
    return parse_spec(text, file)


def parse_spec(text: str, file: str = "<string>") -> RunSpec | ModelSpec:
    """Read a spec from JSON text; ``file`` is what diagnostics call it.

    Raises
    ------
    SpecError
        With every fault that was found.
    """
    document = _parse(text, file)
    if not isinstance(document, dict):
        raise SpecError([Diagnostic(file, "", "wrong_type", f"expected an object, received {type(document).__name__}")])
    spec_class: type[RunSpec] | type[ModelSpec] = ModelSpec if "layers" in document and "model" not in document else RunSpec
    if "layerkit" not in document:
        raise SpecError([Diagnostic(file, "", "missing_version", 'missing key "layerkit": the version of the spec format, 1')])
    try:
        return spec_class.model_validate_json(json.dumps(document))
    except ValidationError as error:
        raise SpecError(diagnose(error, spec_class, file)) from None


def _parse(text: str, file: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise SpecError([Diagnostic(file, "", "syntax", error.msg, None, error.lineno, error.colno)]) from None
    except (_Fault, RecursionError, ValueError) as error:
        raise SpecError([Diagnostic(file, "", "syntax", str(error))]) from None


class _Fault(Exception):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Fault(f'the key "{key}" stands twice in one object')
            seen.add(key)
    return result


def _refuse(constant: str) -> Any:
    raise _Fault(f"{constant} is not a number that JSON knows")
