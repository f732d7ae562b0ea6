"""Signals that end the program: it unwinds, so that a run says how it ended and the terminal is as it was before."""

from __future__ import annotations

import signal
import time
from types import FrameType, TracebackType
from typing import Self

_WORDS = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "hung up"}
"""The signals, as far as a system has them, and what is said of a program that one of them ends."""
_ONE_REQUEST = 1.0
"""Seconds within which several signals are one request: the terminal and a program in between may both pass it on."""


class Ending:
    """Within this context the first signal raises ``KeyboardInterrupt``, and one that comes much later ends the program at once.

    Those that the program was started to ignore, as ``nohup`` does it, are ignored. Once a signal was received, the context
    stays: nothing interrupts the last words.
    """

    def __init__(self) -> None:
        self._received: signal.Signals | None = None
        self._when = 0.0
        self._before = {
            number: signal.getsignal(number)
            for number in (getattr(signal, name, None) for name in _WORDS)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN
        }

    @property
    def word(self) -> str:
        """What became of the program."""
        return _WORDS[self._number.name]

    @property
    def exit_code(self) -> int:
        """What shells say of a program that the signal has ended."""
        return 128 + self._number

    @property
    def _number(self) -> signal.Signals:
        return self._received or signal.SIGINT

    def __enter__(self) -> Self:
        for number in self._before:
            signal.signal(number, self._receive)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._received is None:
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self._received is None:
            self._received, self._when = signal.Signals(number), time.monotonic()
            raise KeyboardInterrupt
        if time.monotonic() - self._when > _ONE_REQUEST:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
