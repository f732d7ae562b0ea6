"""What a distribution says that it needs, against what is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def unmet_requirement(requirement: str) -> str | None:
    """Return what a line of ``Requires-Dist`` asks for and what there is instead; None where it is met.

    A requirement of an extra, or of another kind of machine, counts as met; so does a line that nobody can read.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        wanted = Requirement(requirement)
    except InvalidRequirement:
        return None
    if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
        return None
    try:
        present = version(wanted.name)
    except PackageNotFoundError:
        return f"{requirement}, which is not installed"
    if wanted.specifier.contains(present, prereleases=True):
        return None
    return f"{requirement}; here is {wanted.name} {present}"
