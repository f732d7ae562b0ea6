"""What commands share about their SPEC argument."""

from __future__ import annotations

from pathlib import Path

from layerkit.errors import SpecError
from layerkit.spec.diagnostics import Diagnostic
from layerkit.spec.load import load_spec
from layerkit.spec.run import RunSpec


def load_run_spec(path: Path) -> RunSpec:
    """Read a spec that must describe a whole run.

    Raises
    ------
    SpecError
        If it has faults, or is a bare model spec.
    """
    spec = load_spec(path)
    if not isinstance(spec, RunSpec):
        message = 'this is a bare model spec; a run needs "data" and "training" too'
        raise SpecError([Diagnostic(str(path), "", "no_run_spec", message)])
    return spec
