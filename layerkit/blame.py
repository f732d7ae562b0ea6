"""`Blame`: whatever the code of a component raises becomes one kind of error, which says whose code it was."""

from __future__ import annotations

from numbers import Real
from types import TracebackType

from layerkit.errors import ComponentError, LayerkitError


class Blame:
    """A context in which one method of a component runs; it may be entered again and again.

    Ctrl-C goes through, and so does what the component may raise on purpose there.

    Parameters
    ----------
    component
        Whose code it is.
    method
        Which of its methods.
    node
        Name of the node, where it is a layer or a loss.
    refusals
        What it may raise on purpose, such as `DataError` where it is given data that it cannot take.

    Raises
    ------
    ComponentError
        In the place of anything else, ``SystemExit`` included.
    """

    __slots__ = ("_allowed", "component", "method", "node")

    def __init__(
        self, component: object, method: str, node: str | None = None, refusals: tuple[type[LayerkitError], ...] = ()
    ) -> None:
        self.component = component
        self.method = method
        self.node = node
        self._allowed = (ComponentError, KeyboardInterrupt, *refusals)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if error is not None and not isinstance(error, self._allowed):
            raise ComponentError.caused_by(error, self.component, self.method, self.node) from error


def number_from(component: object, method: str, answer: object) -> float:
    """Return the number that a method of a component gave.

    Raises
    ------
    ComponentError
        If it gave something else.
    """
    if isinstance(answer, Real) and not isinstance(answer, bool):
        with Blame(component, method):
            return float(answer)
    raise ComponentError(component, method, f"returned {type(answer).__name__}, expected a number")
