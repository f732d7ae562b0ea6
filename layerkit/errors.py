"""Every exception that layerkit raises on purpose, as one tree.

``LayerkitError`` carries the exit code of the command line. Its two branches answer the first question
that a reader of an error has: was it what I gave (``InputError``, 2), or did the work fail (``WorkError``, 1)?
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from layerkit.printable import printable


class LayerkitError(Exception):
    """Root of the tree.

    Parameters
    ----------
    lines
        The message; most have one line. What stands in it may come from anywhere: it is made printable, and breaks no line.
    """

    exit_code = 1

    def __init__(self, *lines: object) -> None:
        super().__init__(*lines)

    def __str__(self) -> str:
        return "\n".join(printable(" ".join(str(line).splitlines())) for line in self.args)


class InputError(LayerkitError, ValueError):
    """Something that was handed in cannot be used: a spec, data, a model file, an argument."""

    exit_code = 2


class WorkError(LayerkitError):
    """The input was fine and the work failed all the same."""


class SpecError(InputError):
    """A spec has faults.

    Attributes
    ----------
    diagnostics
        All faults that were found, in the order of the file (see `layerkit.diagnostics.diagnostic.Diagnostic`).
    """

    def __init__(self, diagnostics: Sequence[Any]) -> None:
        self.diagnostics = list(diagnostics)
        super().__init__(*(line for diagnostic in self.diagnostics for line in str(diagnostic).split("\n")))

    def __reduce__(self) -> tuple[type[SpecError], tuple[list[Any]]]:
        return type(self), (self.diagnostics,)  # what another process makes it of is no text


class ShapeError(InputError):
    """An array or a layer meets a shape that it cannot take."""


class DataError(InputError):
    """Samples cannot be trained on or predicted from.

    Attributes
    ----------
    node
        Name of the node whose layer refuses them; None where it was no layer.
    """

    node: str | None = None

    def __str__(self) -> str:
        return f"{self.node}: {super().__str__()}" if self.node else super().__str__()


class TargetError(DataError):
    """Targets do not fit the loss: wrong type or shape, out of range, or not finite."""


class ModelFileError(InputError):
    """A file of weights or a saved model is damaged, or belongs to another network."""


class RunDirectoryError(InputError):
    """A run directory cannot be made where it was asked for, or does not hold what is looked for."""


class MemoryBudgetError(InputError):
    """A network needs more memory than there is."""


class ComponentLookupError(InputError):
    """A spec names a component that the registry cannot hand out.

    Attributes
    ----------
    code
        Stable name of the kind of fault.
    suggestion
        What to write instead, where there is one.
    """

    code = "unknown_type"

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


class UnknownTypeError(ComponentLookupError):
    """No installed distribution offers the type."""


class WrongFamilyError(ComponentLookupError):
    """The type exists, and is of another family than the place takes."""

    code = "wrong_family"


class AmbiguousTypeError(ComponentLookupError):
    """Several distributions offer the type; the spec must say which one it means."""

    code = "ambiguous_type"


class RegistrationError(InputError):
    """A component or a plugin breaks the rules of registration."""


class PluginError(InputError):
    """A plugin could not be loaded, and the caller asked for that to be an error."""


class DivergedError(WorkError):
    """A loss, a parameter or a state is no longer finite."""


class ComponentError(WorkError):
    """The code of a component failed while it ran, or gave back what it may not.

    Attributes
    ----------
    component
        The component, or its class.
    method
        Which of its methods it was.
    fault
        What went wrong.
    node
        Name of the node, where it was a layer or a loss.
    epoch, step
        When it was, where it was in a training: the epoch, from 0, and the number of updates that were done.
    """

    def __init__(self, component: object, method: str, fault: str, node: str | None = None) -> None:
        super().__init__(component, method, fault, node)
        self.component = component
        self.method = method
        self.fault = fault
        self.node = node
        self.epoch: int | None = None
        self.step: int | None = None

    @classmethod
    def caused_by(cls, error: BaseException, component: object, method: str, node: str | None = None) -> ComponentError:
        """Return the error that says what ``method`` raised."""
        return cls(component, method, f"raised {described(error)}", node)

    def __str__(self) -> str:
        cls = self.component if isinstance(self.component, type) else type(self.component)
        place = f"{self.node}: " if self.node else ""
        when = f" (epoch {self.epoch}, after {self.step} steps)" if self.epoch is not None else ""
        return printable(f"{place}{cls.__name__}.{self.method} of {_origin(cls)} {self.fault}{when}")


def described(error: BaseException) -> str:
    """Return the kind of an exception and what it says, on one line; one of a third party may even fail to say it."""
    try:
        text = " ".join(str(error).split())[:500]
    except BaseException as failure:
        text = f"(it cannot be printed: {type(failure).__name__})"
    return printable(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def _origin(cls: type) -> str:
    """Return the distribution that a class comes from and its version; of a class that no plugin brought, its module."""
    from importlib.metadata import entry_points  # it takes a while to import

    package = cls.__module__.partition(".")[0]
    for point in entry_points(group="layerkit"):
        if point.module.partition(".")[0] == package and point.dist is not None:
            return f"{point.dist.name} {point.dist.version}"
    return f"the module {cls.__module__}"


class GradientError(WorkError):
    """A gradient is missing, or disagrees with the numerical one."""


class ConformanceError(WorkError, AssertionError):
    """A component breaks a promise that its family makes."""
