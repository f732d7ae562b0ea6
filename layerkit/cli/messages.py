"""How layerkit speaks to a person: in lines that fit, with nothing in them that a terminal would obey but colours of our own."""

from __future__ import annotations

import io
import json
import os
import sys
import traceback
from typing import Any, TextIO

import click

from layerkit.diagnostics.diagnostic import Diagnostic
from layerkit.errors import LayerkitError, SpecError
from layerkit.files import is_full
from layerkit.layout import indent, terminal_width, wrapped
from layerkit.printable import between, columns, printable, printable_lines

_SHOWN = 100
"""Most faults of a spec that a person is shown."""


def say(*lines: str) -> None:
    """Print lines for a person; what stands in them may come from anywhere, and makes no other lines."""
    for line in lines:
        for piece in _fitted(printable(line), sys.stdout):
            click.echo(piece)


def say_aside(line: str) -> None:
    """Print a line that is no part of the output, to stderr."""
    _complain(printable(line))


def say_json(value: Any) -> None:
    """Print JSON for programs, in ASCII: every console and every pipe takes that."""
    click.echo(json.dumps(value, indent=2))


def show_error(error: LayerkitError | OSError) -> None:
    """Print an error to stderr: each fault of a spec in its place, anything else as one message."""
    if isinstance(error, SpecError):
        for diagnostic in error.diagnostics[:_SHOWN]:
            _show_diagnostic(diagnostic)
        if len(error.diagnostics) > _SHOWN:
            _complain(f"and {len(error.diagnostics) - _SHOWN} more; layerkit validate --format json lists them all")
    else:
        first, *rest = printable_lines(_text(error)).split("\n")
        _complain(f"error: {first}", marked="error:", colour="red")
        for line in rest:
            _complain(line)


def show_notes(error: BaseException) -> None:
    """Print to stderr what was added to an error on its way."""
    for note in getattr(error, "__notes__", ()):
        say_aside(str(note))


def show_usage(error: click.ClickException, advice: str | None) -> None:
    """Print what click says of a command line, and what to do about it."""
    if not _is_help(error):
        guesses_badly = isinstance(error, click.NoSuchOption)  # by the dashes too
        message = printable(error.message if guesses_badly else error.format_message())
        if advice:
            message += f" {advice}" if message.endswith((".", "?", "!")) else f". {advice}"
        error = click.UsageError(message, error.ctx) if isinstance(error, click.UsageError) else click.ClickException(message)
    shown = io.StringIO()
    error.show(shown)
    for line in shown.getvalue().rstrip("\n").split("\n"):
        _complain(printable(line))


def show_traceback() -> None:
    """Print the traceback of the exception that is being handled."""
    click.echo(printable_lines(traceback.format_exc()), err=True, nl=False)


def forgiving(stream: TextIO | None) -> TextIO:
    """Return a stream that writes to ``stream`` what can be written there, and drops the rest: complaints change no outcome."""
    if stream is None:  # it was closed before the start
        return open(os.devnull, "w", encoding="utf-8")
    if not isinstance(stream, io.TextIOWrapper):  # it is no file, but something in this program
        return stream
    raw = getattr(stream.buffer, "raw", stream.buffer)
    return io.TextIOWrapper(
        io.BufferedWriter(_Forgiving(raw)), stream.encoding, errors="backslashreplace", line_buffering=True, write_through=True
    )


class _Forgiving(io.RawIOBase):
    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return bool(self._raw.isatty())

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def write(self, data: Any) -> int:
        try:
            return int(self._raw.write(data))
        except OSError:
            return len(data)


def _is_help(error: click.ClickException) -> bool:
    """Return whether this is no error but the help of a command that was called with nothing."""
    return isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ()))  # click below 8.2 has none


def _text(error: LayerkitError | OSError) -> str:
    if isinstance(error, OSError) and error.filename is None and is_full(error):
        return f"cannot write the output: {error.strerror}"  # files of our own say which one it is
    return str(error)


def _show_diagnostic(diagnostic: Diagnostic) -> None:
    first, *rest = str(diagnostic).split("\n")
    _complain(first, marked=diagnostic.place)
    if rest:
        source, caret = _excerpt(*rest)
        click.echo(f"{printable(source)}\n{click.style(caret, fg='red', bold=True)}", err=True)


def _excerpt(source: str, caret: str) -> tuple[str, str]:
    """Return a line of a spec and the line that marks a place in it, on a narrow terminal the piece around the place."""
    length = len(columns(source))
    width = terminal_width() if sys.stderr.isatty() else length
    if length <= width:
        return source, caret
    start = max(0, min(indent(caret) - width // 2, length - width))
    return between(source, start, start + width), caret[start : start + width]


def _complain(line: str, marked: str = "", colour: str | None = None) -> None:
    """Print a line to stderr, on a terminal with ``marked`` at its beginning in bold."""
    pieces = _fitted(line, sys.stderr)
    if marked and pieces[0].startswith(marked):
        pieces[0] = click.style(marked, fg=colour, bold=True) + pieces[0].removeprefix(marked)
    click.echo("\n".join(pieces), err=True)


def _fitted(line: str, stream: TextIO | None) -> list[str]:
    """Break a line between words where a terminal would break it anywhere; programs read what they read line by line."""
    return wrapped(line, terminal_width()) if stream is not None and stream.isatty() else [line]
